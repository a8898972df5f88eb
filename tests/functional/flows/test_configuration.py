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

"""Configuration groups on instances: attach, detach, and values that the engine rejects."""

import json

import pytest

from tests.functional.world import VERSION_ID
from trove.common import exception
from trove.common.states import OperationState
from trove.configuration import models as groups
from trove.db import configurations, datastores, operations, session
from trove.instance.actions import status

#: name, type, whether it needs a restart
RULES = (('max_connections', 'integer', False), ('wait_timeout', 'integer', False),
         ('sql_mode', 'string', False), ('event_scheduler', 'boolean', False), ('back_log',
                                                                                'integer', True))


@pytest.fixture(autouse=True)
def rules(world):
    with session.writer() as connection:
        for name, kind, restart in RULES:
            datastores.create_parameter(
                connection, VERSION_ID, {
                    'name': name,
                    'data_type': kind,
                    'restart_required': restart,
                    'min_size': None,
                    'max_size': None
                })


def created(world, **more):
    made = world.create(**more)
    world.settle()
    assert world.status(made) in ('ACTIVE', 'RESTART_REQUIRED'), world.journal()
    return made


@pytest.fixture
def instance_id(world):
    return created(world)


def engine(world, instance_id):
    return world.guest(instance_id).engine


def running(world, instance_id, *names):
    return {name: engine(world, instance_id).running.get(name) for name in names}


def last(world, instance_id):
    """Return (kind, state, error code) of the last operation on an instance."""
    row = world.operations(instance_id)[-1]
    return row.kind, row.state, row.error_code


def report(world, times=1):
    for _ in range(times):
        world.clock.advance(60)
        world.tick()


def rejection(row):
    """Return the reason for which the guest rejected the last values."""
    return json.loads(row.service_facts).get('rejection', '')


def operation(operation_id):
    return session.read(operations.get, operation_id)


def results(operation_id):
    return {
        row.resource_id: (row.state, row.error_code)
        for row in session.read(operations.children, operation_id)
    }


# --- one instance
# ------------------------------------------------------------------------------------

def test_a_group_is_attached_and_detached(world, instance_id):
    group = world.group(max_connections=250, event_scheduler=True)
    world.attach(instance_id, group)
    assert world.row(instance_id).configuration_id == group
    world.settle()
    assert last(world, instance_id) == ('instance_attach_configuration', 'succeeded', None)
    assert running(world, instance_id, 'max_connections', 'event_scheduler') == {
        'max_connections': '250', 'event_scheduler': 'ON'}
    assert world.status(instance_id) == 'ACTIVE'
    assert world.row(instance_id).configuration_digest == configurations.digest(
        {'max_connections': 250, 'event_scheduler': True})

    world.detach(instance_id)
    world.settle()
    assert last(world, instance_id) == ('instance_detach_configuration', 'succeeded', None)
    row = world.row(instance_id)
    assert row.configuration_id is None and row.configuration_digest is None
    assert running(world, instance_id, 'max_connections', 'event_scheduler') == {
        'max_connections': '128', 'event_scheduler': None}


def test_options_that_need_a_restart_are_shown_until_the_restart(world, instance_id):
    world.attach(instance_id, world.group(max_connections=250, back_log=90))
    world.settle()
    assert world.status(instance_id) == 'RESTART_REQUIRED'
    assert running(world, instance_id, 'max_connections', 'back_log') == {
        'max_connections': '250',
        'back_log': None
    }
    assert 'instance_attach_configuration.waiting' in world.events(instance_id)
    report(world, 3)
    assert world.status(instance_id) == 'RESTART_REQUIRED', 'time makes nothing true'
    world.restart(instance_id)
    world.settle()
    assert world.status(instance_id) == 'ACTIVE' and running(world, instance_id, 'back_log') == {
        'back_log': '90'
    }


def test_a_reboot_applies_them_too(world, instance_id):
    world.attach(instance_id, world.group(back_log=90))
    world.settle()
    world.reboot(instance_id)
    world.settle()
    assert world.status(instance_id) == 'ACTIVE' and running(world, instance_id, 'back_log') == {
        'back_log': '90'
    }


def test_detaching_makes_a_restart_unnecessary(world, instance_id):
    world.attach(instance_id, world.group(back_log=90))
    world.settle()
    world.detach(instance_id)
    world.settle()
    assert world.status(instance_id) == 'ACTIVE'


def test_what_the_engine_refuses_leaves_no_group(world, instance_id):
    engine(world, instance_id).refuses['sql_mode'] = 'no such mode'
    world.attach(instance_id, world.group(max_connections=250, sql_mode='NONSENSE'))
    world.settle()
    assert last(world, instance_id) == ('instance_attach_configuration', 'failed',
                                        'guest_configuration_refused')
    row = world.row(instance_id)
    assert row.configuration_id is None and 'no such mode' in row.fault_message
    assert running(world, instance_id, 'max_connections', 'sql_mode') == {
        'max_connections': '128',
        'sql_mode': None
    }
    assert world.status(instance_id) == 'ACTIVE'
    world.attach(instance_id, world.group(max_connections=250))
    world.settle()
    assert world.row(instance_id).fault_message is None


def test_a_guest_that_does_not_answer_has_no_group_afterwards(world, instance_id, conf):
    """The guest applied the options and died before its report."""
    guest = world.guest(instance_id)
    world.attach(instance_id, world.group(max_connections=250))
    world.run(lambda: guest.waiting)
    guest.kill()
    last_id = world.operations(instance_id)[-1].id
    world.run(lambda: operation(last_id).state == OperationState.REVERTING, seconds=2 * 300)
    guest.start()
    world.settle()
    assert last(world, instance_id)[1:] == ('failed', 'guest_timeout')
    assert world.row(instance_id).configuration_id is None
    assert running(world, instance_id, 'max_connections') == {'max_connections': '128'}


def test_a_failed_operation_is_retried(world, instance_id):
    again = {
        kind: status.ORIGINALS[f'instance_{kind}_configuration'].again
        for kind in ('attach', 'detach')
    }
    group = world.group(max_connections=250)
    args = {'configuration_id': group}
    engine(world, instance_id).refuses['max_connections'] = 'not here'
    world.attach(instance_id, group)
    world.settle()
    assert last(world, instance_id)[1] == 'failed'
    engine(world, instance_id).refuses.clear()
    assert again['detach'](world.context, world.row(instance_id), args) is None, 'it has none'
    again['attach'](world.context, world.row(instance_id), args)
    world.settle()
    assert last(world, instance_id) == ('instance_attach_configuration', 'succeeded', None)
    assert again['detach'](world.context, world.row(instance_id), {
        'configuration_id': 'another'
    }) is None
    again['detach'](world.context, world.row(instance_id), args)
    world.settle()
    assert last(world, instance_id) == ('instance_detach_configuration', 'succeeded', None)


def test_an_engine_that_does_not_start_with_it_runs_with_what_it_had(world, instance_id):
    engine(world, instance_id).deadly = ('back_log', '7')
    world.attach(instance_id, world.group(max_connections=250, back_log=7))
    world.settle()
    world.restart(instance_id)
    world.settle()
    assert last(world,
                instance_id) == ('instance_restart', 'failed', 'guest_configuration_taken_back')
    report(world)
    row = world.row(instance_id)
    assert row.service_status == 'healthy' and 'back_log = 7' in row.fault_message
    assert running(world, instance_id, 'max_connections', 'back_log') == {
        'max_connections': '250',
        'back_log': None
    }
    assert world.status(instance_id) == 'RESTART_REQUIRED', 'the requested options are not in force'
    assert 'instance.options_rejected' in world.events(instance_id)


def test_a_reboot_with_options_it_does_not_start_with(world, instance_id):
    engine(world, instance_id).deadly = ('back_log', '7')
    world.attach(instance_id, world.group(back_log=7))
    world.settle()
    world.reboot(instance_id)
    world.settle()
    report(world)
    row = world.row(instance_id)
    assert row.service_status == 'healthy' and 'back_log = 7' in rejection(row)
    assert world.status(instance_id) == 'RESTART_REQUIRED'


@pytest.mark.parametrize('request_', ['attach', 'detach'])
def test_refused_requests_change_nothing(world, instance_id, request_):
    group = world.group(max_connections=250)
    world.attach(instance_id, group)
    if request_ == 'detach':
        with pytest.raises(exception.Unprocessable):
            world.detach(instance_id)
    with pytest.raises(exception.BadRequest):
        world.attach(instance_id, world.group())
    assert world.row(instance_id).configuration_id == group
    world.settle()
    with pytest.raises(exception.BadRequest,
                       match=f'{instance_id} already has configuration {group}'):
        world.attach(instance_id, world.group())


def test_a_group_of_another_project_or_version_is_refused(world, instance_id):
    with pytest.raises(exception.NotFound):
        world.attach(instance_id, '00000000-0000-4000-8000-000000000000')
    group = world.group(max_connections=250)
    groups.delete(world.context, group)
    with pytest.raises(exception.NotFound):
        world.attach(instance_id, group)


def test_a_group_in_use_cannot_be_deleted(world, instance_id):
    group = world.group(max_connections=250)
    world.attach(instance_id, group)
    with pytest.raises(exception.BadRequest, match='cannot be deleted'):
        groups.delete(world.context, group)
    world.settle()
    world.detach(instance_id)
    with pytest.raises(exception.BadRequest, match='cannot be deleted'):
        groups.delete(world.context, group)
    world.settle()
    groups.delete(world.context, group)


# --- other operations on an instance with a group ------------------------------------------------

def test_an_instance_is_made_with_a_group(world):
    group = world.group(max_connections=250, back_log=90)
    made = created(world, configuration_id=group)
    assert world.status(made) == 'ACTIVE' and world.row(made).configuration_id == group
    assert running(world, made, 'max_connections', 'back_log') == {
        'max_connections': '250',
        'back_log': '90'
    }
    assert world.row(made).configuration_digest == configurations.digest({
        'max_connections': 250,
        'back_log': 90
    })


def test_an_instance_starts_without_options_that_the_engine_rejects(world):
    world.machines.prepare = lambda guest: setattr(guest.engine, 'deadly', ('back_log', '7'))
    made = created(world, configuration_id=world.group(back_log=7))
    report(world)
    row = world.row(made)
    assert row.service_status == 'healthy' and world.status(made) == 'RESTART_REQUIRED'
    assert 'back_log = 7' in rejection(row)


def test_a_resize_keeps_the_options(world, instance_id):
    world.attach(instance_id, world.group(max_connections=77))
    world.settle()
    world.resize_flavor(instance_id, 'f-large')
    world.settle()
    assert last(world, instance_id)[:2] == ('instance_resize_flavor', 'succeeded')
    assert running(world, instance_id, 'max_connections') == {'max_connections': '77'}
    world.detach(instance_id)
    world.settle()
    assert running(world, instance_id, 'max_connections') == {
        'max_connections': '512'
    }, 'of the new flavor'


def test_options_changed_outside_of_trove_are_reported_once(world, instance_id):
    world.attach(instance_id, world.group(max_connections=250))
    world.settle()
    engine(world, instance_id).running['max_connections'] = '7'
    report(world, 4)
    assert world.events(instance_id).count('instance.options_drifted') == 1
    assert world.status(instance_id) == 'ACTIVE'
    world.restart(instance_id)
    world.settle()
    report(world)
    assert 'instance.options_as_configured' in world.events(instance_id)
    assert running(world, instance_id, 'max_connections') == {'max_connections': '250'}
