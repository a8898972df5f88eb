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

"""``kill -9`` of one process in the middle of a create: once it runs again, the instance becomes
ACTIVE all the same.

The moments are found by watching the journal, not by waiting for a time.
"""

import pytest

from tests.e2e.service.running import new_password, log_line, unique
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]
#: Seconds after which another process takes over the work of a dead one; the service's default is a
#: minute.
LEASE = 10


@pytest.fixture(scope='module', autouse=True)
def short_lease(service):
    """A lease that ends soon, so that the tests do."""
    with service.taskmanager_with('taskmanager', lease_time=LEASE):
        yield


class Create:
    """A create that is under way, with a database and a user in it."""

    def __init__(self, service, word) -> None:
        self._service = service
        self._password = new_password()
        self.id = service.create(unique(word), databases=[{'name': 'app'}], users=[
            {'name': 'app', 'password': self._password, 'databases': [{'name': 'app'}]}])

    def must_succeed(self) -> dict:
        """It becomes ACTIVE, with one of everything, and serves; returns the operation."""
        service = self._service
        address = service.address(service.wait_active(self.id))
        assert service.query(address, 'app', self._password, 'SELECT DATABASE()', 'app') == ['app']
        servers = [
            server for server in service.compute('GET', '/servers/detail?all_tenants=1')['servers']
            if server['metadata'].get('trove_instance_id') == self.id
        ]
        assert len(servers) == 1
        operation = service.operation(self.id, 'instance_create')
        assert operation['state'] == 'succeeded'
        unusual = [
            f"{step['name']} {step['outcome']}" for step in operation['steps']
            if step['outcome'] != 'done'
        ]
        log_line(f'{self.id} is ACTIVE; steps that took more than one run: '
                 f'{", ".join(unusual) or "nothing"}')
        service.delete(self.id)
        return operation


@pytest.fixture
def create(service, request):
    """A create, named after its test."""
    return Create(service,
                  request.node.name.split('[')[0].removeprefix('test_').replace('_', '-')[:30])


def test_taskmanager_at_work(service, create):
    """It dies while it holds the operation: nobody else may touch that before the lease has run
    out.
    """
    with service.frozen('minicloud'):
        # Steps that need the cloud cannot end now, so that the death hits one of them.
        begun = wait_for(
            'a step in the cloud is under way', lambda: [
                name for name in service.attempts_under_way(create.id)
                if name != 'EnsureGuestIdentity'
            ], 30)
        service.kill('trove-taskmanager')
    service.start('trove-taskmanager')
    assert [step['name']
            for step in create.must_succeed()['steps']
            if step['outcome'] == 'lost'] == begun


def test_taskmanager_that_waits(service, create):
    service.wait_step(create.id, 'AgentSeen')
    service.kill('trove-taskmanager')
    service.start('trove-taskmanager')
    create.must_succeed()


def test_taskmanager_again_and_again(service, create):
    for step in ('EnsureVolume', 'ServerActive', 'Prepared'):
        service.wait_step(create.id, step)
        service.kill('trove-taskmanager')
        service.start('trove-taskmanager')
    create.must_succeed()


def test_api_after_it_has_answered(service, create):
    service.kill('trove-api')
    service.start('trove-api')
    create.must_succeed()


def test_conductor(service, create):
    service.wait_step(create.id, 'AgentSeen')
    service.kill('trove-conductor')
    service.start('trove-conductor')
    create.must_succeed()


def test_conductor_while_the_guest_reports_that_it_is_ready(service, create):
    service.wait_step(create.id, 'Prepared')
    service.kill('trove-conductor')
    service.start('trove-conductor')
    create.must_succeed()


def test_agent_that_prepares_the_database(service, holdings, create):
    service.wait_step(create.id, 'Prepared')
    server = service.server(create.id)
    before = wait_for('the agent runs', lambda: holdings.machines.agent(server), 30, interval=0.02)
    holdings.machines.run(server, 'kill', '-9', str(before))
    log_line('killed the agent')
    # systemd starts it again; it goes on with the command it has noted.
    wait_for('the agent runs again', lambda: holdings.machines.agent(server) not in (0, before), 60)
    create.must_succeed()


@pytest.mark.parametrize('step', ['EnsureGuestIdentity', 'AgentSeen', 'Prepared'])
def test_rabbitmq(service, step):
    """It dies with all connections, exchanges and queues; what is durable comes back with it."""
    create = Create(service, f'rabbitmq-{step.lower()}')
    service.wait_step(create.id, step)
    service.kill('rabbitmq')
    service.start('rabbitmq')
    create.must_succeed()


def test_minicloud(service, create):
    """The cloud's API goes away in the middle of the work; its machines run on."""
    service.wait_step(create.id, 'EnsureVolume')
    service.kill('minicloud')
    service.start('minicloud')
    create.must_succeed()
