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

"""What the HTTP edge sends through: the bell of the task manager and the doors to guests; and the keys for both.

One :class:`Doors` serves a process. It opens its connections when they are first used, so it survives a fork.
"""

import threading
from typing import Any, Protocol

from oslo_config import cfg
from trove.db.session import Row

from trove.common.rpc import keys, transport
from trove.guestagent import api as guest_api
from trove.operation import bell
from trove.taskmanager import api as taskmanager_api

CONF = cfg.CONF

new_instance_key = keys.new_instance_key


class Doors(Protocol):
    """What the models need; functional tests bring their own with buses in memory."""

    keys: keys.KeyRing

    def wake(self, operation_id: str) -> None:
        """Ring the task manager's bell."""

    def guest(self, row: Row) -> guest_api.GuestAPI:
        """The door to the guest of an instance."""


class BusDoors:
    """Doors over buses.

    :param control: gives the control bus.
    :param guests: gives the guest bus.
    """

    def __init__(self, ring: keys.KeyRing, control: Any, guests: Any) -> None:
        self.keys = ring
        self._control = control
        self._guests = guests

    def wake(self, operation_id: str) -> None:
        taskmanager_api.TaskManagerAPI(self._control(), CONF.taskmanager_queue).wake(operation_id)

    def guest(self, row: Row) -> guest_api.GuestAPI:
        key = self.keys.open(row.id, row.encrypted_key)
        return guest_api.GuestAPI(self._guests(), row.id, key)


_lock = threading.Lock()
_current: Doors | None = None


def current() -> Doors:
    """The doors of this process.

    :raises trove.common.rpc.keys.KeyConfigurationError: no usable key-encryption secret is configured.
    """
    global _current
    with _lock:
        if _current is None:
            _current = BusDoors(keys.KeyRing.from_conf(CONF), lambda: transport.control_bus(CONF),
                                lambda: transport.guest_bus(CONF))
        return _current


def install(doors: Doors | None) -> None:
    """Use these doors from now on; None: make new ones when next asked."""
    global _current
    with _lock:
        _current = doors


# Resources below instances have no doors of their own.
bell.install(lambda operation_id: current().wake(operation_id))
