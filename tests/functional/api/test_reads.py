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

"""Reads cost the same however many rows there are, and ask nobody outside."""

import json
import uuid

import pytest
from tests.functional.api import tokens, worlds
from tests.functional.api.edge import VERSION_ID
from tests.functional.api.stories import WORDS
from tests.perf.measuring import counted
from trove.db import instance_addresses, instances, session

MAX_STATEMENTS = 4


def fill(edge, number):
    with session.writer() as connection:
        now = session.utcnow()
        for count in range(number):
            instance_id = str(uuid.uuid4())
            instances.create(
                connection, {
                    'id': instance_id,
                    'name': f'n{count}',
                    'tenant_id': tokens.DEMO,
                    'flavor_id': '10',
                    'ram': 1,
                    'vcpus': 1,
                    'volume_size': 1,
                    'datastore_version_id': VERSION_ID,
                    'server_id_number': 1
                }, now)
            instance_addresses.replace(connection, instance_id, [{
                'kind': 'private',
                'address': '10.20.0.9',
                'family': 4,
                'port_id': None,
                'network_id': None,
                'subnet_id': None,
                'mac': None
            }], ['private'])


@pytest.mark.parametrize('path', ['/instances', '/instances/detail'])
def test_a_list_takes_the_same_statements_for_twenty_and_for_a_thousand_rows(edge, path):
    fill(edge, 20)
    edge.ask('GET', path)
    with counted() as few:
        assert len(edge.ask('GET', path).json['instances']) == 20
    fill(edge, 980)
    with counted() as many:
        assert len(edge.ask('GET', path).json['instances']) == 20
    assert len(few.statements) == len(many.statements) == 1


@pytest.mark.parametrize('path', [
    '/instances', '/instances/detail', '/instances/{orders}', '/instances/{orders}/operations',
    '/instances/{orders}/events', '/datastores', '/datastores/mariadb',
    '/datastores/mariadb/versions', '/datastores/mariadb/versions/10.11',
    '/datastores/mariadb/versions/10.11/flavors', '/datastores/mariadb/versions/10.11/volume-types',
    '/flavors', '/flavors/10', '/limits', '/mgmt/quotas/{demo}', '/instances/{orders}/root',
    '/configurations', '/configurations/{group}', '/configurations/{group}/instances',
    '/datastores/mariadb/versions/10.11/parameters',
    '/datastores/versions/{version}/parameters/max_connections',
    '/instances?name=orders&datastore=mariadb&sort_key=name'
])
def test_a_read_asks_nobody_outside(edge, path):
    worlds.orders(edge)
    worlds.parameters(edge)
    worlds.groups(edge)
    edge.cloud.requests.clear()
    edge.guests.taken.clear()
    with counted() as counts:
        response = edge.ask('GET', path.format(**WORDS))
    assert response.status_int == 200
    assert edge.cloud.requests == []
    assert edge.control.taken == edge.guests.taken == []
    assert 0 < len(counts.statements) <= MAX_STATEMENTS


@pytest.mark.parametrize('path', [
    '/mgmt/instances', '/mgmt/instances/{orders}', '/mgmt/instances/{orders}/root',
    '/mgmt/datastore-versions', '/mgmt/datastore-versions/{version}',
    '/mgmt/datastores/versions/{version}/parameters', '/mgmt/clusters'
])
def test_a_read_of_an_administrator_asks_nobody_outside(edge, path):
    worlds.orders(edge)
    edge.cloud.requests.clear()
    edge.guests.taken.clear()
    with counted() as counts:
        response = edge.ask('GET', path.format(**WORDS), token='admin')
    assert response.status_int == 200
    assert edge.cloud.requests == edge.control.taken == edge.guests.taken == []
    assert len(counts.statements) <= MAX_STATEMENTS


@pytest.mark.parametrize('query', [
    '?sort_key=name', '?sort_key=created&sort_dir=asc&marker={marker}', '?name=n3',
    '?datastore=mariadb'
])
def test_a_filtered_list_takes_the_same_statements_for_twenty_and_for_a_thousand_rows(edge, query):
    fill(edge, 20)
    query = query.format(marker=edge.ask('GET', '/instances?limit=1').json['instances'][0]['id'])
    with counted() as few:
        edge.ask('GET', f'/instances{query}')
    fill(edge, 180)
    with counted() as many:
        assert edge.ask('GET', f'/instances{query}').json['instances']
    assert len(few.statements) == len(many.statements) == 1


def test_a_list_of_databases_is_one_question_to_the_guest(edge):
    worlds.orders(edge)
    edge.guests.taken.clear()
    assert edge.ask('GET', f'/instances/{WORDS["orders"]}/databases').status_int == 200
    assert len(edge.guests.taken) == 1
    assert edge.cloud.requests == []


def test_a_list_asks_for_replicas_only_where_there_are_any(edge):
    worlds.replicas(edge)
    edge.ask('GET', '/instances')
    with counted() as counts:
        shown = {row['name']: row for row in edge.ask('GET', '/instances/detail').json['instances']}
    assert len(counts.statements) == 2
    assert [replica['id'] for replica in shown['source']['replicas']] == [shown['replica']['id']]


@pytest.mark.parametrize('path, statements', [('/instances/{orders}', 2), ('/instances', 1),
                                              ('/instances/detail', 1)])
def test_what_a_read_of_instances_costs(edge, path, statements):
    """The time it takes is measured in tests/perf; what can be counted does not depend on the
    machine.
    """
    worlds.orders(edge)
    url = path.format(**WORDS)
    edge.ask('GET', url)
    with counted(edge) as counts:
        in_json = edge.ask('GET', url)
    assert counts.summary == (statements, 0, 0)
    with counted(edge) as counts:
        in_xml = edge.ask('GET', url, Accept='application/xml')
    assert counts.summary == (statements, 0, 0)
    assert WORDS['orders'] in in_json.text and WORDS['orders'] in in_xml.text


def test_what_a_create_costs(edge):
    body = {'instance': {'name': 'new', 'flavorRef': '10', 'volume': {'size': 1},
                         'nics': [{'net-id': edge.cloud.network('private')['id']}]}}
    assert edge.ask('POST', '/instances', body, token='demo-manager').status_int == 200
    with counted(edge) as counts:
        assert edge.ask('POST', '/instances', body, token='demo-manager').status_int == 200
    statements, cloud, messages = counts.summary
    assert statements <= 22 and cloud <= 6 and messages == 1, json.dumps(
        counts.statements, indent=1)
