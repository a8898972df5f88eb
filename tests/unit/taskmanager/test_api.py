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

from trove.common.rpc import transport
from trove.taskmanager import api


class Bus:
    def __init__(self, failing=False):
        self.sent, self._failing = [], failing

    def cast(self, *message):
        if self._failing:
            raise transport.BusError('gone')
        self.sent.append(message)


def test_wake_names_the_operation_only():
    bus = Bus()
    api.TaskManagerAPI(bus, 'tm').wake('op-1')
    assert bus.sent == [('tm', None, 'wake', {'operation_id': 'op-1'})]


def test_failed_wake_is_only_logged(caplog):
    api.TaskManagerAPI(Bus(failing=True)).wake('op-1')
    assert 'op-1' in caplog.text
