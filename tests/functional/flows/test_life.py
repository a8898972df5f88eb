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

"""Life of an instance: create, restart and delete, and their failures."""

import json

from tests.functional.world import NOTHING, ONE_INSTANCE
from trove.db import operations, session


def test_create_restart_delete(world):
    instance_id = world.create(
        databases=[{
            'name': 'shop',
            'character_set': None,
            'collate': None
        }], users=[{
            'name': 'app',
            'password': 'Canary-5ecret',
            'host': '%',
            'databases': [{
                'name': 'shop'
            }]
        }])
    assert world.status(instance_id) == 'BUILD'
    world.settle()
    assert world.status(instance_id) == 'ACTIVE', world.journal()
    assert world.holds() == ONE_INSTANCE
    data = world.machines.volumes[world.row(instance_id).volume_id]
    assert set(data.databases) == {'shop'
                                   } and data.users[('app', '%')]['password'] == 'Canary-5ecret'
    assert world.usage() == {'instances': 1, 'ram': 1024, 'volumes': 2, 'backups': 0}

    starts = world.guest(instance_id).machine.unit('memory').starts
    world.restart(instance_id)
    assert world.status(instance_id) == 'REBOOT'
    world.settle()
    assert world.status(instance_id) == 'ACTIVE'
    assert world.guest(instance_id).machine.unit('memory').starts == starts + 1

    world.delete(instance_id)
    assert world.status(instance_id) == 'SHUTDOWN'
    world.settle()
    assert world.status(instance_id) == '404'
    assert world.holds() == NOTHING
    assert set(world.usage().values()) == {0}
    assert [row.state for row in world.operations(instance_id)] == ['succeeded'] * 3


def test_no_secret_stands_in_the_journal(world):
    instance_id = world.create(users=[{
        'name': 'app',
        'password': 'Canary-5ecret',
        'host': '%',
        'databases': []
    }])
    world.settle()
    row = world.row(instance_id)
    key = world.keys.open(instance_id, row.encrypted_key)
    with session.reader() as connection:
        dump = []
        for table in operations.OPERATIONS.metadata.sorted_tables:
            dump += [repr(tuple(found)) for found in connection.execute(table.select())]
    text = '\n'.join(dump)
    assert instance_id in text
    assert 'Canary-5ecret' not in text
    assert key.hex() not in text and json.dumps(key.hex()) not in text
    assert world.operations(instance_id)[0].secrets is None


def test_a_guest_that_never_calls_back_ends_in_error_with_a_reason_and_can_be_deleted(world):
    world.conf.set_override('agent_start_timeout', 60)
    world.machines.silent = True
    instance_id = world.create()
    world.settle(seconds=200)
    row = world.row(instance_id)
    assert world.status(instance_id) == 'ERROR'
    assert row.error_code == 'guest_silent' and 'did not report in' in row.fault_message
    assert 'simulated machine' in row.fault_details, 'the operator sees the end of the console'
    assert world.holds() == NOTHING, 'nothing is paid for that nobody can use'
    assert world.usage()['instances'] == 1
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404' and set(world.usage().values()) == {0}


def test_a_server_that_fails_ends_in_error_with_the_reason_of_nova(world):
    world.cloud.faults.work('server.create', times=99)
    instance_id = world.create()
    world.settle()
    assert world.status(instance_id) == 'ERROR'
    assert world.row(instance_id).error_code == 'server_failed'
    assert 'requested' in world.row(instance_id).fault_message
    assert world.holds() == NOTHING


def test_what_the_guest_refuses_is_the_reason_the_user_reads(world):
    world.machines.prepare = lambda guest: setattr(guest.machine.unit('memory'), 'refuses',
                                                   'no space left')
    instance_id = world.create()
    world.settle()
    row = world.row(instance_id)
    assert world.status(instance_id) == 'ERROR'
    assert row.error_code == 'guest_prepare_start', row.fault_message
    assert world.holds() == NOTHING


def test_delete_during_create_cancels_it_and_leaves_nothing(world):
    instance_id = world.create()
    world.run(lambda: world.holds().get('machine'))
    deleting = world.delete(instance_id)
    assert world.delete(instance_id) == deleting, 'asking twice is asking once'
    assert world.status(instance_id) == 'SHUTDOWN'
    world.settle()
    assert world.status(instance_id) == '404'
    assert world.holds() == NOTHING
    assert [row.state for row in world.operations(instance_id)] == ['cancelled', 'succeeded']


def test_delete_insists_until_the_cloud_gives_in(world):
    instance_id = world.create()
    world.settle()
    world.cloud.faults.request('volume', 'DELETE', '/volumes', times=8, status=500)
    world.delete(instance_id)
    world.run(lambda: world.holds() == {'volume': 1, 'disk': 1, 'identity': 1} or world.holds() == {
        'volume': 1, 'disk': 1})
    assert world.status(instance_id) == 'SHUTDOWN', 'not deleted while a resource remains'
    world.settle()
    assert world.status(instance_id) == '404' and world.holds() == NOTHING


def test_an_agent_killed_while_it_prepares_goes_on_where_it_was(world):
    instance_id = world.create(databases=[{'name': 'shop', 'character_set': None, 'collate': None}])
    world.run(lambda: world.machines.guests and world.guest(instance_id).waiting)
    world.guest(instance_id).kill()
    world.guest(instance_id).start()
    world.settle()
    assert world.status(instance_id) == 'ACTIVE'
    data = world.machines.volumes[world.row(instance_id).volume_id]
    assert data.initialised == 1 and set(data.databases) == {'shop'}


def test_five_creates_at_once(world):
    ids = [world.create(name=f'db-{number}') for number in range(5)]
    world.settle()
    assert {world.status(instance_id) for instance_id in ids} == {'ACTIVE'}
    assert world.holds() == {kind: 5 * number for kind, number in ONE_INSTANCE.items()}
