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

"""Changes in the cloud outside of Trove are shown, reported once, and cleared once repaired."""

import pytest

from trove.cloud import clouds
from trove.common import exception
from trove.db import instance_drift, session
from trove.instance import models


def reported(world, instance_id):
    return [event for event in world.events(instance_id) if event.startswith('instance.')]


def server_of(world, instance_id):
    return world.row(instance_id).compute_instance_id


def behind_our_back(world):
    """Return the cloud as used by another client of the service project."""
    return clouds.service_cloud(world.conf, 'RegionOne')


def look(world, watchman):
    """Run the next comparison, when it is due."""
    world.clock.advance(world.conf.taskmanager.watch_interval + 1)
    world.cloud.advance()
    assert watchman.look()


def test_nothing_is_reported_when_all_is_well(world, watchman, instance_id):
    before = world.row(instance_id).updated
    look(world, watchman)
    assert reported(world, instance_id) == [] and world.row(instance_id).updated == before


def test_a_look_is_three_lists_however_many_instances(world, watchman, instance_id):
    for number in range(3):
        world.create(name=f'n{number}')
    world.settle()
    world.clock.advance(60)
    world.cloud.requests.clear()
    assert watchman.look()
    assert [method for method, _path in world.cloud.requests] == ['GET'] * len(world.cloud.requests)
    # The client of Nova learns from an empty page that the one before was the last.
    assert len(world.cloud.requests) <= 4, world.cloud.requests


@pytest.mark.parametrize(('word', 'status'), [('stopped', 'SHUTDOWN'), ('error', 'ERROR'),
                                              ('resized', 'RESIZE')])
def test_a_server_in_another_state(world, watchman, instance_id, word, status):
    world.cloud.set('server', server_of(world, instance_id), vm_state=word)
    look(world, watchman)
    assert world.status(instance_id) == status
    assert reported(world, instance_id) == ['instance.server']
    look(world, watchman)
    assert reported(world, instance_id) == ['instance.server']
    world.cloud.set('server', server_of(world, instance_id), vm_state='active')
    look(world, watchman)
    assert world.status(instance_id) == 'ACTIVE'
    assert reported(world, instance_id) == ['instance.server'] * 2


def test_a_server_that_was_deleted(world, watchman, instance_id):
    behind_our_back(world).compute.delete_server(server_of(world, instance_id))
    look(world, watchman)
    row = world.row(instance_id)
    assert (row.drift, row.server_status, world.status(instance_id)) == ('server_missing',
                                                                         'DELETED', 'ERROR')
    assert reported(world, instance_id) == ['instance.drift']
    with pytest.raises(exception.Unprocessable, match='instance status was ERROR'):
        models.require_ready(row, world.clock())
    look(world, watchman)
    assert reported(world, instance_id) == ['instance.drift']
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404' and world.holds() == {}


def test_a_port_that_was_deleted(world, watchman, instance_id):
    port = next(record for record in world.cloud.all('port')
                if record['name'] == f'trove-{instance_id}-tenant')
    behind_our_back(world).network.delete_port(port['id'])
    look(world, watchman)
    assert (world.row(instance_id).drift, world.status(instance_id)) == ('port_missing', 'ERROR')


def test_a_port_that_was_taken_away_and_given_back(world, watchman, instance_id):
    port = next(record for record in world.cloud.all('port')
                if record['name'] == f'trove-{instance_id}')
    world.cloud.set('port', port['id'], device_id='')
    look(world, watchman)
    assert (world.row(instance_id).drift, world.status(instance_id)) == ('port_detached', 'ERROR')
    world.cloud.set('port', port['id'], device_id=port['device_id'])
    look(world, watchman)
    assert (world.row(instance_id).drift, world.status(instance_id)) == (None, 'ACTIVE')
    assert reported(world, instance_id) == ['instance.drift', 'instance.mended']


def test_a_volume_that_was_deleted(world, watchman, instance_id):
    world.cloud.remove('volume', world.row(instance_id).volume_id)
    look(world, watchman)
    assert (world.row(instance_id).drift, world.status(instance_id)) == ('volume_missing', 'ERROR')


def test_a_volume_that_was_detached_and_attached_again(world, watchman, instance_id):
    row, nova = world.row(instance_id), behind_our_back(world).compute
    nova.detach_volume(row.compute_instance_id, row.volume_id)
    look(world, watchman)
    assert (world.row(instance_id).drift, world.status(instance_id)) == ('volume_detached', 'ERROR')
    nova.attach_volume(row.compute_instance_id, row.volume_id)
    look(world, watchman)
    assert (world.row(instance_id).drift, world.status(instance_id)) == (None, 'ACTIVE')
    assert reported(world, instance_id) == ['instance.drift', 'instance.mended']


def test_an_instance_with_an_open_operation_is_skipped(world, watchman, instance_id):
    world.cloud.set('server', server_of(world, instance_id), vm_state='stopped')
    world.restart(instance_id)
    world.clock.advance(60)
    assert watchman.look()
    assert world.row(instance_id).server_status == 'ACTIVE' and reported(world, instance_id) == []


def test_a_cloud_that_is_away_changes_no_instance(world, watchman, instance_id):
    world.cloud.faults.request('compute', 'GET', '.*', times=5, status=503)
    look(world, watchman)
    assert world.status(instance_id) == 'ACTIVE' and reported(world, instance_id) == []


def test_a_name_that_somebody_changed_is_no_loss(world, watchman, instance_id):
    world.cloud.set('volume', world.row(instance_id).volume_id, name='mine')
    look(world, watchman)
    assert world.row(instance_id).drift is None and reported(world, instance_id) == []


def test_one_of_two_looks(world, watchman, second_watchman, instance_id):
    world.clock.advance(60)
    assert watchman.look() and not second_watchman.look() and not watchman.look()
    world.clock.advance(world.conf.taskmanager.watch_interval + 1)
    assert second_watchman.look() and not watchman.look()


def test_a_look_that_began_before_an_operation_writes_nothing(world, instance_id):
    row = next(iter(session.read(instance_drift.idle, 'RegionOne')))
    world.restart(instance_id)
    world.settle()
    world.change_access(instance_id, is_public=False, allowed_cidrs=['10.0.0.0/8'])
    assert not session.write(instance_drift.record, row, world.clock(), server_status='DELETED',
                             drift='server_missing', changes=[])
    world.settle()
    assert not session.write(instance_drift.record, row, world.clock(), server_status='DELETED',
                             drift='server_missing', changes=[])
    assert world.status(instance_id) == 'ACTIVE'


def test_a_guest_that_falls_silent_and_comes_back(world, watchman, instance_id):
    assert watchman.listen() and reported(world, instance_id) == []
    world.clock.advance(world.conf.agent_heartbeat_expiry + 1)
    assert watchman.listen()
    row = world.row(instance_id)
    assert row.unreachable_since is not None
    assert reported(world, instance_id) == ['instance.unreachable']
    with pytest.raises(exception.Unprocessable, match='has not reported for too long'):
        models.require_ready(row, world.clock())
    world.clock.advance(60)
    assert watchman.listen() and reported(world, instance_id) == ['instance.unreachable']
    world.run(lambda: not world.tick() and watchman.listen() and world.row(instance_id).
              unreachable_since is None)
    assert reported(world, instance_id) == ['instance.unreachable', 'instance.reachable']
    models.require_ready(world.row(instance_id), world.clock())


def test_the_expiry_is_never_less_than_three_reports(world, instance_id):
    world.conf.set_override('agent_heartbeat_expiry', 5)
    world.clock.advance(3 * world.conf.report_interval - 1)
    models.require_ready(world.row(instance_id), world.clock())
    world.clock.advance(2)
    with pytest.raises(exception.Unprocessable, match='has not reported for too long'):
        models.require_ready(world.row(instance_id), world.clock())
