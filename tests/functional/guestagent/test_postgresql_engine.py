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
"""The PostgreSQL engine against a real server of the Debian package, started here on a port and in a directory of its own."""

import hashlib
import os
import pathlib
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

import psycopg2
import psycopg2.extensions
import pytest

from trove.guestagent.datastore.engine import EngineError, EngineUnavailable, Place
from trove.guestagent.datastore.postgres import cluster, options, scram, statements
from trove.guestagent.datastore.postgres.engine import PROGRAMS, PostgreSQL

pytestmark = pytest.mark.skipif(
    not os.path.exists(f'{PROGRAMS}/postgres') or os.geteuid() != 0,
    reason='needs the package postgresql-15, and root, as which the agent logs in')

HOSTILE = 'o\'b"r`x\\y%_z;-- ü\U0001F511'
PASSWORD = 'canary\'p"w\\n:%z`\U0001F511'


class Server:
    """A server as the agent makes one."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.place = Place(mount_point=str(directory / 'volume'), data_directory=str(directory / 'volume/data/pgdata'),
                           state_directory=str(directory / 'volume/trove'))
        with socket.create_server(('127.0.0.1', 0)) as free:
            self.port = free.getsockname()[1]
        self.socket = str(directory / 'socket')
        self.configuration = str(directory / 'etc')
        self.engine = PostgreSQL(socket_directory=self.socket, port=self.port, configuration=self.configuration)
        self._process: subprocess.Popen | None = None

    def create(self) -> None:
        owner = pwd.getpwnam('postgres')
        os.chmod(self.directory, 0o755)
        for name, mode in (('volume', 0o755), ('socket', 0o755), ('volume/trove', 0o711)):
            (self.directory / name).mkdir()
            os.chmod(self.directory / name, mode)
        for name in ('volume', 'socket'):
            os.chown(self.directory / name, owner.pw_uid, owner.pw_gid)
        self.engine.initialise(self.place, 60)
        self.write_layer('80-trove-system-agent.conf', self.engine.system_options(self.place))
        self.write_layer('70-trove-base.conf', {'max_connections': '20', 'shared_buffers': '16MB', 'TimeZone': 'UTC'})
        self.engine.validate_configuration(self.place)

    def layer(self, name: str) -> pathlib.Path:
        return pathlib.Path(self.configuration) / 'conf.d' / name

    def write_layer(self, name: str, values: dict[str, str]) -> None:
        path = self.layer(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.engine.render_options(values))
        path.chmod(0o644)

    def start(self) -> None:
        line = options.command_line(f'{PROGRAMS}/postgres', self.place.data_directory,
                                    {**self.engine.fixed_options(self.place), 'fsync': 'off'})
        self._process = subprocess.Popen(['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--', *line],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd='/')
        deadline = time.monotonic() + 30
        while True:
            try:
                return self.engine.probe()
            except EngineUnavailable:
                assert self._process.poll() is None and time.monotonic() < deadline, 'the server did not start'
                time.sleep(0.05)

    def stop(self) -> None:
        self._process.send_signal(2)
        self._process.wait(30)

    @property
    def pid(self) -> int:
        return self._process.pid

    def as_user(self, name: str, password: str, database: str):
        """A connection over the network."""
        connection = psycopg2.connect(host='127.0.0.1', port=self.port, user=name, password=password, dbname=database,
                                      connection_factory=Foreign)
        connection.autocommit = True
        return connection

    def run(self, name: str, password: str, database: str, *queries: str):
        connection = self.as_user(name, password, database)
        try:
            with connection.cursor() as cursor:
                for statement in queries:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def rows(self, statement: str, database: str = 'postgres'):
        with self.engine._session(database) as session:
            return session.rows(statement)


class Foreign(psycopg2.extensions.connection):
    """A connection of a tenant; the engine's way of waiting wants to know until when."""

    def __init__(self, *arguments, **more) -> None:
        self.deadline = time.monotonic() + 20
        super().__init__(*arguments, **more)


@pytest.fixture(scope='module')
def server():
    # pytest's own directories cannot be entered by the server's account.
    directory = pathlib.Path(tempfile.mkdtemp(prefix='trove-postgresql-', dir='/tmp'))
    server = Server(directory)
    try:
        server.create()
        server.start()
        server.rows("CREATE ROLE left_over SUPERUSER LOGIN PASSWORD 'x'")
        server.engine.secure()
        yield server
    finally:
        if server._process:
            server.stop()
        shutil.rmtree(directory)


@pytest.fixture
def engine(server):
    yield server.engine
    server.engine.disable_root()
    for database in server.engine.list_databases():
        server.engine.delete_database(database['name'])
    for name, host in server.engine.user_names():
        if name != 'left_over':
            server.engine.delete_user(name, host)


def users(engine):
    return [(name, host) for name, host in engine.user_names() if name != 'left_over']


def code_of(function, *args, **kwargs):
    with pytest.raises(EngineError) as failure:
        function(*args, **kwargs)
    return failure.value.code


# --- the cluster -----------------------------------------------------------------------------------------

def test_the_cluster_has_checksums_and_utf8(server):
    assert server.rows("SELECT current_setting('data_checksums'), current_setting('server_encoding'), "
                       "datcollate, datctype FROM pg_database WHERE datname = 'template1'") == [
        ('on', 'UTF8', 'C.UTF-8', 'C.UTF-8')]
    assert server.engine.is_initialised(server.place)


def test_two_clusters_have_two_identities(server, tmp_path):
    """Standbys and archives tell clusters apart by this number."""
    def identity(data: str) -> str:
        told = subprocess.run([f'{PROGRAMS}/pg_controldata', data], check=True, text=True, capture_output=True).stdout
        return next(line.split(':')[1].strip() for line in told.splitlines() if line.startswith('Database system id'))

    other = server.directory / 'volume/other/pgdata'
    cluster.make(PROGRAMS, str(other), 60)
    try:
        assert identity(str(other)) != identity(server.place.data_directory)
        assert other.stat().st_mode & 0o777 == 0o700
        assert not other.with_name('pgdata.unfinished').exists()
    finally:
        shutil.rmtree(other.parent)


def test_an_initialisation_that_was_cut_off_begins_anew(server):
    data = server.directory / 'volume/again/pgdata'
    unfinished = data.with_name('pgdata.unfinished')
    unfinished.mkdir(parents=True)
    (unfinished / 'PG_VERSION').write_text('1\n')
    cluster.make(PROGRAMS, str(data), 60)
    assert cluster.major_of(str(data)) == '15'
    shutil.rmtree(data.parent)


def test_secured_server_has_no_strangers(server):
    assert server.rows('SELECT rolname FROM pg_roles WHERE rolsuper OR rolcreaterole OR rolreplication') == [
        ('os_admin',)]
    assert server.engine.list_databases() == []
    assert not server.engine.root_enabled()


def test_securing_twice_changes_nothing(server):
    before = server.rows('SELECT rolname, rolsuper, rolcanlogin FROM pg_roles ORDER BY 1')
    server.engine.secure()
    assert server.rows('SELECT rolname, rolsuper, rolcanlogin FROM pg_roles ORDER BY 1') == before


def test_facts(engine):
    facts = engine.facts()
    assert facts.version.startswith('15.') and 0 <= facts.uptime < 600


# --- who may come in -------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', ['os_admin', 'postgres', 'left_over'])
@pytest.mark.parametrize('database', ['postgres', 'template1'])
def test_nobody_is_the_agent_over_the_network(server, name, database):
    for password in ('', 'x'):
        with pytest.raises(psycopg2.OperationalError):
            server.as_user(name, password, database)


def test_nobody_is_the_agent_with_a_password_either(server):
    """The line of the agent comes before those that take passwords."""
    server.rows("ALTER ROLE os_admin PASSWORD 'known'")
    try:
        with pytest.raises(psycopg2.OperationalError, match='rejects'):
            server.as_user('os_admin', 'known', 'postgres')
    finally:
        server.rows('ALTER ROLE os_admin PASSWORD NULL')


def test_the_engines_own_account_is_not_the_agent(server):
    done = subprocess.run(['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--', 'psql', '--no-psqlrc',
                           '-h', server.socket, '-p', str(server.port), '-U', 'os_admin', 'postgres', '-c', 'SELECT 1'],
                          capture_output=True, text=True, check=False)
    assert done.returncode != 0 and 'Peer authentication failed' in done.stderr


def test_the_rules_are_ones_the_server_reads(server):
    assert server.rows('SELECT count(*), count(error) FROM pg_hba_file_rules') == [(7, 0)]


def test_a_user_streams_no_log(server, engine):
    engine.create_user({'name': 'app', 'password': PASSWORD})
    server.rows('ALTER ROLE app REPLICATION')
    with pytest.raises(psycopg2.OperationalError, match='no pg_hba.conf entry'):
        psycopg2.connect(host='127.0.0.1', port=server.port, user='app', password=PASSWORD, replication='true',
                         dbname='replication', connection_factory=Foreign)


def test_it_has_a_certificate_from_the_start(server, engine):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    connection = psycopg2.connect(host='127.0.0.1', port=server.port, user='app', password=PASSWORD, dbname='shop',
                                  sslmode='require', connection_factory=Foreign)
    assert connection.info.ssl_attribute('protocol').startswith('TLS')
    connection.close()
    key = pathlib.Path(server.place.state_directory, 'tls/server-key.pem')
    assert key.stat().st_mode & 0o777 == 0o640 and key.stat().st_uid == 0


# --- databases -------------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', [HOSTILE, "'", '"', '`', '\\', '%', '_', 'a b', ' a ', 'a.b', 'a/b', '../up', 'a;b', '{x}',
                                  "'; DROP DATABASE postgres; --", 'x' * 63, 'é' * 31, '\U0001F511' * 15, 'select', '0',
                                  'all', 'replication', 'sameuser', 'Ω'])
def test_a_database_gets_exactly_its_name(engine, name):
    engine.create_database({'name': name})
    assert engine.list_databases() == [{'name': name, 'character_set': 'UTF8', 'collate': 'C.UTF-8'}]
    assert code_of(engine.create_database, {'name': name}) == 'guest_exists_database'
    engine.create_database({'name': name}, or_ignore=True)
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': name}]})
    assert engine.list_access('app', '%') == [name]
    engine.delete_database(name)
    assert engine.list_databases() == []
    assert code_of(engine.delete_database, name) == 'guest_not_found_database'


@pytest.mark.parametrize('name, code', [
    ('x' * 64, 'guest_invalid_name'), ('é' * 32, 'guest_invalid_name'), ('\U0001F511' * 16, 'guest_invalid_name'),
    ('a\0b', 'guest_invalid_name'), ('', 'guest_invalid_name'), ('line\nbreak', 'guest_invalid_name'),
    ('\ud83d', 'guest_invalid_name'), ('postgres', 'guest_reserved_name'), ('Template1', 'guest_reserved_name'),
    ('os_admin', 'guest_reserved_name')])
def test_a_database_is_clearly_refused(engine, name, code):
    assert code_of(engine.create_database, {'name': name}) == code
    assert engine.list_databases() == []


@pytest.mark.parametrize('charset, collate, shown', [
    ('UTF8', 'C.UTF-8', ('UTF8', 'C.UTF-8')), ('utf-8', None, ('UTF8', 'C.UTF-8')), ('LATIN1', None, ('LATIN1', 'C')),
    ('SQL_ASCII', 'C', ('SQL_ASCII', 'C')), (None, 'POSIX', ('UTF8', 'C')),
    (None, 'de-AT-x-icu', ('UTF8', 'de-AT-x-icu'))])
def test_character_sets_and_collations(engine, charset, collate, shown):
    engine.create_database({'name': 'shop', 'character_set': charset, 'collate': collate})
    (found,) = engine.list_databases()
    assert (found['character_set'], found['collate']) == shown


@pytest.mark.parametrize('charset, collate', [('nonsense', None), ('LATIN1', 'C.UTF-8'), (None, 'nonsense'),
                                              ("utf8' x", None), ('x' * 65, None), (None, 'xx_XX.UTF-8')])
def test_unknown_character_sets(engine, charset, collate):
    assert code_of(engine.create_database,
                   {'name': 'shop', 'character_set': charset, 'collate': collate}) == 'guest_invalid_charset'
    assert engine.list_databases() == []


def test_a_creation_that_was_cut_off_is_completed(server, engine):
    with engine._session() as session:
        session.execute(statements.create_database('shop', None, None, None))
    assert engine.list_databases() == []
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    assert server.run('app', PASSWORD, 'shop', 'SELECT 1') == [(1,)]


def test_a_database_goes_with_the_sessions_in_it(server, engine):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    session = server.as_user('app', PASSWORD, 'shop')
    engine.delete_database('shop')
    assert engine.list_databases() == []
    with pytest.raises(psycopg2.Error):
        session.cursor().execute('SELECT 1')
    assert server.rows("SELECT rolname FROM pg_roles WHERE rolname LIKE 'trove_db_%'") == []


# --- users -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', [HOSTILE, "'", '"', '`', '\\', '%', "a'@'b", 'a@b', 'é' * 31, 'x' * 63, ' a ',
                                  '\U0001F511' * 15, 'App', 'app', 'all', 'root', 'SELECT', '+group', '{x}'])
def test_a_user_gets_exactly_its_name_and_password(server, engine, name):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': name, 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    assert engine.list_users(users(engine)) == [{'name': name, 'host': '%', 'databases': [{'name': 'shop'}]}]
    assert server.run(name, PASSWORD, 'shop', 'SELECT session_user') == [(name,)]
    for wrong in (PASSWORD + ' ', PASSWORD[:-1], ''):
        with pytest.raises(psycopg2.OperationalError):
            server.as_user(name, wrong, 'shop')
    assert code_of(engine.create_user, {'name': name, 'password': 'other'}) == 'guest_exists_user'


@pytest.mark.parametrize('name, code', [
    ('x' * 64, 'guest_invalid_name'), ('é' * 32, 'guest_invalid_name'), ('a\0b', 'guest_invalid_name'),
    ('', 'guest_invalid_name'), ('os_admin', 'guest_reserved_name'), ('Postgres', 'guest_reserved_name'),
    ('pg_monitor', 'guest_reserved_name'), ('trove_db_1', 'guest_reserved_name'), ('PUBLIC', 'guest_reserved_name'),
    ('none', 'guest_reserved_name'), ('replicator', 'guest_reserved_name')])
def test_a_user_is_clearly_refused(engine, name, code):
    assert code_of(engine.create_user, {'name': name, 'password': 'secret'}) == code
    assert users(engine) == []


@pytest.mark.parametrize('password', ['', None, 'nul\0byte', 'half\ud83d'])
def test_passwords_that_cannot_be(engine, password):
    assert code_of(engine.create_user, {'name': 'app', 'password': password}) == 'guest_invalid_password'


@pytest.mark.parametrize('password', [
    'plain', 'with space', 'ü', 'ÅÅ', 'A\u030a', '\u00a0no-break', 'soft\u00adhyphen', 'ﬁ ligature', '\u2168', '１２',
    'Ø\u0627', '\u0627\u0661', '\u0627x', '\U0001F511', '\u00ad', 'tab\tü', 'md5' + 'a' * 32, "quo'te\\n%s",
    'SCRAM-SHA-256$4096:c2FsdA==$AAAA:BBBB', 'x' * 255])
def test_clients_prepare_a_password_as_the_agent_does(server, engine, password):
    """Normalisation, invisible characters, both directions of writing; what looks like a verifier is a password."""
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': password, 'databases': [{'name': 'shop'}]})
    assert server.run('app', password, 'shop', 'SELECT 1') == [(1,)]
    stored = server.rows("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")[0][0]
    assert stored.startswith('SCRAM-SHA-256$4096:')
    assert hashlib.sha256(password.encode()).hexdigest() not in stored and password not in stored


def test_the_verifier_is_the_servers_own(server):
    import base64
    server.rows("ALTER ROLE left_over PASSWORD 'pass wörd'")
    stored = server.rows("SELECT rolpassword FROM pg_authid WHERE rolname = 'left_over'")[0][0]
    salt = base64.b64decode(stored.split('$')[1].split(':')[1])
    assert scram.verifier('pass wörd', salt) == stored


def test_rename_keeps_grants_and_password(server, engine):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    engine.create_user({'name': 'other', 'password': PASSWORD})
    assert code_of(engine.rename_user, 'app', '%', 'other', '%') == 'guest_exists_user'
    engine.rename_user('app', '%', HOSTILE, '%')
    assert users(engine) == sorted([(HOSTILE, '%'), ('other', '%')])
    assert engine.list_access(HOSTILE, '%') == ['shop']
    assert server.run(HOSTILE, PASSWORD, 'shop', 'SELECT 1') == [(1,)]


def test_change_password(server, engine):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': 'first', 'databases': [{'name': 'shop'}]})
    engine.change_password('app', '%', PASSWORD)
    server.as_user('app', PASSWORD, 'shop').close()
    with pytest.raises(psycopg2.OperationalError):
        server.as_user('app', 'first', 'shop')
    assert code_of(engine.change_password, 'nobody', '%', 'x') == 'guest_not_found_user'


def test_a_user_goes_and_what_it_made_stays(server, engine):
    """Also what it made as itself, not as the owner of the database, and what it was granted by name."""
    for name in ('shop', 'stock'):
        engine.create_database({'name': name})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}, {'name': 'stock'}]})
    engine.create_user({'name': 'other', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    server.run('app', PASSWORD, 'shop', 'SET ROLE NONE', 'CREATE SCHEMA mine', 'CREATE TABLE mine.t (a int)',
               'INSERT INTO mine.t VALUES (7)')
    server.run('other', PASSWORD, 'shop', 'GRANT CONNECT ON DATABASE shop TO app')
    session = server.as_user('app', PASSWORD, 'stock')
    engine.delete_user('app', '%')
    assert users(engine) == [('other', '%')]
    assert server.run('other', PASSWORD, 'shop', 'SELECT a FROM mine.t') == [(7,)]
    with pytest.raises(psycopg2.Error):
        session.cursor().execute('SELECT 1')
    assert code_of(engine.delete_user, 'app', '%') == 'guest_not_found_user'


# --- grants ----------------------------------------------------------------------------------------------

def test_a_grant_opens_one_database_and_no_lookalike(server, engine):
    for name in ('foo_bar', 'fooXbar', 'fo%', 'fooo', 'a\\b'):
        engine.create_database({'name': name})
    engine.create_user({'name': 'app', 'password': PASSWORD,
                        'databases': [{'name': 'foo_bar'}, {'name': 'fo%'}, {'name': 'a\\b'}]})
    for name in ('foo_bar', 'fo%', 'a\\b'):
        server.run('app', PASSWORD, name, 'CREATE TABLE t (a int)')
    for name in ('fooXbar', 'fooo', 'postgres', 'template1'):
        with pytest.raises(psycopg2.OperationalError, match='permission denied for database'):
            server.as_user('app', PASSWORD, name)
    assert engine.list_access('app', '%') == ['a\\b', 'fo%', 'foo_bar']


def test_users_of_a_database_share_what_is_in_it(server, engine):
    engine.create_database({'name': 'shop'})
    for name in ('one', 'two'):
        engine.create_user({'name': name, 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    server.run('one', PASSWORD, 'shop', 'CREATE TABLE t (a int)', 'INSERT INTO t VALUES (1)')
    server.run('two', PASSWORD, 'shop', 'ALTER TABLE t ADD b int', 'UPDATE t SET b = 2', 'CREATE EXTENSION citext')
    assert server.run('one', PASSWORD, 'shop', 'SELECT a, b FROM t') == [(1, 2)]


def test_revoke_takes_away_exactly_one_and_ends_sessions(server, engine):
    for name in ('foo_bar', 'fooXbar'):
        engine.create_database({'name': name})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'foo_bar'}, {'name': 'fooXbar'}]})
    session, other = server.as_user('app', PASSWORD, 'foo_bar'), server.as_user('app', PASSWORD, 'fooXbar')
    engine.revoke('app', '%', 'foo_bar')
    assert engine.list_access('app', '%') == ['fooXbar']
    with pytest.raises(psycopg2.Error):
        session.cursor().execute('SELECT 1')
    other.cursor().execute('SELECT 1')
    with pytest.raises(psycopg2.OperationalError):
        server.as_user('app', PASSWORD, 'foo_bar')
    assert code_of(engine.revoke, 'app', '%', 'foo_bar') == 'guest_not_found_database'
    assert code_of(engine.revoke, 'nobody', '%', 'foo_bar') == 'guest_not_found_user'


def test_revoke_also_takes_what_the_tenant_granted(server, engine):
    engine.create_database({'name': 'shop'})
    for name in ('app', 'owner'):
        engine.create_user({'name': name, 'password': PASSWORD})
    engine.grant('owner', '%', ['shop'])
    for whom in ('app', 'PUBLIC'):
        server.run('owner', PASSWORD, 'shop', f'GRANT CONNECT ON DATABASE shop TO {whom}')
        assert engine.list_access('app', '%') == ['shop']
        engine.revoke('app', '%', 'shop')
        assert engine.list_access('app', '%') == []
    assert engine.list_access('owner', '%') == ['shop']


def test_what_is_not_there_is_not_granted(engine):
    engine.create_user({'name': 'app', 'password': PASSWORD})
    assert code_of(engine.grant, 'app', '%', ['nowhere']) == 'guest_not_found_database'
    assert code_of(engine.grant, 'nobody', '%', ['nowhere']) == 'guest_not_found_user'
    assert code_of(engine.grant, 'app', '%', ['postgres']) == 'guest_reserved_name'
    assert code_of(engine.create_user, {'name': 'two', 'password': PASSWORD, 'databases': [{'name': 'nowhere'}]}) == (
        'guest_not_found_database')
    assert users(engine) == [('app', '%')]


# --- what an owner of a database may do to the agent --------------------------------------------------------

@pytest.mark.parametrize('setting', ["role = 'app'", 'search_path = evil', 'default_transaction_read_only = on',
                                     'standard_conforming_strings = off', "local_preload_libraries = 'nothing'",
                                     'statement_timeout = 1', "client_encoding = 'LATIN1'", 'row_security = on',
                                     "default_tablespace = 'nothing'", 'lock_timeout = 1'])
def test_settings_of_a_database_do_not_reach_the_agent(server, engine, setting):
    engine.create_database({'name': HOSTILE})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': HOSTILE}]})
    name = '"' + HOSTILE.replace('"', '""') + '"'
    server.run('app', PASSWORD, HOSTILE, 'CREATE SCHEMA evil', f'ALTER DATABASE {name} SET {setting}',
               'GRANT ALL ON SCHEMA evil TO PUBLIC')
    server.rows('CREATE ROLE holder LOGIN; GRANT CREATE ON SCHEMA public TO holder; CREATE TABLE public.kept (a int); '
                'ALTER TABLE public.kept OWNER TO holder', HOSTILE)
    engine.delete_user('holder', '%')
    assert server.rows("SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'kept'", HOSTILE) == [(1,)]
    assert server.rows('SELECT current_user', HOSTILE) == [('os_admin',)]


def test_a_database_that_was_closed_or_declared_a_template_is_still_ours_to_delete(server, engine):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    server.rows('ALTER DATABASE shop IS_TEMPLATE true')
    server.rows('ALTER DATABASE shop ALLOW_CONNECTIONS false')
    assert [found['name'] for found in engine.list_databases()] == ['shop']
    engine.delete_database('shop')
    assert engine.list_databases() == []


# --- root ------------------------------------------------------------------------------------------------

def test_root_comes_and_goes_with_its_sessions(server, engine):
    engine.create_database({'name': 'before'})
    assert engine.enable_root(PASSWORD) == 'postgres'
    assert engine.root_enabled() and users(engine) == []
    engine.create_database({'name': 'after'})
    for name in ('before', 'after'):
        server.run('postgres', PASSWORD, name, 'CREATE TABLE t (a int)')
    engine.enable_root('another')
    with pytest.raises(psycopg2.OperationalError):
        server.as_user('postgres', PASSWORD, 'before')
    session = server.as_user('postgres', 'another', 'before')
    engine.disable_root()
    engine.disable_root()
    assert not engine.root_enabled()
    with pytest.raises(psycopg2.Error):
        session.cursor().execute('SELECT 1')
    with pytest.raises(psycopg2.OperationalError):
        server.as_user('postgres', 'another', 'before')


def test_root_administers_the_tenants_data(server, engine):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    engine.enable_root(PASSWORD)
    server.run('app', PASSWORD, 'shop', 'CREATE TABLE t (a int)', 'INSERT INTO t VALUES (1)', 'SET ROLE NONE',
               'CREATE TABLE own (a int)', 'INSERT INTO own VALUES (2)')
    assert server.run('postgres', PASSWORD, 'shop', 'ALTER TABLE t ADD b int', 'UPDATE own SET a = 3',
                      'SELECT a FROM own') == [(3,)]
    server.run('postgres', PASSWORD, 'shop', 'CREATE DATABASE mine')
    assert [found['name'] for found in engine.list_databases()] == ['mine', 'shop']
    server.run('postgres', PASSWORD, 'shop', 'DROP DATABASE mine')


@pytest.mark.parametrize('statement', [
    "COPY (SELECT 1) TO PROGRAM 'id'", "CREATE TABLE x (a text); COPY x FROM '/etc/passwd'",
    "ALTER SYSTEM SET archive_command = 'id'", "ALTER SYSTEM SET work_mem = '8MB'", 'CREATE ROLE x', 'CREATE ROLE x SUPERUSER',
    'ALTER ROLE os_admin PASSWORD \'x\'', 'ALTER ROLE os_admin NOLOGIN', 'DROP ROLE os_admin', 'SET ROLE os_admin',
    'GRANT pg_execute_server_program TO postgres', 'GRANT os_admin TO postgres', 'ALTER ROLE postgres SUPERUSER',
    "SELECT pg_read_file('/etc/passwd')", "UPDATE pg_authid SET rolsuper = true WHERE rolname = 'postgres'",
    "INSERT INTO pg_auth_members SELECT r.oid, m.oid, 10, true FROM pg_authid r, pg_authid m "
    "WHERE r.rolname = 'os_admin' AND m.rolname = 'postgres'",
    "CREATE FUNCTION f() RETURNS int AS 'system' LANGUAGE c", "CREATE FUNCTION f() RETURNS int AS '1' LANGUAGE internal",
    'CREATE EXTENSION file_fdw', 'CREATE EXTENSION adminpack', "SELECT lo_export(1, '/tmp/x')", "SELECT lo_import('/etc/passwd')",
    'DROP DATABASE postgres', 'ALTER DATABASE postgres SET search_path = evil',
    "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p", "SELECT pg_reload_conf()",
    "SET session_preload_libraries = 'x'", "ALTER ROLE postgres SET session_preload_libraries = 'x'", "LOAD '/tmp/x.so'",
    'SET allow_system_table_mods = on', 'CREATE TABLESPACE t LOCATION \'/tmp\'',
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'os_admin'",
    'CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION suppress_redundant_updates_trigger()'])
def test_root_does_not_lead_to_the_machine(server, engine, statement):
    engine.create_database({'name': 'shop'})
    engine.enable_root(PASSWORD)
    with server.engine._session(), pytest.raises(psycopg2.Error):
        server.run('postgres', PASSWORD, 'shop', statement)
    engine.probe()


def test_a_database_of_roots_can_be_granted(server, engine):
    """It and what root made in it go to those who may use it; other databases of root's are not touched by that."""
    engine.enable_root(PASSWORD)
    engine.create_database({'name': 'shop'})
    server.run('postgres', PASSWORD, 'shop', 'CREATE DATABASE one')
    server.run('postgres', PASSWORD, 'shop', 'CREATE DATABASE two')
    for name in ('one', 'two'):
        server.run('postgres', PASSWORD, name, 'CREATE TABLE t (a int)', 'INSERT INTO t VALUES (1)')
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'one'}]})
    assert server.run('app', PASSWORD, 'one', 'ALTER TABLE t ADD b int', 'SELECT a FROM t') == [(1,)]
    server.run('postgres', PASSWORD, 'two', 'ALTER TABLE t ADD b int')
    with pytest.raises(psycopg2.Error):
        server.run('app', PASSWORD, 'two', 'SELECT a FROM t')


# --- secrets ---------------------------------------------------------------------------------------------

def test_no_password_in_the_log_and_no_verifier_either(server, engine):
    server.write_layer('71-trove-user.conf', {'log_statement': 'all', 'log_min_duration_statement': '0'})
    engine.apply_options({'log_statement': 'all', 'log_min_duration_statement': '0'})
    try:
        engine.create_user({'name': 'app', 'password': 'canary-create'})
        engine.change_password('app', '%', 'canary-change')
        engine.enable_root('canary-root')
        with pytest.raises(EngineError):
            with engine._session() as session:
                session.execute(statements.create_user('app', 'canary-again'))
        with pytest.raises(psycopg2.OperationalError):
            server.as_user('app', 'x', 'nowhere-to-be-found')
    finally:
        server.layer('71-trove-user.conf').unlink()
        engine.apply_options({'log_statement': None, 'log_min_duration_statement': None})
    content = pathlib.Path(server.place.log_directory, 'postgresql.log').read_text()
    assert 'app' in content
    assert 'canary' not in content and 'SCRAM' not in content and 'CREATE ROLE "app"' not in content


def test_others_do_not_see_what_the_agent_says(server, engine):
    engine.create_database({'name': 'shop'})
    engine.enable_root(PASSWORD)
    with engine._session() as session:
        session.execute(statements.set_password('postgres', PASSWORD))
        seen = server.run('postgres', PASSWORD, 'shop', "SELECT query FROM pg_stat_activity WHERE usename = 'os_admin'")
    assert seen and not any('SCRAM' in (query or '') for (query,) in seen)


# --- configuration ---------------------------------------------------------------------------------------

@pytest.fixture
def layers(server):
    """Writes the tenant's layer; afterwards it is empty again."""
    yield lambda values: server.write_layer('71-trove-user.conf', values)
    server.layer('71-trove-user.conf').unlink(missing_ok=True)
    server.engine.validate_configuration(server.place)
    server.rows('SELECT pg_reload_conf()')


@pytest.mark.parametrize('values, words', [
    ({'no_such_option': '1'}, 'no_such_option'), ({'work_mem': 'plenty'}, 'work_mem'), ({'work_mem': '1kB'}, 'work_mem'),
    ({'max_connections': '3'}, 'max_connections'), ({'wal_sync_method': 'hope'}, 'wal_sync_method'),
    ({'shared_buffers': '900GB'}, 'shared_buffers'), ({'autovacuum': 'perhaps'}, 'autovacuum')])
def test_a_configuration_it_would_not_start_with_is_refused(server, layers, values, words):
    """While it runs, and without disturbing it."""
    layers(values)
    with pytest.raises(EngineError, match=words):
        server.engine.validate_configuration(server.place)
    server.engine.probe()


def test_options_are_taken_at_once_or_wait(server, engine, layers):
    layers({'work_mem': '12MB', 'max_connections': '30', 'log_min_duration_statement': '250ms'})
    engine.validate_configuration(server.place)
    applied = engine.apply_options({'work_mem': '12MB', 'max_connections': '30', 'log_min_duration_statement': '250ms'})
    assert applied.taken == {'work_mem', 'log_min_duration_statement'}
    assert applied.waiting == {'max_connections'} and not applied.refused and not applied.adjusted
    with engine._plain_session() as session:
        assert session.scalar('SHOW work_mem') == '12MB' and session.scalar('SHOW max_connections') == '20'
    assert engine.drifted_options({'work_mem': '12MB', 'log_min_duration_statement': '250ms'}) == {}
    server.layer('71-trove-user.conf').unlink()
    applied = engine.apply_options({'work_mem': None, 'max_connections': '20', 'log_min_duration_statement': None})
    assert applied.taken == {'work_mem', 'log_min_duration_statement', 'max_connections'}
    with engine._plain_session() as session:
        assert session.scalar('SHOW work_mem') == '4MB'


@pytest.mark.parametrize('name, value', [('archive_command', 'id'), ('port', '1'), ('hba_file', '/tmp/x'),
                                         ('shared_preload_libraries', 'x'), ('listen_addresses', ''),
                                         ('server_version', '1'), ('never_heard_of', '1')])
def test_what_must_hold_is_not_changed_by_a_file(server, engine, layers, name, value):
    before = dict(server.rows('SELECT name, setting FROM pg_settings'))
    layers({} if name == 'never_heard_of' else {name: value})
    applied = engine.apply_options({name: value})
    assert set(applied.refused) == {name} and not applied.taken and not applied.waiting
    assert dict(server.rows('SELECT name, setting FROM pg_settings')).get(name) == before.get(name)


def test_not_even_by_alter_system(server, engine):
    """Which would take a superuser, and there is none but the agent."""
    server.rows("ALTER SYSTEM SET archive_command = 'touch /tmp/should-not-be'")
    server.rows("ALTER SYSTEM SET work_mem = '77MB'")
    server.stop()
    server.start()
    try:
        with engine._plain_session() as session:
            assert 'should-not-be' not in session.scalar('SHOW archive_command')
            assert session.scalar("SELECT source FROM pg_settings WHERE name = 'archive_command'") == 'command line'
        assert engine.drifted_options({'work_mem': '4MB', 'port': '1'}) == {'work_mem': str(77 * 1024)}
        assert engine.drifted_options({'work_mem': '78848kB'}) == {}
    finally:
        server.rows('ALTER SYSTEM RESET ALL')
        server.rows('SELECT pg_reload_conf()')


def test_finished_log_is_archived_once_there_is_an_archive(server):
    archive = server.directory / 'volume/wal_archive'
    server.rows('CREATE TABLE IF NOT EXISTS public.busy (a int)')
    archive.mkdir()
    owner = pwd.getpwnam('postgres')
    os.chown(archive, owner.pw_uid, owner.pw_gid)
    try:
        server.rows('INSERT INTO public.busy VALUES (1)')
        server.rows('SELECT pg_switch_wal()')
        deadline = time.monotonic() + 20
        while not [path for path in archive.iterdir() if not path.name.startswith('.')]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        # Asked again for the same segment, as after a crash.
        (segment,) = (path for path in archive.iterdir() if not path.name.startswith('.'))
        line = options.archive_command(server.place.mount_point).replace('%p', str(segment)).replace('%f', segment.name)
        assert subprocess.run(['sh', '-c', line], check=False).returncode == 0
        other = server.directory / 'other'
        other.write_text('other')
        line = options.archive_command(server.place.mount_point).replace('%p', str(other)).replace('%f', segment.name)
        assert subprocess.run(['sh', '-c', line], check=False).returncode != 0
    finally:
        shutil.rmtree(archive)


def test_the_log_goes_on_after_it_was_moved_aside(server, engine):
    log = pathlib.Path(server.place.log_directory, 'postgresql.log')
    aside = log.with_name('aside')
    log.rename(aside)
    engine.reopen_log(engine.description.logs[0])
    deadline = time.monotonic() + 10
    while not log.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert log.stat().st_mode & 0o777 == 0o640


# --- when it does not answer -------------------------------------------------------------------------------

def test_a_server_that_is_gone(tmp_path):
    with pytest.raises(EngineUnavailable) as failure:
        PostgreSQL(socket_directory=str(tmp_path)).probe()
    assert not failure.value.answering


def test_a_server_that_was_stopped_in_the_middle_is_not_waited_for(server, engine, monkeypatch):
    os.kill(server.pid, 19)
    try:
        began = time.monotonic()
        with pytest.raises(EngineUnavailable, match='no answer in time') as failure:
            engine.probe()
        assert time.monotonic() - began < 7 and not failure.value.answering
    finally:
        os.kill(server.pid, 18)
    engine.probe()


def test_out_of_connections_there_is_one_left_for_the_agent(server, engine):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    taken = []
    try:
        with pytest.raises(psycopg2.OperationalError, match='remaining connection slots'):
            while True:
                taken.append(server.as_user('app', PASSWORD, 'shop'))
        engine.probe()
        assert engine.list_users([('app', '%')])
    finally:
        for connection in taken:
            connection.close()


def test_while_it_comes_up_it_speaks(server, engine):
    """Shutting down is a time in which it refuses with words, as recovery is."""
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    session = server.as_user('app', PASSWORD, 'shop')
    # Smart: it waits for the session and takes no more.
    os.kill(server.pid, 15)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                engine.probe()
            except EngineUnavailable as error:
                assert error.answering and 'shutting down' in error.message
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        session.close()
        server._process.wait(30)
        server.start()


def test_healing_a_locked_out_agent(server, engine):
    hba = pathlib.Path(server.configuration, 'pg_hba.conf')
    hba.write_text('local all all reject\n')
    os.kill(server.pid, 1)
    deadline = time.monotonic() + 10
    while True:
        try:
            engine.probe()
            assert time.monotonic() < deadline
        except EngineUnavailable as error:
            assert error.answering
            break

    class Restarter:
        def now(self) -> None:
            server.stop()
            server.start()

    engine.heal(Restarter())
    engine.probe()


# --- another version -------------------------------------------------------------------------------------

def test_a_minor_version_is_taken_and_a_major_one_refused(server, engine):
    engine.check_upgrade(server.place, '15')
    engine.check_upgrade(server.place, '15.99')
    assert code_of(engine.check_upgrade, server.place, '16') == 'guest_upgrade_refused'
    engine.prepare_upgrade(server.place, '15.99')
    engine.upgrade_data(server.place, 60)
    assert engine.finish_upgrade(server.place, 60) is False


def test_tls_is_what_the_files_say(server):
    with socket.create_connection(('127.0.0.1', server.port), 5) as link:
        link.sendall((8).to_bytes(4, 'big') + (80877103).to_bytes(4, 'big'))
        assert link.recv(1) == b'S'
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(link) as secured:
            shown = ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True))
    written = pathlib.Path(server.place.state_directory, 'tls/server-cert.pem').read_text()
    assert ssl.PEM_cert_to_DER_cert(shown) == ssl.PEM_cert_to_DER_cert(written)
