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

"""Settings that keep the resident memory of a process small."""

import abc
import ctypes
import sys
import types
from typing import Any

_M_ARENA_MAX = -8
_ARENAS = 2


class ServiceBase(metaclass=abc.ABCMeta):
    """Stand-in for ``oslo_service.service.ServiceBase``, the base of oslo.messaging's server."""

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
    """Replace oslo.service by a stand-in and disable eventlet in a process with native threads.

    oslo.messaging imports oslo.service for one empty base class. oslo.service imports eventlet, its
    DNS library and OpenSSL bindings: 6 to 12 MB that never run. Call this before any oslo import.
    """
    package: Any = types.ModuleType('oslo_service')
    service: Any = types.ModuleType('oslo_service.service')
    service.ServiceBase = ServiceBase
    package.service = service
    # None makes an import fail; all libraries that try eventlet handle that.
    stand_ins: dict[str, Any] = {
        'oslo_service': package,
        'oslo_service.service': service,
        'eventlet': None
    }
    for name, module in stand_ins.items():
        sys.modules.setdefault(name, module)


def limit_malloc_arenas() -> None:
    """Limit glibc malloc to two arenas: each arena keeps the most its threads ever needed."""
    ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
