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

"""Short commands of the control plane, run by the manager on the in-memory engine."""

import pytest

from tests.functional.guestagent.conftest import ID, KEY, VOLUME, prepare
from tests.functional.simulated_guest import SimulatedGuest
from trove.common import exception
from trove.common.rpc import messages


def refused(api, message):
    with pytest.raises(exception.GuestError) as failure:
        api.call(message, 5)
    return failure.value.code


def test_nothing_but_ping_before_it_is_prepared(guest, api):
    guest.start()
    assert api.call(messages.Ping(), 5) == {
        'boot_id': '00000001.00000001',
        'agent_version': '1.0.0'
    }
    assert refused(api, messages.ListUsers()) == 'guest_not_prepared'


def test_paging(prepared, api):
    api.call(messages.CreateDatabases(databases=[{'name': name} for name in 'cab']), 5)
    first = api.call(messages.ListDatabases(limit=2), 5)
    assert [found['name']
            for found in first['databases']] == ['a', 'b'] and first['next_marker'] == 'b'
    second = api.call(messages.ListDatabases(limit=2, marker='b'), 5)
    assert [found['name']
            for found in second['databases']] == ['c', 'shop'] and second['next_marker'] is None
    again = api.call(messages.ListDatabases(marker='c', include_marker=True), 5)
    assert [found['name'] for found in again['databases']] == ['c', 'shop']


def test_nothing_is_made_when_one_of_several_is_refused(prepared, api):
    assert refused(api, messages.CreateDatabases(
        databases=[{'name': 'new'}, {'name': 'shop'}])) == 'guest_exists_database'
    assert refused(api, messages.CreateDatabases(
        databases=[{'name': 'twice'}, {'name': 'twice'}])) == 'guest_exists_database'
    assert refused(
        api,
        messages.CreateUsers(users=[{
            'name': 'new',
            'password': 'x'
        }, {
            'name': 'root',
            'password': 'x'
        }])) == 'guest_reserved_name'
    assert refused(api, messages.CreateUsers(users=[{'name': 'new'}])) == 'guest_invalid_password'
    assert refused(
        api,
        messages.ChangePasswords(users=[{
            'name': 'app',
            'password': 'changed'
        }, {
            'name': 'nobody',
            'password': 'x'
        }])) == 'guest_not_found_user'
    assert list(prepared.engine.data.databases) == ['shop']
    assert prepared.engine.data.users == {
        ('app', '%'): {
            'password': 'canary-user',
            'databases': {'shop'}
        }
    }


def test_users_and_grants(prepared, api):
    api.call(
        messages.CreateUsers(users=[{
            'name': 'b',
            'password': 'x',
            'host': '10.0.%',
            'databases': []
        }]), 5)
    assert [user['name'] for user in api.call(messages.ListUsers(), 5)['users']] == ['app', 'b']
    assert api.call(messages.GetUser(name='b', host='10.0.%'), 5) == {
        'user': {'name': 'b', 'host': '10.0.%', 'databases': []}}
    assert api.call(messages.GetUser(name='b'), 5) == {'user': None}
    api.call(messages.GrantAccess(name='b', host='10.0.%', databases=['shop', 'other']), 5)
    api.call(messages.RevokeAccess(name='b', host='10.0.%', database='shop'), 5)
    assert api.call(messages.ListAccess(name='b', host='10.0.%'), 5) == {
        'databases': [{
            'name': 'other'
        }]
    }
    api.call(
        messages.UpdateUser(name='b', host='10.0.%', changes={
            'name': 'c',
            'host': '%',
            'password': 'y'
        }), 5)
    assert prepared.engine.data.users['c', '%'] == {'password': 'y', 'databases': {'other'}}
    assert refused(api, messages.UpdateUser(name='c',
                                            changes={'name': 'app'})) == 'guest_exists_user'
    assert refused(api, messages.UpdateUser(name='c',
                                            changes={'name': 'root'})) == 'guest_reserved_name'
    api.call(messages.DeleteUser(name='c'), 5)
    assert refused(api, messages.DeleteUser(name='c')) == 'guest_not_found_user'
    api.call(messages.DeleteDatabase(name='shop'), 5)
    assert refused(api, messages.DeleteDatabase(name='shop')) == 'guest_not_found_database'


def test_root(prepared, api):
    made = api.call(messages.EnableRoot(), 5)['user']
    assert made['name'] == 'root' and len(made['password']) == 36 and made['password'].isalnum()
    assert prepared.engine.data.root_password == made['password']
    assert api.call(messages.EnableRoot(password='mine'), 5)['user']['password'] == 'mine'
    api.call(messages.DisableRoot(), 5)
    assert prepared.engine.data.root_password is None


def test_a_repeated_short_command_gets_the_same_answer(prepared, api):
    create = messages.CreateUsers(command_id='create-users', users=[{'name': 'b', 'password': 'x'}])
    assert api.call(create, 5) == api.call(create, 5) == {}
    prepared.kill()
    prepared.start()
    assert api.call(create, 5) == {}
    root = messages.EnableRoot(command_id='enable-root')
    assert api.call(root, 5) == api.call(root, 5)


def test_what_an_engine_cannot_do_is_refused(bus, conductor, tmp_path, api):
    guest = SimulatedGuest(bus, ID, KEY, tmp_path / 'other', volumes={VOLUME: None})
    able = guest.engine.description
    object.__setattr__(
        guest.engine, 'description',
        type(able)(**{
            **{
                name: getattr(able, name)
                for name in able.__dataclass_fields__
            }, 'capabilities': frozenset({'root'})
        }))
    guest.start()
    api.cast(prepare(databases=[], users=[]))
    guest.step()
    assert refused(api, messages.ListDatabases()) == 'guest_not_supported'
    assert api.call(messages.DisableRoot(), 5) == {}


def test_unusable_commands(prepared, api):
    class Tomorrow(messages.Command):
        KIND = 'Tomorrow'

    assert refused(api, Tomorrow()) == 'guest_unknown_command'
    with pytest.raises(exception.GuestError) as failure:
        api.call(messages.DeleteDatabase(name=''), 5)
    assert failure.value.code == 'guest_invalid_message' and 'name' in failure.value.message
