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
"""Databases, users and grants: exactly the requested ones, or a clear refusal."""

import base64
import hashlib

import psycopg2
import pytest

from tests.functional.guestagent.postgresql.running import HOSTILE, PASSWORD, code_of, users
from trove.guestagent.datastore.postgres import scram, statements


# --- databases ------------------------------------------------------------------------------------


@pytest.mark.parametrize('name', [
    HOSTILE, "'", '"', '`', '\\', '%', '_', 'a b', ' a ', 'a.b', 'a/b', '../up', 'a;b', '{x}',
    'x' * 63, 'é' * 31, "'; DROP DATABASE postgres; --", '\U0001F511' * 15, 'select', '0', 'all',
    'replication', 'sameuser', 'Ω'
])
def test_a_database_gets_exactly_its_name(engine, name):
    engine.create_database({'name': name})
    assert engine.list_databases() == [{
        'name': name,
        'character_set': 'UTF8',
        'collate': 'C.UTF-8'
    }]
    assert code_of(engine.create_database, {'name': name}) == 'guest_exists_database'
    engine.create_database({'name': name}, or_ignore=True)
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': name}]})
    assert engine.list_access('app', '%') == [name]
    engine.delete_database(name)
    assert engine.list_databases() == []
    assert code_of(engine.delete_database, name) == 'guest_not_found_database'


@pytest.mark.parametrize('name, code', [('x' * 64, 'guest_invalid_name'),
                                        ('é' * 32, 'guest_invalid_name'),
                                        ('\U0001F511' * 16, 'guest_invalid_name'),
                                        ('a\0b', 'guest_invalid_name'), ('', 'guest_invalid_name'),
                                        ('line\nbreak', 'guest_invalid_name'),
                                        ('\ud83d', 'guest_invalid_name'),
                                        ('postgres', 'guest_reserved_name'),
                                        ('Template1', 'guest_reserved_name'),
                                        ('os_admin', 'guest_reserved_name')])
def test_a_database_is_clearly_refused(engine, name, code):
    assert code_of(engine.create_database, {'name': name}) == code
    assert engine.list_databases() == []


@pytest.mark.parametrize('charset, collate, shown',
                         [('UTF8', 'C.UTF-8', ('UTF8', 'C.UTF-8')),
                          ('utf-8', None, ('UTF8', 'C.UTF-8')), ('LATIN1', None, ('LATIN1', 'C')),
                          ('SQL_ASCII', 'C', ('SQL_ASCII', 'C')), (None, 'POSIX', ('UTF8', 'C')),
                          (None, 'de-AT-x-icu', ('UTF8', 'de-AT-x-icu'))])
def test_character_sets_and_collations(engine, charset, collate, shown):
    engine.create_database({'name': 'shop', 'character_set': charset, 'collate': collate})
    (found,) = engine.list_databases()
    assert (found['character_set'], found['collate']) == shown


@pytest.mark.parametrize('charset, collate', [('nonsense', None), ('LATIN1', 'C.UTF-8'),
                                              (None, 'nonsense'), ("utf8' x", None),
                                              ('x' * 65, None), (None, 'xx_XX.UTF-8')])
def test_unknown_character_sets(engine, charset, collate):
    assert code_of(engine.create_database, {
        'name': 'shop',
        'character_set': charset,
        'collate': collate
    }) == 'guest_invalid_charset'
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


# --- users ----------------------------------------------------------------------------------------


@pytest.mark.parametrize('name', [
    HOSTILE, "'", '"', '`', '\\', '%', "a'@'b", 'a@b', 'é' * 31, 'x' * 63, ' a ', '\U0001F511' * 15,
    'App', 'app', 'all', 'root', 'SELECT', '+group', '{x}'
])
def test_a_user_gets_exactly_its_name_and_password(server, engine, name):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': name, 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    assert engine.list_users(users(engine)) == [{
        'name': name,
        'host': '%',
        'databases': [{
            'name': 'shop'
        }]
    }]
    assert server.run(name, PASSWORD, 'shop', 'SELECT session_user') == [(name,)]
    for wrong in (PASSWORD + ' ', PASSWORD[:-1], ''):
        with pytest.raises(psycopg2.OperationalError):
            server.as_user(name, wrong, 'shop')
    assert code_of(engine.create_user, {'name': name, 'password': 'other'}) == 'guest_exists_user'


@pytest.mark.parametrize('name, code', [('x' * 64, 'guest_invalid_name'),
                                        ('é' * 32, 'guest_invalid_name'),
                                        ('a\0b', 'guest_invalid_name'), ('', 'guest_invalid_name'),
                                        ('os_admin', 'guest_reserved_name'),
                                        ('Postgres', 'guest_reserved_name'),
                                        ('pg_monitor', 'guest_reserved_name'),
                                        ('trove_db_1', 'guest_reserved_name'),
                                        ('PUBLIC', 'guest_reserved_name'),
                                        ('none', 'guest_reserved_name'),
                                        ('replicator', 'guest_reserved_name')])
def test_a_user_is_clearly_refused(engine, name, code):
    assert code_of(engine.create_user, {'name': name, 'password': 'secret'}) == code
    assert users(engine) == []


@pytest.mark.parametrize('password', ['', None, 'nul\0byte', 'half\ud83d'])
def test_passwords_that_cannot_be(engine, password):
    assert code_of(engine.create_user, {
        'name': 'app',
        'password': password
    }) == 'guest_invalid_password'


@pytest.mark.parametrize('password', [
    'plain', 'with space', 'ü', 'ÅÅ', 'A\u030a', '\u00a0no-break', 'soft\u00adhyphen', 'ﬁ ligature',
    '\u2168', '１２', 'Ø\u0627', '\u0627\u0661', '\u0627x', '\U0001F511', '\u00ad', 'tab\tü',
    'md5' + 'a' * 32, "quo'te\\n%s", 'SCRAM-SHA-256$4096:c2FsdA==$AAAA:BBBB', 'x' * 255
])
def test_clients_prepare_a_password_as_the_agent_does(server, engine, password):
    """Cases: normalisation, invisible characters, right-to-left text, text like a verifier."""
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': password, 'databases': [{'name': 'shop'}]})
    assert server.run('app', password, 'shop', 'SELECT 1') == [(1,)]
    stored = server.rows("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")[0][0]
    assert stored.startswith('SCRAM-SHA-256$4096:')
    assert hashlib.sha256(password.encode()).hexdigest() not in stored and password not in stored


def test_the_verifier_is_the_servers_own(server):
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
    """Objects the user created under its own role stay, too; grants by name are removed."""
    for name in ('shop', 'stock'):
        engine.create_database({'name': name})
    engine.create_user({
        'name': 'app',
        'password': PASSWORD,
        'databases': [{
            'name': 'shop'
        }, {
            'name': 'stock'
        }]
    })
    engine.create_user({'name': 'other', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    server.run('app', PASSWORD, 'shop', 'SET ROLE NONE', 'CREATE SCHEMA mine',
               'CREATE TABLE mine.t (a int)', 'INSERT INTO mine.t VALUES (7)')
    server.run('other', PASSWORD, 'shop', 'GRANT CONNECT ON DATABASE shop TO app')
    session = server.as_user('app', PASSWORD, 'stock')
    engine.delete_user('app', '%')
    assert users(engine) == [('other', '%')]
    assert server.run('other', PASSWORD, 'shop', 'SELECT a FROM mine.t') == [(7,)]
    with pytest.raises(psycopg2.Error):
        session.cursor().execute('SELECT 1')
    assert code_of(engine.delete_user, 'app', '%') == 'guest_not_found_user'


# --- grants ---------------------------------------------------------------------------------------

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
    server.run('two', PASSWORD, 'shop', 'ALTER TABLE t ADD b int', 'UPDATE t SET b = 2',
               'CREATE EXTENSION citext')
    assert server.run('one', PASSWORD, 'shop', 'SELECT a, b FROM t') == [(1, 2)]


def test_revoke_takes_away_exactly_one_and_ends_sessions(server, engine):
    for name in ('foo_bar', 'fooXbar'):
        engine.create_database({'name': name})
    engine.create_user({
        'name': 'app',
        'password': PASSWORD,
        'databases': [{
            'name': 'foo_bar'
        }, {
            'name': 'fooXbar'
        }]
    })
    session, other = server.as_user('app', PASSWORD,
                                    'foo_bar'), server.as_user('app', PASSWORD, 'fooXbar')
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
    assert code_of(engine.create_user, {
        'name': 'two',
        'password': PASSWORD,
        'databases': [{
            'name': 'nowhere'
        }]
    }) == ('guest_not_found_database')
    assert users(engine) == [('app', '%')]


# --- what an owner of a database may do to the agent ----------------------------------------------


@pytest.mark.parametrize('setting', [
    "role = 'app'", 'search_path = evil', 'default_transaction_read_only = on',
    'standard_conforming_strings = off', "local_preload_libraries = 'nothing'",
    'statement_timeout = 1', "client_encoding = 'LATIN1'", 'row_security = on',
    "default_tablespace = 'nothing'", 'lock_timeout = 1'
])
def test_settings_of_a_database_do_not_reach_the_agent(server, engine, setting):
    engine.create_database({'name': HOSTILE})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': HOSTILE}]})
    name = '"' + HOSTILE.replace('"', '""') + '"'
    server.run('app', PASSWORD, HOSTILE, 'CREATE SCHEMA evil',
               f'ALTER DATABASE {name} SET {setting}', 'GRANT ALL ON SCHEMA evil TO PUBLIC')
    server.rows(
        'CREATE ROLE holder LOGIN; GRANT CREATE ON SCHEMA public TO holder; '
        'CREATE TABLE public.kept (a int); ALTER TABLE public.kept OWNER TO holder', HOSTILE)
    engine.delete_user('holder', '%')
    assert server.rows("SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'kept'",
                       HOSTILE) == [(1,)]
    assert server.rows('SELECT current_user', HOSTILE) == [('os_admin',)]


def test_a_database_that_was_closed_or_declared_a_template_is_still_ours_to_delete(server, engine):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    server.rows('ALTER DATABASE shop IS_TEMPLATE true')
    server.rows('ALTER DATABASE shop ALLOW_CONNECTIONS false')
    assert [found['name'] for found in engine.list_databases()] == ['shop']
    engine.delete_database('shop')
    assert engine.list_databases() == []
