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

"""Rebuild and upgrade: the state that must survive, and every failure."""

import pytest

from tests.functional.flows.test_crashes import Killed, doomed_runner, succeed
from tests.functional.world import NEXT_VERSION_ID, NOTHING, ONE_INSTANCE, VERSION_ID
from trove.common import exception, states
from trove.datastore import versions
from trove.db import datastores, instances, session
from trove.instance import models
from trove.instance.actions import image as image_actions
from trove.taskmanager import flows

STEPS = flows.registry()['instance_upgrade'].step_names
USERS = [{'name': 'app', 'password': 'Canary-5ecret', 'host': '%', 'databases': [{'name': 'shop'}]}]


@pytest.fixture
def instance_id(world):
    made = world.create(databases=[{
        'name': 'shop',
        'character_set': None,
        'collate': None
    }], users=USERS)
    world.settle()
    return made


def image(world, name):
    return world.cloud.named('image', name)['id']


def data_of(world, instance_id):
    return world.machines.volumes[world.row(instance_id).volume_id]


def operating(world, instance_id):
    return states.operating(models.facts_of(world.row(instance_id)), world.clock(),
                            world.conf.agent_heartbeat_expiry)


def assert_whole(world, instance_id, image_name, *, was_torn=False):
    world.clock.advance(40)
    world.tick()
    world.tick()
    row = world.row(instance_id)
    assert (world.status(instance_id), operating(
        world, instance_id)) == ('ACTIVE', 'HEALTHY'), world.journal()
    assert row.image_id == image(world, image_name) == world.cloud.all('server')[0]['image_id']
    assert row.desired_version_id is None
    data = data_of(world, instance_id)
    assert data.initialised == 1 and set(data.databases) == {'shop'} and set(
        data.users) == {('app', '%')}
    assert bool(world.machines.torn) is was_torn
    assert world.holds() == ONE_INSTANCE


def base_file(world, instance_id):
    return open(world.guest(instance_id).machine.path('/etc/memory/70-base.cnf')).read()


# --- rebuild
# ---------------------------------------------------------------------------------------

def test_a_rebuild_keeps_everything_but_the_root_disk(world, instance_id):
    before, configuration = world.row(instance_id), base_file(world, instance_id)
    root = world.guest(instance_id).machine.root
    world.rebuild(instance_id)
    assert world.status(instance_id) == 'BUILD'
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    after = world.row(instance_id)
    assert (after.compute_instance_id, after.volume_id) == (before.compute_instance_id,
                                                            before.volume_id)
    assert after.boot_epoch == before.boot_epoch + 1 and after.boot_id.startswith(
        f'{after.boot_epoch:08d}.')
    assert world.guest(instance_id).machine.root != root
    assert base_file(world, instance_id) == configuration
    assert_whole(world, instance_id, 'guest')
    world.delete(instance_id)
    world.settle()
    assert world.holds() == NOTHING and set(world.usage().values()) == {0}


def test_a_second_rebuild_is_not_taken_for_the_first(world, instance_id):
    for number in (1, 2):
        world.rebuild(instance_id)
        world.settle()
        assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
        assert sum(world.machines.rebuilds.values()) == number
    assert_whole(world, instance_id, 'guest')


def test_a_rebuild_does_not_wait_for_a_guest_that_is_gone(world, instance_id):
    world.guest(instance_id).kill()
    world.clock.advance(world.conf.agent_heartbeat_expiry + 1)
    world.rebuild(instance_id, 'guest-2')
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert_whole(world, instance_id, 'guest-2', was_torn=True)


def test_a_rebuild_of_a_guest_that_does_not_let_go(world, instance_id):
    unit = world.guest(instance_id).machine.unit('memory')
    unit.stop = lambda timeout: (_ for _ in ()).throw(OSError('busy'))
    world.rebuild(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert_whole(world, instance_id, 'guest', was_torn=True)


def test_a_rebuild_brings_back_a_server_that_nova_gave_up(world, instance_id):
    world.cloud.set('server', world.row(instance_id).compute_instance_id, vm_state='error')
    world.rebuild(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert_whole(world, instance_id, 'guest')


def test_a_rebuild_starts_a_server_that_was_off(world, instance_id):
    server_id = world.row(instance_id).compute_instance_id
    world.cloud.set('server', server_id, vm_state='stopped')
    world.machines.stop_server(server_id)
    world.clock.advance(world.conf.agent_heartbeat_expiry + 1)
    world.rebuild(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert_whole(world, instance_id, 'guest', was_torn=True)


def test_a_volume_without_data_is_left_alone(world, instance_id):
    """Another volume is in its place: no file system is made on it."""
    world.guest(instance_id).kill()
    world.clock.advance(world.conf.agent_heartbeat_expiry + 1)
    kept = world.machines.volumes[world.row(instance_id).volume_id]
    world.machines.volumes[world.row(instance_id).volume_id] = None
    world.conf.set_override('agent_start_timeout', 60)
    world.rebuild(instance_id)
    world.settle()
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.error_code) == ('failed', 'guest_prepare_volume')
    assert world.machines.volumes[world.row(instance_id).volume_id] is None
    kept.initialised = 0
    world.machines.volumes[world.row(instance_id).volume_id] = kept
    world.rebuild(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].error_code == 'guest_prepare_data'
    assert kept.initialised == 0


def test_without_a_volume_the_data_would_be_lost(world, instance_id):
    with session.writer() as connection:
        instances.change(connection, instance_id, world.clock(), volume_support=False)
    for ask in (world.rebuild, world.upgrade):
        with pytest.raises(exception.NotSupported):
            ask(instance_id)
    assert len(world.operations(instance_id)) == 1


def test_an_image_that_is_not_there(world, instance_id):
    with pytest.raises(exception.BadRequest):
        image_actions.rebuild(world.context, world.row(instance_id),
                              'c2b8f0de-0000-4000-8000-000000000000')


def test_a_former_operation_that_was_reset_is_not_taken_for_this_one(world, instance_id):
    """The server of that operation was built with a number that no row has."""
    world.rebuild(instance_id, 'guest-2')
    with pytest.raises(Killed):
        world.settle(runner=doomed_runner(world, 'instance_rebuild', 'ServerRebuilt', 'after'))
    world.reset(instance_id)
    world.rebuild(instance_id)
    succeed(world)
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert world.row(instance_id).boot_epoch == 3
    assert_whole(world, instance_id, 'guest', was_torn=bool(world.machines.torn))


# --- upgrade ------------------------------------------------------------------------------------

def test_an_upgrade(world, instance_id):
    world.upgrade(instance_id)
    row = world.row(instance_id)
    assert world.status(instance_id) == 'UPGRADE'
    assert (row.version_name, row.desired_version_name) == ('10.11', '11.4')
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert world.row(instance_id).datastore_version_id == NEXT_VERSION_ID
    assert data_of(world, instance_id).version == '2.0'
    assert_whole(world, instance_id, 'guest-2')
    text = ' '.join(row.text for row in world.rows_of_events(instance_id))
    assert 'runs as 2.0-memory, after its own upgrade' in text


@pytest.mark.parametrize('version', ['10.11', VERSION_ID])
def test_the_version_it_has_is_no_work(world, instance_id, version):
    with pytest.raises(AttributeError):
        world.upgrade(instance_id, version)  # no operation was recorded
    assert len(world.operations(instance_id)) == 1


def test_a_version_with_a_newer_image(world, instance_id):
    """The operator has published another image of the version; an upgrade applies it."""
    with session.writer() as connection:
        world.set_version_image(connection, VERSION_ID, image(world, 'guest-2'))
    world.upgrade(instance_id, '10.11')
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert world.row(instance_id).datastore_version_id == VERSION_ID
    assert_whole(world, instance_id, 'guest-2')


def test_a_downgrade_is_refused(world, instance_id):
    world.upgrade(instance_id)
    world.settle()
    with pytest.raises(exception.BadRequest, match='a downgrade is not possible'):
        world.upgrade(instance_id, '10.11')
    with pytest.raises(exception.BadRequest):
        world.upgrade(instance_id, '12.0')


def test_a_version_that_rejects_the_configuration_group_is_refused(world):
    group = world.group(max_connections=250, gone_in_the_next=1)
    instance_id = world.create(configuration_id=group)
    world.settle()
    rule = {'data_type': 'integer', 'restart_required': False, 'min_size': '10', 'max_size': '1000'}
    for version_id in (VERSION_ID, NEXT_VERSION_ID):
        session.write(datastores.create_parameter, version_id, {'name': 'max_connections', **rule})
    with pytest.raises(exception.Unprocessable,
                       match='does not accept: gone_in_the_next. Change these values'):
        world.upgrade(instance_id)
    row = world.row(instance_id)
    assert (row.desired_version_id, row.operation_id) == (None, None), 'nothing was begun'
    session.write(datastores.create_parameter, NEXT_VERSION_ID, {
        'name': 'GONE_in_the_next',
        **rule
    })
    with pytest.raises(exception.Unprocessable, match='does not accept: gone_in_the_next'):
        world.upgrade(instance_id)  # the next version takes no 1
    world.edit_group(group, max_connections=250)
    world.settle()
    world.upgrade(instance_id)
    world.settle()
    assert world.row(instance_id).datastore_version_id == NEXT_VERSION_ID
    assert world.guest(instance_id).engine.running['max_connections'] == '250'


def test_a_version_that_an_instance_is_on_its_way_to_stays(world, instance_id):
    session.write(datastores.set_default_version, world.row(instance_id).datastore_id, None)
    world.upgrade(instance_id)
    with pytest.raises(exception.BadRequest, match='used by 1 instances'):
        versions.delete(NEXT_VERSION_ID)
    world.settle()
    assert world.row(instance_id).version_name == '11.4'


def failed(world, instance_id, code):
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.error_code) == ('failed', code), world.journal()
    row = world.row(instance_id)
    assert (row.datastore_version_id, row.fault_message) == (VERSION_ID, operation.error_text)
    assert_whole(world, instance_id, 'guest')


def test_a_refusal_of_the_engine_changes_nothing(world, instance_id):
    world.guest(instance_id).engine.refuses_upgrade = 'There are prepared transactions.'
    starts = world.guest(instance_id).machine.unit('memory').starts
    world.upgrade(instance_id)
    world.settle()
    failed(world, instance_id, 'guest_upgrade_refused')
    assert world.guest(instance_id).machine.unit(
        'memory').starts == starts, 'it was not even stopped'
    assert not world.machines.rebuilds


def test_an_upgrade_of_the_engine_that_fails_leads_back(world, instance_id):
    configuration = base_file(world, instance_id)
    world.machines.prepare = lambda guest: setattr(guest.engine, 'fails_upgrade', 'no')
    world.upgrade(instance_id)
    world.settle()
    failed(world, instance_id, 'guest_prepare_upgrade')
    assert world.guest(instance_id).engine.version == '1.0'
    assert base_file(world, instance_id) == configuration
    world.machines.prepare = lambda guest: None
    world.upgrade(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert world.row(instance_id).fault_message is None
    assert_whole(world, instance_id, 'guest-2')


def test_the_revert_restores_the_former_configuration(world, instance_id):
    """It is not rendered again, because the templates may have changed."""
    path = world.guest(instance_id).machine.path('/etc/memory/70-base.cnf')
    with open(path, 'a') as file:
        file.write('# by hand\n')
    world.machines.prepare = lambda guest: setattr(guest.engine, 'fails_upgrade', 'no')
    world.upgrade(instance_id)
    world.settle()
    failed(world, instance_id, 'guest_prepare_upgrade')
    assert base_file(world, instance_id).endswith('# by hand\n')


def test_an_image_with_a_silent_agent_is_reverted(world, instance_id):
    world.conf.set_override('agent_start_timeout', 60)

    def prepare(guest):
        if guest.engine.version == '2.0':
            guest.start = lambda: None

    world.machines.prepare = prepare
    world.upgrade(instance_id)
    world.settle()
    failed(world, instance_id, 'guest_silent')


def test_an_engine_that_does_not_start_leads_back(world, instance_id):
    def prepare(guest):
        if guest.engine.version == '2.0':
            guest.machine.unit('memory').refuses = 'no such format'

    world.machines.prepare = prepare
    world.upgrade(instance_id)
    world.settle()
    failed(world, instance_id, 'guest_prepare_start')
    assert 'no such format' in world.row(instance_id).fault_message


def test_an_agent_that_is_gone_is_not_waited_for(world, instance_id):
    """The hour for a slow shutdown applies to live agents only."""
    world.guest(instance_id).kill()
    world.clock.advance(3 * world.conf.agent_heartbeat_expiry)
    began = world.seconds()
    world.upgrade(instance_id)
    world.conf.set_override('restart_timeout', 30)
    world.settle()
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.error_code) == ('failed', 'guest_silent')
    assert world.seconds() - began < 60 and not world.machines.rebuilds


def test_an_agent_that_falls_silent_while_it_takes_over_leads_back(world, instance_id):
    def prepare(guest):
        if guest.engine.version == '2.0':
            guest.step = lambda: None

    world.machines.prepare = prepare
    began = world.seconds()
    world.upgrade(instance_id)
    world.settle()
    failed(world, instance_id, 'guest_silent')
    assert world.seconds() - began < 900


def test_nova_that_refuses_changes_nothing(world, instance_id):
    epoch = world.row(instance_id).boot_epoch
    world.cloud.faults.request('compute', 'POST', '/action$', status=400, times=1, message='no')
    world.upgrade(instance_id)
    world.settle()
    failed(world, instance_id, 'server_rebuild_failed')
    assert world.row(instance_id).boot_epoch == epoch and not world.machines.rebuilds


@pytest.mark.parametrize('mode', ['before', 'after'])
def test_a_lost_response_of_nova_only_delays(world, instance_id, mode):
    fault = world.cloud.faults.request('compute', 'POST', '/action$', mode=mode)
    world.upgrade(instance_id)
    world.settle()
    assert fault.seen and world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert sum(world.machines.rebuilds.values()) == 1
    assert_whole(world, instance_id, 'guest-2')


def test_an_agent_that_does_not_know_the_command_refuses_at_once(world, instance_id):
    """An old image refuses the command; without that the operation would wait for an hour."""
    def prepare(guest):
        if guest.engine.version == '2.0':
            guest.knows = guest.knows - {'TakeOver'}

    world.machines.prepare = prepare
    began = world.seconds()
    world.upgrade(instance_id)
    world.settle()
    failed(world, instance_id, 'guest_unknown_command')
    assert world.seconds() - began < 120


@pytest.mark.parametrize('moment', ['before', 'after'])
@pytest.mark.parametrize('step', [step for step in STEPS if step not in ('Healthy',)])
def test_a_successor_reverts_it(world, instance_id, step, moment):
    world.machines.prepare = lambda guest: setattr(guest.engine, 'fails_upgrade', 'no')
    world.upgrade(instance_id)
    with pytest.raises(Killed):
        world.settle(runner=doomed_runner(world, 'instance_upgrade', step, moment, 'undo'))
    succeed(world)
    failed(world, instance_id, 'guest_prepare_upgrade')


@pytest.mark.parametrize('kind', ['upgrade', 'rebuild'])
@pytest.mark.parametrize('step', STEPS[1:])
def test_a_delete_in_the_middle_leaves_nothing(world, instance_id, kind, step):
    names = flows.registry()[f'instance_{kind}'].step_names
    getattr(world, kind)(instance_id)
    world.run(lambda: world.operations(instance_id)[-1].position >= STEPS.index(step), seconds=900)
    assert len(names) == len(STEPS)
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404' and world.holds() == NOTHING
    assert set(world.usage().values()) == {0}
