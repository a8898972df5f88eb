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
"""RPC client of the conductor, used by guests."""

from trove.common.rpc import channel
from trove.common.rpc import messages
from trove.common.rpc import topology
from trove.common.rpc import transport


class ConductorAPI:
    """Client that sends the reports of one guest.

    All methods raise :class:`trove.common.rpc.transport.BusError` when the broker refuses the
    report. The caller then sends a new report with the state of that time instead of repeating the
    old one.

    :param topic: ``conductor_queue``.
    """

    def __init__(self, bus: transport.Bus, guest: channel.GuestChannel,
                 topic: str = 'trove-conductor') -> None:
        self._bus = bus
        self._guest = guest
        self._topic = topic

    def heartbeat(self, message: messages.Heartbeat) -> None:
        """Report the state of the guest."""
        self._cast(message)

    def command_result(self, message: messages.CommandResult) -> None:
        """Report the outcome of a command."""
        self._cast(message)

    def update_backup(self, message: messages.UpdateBackup) -> None:
        """Report the progress of a backup."""
        self._cast(message)

    def _cast(self, message: messages.Message) -> None:
        wire = self._guest.seal(message.KIND, message.to_wire())
        self._bus.cast(self._topic, topology.out_exchange(self._guest.instance_id), 'deliver',
                       {'envelope': wire})
