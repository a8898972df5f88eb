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

"""Records of a create in the database and on the bus, and secrets that must not be there."""

import json
import logging

from trove.common.rpc import keys
from trove.db import instances, operations, session

SECRETS = ('canary-password-of-app', 'canary-password-of-zoe')
BODY = {'instance': {
    'name': 'orders', 'flavorRef': 10, 'volume': {'size': 2, 'type': 'fast'},
    'databases': [{'name': 'shop', 'character_set': 'utf8mb4'}],
    'users': [{'name': 'app', 'password': SECRETS[0], 'databases': [{'name': 'shop'}]},
              {'name': 'zoe', 'password': SECRETS[1], 'host': '10.1.%'}],
    'access': {'is_public': False, 'allowed_cidrs': ['10.0.0.0/8']}}}


def created(edge, body=BODY):
    response = edge.ask('POST', '/instances', body)
    assert response.status_int == 200, response.text
    with session.reader() as connection:
        return (instances.get(connection, response.json['instance']['id']),
                operations.get(connection, response.headers['X-Trove-Operation-Id']))


def test_the_row_has_the_facts_of_the_flavor_and_a_key_of_its_own(edge):
    row, _ = created(edge)
    assert (row.ram, row.vcpus, row.volume_size, row.volume_type) == (1024, 1, 2, 'fast')
    assert row.service_status == 'new'
    assert row.user_id == 'demo-user'
    assert json.loads(row.access) == {'is_public': False, 'allowed_cidrs': ['10.0.0.0/8']}
    assert len(edge.keys.open(row.id, row.encrypted_key)) == keys.KEY_BYTES


def test_the_operation_records_the_request(edge):
    network = edge.cloud.network('private')
    body = {
        'instance': {
            **BODY['instance'], 'nics': [{
                'subnet_id': network['subnet'],
                'ip_address': '10.20.0.50'
            }]
        }
    }
    row, operation = created(edge, body)
    assert (operation.kind, operation.resource_id, operation.active) == ('instance_create', row.id,
                                                                         1)
    assert operation.actor == 'demo-user'
    assert operation.request_id.startswith('req-')
    assert json.loads(operation.args) == {
        'databases': [{
            'name': 'shop',
            'character_set': 'utf8mb4',
            'collate': 'utf8mb4_general_ci'
        }],
        'nic': {
            'network_id': network['id'],
            'subnet_id': network['subnet'],
            'ip_address': '10.20.0.50'
        },
        'modules': []
    }
    assert json.loads(edge.keys.open(operation.id, operation.secrets)) == {
        'users': [{
            'name': 'app',
            'password': SECRETS[0],
            'host': '%',
            'databases': [{
                'name': 'shop'
            }]
        }, {
            'name': 'zoe',
            'password': SECRETS[1],
            'host': '10.1.%',
            'databases': []
        }],
        'root_password': None
    }


def test_the_task_manager_is_woken_once(edge):
    _, operation = created(edge)
    assert edge.control.taken == [('taskmanager', 'wake', {'operation_id': operation.id})]


def test_a_broker_that_is_away_does_not_stop_a_create(edge):
    edge.control.broken = True
    _, operation = created(edge)
    assert operation.active == 1


def test_no_password_is_in_the_clear_anywhere(edge, caplog):
    with caplog.at_level(logging.DEBUG):
        created(edge)
    with session.reader() as connection:
        rows = [str(tuple(row)) for table in (operations.OPERATIONS, instances.INSTANCES)
                for row in connection.execute(table.select())]
    for secret in SECRETS:
        assert secret not in ' '.join(rows)
        assert secret not in caplog.text
        assert secret not in str(edge.control.taken)


def test_a_wrong_password_is_not_repeated_in_the_answer(edge):
    body = {
        'instance': {
            **BODY['instance'], 'users': [{
                'name': 'app',
                'password': "canary'quoted"
            }]
        }
    }
    response = edge.ask('POST', '/instances', body)
    assert response.status_int == 400
    assert 'canary' not in response.text


def test_root_at_creation_is_shown_once(edge):
    edge.conf.set_override('root_on_create', True, 'mariadb')
    response = edge.ask('POST', '/instances', BODY)
    password = response.json['instance']['password']
    assert len(password) == 36
    operation = session.read(operations.get, response.headers['X-Trove-Operation-Id'])
    assert json.loads(edge.keys.open(operation.id, operation.secrets))['root_password'] == password
    shown = edge.ask('GET', f"/instances/{response.json['instance']['id']}")
    assert 'password' not in shown.json['instance']


def test_a_delete_during_the_build_leaves_word_for_the_runner(edge):
    row, operation = created(edge)
    response = edge.ask('DELETE', f'/instances/{row.id}')
    assert response.status_int == 202
    cancelled = session.read(operations.get, operation.id)
    assert cancelled.cancel_wanted
    successor = json.loads(cancelled.successor)
    assert successor['kind'] == 'instance_delete'
    assert successor['operation_id'] == response.headers['X-Trove-Operation-Id']
    again = edge.ask('DELETE', f'/instances/{row.id}')
    assert again.headers['X-Trove-Operation-Id'] == successor['operation_id']
    assert edge.control.taken[-1] == ('taskmanager', 'wake', {'operation_id': operation.id})


def test_volumes_of_engines_without_volumes(edge):
    edge.conf.set_override('volume_support', False, 'mariadb')
    response = edge.ask('POST', '/instances', BODY)
    assert response.status_int == 501
    assert "instance['volume']" in response.json['notImplemented']['message']


def test_an_absent_cloud_is_reported(edge):
    edge.cloud.transport.adapters.clear()
    response = edge.ask('POST', '/instances', BODY)
    assert response.status_int == 503
    assert response.json['serviceUnavailable']['code'] == 503
    assert edge.ask('GET', '/instances').json['instances'] == []


def test_networks_that_hide_ours_are_refused_without_isolation(edge):
    edge.conf.set_override('network_isolation', False, 'network')
    edge.conf.set_override('reserved_network_cidrs', ['10.20.0.0/16'])
    network = edge.cloud.network('private')
    body = {'instance': {**BODY['instance'], 'nics': [{'network_id': network['id']}]}}
    response = edge.ask('POST', '/instances', body)
    assert response.status_int == 400
    assert '10.20.0.0/24 overlaps 10.20.0.0/16' in response.json['badRequest']['message']
    other = {
        'instance': {
            **BODY['instance'], 'nics': [{
                'network_id': edge.cloud.network('second')['id']
            }]
        }
    }
    assert edge.ask('POST', '/instances', other).status_int == 200


def test_what_nobody_foresaw_has_a_reference_and_no_trace(edge, caplog):
    row, _ = created(edge)
    with session.writer() as connection:
        instances.change(connection, row.id, session.utcnow(), access='{damaged')
    response = edge.ask('GET', f'/instances/{row.id}')
    assert response.status_int == 500
    message = response.json['instanceFault']['message']
    assert 'JSONDecodeError' not in response.text
    assert 'JSONDecodeError' in caplog.text
    assert message.rstrip('.').rpartition(' ')[2] in caplog.text
