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

"""Databases, users, grants and root over REST, against the engine of a real guest."""

from urllib import parse

import pytest
from control.rest import RestError

from tests.e2e.service.running import Refused, new_password

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
#: Names that quoting and URLs have to survive.
HARD_NAMES = ['100%', 'dot.json', 'größe', 'x#y--z', '$(id)', 'a&b=c?d+e', 'NULL', '%s{0}']
#: Characters that the historic rules refuse in names and passwords.
FORBIDDEN = '\'";`,/\\'


@pytest.fixture
def helper(service, shop):
    """A user without any grant; returns its password."""
    password = new_password()
    service.passwords.add(password)
    shop.call('POST', '/users', {'users': [{'name': 'helper', 'password': password}]})
    yield password
    shop.call('DELETE', '/users/helper')


def names(shop, path):
    return [entry['name'] for entry in shop.call('GET', f'/{path}')[path]]


def test_databases_come_with_their_character_set_and_go(shop):
    shop.call(
        'POST', '/databases', {
            'databases': [{
                'name': 'archive',
                'character_set': 'latin1',
                'collate': 'latin1_german1_ci'
            }, {
                'name': 'scratch'
            }]
        })
    assert names(shop, 'databases') == ['archive', 'orders', 'scratch', 'stock']
    with pytest.raises(RestError, match='archive'):
        shop.call('POST', '/databases', {'databases': [{'name': 'archive'}]})
    for name in ('archive', 'scratch'):
        shop.call('DELETE', f'/databases/{name}')
    assert names(shop, 'databases') == ['orders', 'stock']


def test_the_character_set_is_the_requested_one(service, shop, helper):
    shop.call('POST', '/databases', {'databases': [{'name': 'archive', 'character_set': 'latin1',
                                                    'collate': 'latin1_german1_ci'}]})
    try:
        shop.call('PUT', '/users/helper/databases', {'databases': [{'name': 'archive'}]})
        assert shop.query('helper', helper, 'SELECT @@character_set_database, @@collation_database',
                          'archive') == ['latin1\tlatin1_german1_ci']
    finally:
        shop.call('DELETE', '/databases/archive')


def test_a_grant_opens_a_database_and_a_revoke_closes_it(shop, helper):
    with pytest.raises(Refused, match='denied'):
        shop.query('helper', helper, 'SELECT 1', 'stock')
    shop.call('PUT', '/users/helper/databases', {'databases': [{'name': 'stock'}]})
    assert shop.call('GET', '/users/helper/databases') == {'databases': [{'name': 'stock'}]}
    shop.query('helper', helper, 'CREATE TABLE shelf (id INT); DROP TABLE shelf', 'stock')
    with pytest.raises(Refused, match='denied'):
        shop.query('helper', helper, 'SELECT 1', 'orders')
    shop.call('DELETE', '/users/helper/databases/stock')
    assert shop.call('GET', '/users/helper/databases') == {'databases': []}
    with pytest.raises(Refused, match='denied'):
        shop.query('helper', helper, 'SELECT 1', 'stock')


def test_passwords_of_several_users_change_at_once_or_not_at_all(service, shop, helper):
    fresh = new_password()
    service.passwords.add(fresh)
    with pytest.raises(RestError) as refused:
        shop.call('PUT', '/users', {'users': [{'name': 'helper', 'password': fresh},
                                              {'name': 'nobody', 'password': fresh}]})
    assert refused.value.status == 404 and 'nobody' in str(refused.value)
    assert shop.query('helper', helper, 'SELECT 1') == ['1']
    shop.call('PUT', '/users', {'users': [{'name': 'helper', 'password': fresh}]})
    assert shop.query('helper', fresh, 'SELECT 1') == ['1']
    with pytest.raises(Refused, match='Access denied'):
        shop.query('helper', helper, 'SELECT 1')


def test_a_user_of_one_host_connects_from_there_only(service, shop):
    password = new_password()
    service.passwords.add(password)
    here, elsewhere = service.settings.host_address('private'), '192.0.2.77'
    shop.call('POST', '/users', {'users': [
        {'name': 'near', 'password': password, 'host': here}, {'name': 'far', 'password': password,
                                                               'host': elsewhere}]})
    assert shop.query('near', password, 'SELECT CURRENT_USER()') == [f'near@{here}']
    with pytest.raises(Refused, match='Access denied'):
        shop.query('far', password, 'SELECT 1')
    shown = shop.call('GET', f'/users/far@{elsewhere}')['user']
    assert (shown['name'], shown['host']) == ('far', elsewhere)
    for user in (f'near@{here}', f'far@{elsewhere}'):
        shop.call('DELETE', f'/users/{user}')


@pytest.mark.parametrize('name', HARD_NAMES)
def test_hard_names_and_passwords_reach_the_engine_unchanged(service, shop, name):
    password = f'{new_password()}%s€ $(id) #--&{{0}}?|<>!'
    service.passwords.add(password)
    shop.call('POST', '/users', {'users': [{'name': name, 'password': password}]})
    try:
        assert name in names(shop, 'users')
        assert shop.query(name, password, 'SELECT 1') == ['1']
    finally:
        shop.call('DELETE', f'/users/{parse.quote(name, safe="")}')
    assert name not in names(shop, 'users')


@pytest.mark.parametrize('character', FORBIDDEN)
def test_forbidden_characters_are_refused_before_they_reach_the_engine(shop, character):
    for user in ({'name': f'a{character}b', 'password': 'Secret-123456'},
                 {'name': 'ab', 'password': f'Secret-{character}-123456'}):
        with pytest.raises(RestError) as refused:
            shop.call('POST', '/users', {'users': [user]})
        assert refused.value.status == 400
    assert names(shop, 'users') == ['auditor', 'clerk']


@pytest.mark.parametrize(('path', 'body', 'word'), [
    ('users', {'users': [{'name': 'root', 'password': 'Secret-123456'}]}, 'root'),
    ('users', {'users': [{'name': 'os_admin', 'password': 'Secret-123456'}]}, 'os_admin'),
    ('users', {'users': [{'name': 'clerk', 'password': 'Secret-123456'}]}, 'clerk'),
    ('databases', {'databases': [{'name': 'mysql'}]}, 'mysql'),
    ('databases', {'databases': [{'name': 'orders'}]}, 'orders')])
def test_reserved_and_taken_names_are_refused(shop, path, body, word):
    with pytest.raises(RestError, match=word) as refused:
        shop.call('POST', f'/{path}', body)
    assert refused.value.status == 400
    assert shop.as_clerk('SELECT 1') == ['1']


def test_root_is_enabled_shown_and_disabled(service, shop):
    """With the client, as a user does it; what happened is remembered for good."""
    assert shop.call('GET', '/root') == {'rootEnabled': False}
    with pytest.raises(Refused, match='Access denied'):
        shop.query('root', '', 'SELECT 1')
    given = service.openstack('database', 'root', 'enable', shop.id)
    password = given['password']
    service.passwords.add(password)
    assert given['name'] == 'root' and len(password) >= 20
    assert shop.query('root', password, 'SELECT COUNT(*) > 0 FROM mysql.user') == ['1']
    assert 'true' in service.client('database', 'root', 'show', shop.id).lower()
    with pytest.raises(Refused, match='Access denied'):
        shop.query('root', f'{password}x', 'SELECT 1')
    # The second password replaces the first.
    second = shop.call('POST', '/root')['user']['password']
    service.passwords.add(second)
    assert shop.query('root', second, 'SELECT 1') == ['1']
    with pytest.raises(Refused, match='Access denied'):
        shop.query('root', password, 'SELECT 1')
    service.client('database', 'root', 'disable', shop.id)
    with pytest.raises(Refused, match='Access denied'):
        shop.query('root', second, 'SELECT 1')
    assert shop.call('GET', '/root') == {'rootEnabled': False}
    history = service.rows('SELECT * FROM root_enabled_history WHERE id = :id', id=shop.id)
    assert len(history) == 1 and service.session('demo').user_id in history[0]
    assert shop.as_clerk('SELECT 1') == ['1']
