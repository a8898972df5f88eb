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

"""SQL of the MariaDB engine on a real server of the Debian package."""

import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import subprocess

import pymysql
import pytest
from control import mariadb_server

from tests.functional.guestagent.real_server import RealServer, running
from trove.common import template
from trove.guestagent.datastore.engine import EngineError, EngineUnavailable
from trove.guestagent.datastore.mariadb.engine import MariaDB
from trove.guestagent.datastore.mysql_common import connection

pytestmark = pytest.mark.skipif(
    not shutil.which('mariadbd') or os.geteuid() != 0,
    reason='needs the package mariadb-server, and root, as which the agent logs in')

#: Files that are created quickly.
SMALL = ('--innodb-log-file-size=8M', '--innodb-data-file-path=ibdata1:4M:autoextend')
HOSTILE = 'o\'b"r`x\\y%_z;-- ü'
PASSWORD = 'canary\'p"w\\n:%z`\U0001F511'


class Server(RealServer):
    """Server with binary and general log, on a socket only."""

    def __init__(self, directory: pathlib.Path) -> None:
        super().__init__(directory)
        self.data = directory / 'data'
        self.socket = str(directory / 'socket')
        self.engine = MariaDB(socket=self.socket)

    def create(self) -> None:
        os.chown(self.directory, mariadb_server.account().pw_uid, -1)
        subprocess.run(mariadb_server.install_command(self.data, *SMALL), check=True,
                       capture_output=True, timeout=60)

    def command(self) -> list[str]:
        return mariadb_server.server_command(
            self.data, pathlib.Path(self.socket), '--skip-networking', '--log-bin=binlog',
            '--binlog-format=ROW', '--general-log=ON',
            f'--general-log-file={self.data}/general.log', '--innodb-buffer-pool-size=16M', *SMALL)

    def as_user(self, name: str, password: str, database: str | None = None):
        return pymysql.connect(unix_socket=self.socket, user=name, password=password.encode(),
                               database=database, charset='utf8mb4', ssl_disabled=True)

    def rows(self, statement: str):
        with pymysql.connect(unix_socket=self.socket, user='root', charset='utf8mb4',
                             ssl_disabled=True) as connection:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()


@pytest.fixture(scope='module')
def server():
    with running(Server) as server:
        server.rows("CREATE USER ''@'%'")
        server.rows("CREATE USER root@'10.%' IDENTIFIED BY 'left over'")
        server.engine.secure()
        yield server


@pytest.fixture
def engine(server):
    yield server.engine
    for name, host in server.engine.user_names():
        server.engine.delete_user(name, host)
    for database in server.engine.list_databases():
        server.engine.delete_database(database['name'])
    server.engine.disable_root()


def code_of(function, *args, **kwargs):
    with pytest.raises(EngineError) as failure:
        function(*args, **kwargs)
    return failure.value.code


def test_secured_server_has_no_strangers(server):
    accounts = set(server.rows("SELECT User, Host FROM mysql.user WHERE is_role = 'N'"))
    assert accounts == {('root', 'localhost'), ('mysql', 'localhost'), ('mariadb.sys', 'localhost')}
    assert server.rows("SELECT COUNT(*) FROM mysql.db WHERE User IN ('', 'PUBLIC')") == ((0,),)
    assert server.rows("SHOW DATABASES LIKE 'test'") == ()
    assert server.engine.list_databases() == [] and server.engine.list_users() == []
    assert not server.engine.root_enabled()


def test_securing_twice_changes_nothing(server):
    before = server.rows('SELECT User, Host FROM mysql.user ORDER BY 1, 2')
    server.engine.secure()
    assert server.rows('SELECT User, Host FROM mysql.user ORDER BY 1, 2') == before


def test_probing_the_server_leaves_no_line_in_its_error_log(engine):
    def aborted():
        with connection.session(engine.socket, engine.session_settings) as sql:
            return int(sql.scalar("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS "
                                  "WHERE VARIABLE_NAME = 'ABORTED_CLIENTS'"))
    before = aborted()
    for _ in range(20):
        engine.probe()
    assert aborted() == before


def test_facts(engine):
    facts = engine.facts()
    assert 'MariaDB' in facts.version and 0 <= facts.uptime < 600


@pytest.mark.parametrize('name', [
    HOSTILE, "'", '"', '`', '\\', '%', '_', 'a b', 'a.b', 'a/b', '../up', 'a;b',
    "'; DROP DATABASE mysql; --", 'x' * 64, 'é' * 64, 'select', '0', 'Ω'
])
def test_a_database_gets_exactly_its_name(server, engine, name):
    engine.create_database({'name': name, 'character_set': 'latin1', 'collate': 'latin1_bin'})
    assert [found['name'] for found in engine.list_databases()] == [name]
    assert server.rows(
        'SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA '
        "WHERE SCHEMA_NAME NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')"
    ) == (('latin1_bin',),)
    assert code_of(engine.create_database, {'name': name}) == 'guest_exists_database'
    engine.create_database({'name': name}, or_ignore=True)
    engine.delete_database(name)
    assert engine.list_databases() == []


@pytest.mark.parametrize('name, code', [('x' * 65, 'guest_invalid_name'),
                                        ('a\0b', 'guest_invalid_name'),
                                        ('\U0001F511', 'guest_invalid_name'),
                                        ('', 'guest_invalid_name'), ('end ', 'guest_invalid_name'),
                                        (' start', 'guest_invalid_name'),
                                        ('line\nbreak', 'guest_invalid_name'),
                                        ('mysql', 'guest_reserved_name'),
                                        ('SYS', 'guest_reserved_name'),
                                        ('information_schema', 'guest_reserved_name')])
def test_a_database_is_clearly_refused(engine, name, code):
    assert code_of(engine.create_database, {'name': name}) == code
    assert engine.list_databases() == []


@pytest.mark.parametrize('charset, collate', [('nonsense', None), ('latin1', 'utf8mb4_bin'),
                                              (None, 'nonsense'), ("utf8' x", None),
                                              ('x' * 65, None)])
def test_unknown_character_sets(engine, charset, collate):
    assert code_of(engine.create_database, {
        'name': 'shop',
        'character_set': charset,
        'collate': collate
    }) == 'guest_invalid_charset'


@pytest.mark.parametrize(
    'name',
    [HOSTILE, "'", '"', '`', '\\', '%', "a'@'b", 'a@b', 'é' * 128, 'x' * 64, 'x' * 65, 'x' * 128])
def test_a_user_gets_exactly_its_name_and_password(server, engine, name):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': name, 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    assert engine.list_users() == [{'name': name, 'host': '%', 'databases': [{'name': 'shop'}]}]
    with server.as_user(name, PASSWORD, 'shop') as connection, connection.cursor() as cursor:
        cursor.execute('SELECT CURRENT_USER()')
        assert cursor.fetchone() == (f'{name}@%',)
    for wrong in (PASSWORD + ' ', PASSWORD[:-1], ''):
        with pytest.raises(pymysql.OperationalError):
            server.as_user(name, wrong)
    assert code_of(engine.create_user, {'name': name, 'password': 'other'}) == 'guest_exists_user'


@pytest.mark.parametrize('name, code', [('x' * 129, 'guest_invalid_name'),
                                        ('a\0b', 'guest_invalid_name'),
                                        ('\U0001F511', 'guest_invalid_name'),
                                        ('', 'guest_invalid_name'), (' a', 'guest_invalid_name'),
                                        ('root', 'guest_reserved_name'),
                                        ('ROOT', 'guest_reserved_name'),
                                        ('os_admin', 'guest_reserved_name'),
                                        ('mariadb.sys', 'guest_reserved_name'),
                                        ('PUBLIC', 'guest_reserved_name'),
                                        ('repl_1', 'guest_reserved_name')])
def test_a_user_is_clearly_refused(engine, name, code):
    assert code_of(engine.create_user, {'name': name, 'password': 'secret'}) == code
    assert engine.list_users() == []


@pytest.mark.parametrize('host, code', [('localhost', 'guest_invalid_host'),
                                        ("x'y", 'guest_invalid_host'),
                                        ('a b', 'guest_invalid_host'),
                                        ('x' * 256, 'guest_invalid_host')])
def test_hosts_nobody_can_come_from(engine, host, code):
    assert code_of(engine.create_user, {'name': 'app', 'password': 'secret', 'host': host}) == code


@pytest.mark.parametrize('password', ['', None, 'nul\0byte'])
def test_passwords_that_cannot_be(engine, password):
    assert code_of(engine.create_user, {
        'name': 'app',
        'password': password
    }) == 'guest_invalid_password'


def test_a_grant_opens_one_database_and_no_lookalike(server, engine):
    for name in ('foo_bar', 'fooXbar', 'fo%', 'fooo', 'a\\b'):
        engine.create_database({'name': name})
    engine.create_user({'name': 'app', 'password': PASSWORD,
                        'databases': [{'name': 'foo_bar'}, {'name': 'fo%'}, {'name': 'a\\b'}]})
    with server.as_user('app', PASSWORD) as connection, connection.cursor() as cursor:
        cursor.execute('SHOW DATABASES')
        assert {name
                for (name,) in cursor.fetchall()
                } == {'information_schema', 'foo_bar', 'fo%', 'a\\b'}
        for name in ('foo_bar', 'fo%', 'a\\b'):
            cursor.execute(f'CREATE TABLE `{name}`.t (a INT)')
        for name in ('fooXbar', 'fooo'):
            with pytest.raises(pymysql.OperationalError):
                cursor.execute(f'CREATE TABLE `{name}`.t (a INT)')
    assert engine.list_access('app', '%') == ['a\\b', 'fo%', 'foo_bar']


def test_revoke_takes_away_exactly_one(server, engine):
    engine.create_user({
        'name': 'app',
        'password': PASSWORD,
        'databases': [{
            'name': 'foo_bar'
        }, {
            'name': 'fooXbar'
        }]
    })
    engine.revoke('app', '%', 'foo_bar')
    assert engine.list_access('app', '%') == ['fooXbar']
    assert code_of(engine.revoke, 'app', '%', 'foo_bar') == 'guest_not_found_database'
    assert code_of(engine.revoke, 'nobody', '%', 'foo_bar') == 'guest_not_found_user'


def test_revoke_also_takes_what_the_tenant_granted(server, engine):
    engine.create_user({'name': 'app', 'password': PASSWORD})
    server.rows("GRANT SELECT ON `foo_bar`.* TO app@'%' WITH GRANT OPTION")
    assert engine.list_access('app', '%') == ['foo_bar']
    engine.revoke('app', '%', 'foo_bar')
    assert engine.list_access('app', '%') == []


def test_granting_to_nobody_makes_nobody(engine):
    assert code_of(engine.grant, 'nobody', '%', ['shop']) == 'guest_not_found_user'
    assert engine.user_names() == []


def test_system_databases_cannot_be_granted(engine):
    engine.create_user({'name': 'app', 'password': PASSWORD})
    assert code_of(engine.grant, 'app', '%', ['mysql']) == 'guest_reserved_name'
    assert engine.list_access('app', '%') == []


def test_a_failed_grant_leaves_no_user_behind(engine):
    user = {
        'name': 'app',
        'password': PASSWORD,
        'databases': [{
            'name': 'shop'
        }, {
            'name': 'x' * 65
        }]
    }
    assert code_of(engine.create_user, user) == 'guest_invalid_name'
    assert engine.user_names() == []


def test_rename_and_host_change_keep_grants_and_password(server, engine):
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'foo_bar'}]})
    engine.create_user({'name': 'other', 'password': PASSWORD})
    assert code_of(engine.rename_user, 'app', '%', 'other', '%') == 'guest_exists_user'
    engine.rename_user('app', '%', HOSTILE, '10.0.%')
    assert engine.user_names() == sorted([(HOSTILE, '10.0.%'), ('other', '%')], key='@'.join)
    assert engine.list_access(HOSTILE, '10.0.%') == ['foo_bar']
    engine.rename_user(HOSTILE, '10.0.%', 'app', '%')
    server.as_user('app', PASSWORD).close()


def test_change_password(server, engine):
    engine.create_user({'name': 'app', 'password': 'first'})
    engine.change_password('app', '%', PASSWORD)
    server.as_user('app', PASSWORD).close()
    with pytest.raises(pymysql.OperationalError):
        server.as_user('app', 'first')
    assert code_of(engine.change_password, 'nobody', '%', 'x') == 'guest_not_found_user'


def test_names_differ_by_case_and_host(engine):
    for name, host in (('app', '%'), ('App', '%'), ('app', '10.0.0.1')):
        engine.create_user({'name': name, 'password': 'secret', 'host': host})
    assert engine.user_names() == [('App', '%'), ('app', '%'), ('app', '10.0.0.1')]
    engine.delete_user('app', '%')
    assert engine.user_names() == [('App', '%'), ('app', '10.0.0.1')]
    assert code_of(engine.delete_user, 'app', '%') == 'guest_not_found_user'


def test_root_comes_and_goes_with_its_sessions(server, engine):
    engine.enable_root(PASSWORD)
    assert engine.root_enabled() and engine.user_names() == []
    assert server.rows("SELECT JSON_VALUE(Priv, '$.access') > 0 FROM mysql.global_priv "
                       "WHERE User = 'root' AND Host = '%'") == ((1,),)
    engine.enable_root('another')
    engine.disable_root()
    engine.disable_root()
    assert not engine.root_enabled()
    engine.probe()


def test_no_clear_password_in_any_log(server, engine):
    engine.create_user({'name': 'app', 'password': 'canary-create'})
    engine.change_password('app', '%', 'canary-change')
    engine.enable_root('canary-root')
    server.rows('FLUSH LOGS')
    logs = [path for path in server.data.iterdir() if path.name.startswith(('binlog', 'general'))]
    assert len(logs) >= 2
    content = b''.join(path.read_bytes() for path in logs)
    assert b'CREATE USER' in content
    assert b'canary' not in content
    general = (server.data / 'general.log').read_bytes()
    assert b'CREATE USER' not in general.replace(b"CREATE USER ''",
                                                 b'').replace(b"CREATE USER root@'10", b'')


def test_out_of_connections_the_agent_acts_also_in_two_threads(server, engine):
    """Clients leave one connection free; each thread waits until the other has closed it."""
    engine.create_user({'name': 'crowd', 'password': 'x', 'host': '%', 'databases': []})
    server.rows('SET GLOBAL max_connections = 10')
    try:
        with contextlib.ExitStack() as taken:
            with pytest.raises(pymysql.Error, match='1040'):
                for _ in range(20):
                    taken.enter_context(contextlib.closing(server.as_user('crowd', 'x')))
            with concurrent.futures.ThreadPoolExecutor(2) as threads:
                seen = list(threads.map(lambda _number: engine.list_users(), range(50)))
        assert len(seen) == 50 and all(users[0]['name'] == 'crowd' for users in seen)
    finally:
        # The server counts closed connections for a moment.
        server.wait()
        server.rows('SET GLOBAL max_connections = 151')


def test_restoring_the_account_of_a_locked_out_agent(server, engine):
    class Restarter:
        def with_environment(self, name: str, value: str) -> None:
            assert name == 'MYSQLD_OPTS'
            # Like systemctl, return when the server is ready, after its init file.
            server.restart(value)

    server.rows('DROP USER root@localhost')
    with pytest.raises(EngineUnavailable) as refused:
        engine.probe()
    assert refused.value.answering
    engine.restore_account(Restarter())
    engine.secure()
    assert not os.path.exists('/run/trove-db')


def test_a_server_that_is_gone(tmp_path):
    with pytest.raises(EngineUnavailable) as failure:
        MariaDB(socket=str(tmp_path / 'nothing')).probe()
    assert not failure.value.answering


@pytest.mark.parametrize('ram', [512, 1024, 2048, 16384, 262144])
def test_the_rendered_configuration_is_understood(server, tmp_path, ram):
    path = tmp_path / 'my.cnf'
    path.write_text(
        template.render('mariadb', '10.11', {
            'ram': ram,
            'vcpus': 1
        }, 7, template_path=''))
    done = subprocess.run([
        'mariadbd', f'--defaults-file={path}', f'--datadir={server.data}', '--user=mysql', '--help',
        '--verbose'
    ], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert 'unknown' not in done.stderr and 'adjusted' not in done.stderr
