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

"""Modules of instances: applied at creation, and applied again by an operation of their own."""

import base64
import hashlib

import pytest

from tests.functional.flows.test_crashes import doomed_runner, run_to_death, succeed
from tests.functional.world import PROJECT, VERSION_ID
from trove.db import datastores, modules, operations, session
from trove.instance.actions import modules as instance_modules
from trove.module import applying, reapplying
from trove.taskmanager import flows


def module(world, number, **values):
    module_id = f'{number:08x}-0000-4000-8000-0000000000aa'
    contents = base64.b64encode(f'message=number {number}'.encode())
    row = {
        'id': module_id,
        'name': f'm{number}',
        'type': 'ping',
        'description': None,
        'tenant_id': PROJECT,
        'datastore_id': None,
        'datastore_version_id': None,
        'auto_apply': False,
        'visible': True,
        'live_update': True,
        'priority_apply': False,
        'apply_order': 5,
        'is_admin': False,
        'contents': world.keys.seal(module_id, contents),
        'md5': hashlib.md5(contents).hexdigest(),
        **values
    }
    with session.writer() as connection:
        modules.create(connection, row, world.clock())
    return session.read(modules.get, module_id)


def change(world, row, text):
    contents = base64.b64encode(text.encode())
    with session.writer() as connection:
        connection.execute(modules.MODULES.update().where(modules.MODULES.c.id == row.id).values(
            contents=world.keys.seal(row.id, contents), md5=hashlib.md5(contents).hexdigest()))
    return session.read(modules.get, row.id)


def has(world, instance_id):
    return {
        found['id']: found
        for found in applying.on_guest(world.row(instance_id), include_contents=True)
    }


def reapplied(world, row, **request):
    operation_id = reapplying.reapply(world.context, row, request)
    world.settle()
    return session.read(operations.get, operation_id)


def test_a_new_instance_is_given_its_modules(world):
    row, other = module(world, 1), module(world, 2, type='new_relic_license')
    instance_id = world.create(modules=[row.id, other.id])
    world.settle()
    assert world.status(instance_id) == 'ACTIVE'
    found = has(world, instance_id)
    assert (found[row.id]['status'], found[row.id]['message']) == ('OK', 'number 1')
    assert found[other.id]['status'] == 'ERROR', 'no driver, and the instance is none the worse'
    assert session.read(modules.count_instances, row.id) == 1
    assert session.read(modules.count_instances, other.id) == 0
    assert world.events(instance_id).count('instance_create.module') == 2


def test_automatic_modules_come_in_their_order(world):
    for number, values in enumerate(({
            'apply_order': 9
    }, {
            'auto_apply': True,
            'apply_order': 1
    }, {
            'auto_apply': True,
            'priority_apply': True,
            'tenant_id': None
    }, {
            'auto_apply': True,
            'tenant_id': 'others'
    }, {
            'auto_apply': True,
            'datastore_id': 'another'
    })):
        module(world, number, **values)
    version = session.read(datastores.version, VERSION_ID)
    chosen = instance_modules.of_new_instance(
        world.context, ['00000000-0000-4000-8000-0000000000AA'], version)
    assert [one[:8] for one in chosen] == ['00000002', '00000001', '00000000']


def test_an_instance_that_goes_is_not_counted(world):
    row = module(world, 1)
    instance_id = world.create(modules=[row.id])
    world.settle()
    world.delete(instance_id)
    world.settle()
    assert session.read(modules.count_instances, row.id) == 0


@pytest.fixture
def three(world):
    """Three instances with a module that has changed since; the agent of one is dead."""
    row = module(world, 1)
    ids = [world.create(name=f'i{number}', modules=[row.id]) for number in range(3)]
    world.settle()
    return change(world, row, 'message=changed'), sorted(ids)


def test_it_is_applied_again_batch_by_batch(world, three):
    row, ids = three
    operation = reapplied(world, row, batch_size=2, batch_delay=3)
    assert operation.state == 'succeeded', world.journal()
    assert {has(world, one)[row.id]['message'] for one in ids} == {'changed'}
    assert session.read(modules.count_instances, row.id, row.md5) == 3
    assert (operation.finished - operation.created).total_seconds() >= 3, 'it waits between batches'


def test_an_instance_with_the_current_contents_is_skipped(world, three):
    row, ids = three
    reapplied(world, row)
    first = has(world, ids[0])[row.id]
    assert reapplied(world, row).facts == '{"last_instance": "", "applied": 0, "left_out": 0}'
    assert has(world, ids[0])[row.id] == first
    assert '"applied": 3' in reapplied(world, row, force=1).facts


def test_a_silent_guest_keeps_nobody_waiting(world, three):
    row, ids = three
    world.guest(ids[0]).kill()
    world.run(lambda: world.seconds() > 200, seconds=400)
    operation = reapplied(world, row)
    assert '"applied": 2, "left_out": 1' in operation.facts
    assert operation.state == 'succeeded'
    assert session.read(modules.count_instances, row.id, row.md5) == 2
    assert 'module_reapply.left_out' in world.events(row.id)


@pytest.mark.parametrize('moment', ['before', 'after', 'recorded'])
def test_a_successor_ends_it(world, three, moment):
    row, ids = three
    reapplying.reapply(world.context, row, {'batch_size': 2, 'batch_delay': 2})
    [step] = flows.registry()['module_reapply'].step_names
    run_to_death(world, doomed_runner(world, 'module_reapply', step, moment))
    succeed(world)
    assert {has(world, one)[row.id]['message'] for one in ids} == {'changed'}
    assert session.read(modules.count_instances, row.id, row.md5) == 3
