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

"""Resize of the volume, online and offline; after each failure the data are whole and the engine
runs.
"""

import pytest

from tests.functional.world import NOTHING, ONE_INSTANCE
from trove.common import exception

GIB = 1024 ** 3


@pytest.fixture
def instance_id(world):
    made = world.create(databases=[{'name': 'shop', 'character_set': None, 'collate': None}])
    world.settle()
    assert world.status(made) == 'ACTIVE'
    return made


@pytest.fixture(params=['online', 'offline'])
def way(request, world):
    world.conf.set_override('online_volume_resize', request.param == 'online')
    return request.param


def resize(world, instance_id, size=5):
    world.resize_volume(instance_id, size)
    assert world.status(instance_id) == 'RESIZE'
    world.settle()
    return world.operations(instance_id)[-1]


def report(world):
    """Let the next regular report arrive."""
    world.clock.advance(60)
    world.tick()
    world.tick()


def assert_whole(world, instance_id, size):
    """Assert that the engine runs on all its data, and that quota and sizes match."""
    report(world)
    row, machine = world.row(instance_id), world.guest(instance_id).machine
    assert world.machines.torn == [], 'a volume was taken from a machine that used it'
    assert world.status(instance_id) == 'ACTIVE', world.journal()
    assert row.service_status == 'healthy'
    assert machine.unit('memory').active == 'active'
    data = world.machines.volumes[row.volume_id]
    assert data.initialised == 1 and set(data.databases) == {'shop'}
    assert row.volume_size == size == world.cloud.all('volume')[0]['size']
    assert world.usage()['volumes'] == size
    assert world.holds() == ONE_INSTANCE


def assert_failed(world, instance_id, operation, code, size=2):
    assert (operation.state, operation.error_code) == ('failed', code), world.journal()
    assert world.row(instance_id).fault_message == operation.error_text
    assert_whole(world, instance_id, size)


def test_it_grows(world, instance_id, way):
    starts = world.guest(instance_id).machine.unit('memory').starts
    assert resize(world, instance_id).state == 'succeeded', world.journal()
    assert_whole(world, instance_id, 5)
    row, machine = world.row(instance_id), world.guest(instance_id).machine
    assert row.volume_total == 5 * GIB and row.volume_used == GIB // 4
    assert machine.grown == ['online']
    assert machine.unit('memory').starts - starts == (0 if way == 'online' else 1)
    assert world.events(instance_id)[-3:] == [
        'instance_resize_volume.start', 'instance_resize_volume.extended',
        'instance_resize_volume.end'
    ]
    world.delete(instance_id)
    world.settle()
    assert world.holds() == NOTHING and set(world.usage().values()) == {0}


def test_a_kernel_that_does_not_let_the_agent_costs_a_stop(world, instance_id):
    machine = world.guest(instance_id).machine
    machine.refuses_online = [1]
    starts = machine.unit('memory').starts
    assert resize(world, instance_id).state == 'succeeded'
    assert_whole(world, instance_id, 5)
    assert machine.grown == ['offline'] and machine.unit('memory').starts == starts + 1
    assert world.row(instance_id).volume_total == 5 * GIB


def test_cinder_that_cannot_in_use_costs_a_stop(world, instance_id):
    world.cloud.faults.request('volume', 'POST', '/action$', status=400,
                               message='Invalid volume: must be available')
    assert resize(world, instance_id).state == 'succeeded', world.journal()
    assert_whole(world, instance_id, 5)
    assert 'instance_resize_volume.offline' in world.events(instance_id)


def test_cinder_that_gives_up_in_use_costs_a_stop(world, instance_id):
    """Cinder accepts the request, and the volume has its former size some time later."""
    volume = world.cloud.all('volume')[0]
    world.resize_volume(instance_id, 5)
    world.run(lambda: world.cloud.all('volume')[0]['status'] == 'extending')
    with world.cloud._state.transaction() as tx:
        tx.update('volume', volume['id'], status='in-use')
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert_whole(world, instance_id, 5)


def test_cinder_that_refuses_for_good_changes_nothing(world, instance_id, way):
    world.cloud.faults.request('volume', 'POST', '/action$', status=400, times=99,
                               message='Invalid volume')
    assert_failed(world, instance_id, resize(world, instance_id), 'volume_extend_failed')
    world.cloud.faults.clear()
    assert resize(world, instance_id).state == 'succeeded', 'and the resize can be repeated'
    assert world.row(instance_id).fault_message is None
    assert_whole(world, instance_id, 5)


def test_an_exceeded_cloud_quota_is_reported(world, instance_id, way):
    world.cloud.faults.request('volume', 'POST', '/action$', status=413, times=99,
                               message='VolumeSizeExceedsAvailableQuota')
    operation = resize(world, instance_id)
    assert_failed(world, instance_id, operation, 'cloud_quota_exceeded')


def test_a_volume_in_error_extending_is_used_again(world, instance_id, way):
    world.cloud.faults.work('volume.extend', times=1)
    operation = resize(world, instance_id)
    assert_failed(world, instance_id, operation, 'volume_extend_failed')
    assert world.cloud.all('volume')[0]['status'] == 'in-use'


@pytest.mark.parametrize('action', ['server.detach', 'server.attach'])
def test_nova_that_fails_once_only_delays(world, instance_id, action):
    world.conf.set_override('online_volume_resize', False)
    world.cloud.faults.work(action, times=1)
    assert resize(world, instance_id).state == 'succeeded', world.journal()
    assert_whole(world, instance_id, 5)


def test_nova_that_never_detaches(world, instance_id):
    world.conf.set_override('online_volume_resize', False)
    world.cloud.faults.work('server.detach', times=1000)
    assert_failed(world, instance_id, resize(world, instance_id), 'volume_failed')


def test_nova_that_does_not_attach_until_the_revert(world, instance_id):
    world.conf.set_override('online_volume_resize', False)
    fault = world.cloud.faults.request('compute', 'POST', '/os-volume_attachments$', status=400,
                                       times=1)
    operation = resize(world, instance_id)
    assert fault.seen
    assert_failed(world, instance_id, operation, 'volume_failed', size=5)


def test_a_file_system_that_is_damaged_is_not_touched(world, instance_id, way):
    machine = world.guest(instance_id).machine
    machine.refuses_online, machine.damaged = [1], 'UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY'
    operation = resize(world, instance_id)
    assert 'UNEXPECTED INCONSISTENCY' in operation.error_text
    assert_failed(world, instance_id, operation, 'guest_volume_failed', size=5)
    assert world.row(
        instance_id).volume_total == 2 * GIB, 'what is used is shown of what the file system has'
    machine.damaged = ''
    assert resize(world, instance_id, 6).state == 'succeeded'
    assert_whole(world, instance_id, 6)
    assert world.row(instance_id).volume_total == 6 * GIB


def test_an_engine_that_does_not_stop(world, instance_id, monkeypatch):
    world.conf.set_override('online_volume_resize', False)
    machine = world.guest(instance_id).machine
    unmount = machine.unmount_volume
    monkeypatch.setattr(machine, 'unmount_volume', lambda mount_point:
                        (_ for _ in ()).throw(OSError('busy')))
    operation = resize(world, instance_id)
    assert_failed(world, instance_id, operation, 'guest_volume_failed')
    monkeypatch.setattr(machine, 'unmount_volume', unmount)
    assert resize(world, instance_id).state == 'succeeded'


def test_a_silent_guest_ends_it_in_time_and_what_was_extended_is_counted(world, instance_id):
    guest = world.guest(instance_id)
    world.resize_volume(instance_id, 5)
    world.run(lambda: world.row(instance_id).volume_size == 5)
    guest.kill()
    began = world.seconds()
    world.settle()
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.error_code) == ('failed', 'guest_timeout')
    assert world.seconds() - began < 1500
    guest.start()
    assert_whole(world, instance_id, 5)


def test_a_server_that_does_not_run_is_not_begun_with(world, instance_id, way):
    server = world.cloud.all('server')[0]
    with world.cloud._state.transaction() as tx:
        tx.update('server', server['id'], vm_state='stopped')
    operation = resize(world, instance_id)
    assert (operation.state, operation.error_code) == ('failed', 'volume_extend_failed')
    assert 'SHUTOFF' in operation.error_text
    assert world.usage()['volumes'] == 2


@pytest.mark.parametrize(
    'step',
    ['ExtendedInUse', 'VolumeDetached', 'VolumeExtended', 'VolumeAttached', 'FileSystemGrown'])
def test_a_delete_in_the_middle_gives_all_back(world, instance_id, step):
    world.conf.set_override('online_volume_resize', step == 'ExtendedInUse')
    world.resize_volume(instance_id, 5)
    world.run(lambda: world.operations(instance_id)[-1].position >= world.flows[
        'instance_resize_volume'].step_names.index(step))
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404' and world.holds() == NOTHING
    assert set(world.usage().values()) == {0}


@pytest.mark.parametrize('extended', [False, True])
def test_a_reset_settles_the_quota(world, instance_id, extended):
    world.resize_volume(instance_id, 5)
    if extended:
        world.run(lambda: world.row(instance_id).volume_size == 5)
    world.reset(instance_id)
    assert world.usage()['volumes'] == world.row(instance_id).volume_size == (5 if extended else 2)
    world.delete(instance_id)
    world.settle()
    assert set(world.usage().values()) == {0}


@pytest.mark.parametrize(('size', 'refusal'), [(2, exception.BadRequest), (1, exception.BadRequest),
                                               (11, exception.OverLimit),
                                               (8, exception.QuotaExceeded)])
def test_an_impossible_size_is_refused_and_changes_no_quota(world, instance_id, size, refusal):
    world.conf.set_override('max_volumes_per_tenant', 7)
    with pytest.raises(refusal):
        world.resize_volume(instance_id, size)
    assert world.usage()['volumes'] == 2 and len(world.operations(instance_id)) == 1


def test_an_agent_killed_while_it_grows_goes_on(world, instance_id):
    guest = world.guest(instance_id)
    world.resize_volume(instance_id, 5)
    world.run(lambda: guest.waiting)
    guest.kill()
    guest.start()
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded'
    assert_whole(world, instance_id, 5)


def test_an_agent_that_starts_anew_leaves_a_released_volume_alone(world, instance_id):
    world.conf.set_override('online_volume_resize', False)
    guest = world.guest(instance_id)
    world.resize_volume(instance_id, 5)
    world.run(lambda: not guest.machine.mounted)
    guest.kill()
    guest.start()
    assert not guest.machine.mounted
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded'
    assert_whole(world, instance_id, 5)
