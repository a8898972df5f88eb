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
"""RPC client of the task manager."""

from typing import Any

from oslo_log import log as logging

from trove.common.rpc import transport

LOG = logging.getLogger(__name__)


class TaskManagerAPI:
    """Client that wakes the task manager; the operation itself is a row of the journal.

    :param topic: ``taskmanager_queue``.
    """

    def __init__(self, bus: transport.Bus, topic: str = 'taskmanager') -> None:
        self._bus = bus
        self._topic = topic

    def wake(self, operation_id: str) -> None:
        """Cast that an operation is due.

        A failure is only logged: the next sweep of the task manager finds the operation.
        """
        try:
            self._cast('wake', operation_id=operation_id)
        except transport.BusError as failure:
            LOG.warning('Operation %s: cannot wake the task manager, its next sweep finds the '
                        'operation: %s', operation_id, failure)

    def _cast(self, method: str, **arguments: Any) -> None:
        self._bus.cast(self._topic, None, method, arguments)
