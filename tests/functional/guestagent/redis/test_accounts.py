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
"""New server, users and administrator: exactly the requested ones."""

import hashlib
import json
import os
import pathlib

import pytest

from tests.functional.guestagent.redis.running import make
from trove.guestagent.datastore.engine import EngineError, EngineUnavailable, LockedOut
from trove.guestagent.datastore.redis import connection


HOSTILE = ('o\'b"r`x\\y%_z;--', 'ünïcödé', '\U0001F511key', '*', '~*', '+@all', 'on', 'a' * 64,
           '#user', '-2')
PASSWORDS = ('canary\'p"w\\n:%z`\U0001F511', '>nopass', 'with blanks  inside', '#' + 'a' * 64,
             '\r\n$5\r\nQUIT')
ROOT = 'canary root'


# --- what a fresh server is -----------------------------------------------------------------------

def test_nobody_but_the_agent_gets_in(server):
    with connection.session(server.socket, None) as session, pytest.raises(LockedOut):
        session.call('GET', 'x')
    with pytest.raises(LockedOut):
        server.as_user('default', '')
    assert server.engine.user_names() == [] and not server.engine.root_enabled()


def test_data_are_on_the_volume_and_the_lists_beside_them(server, engine):
    make(engine)
    server.as_user('clerk', 'secret', 'SET', 'kept', 'for ever')
    with server.agent() as session:
        session.call('BGSAVE')
        shown = session.settings('dir', 'aclfile', 'appendonly', 'maxmemory', 'maxmemory-policy',
                                 'save')
    assert shown['dir'] == server.place.data_directory
    assert shown['aclfile'].startswith(server.place.mount_point + '/acl')
    assert shown['appendonly'] == 'yes' and shown['save'] == '3600 1 300 100 60 10000'
    assert shown['maxmemory'] == str(665 * 2 ** 20) and shown['maxmemory-policy'] == 'noeviction'
    assert os.path.isdir(os.path.join(server.place.data_directory, 'appendonlydir'))
    server.restart()
    assert server.as_user('clerk', 'secret', 'GET', 'kept') == 'for ever'


def test_secrets_are_for_root_alone_and_never_in_clear(server, engine):
    make(engine, password='canary in clear')
    credentials = pathlib.Path(server.place.state_directory) / f'{server.product}-agent.json'
    assert credentials.stat().st_mode & 0o777 == 0o600 and credentials.stat().st_uid == 0
    lists = pathlib.Path(server.place.mount_point) / 'acl' / 'users.acl'
    text = lists.read_text()
    assert 'canary' not in text and json.loads(credentials.read_text())['password'] not in text
    assert hashlib.sha256(b'canary in clear').hexdigest() in text
    assert lists.stat().st_mode & 0o077 == 0


# --- users ----------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', HOSTILE)
def test_a_hostile_name_is_exactly_that_name_also_after_a_restart(server, engine, name):
    make(engine, name, 'its password')
    assert engine.user_names() == [(name, '%')]
    server.restart()
    assert engine.user_names() == [(name, '%')]
    assert server.as_user(name, 'its password', 'ACL', 'WHOAMI') == name
    assert server.as_user(name, 'its password', 'SET', 'key', 'value') == 'OK'
    with pytest.raises(LockedOut):
        server.as_user(name, 'another password', 'GET', 'key')


@pytest.mark.parametrize('password', PASSWORDS)
def test_a_hostile_password_is_exactly_that_password(server, engine, password):
    make(engine, password=password)
    assert server.as_user('clerk', password, 'PING') == 'PONG'
    for wrong in ('', 'nopass', password + ' '):
        with pytest.raises(LockedOut):
            server.as_user('clerk', wrong, 'PING')


@pytest.mark.parametrize(('name', 'code'), [('', 'guest_invalid_name'),
                                            ('a' * 65, 'guest_invalid_name'),
                                            ('a b', 'guest_invalid_name'),
                                            ('a\0b', 'guest_invalid_name'),
                                            ('a\nuser evil on nopass +@all', 'guest_invalid_name'),
                                            ('a\u3000b', 'guest_invalid_name'),
                                            ('\ud800', 'guest_invalid_name'),
                                            ('os_admin', 'guest_reserved_name'),
                                            ('OS_Admin', 'guest_reserved_name'),
                                            ('default', 'guest_reserved_name'),
                                            ('replicator', 'guest_reserved_name'),
                                            ('trove_x', 'guest_reserved_name')])
def test_names_that_cannot_be_are_refused(engine, name, code):
    with pytest.raises(EngineError) as refused:
        make(engine, name)
    assert refused.value.code == code
    assert engine.user_names() == []


def test_a_user_needs_a_password_and_has_neither_host_nor_database(engine):
    for user, code in (({
            'password': ''
    }, 'guest_invalid_password'), ({
            'password': 'a\0b'
    }, 'guest_invalid_password'), ({
            'host': '10.0.0.1'
    }, 'guest_invalid_host'), ({
            'databases': [{
                'name': 'shop'
            }]
    }, 'guest_not_supported')):
        with pytest.raises(EngineError) as refused:
            engine.create_user({'name': 'clerk', 'password': 'secret', 'host': '%', **user})
        assert refused.value.code == code


def test_a_second_user_of_a_name_is_refused_or_left_as_it_is(server, engine):
    make(engine)
    with pytest.raises(EngineError) as refused:
        make(engine, password='other')
    assert refused.value.code == 'guest_exists_user'
    engine.create_user({'name': 'clerk', 'password': 'other', 'host': '%'}, or_ignore=True)
    assert server.as_user('clerk', 'secret', 'PING') == 'PONG'


def test_password_name_and_end_of_a_user(server, engine):
    make(engine)
    engine.change_password('clerk', '%', 'new one')
    with pytest.raises(LockedOut):
        server.as_user('clerk', 'secret')
    engine.rename_user('clerk', '%', 'writer', '%')
    assert engine.list_users() == [{'name': 'writer', 'host': '%', 'databases': []}]
    with connection.session(server.socket, None) as session:
        session.call('AUTH', 'writer', 'new one')
        assert session.call('SET', 'a', 'b') == 'OK'
        engine.delete_user('writer', '%')
        with pytest.raises(EngineUnavailable):
            session.call('GET', 'a')
    assert engine.user_names() == []
    for act in (lambda: engine.delete_user('writer', '%'),
                lambda: engine.change_password('writer', '%', 'x'),
                lambda: engine.rename_user('writer', '%', 'clerk', '%')):
        with pytest.raises(EngineError) as refused:
            act()
        assert refused.value.code == 'guest_not_found_user'


def test_a_change_that_cannot_be_written_is_reverted(server, engine):
    make(engine)
    directory = os.path.join(server.place.mount_point, 'acl')
    os.rename(directory, directory + '.away')
    try:
        for act in (lambda: make(engine, 'second'), lambda: engine.delete_user('clerk', '%'),
                    lambda: engine.change_password('clerk', '%', 'new'),
                    lambda: engine.enable_root(ROOT),
                    lambda: engine.rename_user('clerk', '%', 'writer', '%')):
            with pytest.raises(EngineError, match='could not be written'):
                act()
    finally:
        os.rename(directory + '.away', directory)
    assert engine.user_names() == [('clerk', '%')] and not engine.root_enabled()
    assert server.as_user('clerk', 'secret', 'PING') == 'PONG'


#: Commands beyond the data: on options, accounts, code, files and other machines.
CLOSED = ('CONFIG SET dir /tmp', 'CONFIG SET maxmemory 1', 'CONFIG REWRITE', 'DEBUG SLEEP 0',
          'SHUTDOWN NOSAVE', 'MODULE LOAD /tmp/x.so', 'MODULE LIST', 'REPLICAOF 10.0.0.1 6379',
          'SLAVEOF NO ONE', 'FAILOVER', 'SAVE', 'ACL SETUSER os_admin off', 'ACL DELUSER os_admin',
          'ACL LIST', 'ACL SAVE', 'ACL LOAD', 'ACL GETUSER os_admin', 'MIGRATE 10.0.0.1 6379 k 0 1',
          'CLUSTER RESET', 'PSYNC ? -1', 'SYNC', 'REPLCONF ack 0', 'CLIENT PAUSE 1')


@pytest.mark.parametrize('command', CLOSED)
@pytest.mark.parametrize('account', ['clerk', 'default'])
def test_dangerous_commands_are_closed(server, engine, command, account):
    make(engine)
    engine.enable_root('secret')
    with connection.session(server.socket, None) as session:
        session.call('AUTH', account, 'secret')
        with pytest.raises(EngineError):
            session.call(*command.split(' '))
        # A script must not run the command either.
        words = ', '.join(f"'{word}'" for word in command.split(' '))
        with pytest.raises(EngineError):
            session.call('EVAL', f'return redis.call({words})', '0')
    server.engine.probe()


@pytest.mark.parametrize('command', [
    'SET k v', 'LPUSH l a', 'KEYS *', 'SCAN 0', 'INFO', 'CONFIG GET maxmemory', 'SORT l ALPHA',
    'FLUSHDB', 'PUBLISH c m', 'EVAL return(1) 0', 'XADD s * a b', 'MULTI', 'SELECT 3',
    'SUBSCRIBE c', 'CLIENT SETNAME me', 'WAIT 0 1', 'MEMORY USAGE k'
])
def test_work_with_data_is_open(server, engine, command):
    make(engine)
    server.as_user('clerk', 'secret', *command.split(' '))


# --- root -----------------------------------------------------------------------------------------

def test_root_is_what_a_client_gets_that_gives_a_password_only(server, engine):
    assert engine.enable_root(ROOT) == 'default' and engine.root_enabled()
    with connection.session(server.socket, None) as session:
        session.call('AUTH', ROOT)
        assert session.call('ACL', 'WHOAMI') == 'default'
        for command in ('FLUSHALL', 'CLIENT LIST', 'SLOWLOG GET', 'LATENCY LATEST',
                        'CONFIG RESETSTAT'):
            session.call(*command.split(' '))
        assert engine.user_names() == []
        engine.disable_root()
        with pytest.raises(EngineUnavailable):
            session.call('PING')
    with pytest.raises(EngineError):
        server.as_user('default', ROOT)
    engine.disable_root()
    assert not engine.root_enabled()
