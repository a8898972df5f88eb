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

"""Backups that lie in the object store already: found with the user's token, and nowhere but in the
user's account.
"""

import pytest

from tests.functional.api import tokens, worlds
from tests.functional.api.shell import Staff
from tests.functional.api.stories import WORDS
from trove.backup import models
from trove.common.context import RequestContext
from trove.db import backups, session


def put(edge, name, project=tokens.DEMO, token='demo', **headers):
    url = f'{tokens.OBJECT_STORE}{project}/kept'
    for path in (url, f'{url}/{name}'):
        answer = edge.cloud.transport.put(path, data=b'data', headers={
            'X-Auth-Token': token,
            **headers
        })
        assert answer.status_code < 300, answer.text
    return f'{url}/{name}'


def register(edge, location, **more):
    return edge.ask(
        'POST', '/backups', {
            'backup': {
                'name': 'yesterday',
                'restore_from': {
                    'remote_location': location,
                    'local_datastore_version_id': WORDS['version'],
                    'size': 1.5
                },
                **more
            }
        })


def test_one_that_is_there_is_registered(edge):
    location = put(edge, 'yesterday')
    response = register(edge, location, description='of the other region')
    assert response.status_int == 202, response.text
    shown = response.json['backup']
    assert (shown['status'], shown['locationRef'], shown['size'], shown['instance_id']) == (
        'RESTORED', location, 1.5, None)
    row = session.read(backups.get, shown['id'])
    assert (row.checksum, row.backup_type) == ('8d777f385d3dfec8815d20f7496026dc', 'full')
    quotas = {quota['resource']: quota['in_use'] for quota in edge.ask(
        'GET', f'/mgmt/quotas/{tokens.DEMO}').json['quotas']}
    assert quotas['backups'] == 1


@pytest.mark.parametrize('fault, status, name', [({
    'mode': 'status',
    'status': 403
}, 401, 'unauthorized'), ({
    'mode': 'before',
    'times': 10
}, 500, 'serverError')])
def test_a_store_that_refuses_or_fails_is_reported(edge, fault, status, name):
    location = put(edge, 'yesterday')
    edge.cloud.app.cloud.faults.request('object', 'HEAD', tokens.DEMO, **fault)
    response = register(edge, location)
    assert (response.status_int, list(response.json)) == (status, [name]), response.text
    assert edge.ask('GET', '/backups').json['backups'] == []


def test_an_increment_is_known_by_its_parent(edge):
    location = put(edge, 'increment', **{'X-Object-Meta-Parent-Location': 'http://elsewhere'})
    made = register(edge, location).json['backup']['id']
    assert session.read(backups.get, made).backup_type == 'incremental'


@pytest.mark.parametrize('location', [
    'http://elsewhere/v1/AUTH_x/kept/yesterday', f'{tokens.OBJECT_STORE}{tokens.DEMO}',
    '{own}/kept', '{own}/kept/', '{own}/kept/missing', '{other}/kept/theirs', 'file:///etc/passwd',
    '{own}.evil/kept/yesterday'
])
def test_the_token_goes_nowhere_else(edge, location):
    put(edge, 'yesterday')
    put(edge, 'theirs', tokens.OTHER, 'other')
    edge.cloud.requests.clear()
    given = location.format(own=f'{tokens.OBJECT_STORE}{tokens.DEMO}',
                            other=f'{tokens.OBJECT_STORE}{tokens.OTHER}')
    response = register(edge, given)
    assert response.status_int == 400, response.text
    assert 'remote_location' in response.json['badRequest']['message']
    read = [path for _method, path in edge.cloud.requests if 'AUTH_' in path]
    assert {path.partition('AUTH_')[2].partition('/')[0] for path in read} <= {tokens.DEMO}, read
    assert edge.ask('GET', '/backups').json['backups'] == []


def test_an_unknown_version_is_refused(edge):
    body = {
        'backup': {
            'name': 'a',
            'restore_from': {
                'remote_location': put(edge, 'yesterday'),
                'size': 1,
                'local_datastore_version_id': WORDS['nobody']
            }
        }
    }
    assert edge.ask('POST', '/backups', body).status_int == 400


def test_what_was_registered_stays_when_its_backup_goes(edge):
    location = put(edge, 'yesterday')
    made = register(edge, location).json['backup']['id']
    assert edge.ask('DELETE', f'/backups/{made}').status_int == 202
    Staff(edge).work()
    assert edge.ask('GET', f'/backups/{made}').status_int == 404
    assert edge.cloud.transport.head(location, headers={'X-Auth-Token': 'demo'}).status_code == 200


def stored(edge, location, **values):
    with session.writer() as connection:
        backups.create(
            connection, {
                'id': WORDS['backup'],
                'name': 'b',
                'tenant_id': tokens.DEMO,
                'backup_type': 'full',
                'state': 'COMPLETED',
                'location': location,
                'storage_driver': 'swift',
                **values
            }, session.utcnow())
    models.delete(RequestContext(user_id='demo-user', project_id=tokens.DEMO, overwrite=False),
                  session.read(backups.get, WORDS['backup']))
    Staff(edge).work()
    return session.read(backups.get, WORDS['backup'])


@pytest.mark.parametrize('is_there', [True, False])
def test_what_we_stored_goes_with_its_backup(edge, is_there):
    location = put(edge, 'ours') if is_there else put(edge, 'other').replace('other', 'ours')
    assert stored(edge, location) is None
    assert edge.cloud.transport.head(location, headers={'X-Auth-Token': 'demo'}).status_code == 404


def test_data_that_cannot_be_reached_keep_their_backup(edge):
    worlds.orders(edge)
    row = stored(edge, 'http://elsewhere/v1/AUTH_x/kept/ours')
    assert (row.state, row.error_code) == ('DELETE_FAILED', 'object_store_failed')
    shown = edge.ask('GET', f'/backups/{WORDS["backup"]}').json['backup']
    assert shown['fault']['code'] == 'object_store_failed'
    # It may be asked for again.
    assert edge.ask('DELETE', f'/backups/{WORDS["backup"]}').status_int == 202
