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
"""RPC clients of the API process, for the models: the task manager's, the guests', and the keys.

An entry point calls :func:`setup` once; importing the module has no effect. Clients open their
connections when they are first used, so they may be set up before a fork.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

from trove.common.rpc.keys import KeyRing
from trove.common.rpc.messages import Command


class TaskManagerClient(Protocol):
    """Client of the task manager, as :class:`trove.taskmanager.api.TaskManagerAPI`."""

    def wake(self, operation_id: str) -> None:
        """Cast that an operation is due; a failure is only logged."""


class GuestClient(Protocol):
    """Client of one guest, as :class:`trove.guestagent.api.GuestAPI`."""

    def cast(self, message: Command) -> None:
        """Send a command; its result comes through the conductor."""

    def call(self, message: Command, timeout: float) -> dict[str, Any]:
        """Send a command and return its result."""


class InstanceRow(Protocol):
    """Columns of an instance row that address its guest."""

    @property
    def id(self) -> str:
        """Return the id of the instance."""

    @property
    def encrypted_key(self) -> str | None:
        """Return the sealed instance key."""


@dataclasses.dataclass(frozen=True)
class Clients:
    """RPC clients of a process.

    :ivar keys: opens and seals instance keys and module contents.
    :ivar taskmanager: returns the client of the task manager.
    :ivar guest: returns the client of the guest of an instance row.
    """

    keys: KeyRing
    taskmanager: Callable[[], TaskManagerClient]
    guest: Callable[[Any], GuestClient]


_clients: Clients | None = None


def setup(clients: Clients | None) -> None:
    """Use these clients in this process; None removes them."""
    global _clients
    _clients = clients


def wake_taskmanager(operation_id: str) -> None:
    """Wake the task manager for an operation; else its next sweep finds the operation."""
    _current().taskmanager().wake(operation_id)


def guest(row: InstanceRow) -> GuestClient:
    """Return the client of an instance's guest."""
    return _current().guest(row)


def key_ring() -> KeyRing:
    """Return the key ring of this process."""
    return _current().keys


def _current() -> Clients:
    if _clients is None:
        raise RuntimeError('RPC clients are not set up: the entry point calls clients.setup()')
    return _clients
