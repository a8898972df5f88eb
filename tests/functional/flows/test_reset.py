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

"""A reset abandons the open operation of an instance, and a delete after it leaves nothing behind.
"""

import dataclasses

import pytest

from tests.functional.cloud_in_process import FLAVOR
from tests.functional.flows.test_cancel import assert_whole, run_to
from tests.functional.flows.test_crashes import BEGIN
from tests.functional.world import LEASE, NOTHING, ONE_INSTANCE
from trove.db import backups, instances, operations, session
from trove.taskmanager import flows

CREATE = flows.registry()['instance_create']
#: Steps between which a reset and a delete may come.
MOMENTS = ['before', 'after']


class Interrupted:
    """Step with a hook that runs during its first run."""

    def __init__(self, step, moment, happens):
        self._step = step
        self._moment = moment
        self._happens = happens
        self.seen = False

    def __getattr__(self, name):
        return getattr(self._step, name)

    def run(self, work):
        first, self.seen = not self.seen, True
        if first and self._moment == 'before':
            self._happens()
        answer = self._step.run(work)
        if first and self._moment == 'after':
            self._happens()
        return answer


def interrupted_runner(world, kind, step_name, moment, happens):
    flow = world.flows[kind]
    steps = tuple(
        Interrupted(step, moment, happens) if step.name == step_name else step
        for step in flow.steps)
    return world.new_runner({**world.flows, kind: dataclasses.replace(flow, steps=steps)})


def assert_gone(world, instance_id):
    assert world.status(instance_id) == '404', world.journal()
    assert world.holds() == NOTHING
    assert set(world.usage().values()) == {0}


@pytest.mark.parametrize('moment', MOMENTS)
@pytest.mark.parametrize('step', CREATE.step_names)
def test_a_create_that_is_reset_while_a_step_runs_is_deleted_whole(world, step, moment):
    """The hardest place: the runner is in a call to the cloud and continues after the delete
    request.
    """
    instance_id = world.create(access={'is_public': True}, locality='affinity')

    def reset_and_delete():
        world.reset(instance_id)
        world.delete(instance_id)
        # Another task manager is idle and would start at once.
        world.tick(world.new_runner())

    world.settle(
        runner=interrupted_runner(world, 'instance_create', step, moment, reset_and_delete))
    assert {row.kind: row.state for row in world.operations(instance_id)} == {
        'instance_create': 'cancelled', 'instance_delete': 'succeeded'}
    assert_gone(world, instance_id)


@pytest.mark.parametrize('step', CREATE.step_names)
def test_a_create_that_is_reset_between_its_steps_is_deleted_whole(world, step):
    instance_id = world.create(access={'is_public': True}, locality='affinity')
    position = CREATE.step_names.index(step)
    world.run(lambda: world.operations(instance_id)[0].position >= position)
    given_up = world.reset(instance_id)
    closed = session.read(operations.get, given_up) if given_up else None
    if closed is not None:
        assert (closed.state, closed.error_code, closed.secrets) == ('cancelled', 'reset', None)
    world.delete(instance_id)
    world.settle()
    assert_gone(world, instance_id)


def test_an_abandoned_operation_writes_nothing_more(world):
    instance_id = world.create()
    runner = interrupted_runner(world, 'instance_create', 'EnsureVolume', 'after',
                                lambda: world.reset(instance_id))
    world.settle(runner=runner)
    row, operation = world.row(instance_id), world.operations(instance_id)[0]
    assert (operation.state, operation.owner) == ('cancelled', None)
    assert row.volume_id is None, 'the step was not recorded'
    assert (row.error_code, row.service_status) == (None, 'unknown')
    for _ in range(10):
        world.tick()
        world.clock.advance(5)
    assert [row.kind for row in world.operations(instance_id)] == ['instance_create']


def test_the_next_operation_waits_for_a_task_manager_that_does_not_notice(world):
    """The runner hangs in a call until its lease expires; only then the delete starts."""
    instance_id = world.create()
    world.run(lambda: world.holds().get('volume'))
    operation = world.operations(instance_id)[0]
    world.clock.advance(5)
    assert session.write(operations.take, operation.id, 'hanging', world.clock(), LEASE) is not None
    world.reset(instance_id)
    delete = world.delete(instance_id)
    for _ in range(5):
        world.tick()
    assert session.read(operations.get, delete).claim == 0
    world.clock.advance(LEASE + 1)
    world.settle()
    assert_gone(world, instance_id)


def test_a_stuck_delete_is_reset_and_repeated(world):
    instance_id = world.create()
    world.settle()
    fault = world.cloud.faults.request('volume', 'DELETE', '/volumes/', status=400, times=100000)
    first = world.delete(instance_id)
    world.run(lambda: fault.seen >= 3)
    assert world.reset(instance_id) == first
    assert world.status(instance_id) != 'SHUTDOWN' or world.row(instance_id).server_status is None
    world.cloud.faults.clear()
    assert world.delete(instance_id) != first
    world.settle()
    assert_gone(world, instance_id)


def test_a_delete_that_waits_for_a_cancelled_create_is_forgotten_with_it(world):
    instance_id = world.create()
    world.run(lambda: world.holds().get('volume'))
    world.delete(instance_id)
    world.reset(instance_id)
    assert [row.state for row in world.operations(instance_id)] == ['cancelled']
    world.delete(instance_id)
    world.settle()
    assert_gone(world, instance_id)


def test_an_idle_instance_is_reset_and_recovers_by_its_next_report(world):
    instance_id = world.create()
    world.settle()
    with session.writer() as connection:
        instances.change(connection, instance_id, world.clock(), error_code='step_failed')
    assert world.status(instance_id) == 'ERROR'
    assert world.reset(instance_id) is None
    row = world.row(instance_id)
    assert (world.status(instance_id), row.service_status,
            row.service_status_updated) == ('ACTIVE', 'unknown', None)
    world.clock.advance(60)
    world.tick()
    assert world.row(instance_id).service_status == 'healthy'
    assert world.holds() == ONE_INSTANCE
    assert world.events(instance_id)[-1] == 'instance.reset'


@pytest.mark.parametrize(
    ('kind', 'online', 'step'),
    [(kind, online, step)
     for kind, online in (('instance_resize_flavor', True), ('instance_migrate', True),
                          ('instance_resize_volume', True), ('instance_resize_volume', False))
     for step in flows.registry()[kind].step_names])
def test_what_a_reset_leaves_is_put_in_order_by_a_start(world, conf, kind, online, step):
    conf.set_override('online_volume_resize', online)
    instance_id = world.create(databases=[{'name': 'shop', 'character_set': None, 'collate': None}])
    world.settle()
    BEGIN[kind](world, instance_id)
    run_to(world, instance_id, step)
    world.tick()
    world.reset(instance_id)
    for _look in range(20):
        world.tick()
        world.clock.advance(1)
    world.start(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    row, server = world.row(instance_id), world.cloud.all('server')[0]
    assert (server['vm_state'], server['flavor']['id'], row.flavor_id) == ('active', FLAVOR,
                                                                           FLAVOR), world.journal()
    assert_whole(world, instance_id)


def test_running_backups_fail_with_a_reset(world):
    instance_id = world.create()
    world.settle()
    with session.writer() as connection:
        for backup_id, state in (('running', 'BUILDING'), ('complete', 'COMPLETED')):
            connection.execute(backups.BACKUPS.insert().values(
                id=backup_id, name=backup_id, instance_id=instance_id, tenant_id='demo',
                state=state, created=world.clock(), updated=world.clock()))
    assert world.status(instance_id) == 'BACKUP'
    world.reset(instance_id)
    assert session.read(backups.get, 'running').state == 'FAILED'
    assert session.read(backups.get, 'complete').state == 'COMPLETED'
    assert world.status(instance_id) == 'ACTIVE'
