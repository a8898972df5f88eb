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

"""Crashes during resizes: on the offline path, which the crash matrix omits, and during the revert.
"""

import pytest

from tests.functional.flows.test_crashes import Killed, doomed_runner, run_to_death, succeed
from tests.functional.world import ONE_INSTANCE
from trove.taskmanager import flows

VOLUME_STEPS = flows.registry()['instance_resize_volume'].step_names
MOMENTS = ['before', 'after', 'recorded']


@pytest.fixture
def instance_id(world):
    made = world.create(databases=[{'name': 'shop', 'character_set': None, 'collate': None}])
    world.settle()
    return made


def assert_whole(world, instance_id, size):
    world.clock.advance(60)
    world.tick()
    world.tick()
    row = world.row(instance_id)
    assert world.machines.torn == []
    assert (world.status(instance_id), row.service_status) == ('ACTIVE', 'healthy'), world.journal()
    data = world.machines.volumes[row.volume_id]
    assert data.initialised == 1 and set(data.databases) == {'shop'}
    assert world.cloud.all(
        'volume')[0]['size'] == row.volume_size == world.usage()['volumes'] == size
    assert world.holds() == ONE_INSTANCE


@pytest.mark.parametrize('moment', MOMENTS)
@pytest.mark.parametrize('step', VOLUME_STEPS)
def test_a_successor_ends_an_offline_resize(world, instance_id, step, moment):
    world.conf.set_override('online_volume_resize', False)
    world.resize_volume(instance_id, 5)
    run_to_death(world, doomed_runner(world, 'instance_resize_volume', step, moment))
    succeed(world)
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert_whole(world, instance_id, 5)
    assert world.machines.volumes[world.row(instance_id).volume_id].size == 5


@pytest.mark.parametrize('moment', ['before', 'after'])
@pytest.mark.parametrize('step', [step for step in VOLUME_STEPS if step != 'Healthy'])
def test_a_successor_reverts_it(world, instance_id, step, moment):
    world.conf.set_override('online_volume_resize', False)
    machine = world.guest(instance_id).machine
    machine.refuses_online, machine.damaged = [1], 'RUN fsck MANUALLY'
    world.resize_volume(instance_id, 5)
    with pytest.raises(Killed):
        world.settle(runner=doomed_runner(world, 'instance_resize_volume', step, moment, 'undo'))
    succeed(world)
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.error_code) == ('failed',
                                                       'guest_volume_failed'), world.journal()
    assert_whole(world, instance_id, 5)
