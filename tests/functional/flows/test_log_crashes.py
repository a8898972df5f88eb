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

"""Crashes while logs are published: a successor stores every byte once and leaves no former piece.
"""

import pytest

from tests.functional.flows.test_crashes import FLOWS, doomed_runner, run_to_death, succeed
from tests.functional.flows.test_logs import CONTAINER, GREETING, Log
from tests.functional.world import PROJECT

MOMENTS = ['before', 'after', 'recorded']


@pytest.fixture
def log(world, conf):
    """Log that was partly published before its rotation, so that a publish runs every step."""
    conf.set_override('guest_log_limit', 1024)
    instance_id = world.create()
    world.settle()
    made = Log(world, instance_id)
    made.switch()
    made.write('former\n' * 200)
    made.publish()
    assert len(made.pieces()) == 2
    made.path.unlink()
    made.write(GREETING * 100)
    return made


@pytest.mark.parametrize('moment', MOMENTS)
@pytest.mark.parametrize('step', FLOWS['instance_publish_log'].step_names)
def test_a_publish_stores_each_byte_once(world, log, step, moment):
    world.publish_log(log.instance_id, 'general')
    run_to_death(world, doomed_runner(world, 'instance_publish_log', step, moment))
    succeed(world)
    assert world.operations(log.instance_id)[-1].state == 'succeeded', world.journal()
    assert log.stored().decode() == GREETING * 100
    assert log.record()['log_size'] == len(GREETING.encode()) * 100
    assert log.figures() == ('Published', len(GREETING.encode()) * 100, 0)


@pytest.mark.parametrize('moment', MOMENTS)
@pytest.mark.parametrize('step', FLOWS['instance_discard_log'].step_names)
def test_a_discard_leaves_nothing(world, log, step, moment):
    world.discard_log(log.instance_id, 'general')
    run_to_death(world, doomed_runner(world, 'instance_discard_log', step, moment))
    succeed(world)
    assert world.operations(log.instance_id)[-1].state == 'succeeded', world.journal()
    assert world.cloud.objects.names(PROJECT, CONTAINER) == []
    assert log.figures() == ('Ready', 0, len(GREETING.encode()) * 100)
