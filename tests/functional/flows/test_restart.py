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

"""Restarts and the reports of their failures."""

import uuid

import pytest

from trove.db import command_results, instances, operations, session


@pytest.fixture
def instance_id(world):
    made = world.create()
    world.settle()
    assert world.status(made) == 'ACTIVE'
    return made


def test_a_failed_restart_reports_the_reason_and_can_be_repeated(world, instance_id):
    unit = world.guest(instance_id).machine.unit('memory')
    unit.refuses = 'no space left'
    world.restart(instance_id)
    world.settle()
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.error_code) == ('failed', 'guest_restart_failed')
    row = world.row(instance_id)
    assert row.error_code is None, 'an ERROR could only be deleted'
    assert row.fault_message == operation.error_text
    unit.refuses = ''
    world.restart(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded'
    assert world.row(instance_id).fault_message is None


def test_a_restart_of_a_dead_guest_ends_in_time(world, instance_id, conf):
    world.guest(instance_id).kill()
    world.restart(instance_id)
    began = world.seconds()
    world.settle()
    assert world.operations(instance_id)[-1].error_code == 'guest_timeout'
    assert world.seconds() - began <= conf.restart_timeout


def test_what_waited_for_a_restart_is_in_force_after_it(world, instance_id):
    with session.writer() as connection:
        instances.change(connection, instance_id, world.clock(), restart_required=True)
    assert world.status(instance_id) == 'RESTART_REQUIRED'
    world.restart(instance_id)
    world.settle()
    assert world.status(instance_id) == 'ACTIVE'


def test_a_delete_during_a_restart_wins(world, instance_id):
    world.restart(instance_id)
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404'
    assert {
        row.kind: row.state
        for row in world.operations(instance_id)
    } == {
        'instance_create': 'succeeded',
        'instance_restart': 'cancelled',
        'instance_delete': 'succeeded'
    }


@pytest.mark.parametrize(('action', 'step'), [('restart', 'Restarted'),
                                              ('stop', 'DatabaseStopped')])
def test_a_guest_that_is_busy_with_the_former_command_gets_the_next_again(
        world, instance_id, action, step):
    """The effect of a command can be visible before the command has ended in the guest."""
    operation_id = getattr(world, action)(instance_id)
    session.write(command_results.add, [{
        'command_id': str(uuid.uuid5(uuid.UUID(operation_id), f'{step}/1')),
        'instance_id': instance_id,
        'operation_id': operation_id,
        'kind': 'Restart',
        'outcome': 'failed',
        'step': None,
        'error_code': 'guest_busy',
        'message': 'The agent is busy with Restart (restart).',
        'data': '{}',
        'received': world.clock()
    }])
    world.settle()
    operation = world.operations(instance_id)[-1]
    assert operation.state == 'succeeded', operation.error_text
    outcomes = [attempt.outcome for attempt in session.read(operations.steps_of, operation.id)
                if attempt.name == step]
    assert outcomes == ['retry', 'done']
