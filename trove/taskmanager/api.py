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

"""The door to the task manager: a bell. What is to be done stands in the journal."""

from oslo_log import log as logging

from trove.common.rpc import transport

LOG = logging.getLogger(__name__)


class TaskManagerAPI:
    """:param topic: ``taskmanager_queue``."""

    def __init__(self, bus: transport.Bus, topic: str = 'taskmanager') -> None:
        self._bus = bus
        self._topic = topic

    def wake(self, operation_id: str) -> None:
        """Say that an operation is due. A bell that nobody hears costs one sweep interval, so it is only logged."""
        try:
            self._bus.cast(self._topic, None, 'wake', {'operation_id': operation_id})
        except transport.BusError as failure:
            LOG.warning(
                'Operation %s: the task manager was not woken and finds it at its next sweep: %s',
                operation_id, failure)
