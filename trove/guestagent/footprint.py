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

"""Keep the agent small: it shares its machine's memory with the database.

oslo.messaging is used with native threads, but importing it brings in oslo.service (for one empty base class), and
with that eventlet, its DNS library and OpenSSL bindings: 12 MB of 56 that never run. :func:`shrink` must be called
before anything of oslo is imported; it belongs to the agent's process alone.
"""

import abc
import sys
import types
from typing import Any

from trove.common import memory


class ServiceBase(metaclass=abc.ABCMeta):
    """What oslo.messaging's server wants to inherit from; the agent's process has a service base of its own."""

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


def shrink() -> None:
    """Stand in for oslo.service, refuse eventlet, and keep malloc from making an arena per thread."""
    package: Any = types.ModuleType('oslo_service')
    service: Any = types.ModuleType('oslo_service.service')
    service.ServiceBase = ServiceBase
    package.service = service
    # None makes an import fail; all who try eventlet are prepared for that.
    stand_ins: dict[str, Any] = {'oslo_service': package, 'oslo_service.service': service, 'eventlet': None}
    for name, module in stand_ins.items():
        sys.modules.setdefault(name, module)
    memory.few_arenas()
