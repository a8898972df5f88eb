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

"""The engine against a server of this machine: users and root exactly as asked for, options taken and checked.

Redis, and Valkey where this machine has it, which is the same under other names.
"""

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import shutil
import threading
import time

import pytest

from tests.functional.guestagent.real_server import RealServer, running
from trove.common import template
from trove.guestagent.datastore.engine import EngineError, EngineUnavailable, LockedOut, Place, Restart
from trove.guestagent.datastore.redis import connection, options
from trove.guestagent.datastore.redis.engine import Redis, Valkey

pytestmark = pytest.mark.skipif(
    not shutil.which('redis-server') or os.geteuid() != 0,
    reason='needs the package redis-server, and root, who may give files to its account')

ENGINES = [engine for engine in (Redis, Valkey) if shutil.which(f'{engine.product}-server')]
VERSIONS = {Redis: '7.0', Valkey: '8.0'}
HOSTILE = ('o\'b"r`x\\y%_z;--', 'ünïcödé', '\U0001F511key', '*', '~*', '+@all', 'on', 'a' * 64, '#user', '-2')
PASSWORDS = ('canary\'p"w\\n:%z`\U0001F511', '>nopass', 'with blanks  inside', '#' + 'a' * 64, '\r\n$5\r\nQUIT')
ROOT = 'canary root'


class Server(RealServer):
    """A server started as a guest starts it, but for the network."""

    umask = 0o077

    def __init__(self, kind: type[Redis], directory: pathlib.Path) -> None:
        super().__init__(directory)
        self.kind = kind
        self.product = kind.product
        mount = directory / 'mount'
        self.place = Place(str(mount), str(mount / 'data'), str(mount / 'trove'))
        self.layers = directory / 'layers'
        self.layers.mkdir()
        (directory / 'server.conf').write_text(f'include {self.layers}/*.conf\n')
        self.socket = str(directory / 'run' / 'server.sock')
        self.engine = self.another_engine()

    def another_engine(self) -> Redis:
        """As a new process of the agent makes one."""
        return self.kind(socket=self.socket, mount_point=self.place.mount_point,
                         configuration=str(self.directory / 'server.conf'))

    def create(self) -> None:
        os.makedirs(self.place.state_directory, mode=0o711)
        os.makedirs(os.path.dirname(self.socket))
        shutil.chown(self.place.mount_point, self.product, self.product)
        shutil.chown(os.path.dirname(self.socket), self.product, self.product)
        self.engine.initialise(self.place, 10)
        self.write('70-trove-base.conf', template.render(self.product, VERSIONS[self.kind], {'ram': 1024}, 1,
                                                         template_path=''))
        system = {**self.engine.system_options(self.place), 'port': '0', 'supervised': 'no'}
        self.write('80-trove-system-agent.conf', self.engine.render_options(system))

    def write(self, name: str, text: str) -> None:
        (self.layers / name).write_text(text)

    def command(self) -> list[str]:
        return ['setpriv', f'--reuid={self.product}', f'--regid={self.product}', '--clear-groups',
                f'{self.product}-server', str(self.directory / 'server.conf')]

    def agent(self):
        return self.engine._session()

    def as_user(self, name: str, password: str, *words: str):
        """One command as a user; what the server refuses is raised."""
        with connection.session(self.socket, None) as session:
            session.call('AUTH', name, password)
            return session.call(*words) if words else None


@pytest.fixture(scope='module', params=ENGINES, ids=lambda kind: kind.product)
def server(request):
    with running(functools.partial(Server, request.param)) as made:
        made.engine.secure()
        yield made


@pytest.fixture
def engine(server):
    yield server.engine
    for name, host in server.engine.user_names():
        server.engine.delete_user(name, host)
    server.engine.disable_root()


def make(engine, name='clerk', password='secret'):
    engine.create_user({'name': name, 'password': password, 'host': '%'})


# --- what a fresh server is ---------------------------------------------------------------------------

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
        shown = session.settings('dir', 'aclfile', 'appendonly', 'maxmemory', 'maxmemory-policy', 'save')
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


# --- users --------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize(('name', 'code'), [
    ('', 'guest_invalid_name'), ('a' * 65, 'guest_invalid_name'), ('a b', 'guest_invalid_name'),
    ('a\0b', 'guest_invalid_name'), ('a\nuser evil on nopass +@all', 'guest_invalid_name'),
    ('a\u3000b', 'guest_invalid_name'), ('\ud800', 'guest_invalid_name'),
    ('os_admin', 'guest_reserved_name'), ('OS_Admin', 'guest_reserved_name'), ('default', 'guest_reserved_name'),
    ('replicator', 'guest_reserved_name'), ('trove_x', 'guest_reserved_name')])
def test_names_that_cannot_be_are_refused(engine, name, code):
    with pytest.raises(EngineError) as refused:
        make(engine, name)
    assert refused.value.code == code
    assert engine.user_names() == []


def test_a_user_needs_a_password_and_has_neither_host_nor_database(engine):
    for user, code in (({'password': ''}, 'guest_invalid_password'), ({'password': 'a\0b'}, 'guest_invalid_password'),
                       ({'host': '10.0.0.1'}, 'guest_invalid_host'),
                       ({'databases': [{'name': 'shop'}]}, 'guest_not_supported')):
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
    for act in (lambda: engine.delete_user('writer', '%'), lambda: engine.change_password('writer', '%', 'x'),
                lambda: engine.rename_user('writer', '%', 'clerk', '%')):
        with pytest.raises(EngineError) as refused:
            act()
        assert refused.value.code == 'guest_not_found_user'


def test_a_change_that_cannot_be_written_is_taken_back(server, engine):
    make(engine)
    directory = os.path.join(server.place.mount_point, 'acl')
    os.rename(directory, directory + '.away')
    try:
        for act in (lambda: make(engine, 'second'), lambda: engine.delete_user('clerk', '%'),
                    lambda: engine.change_password('clerk', '%', 'new'), lambda: engine.enable_root(ROOT),
                    lambda: engine.rename_user('clerk', '%', 'writer', '%')):
            with pytest.raises(EngineError, match='could not be written'):
                act()
    finally:
        os.rename(directory + '.away', directory)
    assert engine.user_names() == [('clerk', '%')] and not engine.root_enabled()
    assert server.as_user('clerk', 'secret', 'PING') == 'PONG'


#: What leads out of the data: to the server's options, accounts, code, files, and to other machines.
CLOSED = ('CONFIG SET dir /tmp', 'CONFIG SET maxmemory 1', 'CONFIG REWRITE', 'DEBUG SLEEP 0', 'SHUTDOWN NOSAVE',
          'MODULE LOAD /tmp/x.so', 'MODULE LIST', 'REPLICAOF 10.0.0.1 6379', 'SLAVEOF NO ONE', 'FAILOVER', 'SAVE',
          'ACL SETUSER os_admin off', 'ACL DELUSER os_admin', 'ACL LIST', 'ACL SAVE', 'ACL LOAD',
          'ACL GETUSER os_admin',
          'MIGRATE 10.0.0.1 6379 k 0 1', 'CLUSTER RESET', 'PSYNC ? -1', 'SYNC', 'REPLCONF ack 0', 'CLIENT PAUSE 1')


@pytest.mark.parametrize('command', CLOSED)
@pytest.mark.parametrize('account', ['clerk', 'default'])
def test_dangerous_commands_are_closed(server, engine, command, account):
    make(engine)
    engine.enable_root('secret')
    with connection.session(server.socket, None) as session:
        session.call('AUTH', account, 'secret')
        with pytest.raises(EngineError):
            session.call(*command.split(' '))
        # Not through a script either.
        words = ', '.join(f"'{word}'" for word in command.split(' '))
        with pytest.raises(EngineError):
            session.call('EVAL', f'return redis.call({words})', '0')
    server.engine.probe()


@pytest.mark.parametrize('command', ['SET k v', 'LPUSH l a', 'KEYS *', 'SCAN 0', 'INFO', 'CONFIG GET maxmemory',
                                     'SORT l ALPHA', 'FLUSHDB', 'PUBLISH c m', 'EVAL return(1) 0', 'XADD s * a b',
                                     'MULTI',
                                     'SELECT 3', 'SUBSCRIBE c', 'CLIENT SETNAME me', 'WAIT 0 1', 'MEMORY USAGE k'])
def test_work_with_data_is_open(server, engine, command):
    make(engine)
    server.as_user('clerk', 'secret', *command.split(' '))


# --- root ---------------------------------------------------------------------------------------------

def test_root_is_what_a_client_gets_that_gives_a_password_only(server, engine):
    assert engine.enable_root(ROOT) == 'default' and engine.root_enabled()
    with connection.session(server.socket, None) as session:
        session.call('AUTH', ROOT)
        assert session.call('ACL', 'WHOAMI') == 'default'
        for command in ('FLUSHALL', 'CLIENT LIST', 'SLOWLOG GET', 'LATENCY LATEST', 'CONFIG RESETSTAT'):
            session.call(*command.split(' '))
        assert engine.user_names() == []
        engine.disable_root()
        with pytest.raises(EngineUnavailable):
            session.call('PING')
    with pytest.raises(EngineError):
        server.as_user('default', ROOT)
    engine.disable_root()
    assert not engine.root_enabled()


# --- options ------------------------------------------------------------------------------------------

def test_options_are_taken_wait_or_are_refused_one_by_one(server, engine):
    changes = {'maxmemory': '300mb', 'maxmemory-policy': 'allkeys-lru', 'databases': '32', 'save': '900 1 300 10',
               'notify-keyspace-events': 'KEA', 'client-output-buffer-limit': 'pubsub 64mb 16mb 90', 'hz': 'many',
               'activedefrag': 'yes', 'rename-command': 'X ""'}
    applied = engine.apply_options(changes)
    assert applied.waiting == {'databases', 'rename-command'}
    assert set(applied.refused) >= {'hz'} and 'integer' in applied.refused['hz']
    assert {'maxmemory', 'maxmemory-policy', 'save', 'notify-keyspace-events',
            'client-output-buffer-limit'} <= applied.taken
    assert applied.adjusted == {}
    taken = {name: changes[name] for name in applied.taken}
    assert engine.drifted_options(taken) == {}
    with server.agent() as session:
        assert session.settings('maxmemory')['maxmemory'] == str(300 * 2 ** 20)
        session.call('CONFIG', 'SET', 'maxmemory', '100mb')
    assert engine.drifted_options(taken) == {'maxmemory': str(100 * 2 ** 20)}
    engine.apply_options(dict.fromkeys(taken))
    with server.agent() as session:
        back = session.settings('maxmemory', 'maxmemory-policy', 'save', 'notify-keyspace-events')
    assert back == {'maxmemory': '0', 'maxmemory-policy': 'noeviction', 'save': '3600 1 300 100 60 10000',
                    'notify-keyspace-events': ''}


def test_an_adjusted_value_is_shown_as_the_engine_has_it(engine):
    assert engine.apply_options({'hz': '100000'}).adjusted == {'hz': '500'}
    engine.apply_options({'hz': None})


@pytest.mark.parametrize(('text', 'said'), [
    ('maxmemory plenty\n', 'maxmemory plenty.*memory value'), ('nonsense 1\n', 'nonsense.*Bad directive'),
    ('hz 1 2\n', 'hz'), ('loglevel loud\n', 'loglevel.*one of'), ('dir /nowhere\n', 'dir.*No such file')])
def test_files_the_server_would_not_start_with_are_refused_before(server, engine, text, said):
    server.write('71-trove-user.conf', text)
    try:
        # The last layer wins, but the server reads all of them.
        with pytest.raises(EngineError, match=said):
            engine.validate_configuration(server.place)
    finally:
        (server.layers / '71-trove-user.conf').unlink()
    engine.validate_configuration(server.place)


def test_the_last_layer_wins_and_is_read_as_the_server_reads_it(server, engine):
    server.write('71-trove-user.conf', 'maxmemory 111mb\nappendonly no\nbind 10.9.9.9\nlatency-monitor-threshold 7\n')
    try:
        server.restart()
        layers: dict[str, str] = {}
        for path in sorted(server.layers.glob('*.conf')):
            layers.update(engine.parse_options(path.read_text()))
        assert layers['maxmemory'] == '111mb' and layers['bind'] == '* -::*'
        with server.agent() as session:
            running = session.settings('*')
        assert {name for name, value in layers.items() if name in running
                and not options.same(name, value, running[name])} == set()
        assert running['latency-monitor-threshold'] == '7'
    finally:
        (server.layers / '71-trove-user.conf').unlink()
        server.restart()


# --- trouble ------------------------------------------------------------------------------------------

@contextlib.contextmanager
def nobody_comes_in_any_more(server):
    """All connections are taken by clients that hold theirs; gives those."""
    with contextlib.ExitStack() as held:
        server.engine.apply_options({'maxclients': '10'})
        links = []
        try:
            with pytest.raises(connection.Full):
                for _ in range(20):
                    links.append(held.enter_context(connection.session(server.socket, None)))
                    # Only a connection that has been answered is counted for certain.
                    with pytest.raises(LockedOut):
                        links[-1].call('PING')
            yield links[:-1]
        finally:
            server.engine.apply_options({'maxclients': '1000'})


def test_out_of_connections_the_agent_is_inside_and_acts(server, engine):
    with nobody_comes_in_any_more(server):
        engine.probe()
        make(engine)
        assert engine.user_names() == [('clerk', '%')]
        with pytest.raises(connection.Full):
            server.as_user('clerk', 'secret', 'PING')
        assert engine.facts().uptime >= 0
        assert engine.drifted_options({'maxclients': '1000'}) == {'maxclients': '10'}
        engine.delete_user('clerk', '%')
        engine.probe()


def test_an_agent_that_comes_later_is_told_that_all_are_taken(server, engine):
    with nobody_comes_in_any_more(server):
        with pytest.raises(EngineUnavailable) as full:
            server.another_engine().probe()
        assert full.value.answering and 'clients' in full.value.message


def test_an_agent_that_comes_later_gets_the_next_connection_that_is_free(server, engine):
    waits = []

    def wait(seconds):
        if not waits:
            links[0].close()
        waits.append(seconds)
        time.sleep(seconds)

    with nobody_comes_in_any_more(server) as links:
        door = connection.Door(server.socket, engine._password, room=20, sleep=wait)
        with contextlib.closing(door), door.session() as session:
            assert session.call('PING') == 'PONG' and waits


def test_a_connection_that_was_ended_is_replaced(server, engine):
    engine.probe()
    with connection.session(server.socket, engine._password()) as session:
        assert session.call('CLIENT', 'KILL', 'USER', 'os_admin', 'SKIPME', 'yes') == 1
    engine.probe()
    make(engine)
    assert engine.user_names() == [('clerk', '%')]


def test_what_came_too_late_is_not_taken_for_the_next_answer(server, engine):
    with engine._session(timeout=0.2) as session, pytest.raises(EngineUnavailable):
        session.call('BLPOP', 'nothing', '1')
    assert engine.user_names() == []


def test_the_agents_connection_is_not_the_one_that_goes_when_clients_take_too_much_memory(server, engine):
    with server.agent() as session:
        own = [line for line in session.call('CLIENT', 'LIST').splitlines() if ' user=os_admin ' in line]
    assert len(own) == 1 and 'e' in own[0].partition(' flags=')[2].partition(' ')[0]


def test_threads_of_the_agent_take_turns(server, engine):
    wrong = []

    def speak(word):
        for number in range(200):
            with server.agent() as session:
                if session.call('ECHO', f'{word} {number}') != f'{word} {number}':
                    wrong.append((word, number))

    threads = [threading.Thread(target=speak, args=(word,)) for word in ('one', 'two', 'three')]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    with server.agent() as outer:
        with server.agent() as inner:
            assert inner.call('PING') == 'PONG'
        assert outer.call('PING') == 'PONG'


def test_an_engine_that_is_not_there_does_not_answer(server, engine):
    server.stop()
    try:
        with pytest.raises(EngineUnavailable) as gone:
            engine.probe()
        assert not gone.value.answering
    finally:
        server.start()


def test_facts(server, engine):
    facts = engine.facts()
    assert facts.version.startswith(VERSIONS[server.kind] + '.') and facts.uptime >= 0


class RestartServer(Restart):
    def __init__(self, server):
        self.server = server

    def with_environment(self, name, value):
        raise AssertionError('nothing of the environment is needed')

    def now(self):
        self.server.restart()


def test_an_agent_that_is_locked_out_gets_its_account_back_and_the_users_stay(server, engine):
    make(engine)
    with server.agent() as session:
        session.call('ACL', 'SETUSER', 'os_admin', 'resetpass', '>somebody elses')
        session.call('ACL', 'SAVE')
    engine.probe()
    server.restart()
    with pytest.raises(LockedOut):
        engine.probe()
    engine.heal(RestartServer(server))
    engine.probe()
    assert server.as_user('clerk', 'secret', 'PING') == 'PONG'


def test_a_volume_that_comes_back_is_known(server, engine):
    assert engine.is_initialised(server.place)
    credentials = pathlib.Path(server.place.state_directory, f'{server.product}-agent.json')
    before = credentials.read_text()
    server.another_engine().probe()
    assert credentials.read_text() == before


def test_data_of_a_later_series_are_not_given_to_an_earlier_one(server, engine):
    engine.check_upgrade(server.place, VERSIONS[server.kind])
    engine.check_upgrade(server.place, '9.0')
    with pytest.raises(EngineError) as refused:
        engine.check_upgrade(server.place, '6.2')
    assert refused.value.code == 'guest_upgrade_refused'
    engine.prepare_upgrade(server.place, '9.0')
    assert os.path.exists(os.path.join(server.place.data_directory, 'dump.rdb'))
