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
"""Hostile names and passwords on every engine: exactly what was asked for, or a clear refusal;
never harm.
"""

from urllib import parse

import pytest
from control.rest import RestError

from tests.e2e.service.engines import DENIED
from tests.e2e.service.running import Refused, new_password

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

EMOJI = '\U0001F511'

HOSTILE = [
    "o'brien", 'dou"ble', 'back\\slash', 'per%cent', 'under_score', 'tick`', 'semi;colon', '$(id)',
    '{0}', '%s', ':x', '--', '/*', "'; DROP DATABASE orders; --", 'select', '\u00e9t\u00e9', EMOJI,
    'nul\0', 'new\nline', 'tab\t', ' lead', 'trail ', 'two words', 'a' * 63, 'a' * 64, 'a' * 65,
    '\u00e9' * 31, '\u00e9' * 32, EMOJI * 15, EMOJI * 16, 'dot.json', 'a@b', '+group', '@name',
    '#hash', '>secret', '~*', 'half\ud83d'
]


def user_id(name: str) -> str:
    """A user in a path: by contract quoted once for HTTP, and once more for the resource."""
    return parse.quote(parse.quote(f'{name}@%', safe=''), safe='')


@pytest.mark.parametrize('name', HOSTILE, ids=ascii)
def test_a_database_has_exactly_its_name_or_is_refused(needs, instance, name):
    needs('databases')
    before = instance.names('databases')
    try:
        instance.call('POST', '/databases', {'databases': [{'name': name}]})
    except RestError as refused:
        assert refused.status == 400 and len(str(refused)) > 10
        assert instance.names('databases') == before
    else:
        assert sorted(instance.names('databases')) == sorted([*before, name])
        instance.call('PUT', '/users/clerk/databases', {'databases': [{'name': name}]})
        instance.ask('clerk', instance.password, 'SELECT 1', name)
        instance.call('DELETE', f'/databases/{parse.quote(name, safe="")}')
        assert instance.names('databases') == before
    instance.is_unharmed()


@pytest.mark.parametrize('name', HOSTILE, ids=ascii)
def test_a_user_has_exactly_its_name_or_is_refused(instance, name):
    password = new_password()
    databases = ('orders',) if instance.engine.can('databases') else ()
    try:
        instance.call('POST', '/users', {'users': [instance.user(name, password, *databases)]})
    except RestError as refused:
        assert refused.status == 400 and len(str(refused)) > 10
        assert instance.names('users') == ['clerk']
    else:
        assert sorted(instance.names('users')) == sorted(['clerk', name])
        assert instance.engine.whoami(instance.ask(name, password, instance.engine.who())) == name
        instance.call('DELETE', f'/users/{user_id(name)}')
        assert instance.names('users') == ['clerk']
    instance.is_unharmed()


@pytest.mark.parametrize('part', HOSTILE, ids=ascii)
def test_a_password_is_exactly_this_one_or_is_refused(instance, part):
    password = f'{new_password()}{part}'
    databases = ('orders',) if instance.engine.can('databases') else ()
    try:
        instance.call(
            'POST', '/users', {
                'users': [{
                    'name': 'helper',
                    'password': password,
                    **({
                        'databases': [{
                            'name': 'orders'
                        }]
                    } if databases else {})
                }]
            })
    except RestError as refused:
        assert refused.status == 400 and password not in str(refused)
        assert instance.names('users') == ['clerk']
    else:
        assert instance.ask('helper', password, instance.engine.who())
        with pytest.raises(Refused, match=f'(?i){DENIED}'):
            instance.ask('helper', password[:-1], instance.engine.who())
        instance.call('DELETE', '/users/helper')
    instance.is_unharmed()


def test_wildcards_in_a_grant_stand_for_themselves(needs, instance):
    needs('grants')
    password = new_password()
    names = [name for name in ('foo_bar', 'fooXbar', 'fo-o', 'foo-')]
    instance.call('POST', '/databases', {'databases': [{'name': name} for name in names]})
    instance.call('POST', '/users', {'users': [instance.user('helper', password, 'foo_bar')]})
    try:
        instance.ask('helper', password, instance.engine.write('a', 'b'), 'foo_bar')
        for name in names[1:]:
            with pytest.raises(Refused, match=f'(?i){DENIED}'):
                instance.ask('helper', password, 'SELECT 1', name)
        assert instance.call('GET', '/users/helper/databases') == {
            'databases': [{
                'name': 'foo_bar'
            }]
        }
    finally:
        instance.call('DELETE', '/users/helper')
        for name in names:
            instance.call('DELETE', f'/databases/{name}')
