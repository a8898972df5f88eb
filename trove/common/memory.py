# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Keep what our processes hold small: the agent shares its machine with the database, the services with each other."""

import abc
import ctypes
import sys
import types
from typing import Any

_M_ARENA_MAX = -8
_ARENAS = 2


class ServiceBase(metaclass=abc.ABCMeta):
    """What oslo.messaging's server wants to inherit from; our processes have a service base of their own."""

    @abc.abstractmethod
    def start(self) -> None:
        """Start service."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Stop service."""

    @abc.abstractmethod
    def wait(self) -> None:
        """Wait for service to complete."""

    @abc.abstractmethod
    def reset(self) -> None:
        """Reset service."""


def without_eventlet() -> None:
    """Stand in for oslo.service and refuse eventlet, in a process that works with native threads.

    Importing oslo.messaging brings in oslo.service (for one empty base class), and with that eventlet, its DNS library
    and OpenSSL bindings: 6 to 12 MB that never run. Must be called before anything of oslo is imported.
    """
    package: Any = types.ModuleType('oslo_service')
    service: Any = types.ModuleType('oslo_service.service')
    service.ServiceBase = ServiceBase
    package.service = service
    # None makes an import fail; all who try eventlet are prepared for that.
    stand_ins: dict[str, Any] = {
        'oslo_service': package,
        'oslo_service.service': service,
        'eventlet': None
    }
    for name, module in stand_ins.items():
        sys.modules.setdefault(name, module)


def few_arenas() -> None:
    """Keep malloc from making an arena per thread; each holds on to what its thread once needed."""
    ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
