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

"""Cancelled and reset operations leave nothing behind and lose nothing."""

import pytest

from tests.functional.flows.test_crashes import (BEGIN, DATABASES, MORE, Killed, doomed_runner,
                                                 succeed)
from tests.functional.world import NOTHING, ONE_INSTANCE
from trove.common import states
from trove.db import operations, session
from trove.taskmanager import flows

FLOWS = flows.registry()
#: Cancellable kinds of one instance but the create, which makes the instance itself.
KINDS = sorted(states.CANCELLABLE - {'instance_create'})
PLACES = [(kind, step) for kind in KINDS for step in FLOWS[kind].step_names]


@pytest.fixture
def instance_id(world):
    made = world.create(databases=DATABASES)
    world.settle()
    return made


def cancel(world, instance_id):
    """Cancel the open operation, as a POST of ``cancel`` does."""
    row = session.read(operations.open_of, 'instance', instance_id)
    return row is not None and session.write(
        lambda connection: operations.cancel(connection, row.id, world.clock()))


def run_to(world, instance_id, step):
    def is_there():
        row = world.operations(instance_id)[-1]
        return row.active is None or row.position >= FLOWS[row.kind].step_names.index(
            step) and row.steps != '[]'
    world.run(is_there, seconds=900)


def assert_whole(world, instance_id, **more):
    world.clock.advance(40)
    world.tick()
    world.tick()
    row = world.row(instance_id)
    assert (world.status(instance_id), row.service_status) == ('ACTIVE', 'healthy'), world.journal()
    data = world.machines.volumes[row.volume_id]
    assert data.initialised == 1 and set(data.databases) == {'shop'}
    assert world.machines.torn == [] and world.holds() == {**ONE_INSTANCE, **more}
    assert world.usage() == {
        'instances': 1,
        'ram': row.ram,
        'volumes': row.volume_size,
        'backups': 0
    }


def test_flows_and_api_agree_on_what_can_be_cancelled():
    assert {kind for kind, flow in FLOWS.items() if flow.cancellable} == states.CANCELLABLE
    assert all(FLOWS[kind].undoable for kind in states.CANCELLABLE)


@pytest.mark.parametrize(('kind', 'step'), PLACES)
def test_finished_steps_are_reverted(world, instance_id, kind, step):
    before = world.row(instance_id)
    BEGIN[kind](world, instance_id)
    run_to(world, instance_id, step)
    was_open = cancel(world, instance_id)
    assert not was_open or world.status(instance_id) != 'SHUTDOWN', 'it is not going away'
    world.settle()
    operation = world.operations(instance_id)[-1]
    if not was_open or operation.state == 'succeeded':
        # The cancel came too late.
        assert operation.state == 'succeeded'
        assert_whole(world, instance_id, **MORE.get(kind, {}))
        return
    assert (operation.state, operation.error_code) == ('cancelled',
                                                       'cancelled_by_request'), world.journal()
    assert not operation.cancel_wanted
    after = world.row(instance_id)
    assert (after.flavor_id, after.image_id, after.datastore_version_id, after.access,
            after.fault_message) == (before.flavor_id, before.image_id, before.datastore_version_id,
                                     before.access, None)
    assert after.desired_version_id is None
    assert_whole(world, instance_id)
    words = world.events(instance_id)
    assert words[-1] == f'{kind}.cancelled' and f'{kind}.cancelling' in words


@pytest.mark.parametrize('step', FLOWS['instance_create'].step_names[1:])
def test_a_create_that_is_cancelled_leaves_only_its_row(world, step):
    instance_id = world.create()
    run_to(world, instance_id, step)
    if not cancel(world, instance_id):
        return
    world.settle()
    assert (world.status(instance_id),
            world.row(instance_id).error_code) == ('ERROR', 'cancelled_by_request')
    assert world.holds() == NOTHING
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404' and set(world.usage().values()) == {0}


def test_before_it_has_begun(world, instance_id):
    world.resize_flavor(instance_id, 'f-large')
    assert cancel(world, instance_id)
    world.settle()
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.started) == ('cancelled', None)
    assert session.read(operations.steps_of, operation.id) == []
    assert_whole(world, instance_id)


def test_a_guest_that_is_busy_for_long_reverts_in_the_end(world, instance_id):
    """The guest shuts a large database down; only then it can receive the command to start."""
    guest = world.guest(instance_id)
    work, guest.step = guest.step, lambda: guest.agent.tick()
    world.upgrade(instance_id)
    run_to(world, instance_id, 'DataHandedOver')
    world.run(lambda: guest.waiting)
    cancel(world, instance_id)
    until = world.seconds() + 400
    world.run(lambda: world.seconds() > until, seconds=500)
    guest.step = work
    world.settle()
    assert world.operations(instance_id)[-1].state == 'cancelled', world.journal()
    assert 'instance_upgrade.undo_failed' not in world.events(instance_id)
    assert_whole(world, instance_id)


def test_a_delete_does_not_wait_for_the_revert(world, instance_id):
    world.upgrade(instance_id)
    run_to(world, instance_id, 'ServerRebuilt')
    cancel(world, instance_id)
    world.tick()
    world.delete(instance_id)
    assert world.status(instance_id) == 'SHUTDOWN'
    world.settle()
    assert world.status(instance_id) == '404' and world.holds() == NOTHING


def test_twice_is_once(world, instance_id):
    world.resize_flavor(instance_id, 'f-large')
    run_to(world, instance_id, 'ServerResized')
    assert cancel(world, instance_id) and cancel(world, instance_id)
    world.tick()
    assert not cancel(world, instance_id), 'it is on its way back'
    world.settle()
    assert_whole(world, instance_id)


@pytest.mark.parametrize('moment', ['before', 'after', 'recorded'])
def test_a_successor_reverts(world, instance_id, moment):
    world.resize_flavor(instance_id, 'f-large')
    run_to(world, instance_id, 'ServerResized')
    cancel(world, instance_id)
    with pytest.raises(Killed):
        world.settle(runner=doomed_runner(world, 'instance_resize_flavor', 'EngineStopped', moment,
                                          'run' if moment == 'recorded' else 'undo'))
    succeed(world)
    assert world.operations(instance_id)[-1].state == 'cancelled', world.journal()
    assert_whole(world, instance_id)


# --- reset, and delete after a reset ------------------------------------------------------------


@pytest.mark.parametrize(('kind', 'step'), [(kind, step)
                                            for kind in sorted(BEGIN) if kind != 'instance_delete'
                                            for step in FLOWS[kind].step_names])
def test_a_reset_is_always_possible_and_a_forced_delete_leaks_nothing(world, instance_id, kind,
                                                                      step):
    BEGIN[kind](world, instance_id)
    run_to(world, instance_id, step)
    world.reset(instance_id)
    assert session.read(operations.open_of, 'instance', instance_id) is None
    assert world.row(instance_id).desired_version_id is None
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404' and world.holds() == NOTHING, world.holds()
    assert set(world.usage().values()) == {0}


@pytest.mark.parametrize('step', FLOWS['instance_create'].step_names)
def test_a_reset_create_that_is_deleted_leaks_nothing(world, step):
    instance_id = world.create()
    run_to(world, instance_id, step)
    world.reset(instance_id)
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404' and world.holds() == NOTHING, world.holds()
    assert set(world.usage().values()) == {0}
