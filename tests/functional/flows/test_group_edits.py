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

"""Edits of configuration groups in use: every instance gets the values, or the reason is reported.
"""

import dataclasses
import functools

import pytest

from tests.functional.flows.test_configuration import created, engine, operation, results, running
from tests.functional.flows.test_configuration import rules  # noqa: F401  a fixture
from trove.db import configurations


@pytest.fixture
def two(world):
    """Two instances with one group."""
    group = world.group(max_connections=250)
    made = [created(world, configuration_id=group), created(world, configuration_id=group)]
    return group, *made


def test_an_edit_reaches_all_instances(world, two):
    group, one, other = two
    edit = world.edit_group(group, max_connections=300, back_log=90)
    world.settle()
    assert operation(edit).state == 'succeeded', world.journal()
    assert results(edit) == {one: ('succeeded', None), other: ('succeeded', None)}
    for instance_id in (one, other):
        assert running(world, instance_id, 'max_connections') == {'max_connections': '300'}
        assert world.status(instance_id) == 'RESTART_REQUIRED'
    assert world.edit_group(group, max_connections=300,
                            back_log=90) is None, 'nothing is to be done'
    edit = world.edit_group(group)
    world.settle()
    assert operation(edit).state == 'succeeded'
    assert running(world, one, 'max_connections') == {
        'max_connections': '128'
    } and world.status(one) == 'ACTIVE'


def test_an_instance_that_refuses_holds_up_no_other(world, two):
    group, one, other = two
    engine(world, one).refuses['wait_timeout'] = 'not here'
    edit = world.edit_group(group, wait_timeout=60)
    world.settle()
    ended = operation(edit)
    assert (ended.state, ended.error_code) == ('failed', 'configuration_not_applied')
    assert (f'1 of 2 instances do not have the values of the configuration group. {one}: '
            in ended.error_text)
    assert results(edit) == {
        one: ('failed', 'guest_configuration_refused'),
        other: ('succeeded', None)
    }
    assert running(world, one, 'max_connections', 'wait_timeout') == {
        'max_connections': '250',
        'wait_timeout': None
    }
    assert running(world, other, 'wait_timeout') == {'wait_timeout': '60'}
    engine(world, one).refuses.clear()
    edit = world.edit_group(group, wait_timeout=60)
    world.settle()
    assert results(edit) == {
        one: ('succeeded', None)
    }, 'the same values again are brought to who has not got them'
    assert running(world, one, 'wait_timeout') == {'wait_timeout': '60'}


def test_a_busy_instance_gets_the_values_afterwards(world, two):
    group, one, other = two
    world.restart(one)
    edit = world.edit_group(group, wait_timeout=60)
    world.settle()
    assert results(edit) == {one: ('succeeded', None), other: ('succeeded', None)}
    assert running(world, one, 'wait_timeout') == {'wait_timeout': '60'}


def test_an_instance_that_is_being_made_gets_the_new_values(world, two):
    group, one, _other = two
    third = world.create(configuration_id=group)
    edit = world.edit_group(group, wait_timeout=60)
    world.settle()
    assert operation(edit).state == 'succeeded', world.journal()
    assert running(world, third, 'wait_timeout') == {
        'wait_timeout': '60'
    } == running(world, one, 'wait_timeout')
    digest = configurations.digest({'wait_timeout': 60})
    assert {world.row(instance_id).configuration_digest for instance_id in (one, third)} == {digest}


def test_an_instance_that_goes_meanwhile_is_left_out(world, two):
    group, one, other = two
    world.delete(one)
    edit = world.edit_group(group, wait_timeout=60)
    world.settle()
    assert operation(edit).state == 'succeeded' and results(edit) == {other: ('succeeded', None)}


def test_an_instance_that_lets_go_meanwhile_is_left_out(world, two):
    group, one, other = two
    world.detach(one)
    edit = world.edit_group(group, wait_timeout=60)
    world.settle()
    assert operation(edit).state == 'succeeded' and results(edit) == {other: ('succeeded', None)}
    assert running(world, one, 'wait_timeout') == {'wait_timeout': None}


def test_a_silent_guest_is_reported(world, two):
    group, one, other = two
    world.guest(one).kill()
    edit = world.edit_group(group, wait_timeout=60)
    world.settle()
    assert results(edit) == {one: ('failed', 'guest_timeout'), other: ('succeeded', None)}
    assert operation(edit).error_code == 'configuration_not_applied'


def test_a_second_edit_joins_the_first(world, two):
    group, one, other = two
    edit = world.edit_group(group, wait_timeout=60)
    assert world.edit_group(group, wait_timeout=70) == edit, 'one operation for a group at a time'
    world.settle()
    assert operation(edit).state == 'succeeded', world.journal()
    for instance_id in (one, other):
        assert running(world, instance_id, 'wait_timeout') == {'wait_timeout': '70'}
        assert world.row(instance_id).configuration_digest == configurations.digest(
            {'wait_timeout': 70})
    assert [row.kind for row in world.operations(group)] == ['configuration_update']


def test_an_updated_instance_is_updated_again_after_a_second_edit(world, two):
    group, one, other = two
    world.guest(other).kill()  # the first edit waits for it
    edit = world.edit_group(group, wait_timeout=60)
    world.run(lambda: running(world, one, 'wait_timeout') == {'wait_timeout': '60'})
    world.run(lambda: world.row(one).operation_id is None)
    assert world.edit_group(group, wait_timeout=70) == edit
    world.settle()
    assert running(world, one, 'wait_timeout') == {'wait_timeout': '70'}, world.journal()
    assert results(edit) == {one: ('succeeded', None), other: ('failed', 'guest_timeout')}


def test_values_that_are_reverted_in_time(world, two):
    group, one, other = two
    world.edit_group(group, wait_timeout=60)
    world.tick()
    world.edit_group(group, max_connections=250)
    world.settle()
    for instance_id in (one, other):
        assert running(world, instance_id, 'wait_timeout', 'max_connections') == {
            'wait_timeout': None, 'max_connections': '250'}
        assert world.row(instance_id).configuration_digest == configurations.digest(
            {'max_connections': 250})


@pytest.mark.parametrize('refuses', [False, True])
def test_an_edit_at_the_last_moment_is_not_lost(world, two, refuses):
    """The operation has polled for the last time and is about to end when the group is edited
    again.
    """
    group, one, _other = two
    if refuses:
        engine(world, one).refuses['wait_timeout'] = 'not here'
    edit = world.edit_group(group, wait_timeout=60)
    world.flows['configuration_update'] = dataclasses.replace(
        (flow := world.flows['configuration_update']), **{
            end: functools.partial(edited_first, world, group, getattr(flow, end))
            for end in ('succeeded', 'failed')
        })
    world.settle()
    assert operation(edit).state == ('failed' if refuses else 'succeeded'), world.journal()
    assert len(world.operations(group)) == 2, 'it is followed by another one'
    assert running(world, one, 'max_connections') == {'max_connections': '300'}, world.journal()


def edited_first(world, group, end, work, *why):
    """Close an operation, with an edit just before the write."""
    if len(world.operations(group)) == 1:
        assert world.edit_group(group, max_connections=300) == work.id
    return end(work, *why)


def test_a_stopped_database_has_the_values_when_it_starts(world, two):
    group, one, _other = two
    world.stop(one)
    world.settle()
    edit = world.edit_group(group, wait_timeout=60)
    world.settle()
    assert results(edit)[one] == ('succeeded', None)
    world.restart(one)
    world.settle()
    assert running(world, one, 'wait_timeout') == {
        'wait_timeout': '60'
    } and world.status(one) == 'ACTIVE'
