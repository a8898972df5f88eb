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

"""Crash matrix of the flows on configuration groups: a successor ends them, and no act is repeated.
"""

import pytest

from tests.functional.flows.test_configuration import created, operation, results, running
from tests.functional.flows.test_configuration import rules  # noqa: F401  a fixture
from tests.functional.flows.test_crashes import FLOWS, doomed_runner, run_to_death, succeed
from trove.configuration import models as groups

KINDS = [
    'instance_attach_configuration', 'instance_detach_configuration',
    'instance_update_configuration', 'configuration_update', 'configuration_edit'
]


def attach(world, instance_id, group):
    world.attach(instance_id, group)


def detach(world, instance_id, group):
    world.attach(instance_id, group)
    world.settle()
    world.detach(instance_id)


def update(world, instance_id, group):
    world.attach(instance_id, group)
    world.settle()
    world.edit_group(group, max_connections=300)


def edit(world, instance_id, group):
    world.attach(instance_id, group)
    world.settle()
    groups.edit(world.context, group, {'max_connections': 300})


#: kind -> (function that requests it, value in force afterwards)
BEGIN = {
    'instance_attach_configuration': (attach, '250'),
    'instance_detach_configuration': (detach, '128'),
    'instance_update_configuration': (update, '300'),
    'configuration_update': (update, '300'),
    'configuration_edit': (edit, '300')
}


@pytest.mark.parametrize('moment', ['before', 'after', 'recorded'])
@pytest.mark.parametrize(('kind', 'step'),
                         [(kind, step) for kind in KINDS for step in FLOWS[kind].step_names])
def test_a_successor_ends_it(world, kind, step, moment):
    instance_id, group = created(world), world.group(max_connections=250)
    begin, expected = BEGIN[kind]
    begin(world, instance_id, group)
    run_to_death(world, doomed_runner(world, kind, step, moment))
    succeed(world)
    ended = world.operations(instance_id)[-1]
    assert (ended.state, ended.error_code) == ('succeeded', None), world.journal()
    assert running(world, instance_id, 'max_connections') == {'max_connections': expected}
    assert world.status(instance_id) == 'ACTIVE'
    assert world.row(instance_id).configuration_id == (None if begin is detach else group)
    if ended.parent_id:
        assert operation(ended.parent_id).state == 'succeeded'
        assert results(ended.parent_id) == {instance_id: ('succeeded', None)}
    assert world.guest(instance_id).machine.unit(
        'memory').starts == 1, 'no database was restarted for it'


@pytest.mark.parametrize('moment', ['before', 'after'])
def test_a_successor_reverts_an_attach(world, moment):
    instance_id = created(world)
    world.guest(instance_id).engine.refuses['sql_mode'] = 'no such mode'
    world.attach(instance_id, world.group(max_connections=250, sql_mode='NONSENSE'))
    run_to_death(
        world,
        doomed_runner(world, 'instance_attach_configuration', 'OptionsApplied', moment, 'undo'))
    succeed(world)
    assert world.operations(instance_id)[-1].error_code == 'guest_configuration_refused'
    assert world.row(instance_id).configuration_id is None
    assert running(world, instance_id, 'max_connections') == {'max_connections': '128'}
