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

"""Migrations of servers to another host, offline and live."""

import pytest

from tests.functional.flows.test_crashes import Killed, doomed_runner, succeed
from tests.functional.world import ONE_INSTANCE
from trove.common import exception, states
from trove.instance import models
from trove.taskmanager import flows

STEPS = flows.registry()['instance_migrate'].step_names
HERE, THERE = 'minicloud', 'minicloud-2'


@pytest.fixture
def instance_id(world):
    made = world.create(databases=[{'name': 'shop', 'character_set': None, 'collate': None}])
    world.settle()
    return made


def assert_whole(world, instance_id, host):
    world.clock.advance(40)
    world.tick()
    world.tick()
    server = world.cloud.all('server')[0]
    assert (server['host'], server['vm_state'], server['task_state']) == (host, 'active',
                                                                          None), world.journal()
    operating = states.operating(models.facts_of(world.row(instance_id)), world.clock(),
                                 world.conf.agent_heartbeat_expiry)
    assert (world.status(instance_id), operating) == ('ACTIVE', 'HEALTHY'), world.journal()
    data = world.machines.volumes[world.row(instance_id).volume_id]
    assert data.initialised == 1 and set(data.databases) == {'shop'}
    assert world.guest(instance_id).machine.unit('memory').on, 'it starts with its machine'
    assert world.holds() == ONE_INSTANCE


def serve_only_here(world, instance_id):
    """Let the engine start on the current host only."""
    unit = world.guest(instance_id).machine.unit('memory')
    start = unit.start

    def choosy(timeout):
        unit.refuses = 'not here' if world.cloud.all('server')[0]['host'] == THERE else ''
        start(timeout)

    unit.start = choosy


@pytest.mark.parametrize('live', [False, True])
def test_there_and_back(world, instance_id, live):
    starts = world.guest(instance_id).machine.unit('memory').starts
    for host, there in ((None, THERE), (HERE, HERE)):
        world.migrate(instance_id, host, live=live)
        world.settle()
        assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
        assert_whole(world, instance_id, there)
    assert (world.guest(instance_id).machine.unit('memory').starts == starts
            ) is live, 'live: it was never stopped'


@pytest.mark.parametrize('live', [False, True])
def test_a_host_that_nova_does_not_know(world, instance_id, live):
    world.migrate(instance_id, 'nowhere', live=live)
    world.settle()
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.error_code) == ('failed', 'server_migrate_failed')
    assert world.row(instance_id).fault_message == operation.error_text
    assert_whole(world, instance_id, HERE)


def test_a_live_move_that_nova_gives_up(world, instance_id):
    world.migrate(instance_id, HERE, live=True)
    world.settle()
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.error_code) == ('failed', 'server_migrate_failed')
    assert_whole(world, instance_id, HERE)


def test_a_move_that_nova_gives_up(world, instance_id):
    world.migrate(instance_id)
    world.run(lambda: world.cloud.all('server')[0]['task_state'] == 'resize_prep')
    with world.cloud._state.transaction() as tx:
        tx.update('server', tx.list('server')[0]['id'], task_state=None)
    world.settle()
    assert world.operations(instance_id)[-1].error_code == 'server_migrate_failed', world.journal()
    assert_whole(world, instance_id, HERE)


def test_an_engine_that_does_not_start_there_leads_back(world, instance_id):
    serve_only_here(world, instance_id)
    world.migrate(instance_id)
    world.settle()
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.error_code) == ('failed',
                                                       'guest_restart_failed'), world.journal()
    assert_whole(world, instance_id, HERE)


@pytest.mark.parametrize('nth', [1, 2])
@pytest.mark.parametrize('mode', ['before', 'after'])
@pytest.mark.parametrize('live', [False, True])
def test_a_lost_response_of_nova_only_delays(world, instance_id, mode, nth, live):
    world.cloud.faults.request('compute', 'POST', '/action$', mode=mode, nth=nth)
    world.migrate(instance_id, live=live)
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert_whole(world, instance_id, THERE)


@pytest.mark.parametrize('live', [False, True])
def test_not_while_it_is_stopped(world, instance_id, live):
    world.cloud.set('server', world.row(instance_id).compute_instance_id, vm_state='stopped')
    world.migrate(instance_id, live=live)
    world.settle()
    assert world.operations(instance_id)[-1].error_code == 'server_migrate_failed'


def test_not_while_something_else_is_done(world, instance_id):
    world.restart(instance_id)
    with pytest.raises(exception.Unprocessable):
        world.migrate(instance_id)


@pytest.mark.parametrize('moment', ['before', 'after'])
@pytest.mark.parametrize('step', STEPS[1:4])
def test_a_successor_reverts_it(world, instance_id, step, moment):
    serve_only_here(world, instance_id)
    world.migrate(instance_id)
    with pytest.raises(Killed):
        world.settle(runner=doomed_runner(world, 'instance_migrate', step, moment, 'undo'))
    succeed(world)
    assert world.operations(instance_id)[-1].error_code == 'guest_restart_failed', world.journal()
    assert_whole(world, instance_id, HERE)
