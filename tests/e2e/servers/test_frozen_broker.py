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

"""A broker that is frozen costs requests a second at most, and has their calls when it is back."""

import os
import signal
import time

import pytest

from tests.e2e import guest_bus
from trove.cmd import rpc_clients
from trove.common.rpc import clients, transport

pytestmark = pytest.mark.e2e


class TaskManager:
    """RPC endpoint that collects wake-up calls."""

    def __init__(self):
        self.woken = []

    def wake(self, context, operation_id):
        self.woken.append(operation_id)


def seconds_of(operation_id):
    begun = time.monotonic()
    clients.wake_taskmanager(operation_id)
    return time.monotonic() - begun


def test_a_frozen_broker_does_not_hold_up_requests(plane):
    endpoint = TaskManager()
    server = transport.control_bus(plane.conf).server(plane.conf.taskmanager_queue, 'here',
                                                      [endpoint])
    server.start()
    rpc_clients.setup(plane.conf)
    try:
        clients.wake_taskmanager('first')
        guest_bus.eventually(lambda: endpoint.woken == ['first'])
        os.killpg(plane.rabbit.process_group, signal.SIGSTOP)
        try:
            taken = [seconds_of(f'frozen {number}') for number in range(20)]
        finally:
            os.killpg(plane.rabbit.process_group, signal.SIGCONT)
        assert max(taken) < 1.5 and sum(taken) < 3, taken
        guest_bus.eventually(lambda: 'frozen 19' in endpoint.woken, 60)
    finally:
        clients.setup(None)
        server.stop()
        server.wait()
