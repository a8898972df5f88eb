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
"""Tenant's administrator, and secrets."""

import pathlib

import psycopg2
import pytest

from tests.functional.guestagent.postgresql.running import PASSWORD, users
from trove.guestagent.datastore.engine import EngineError
from trove.guestagent.datastore.postgres import statements


# --- root -----------------------------------------------------------------------------------------

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
    server.run('app', PASSWORD, 'shop', 'CREATE TABLE t (a int)', 'INSERT INTO t VALUES (1)',
               'SET ROLE NONE', 'CREATE TABLE own (a int)', 'INSERT INTO own VALUES (2)')
    assert server.run('postgres', PASSWORD, 'shop', 'ALTER TABLE t ADD b int',
                      'UPDATE own SET a = 3', 'SELECT a FROM own') == [(3,)]
    server.run('postgres', PASSWORD, 'shop', 'CREATE DATABASE mine')
    assert [found['name'] for found in engine.list_databases()] == ['mine', 'shop']
    server.run('postgres', PASSWORD, 'shop', 'DROP DATABASE mine')


@pytest.mark.parametrize('statement', [
    "COPY (SELECT 1) TO PROGRAM 'id'", "CREATE TABLE x (a text); COPY x FROM '/etc/passwd'",
    "ALTER SYSTEM SET archive_command = 'id'", "ALTER SYSTEM SET work_mem = '8MB'", 'CREATE ROLE x',
    'CREATE ROLE x SUPERUSER', 'ALTER ROLE os_admin PASSWORD \'x\'', 'ALTER ROLE os_admin NOLOGIN',
    'DROP ROLE os_admin', 'SET ROLE os_admin', 'GRANT pg_execute_server_program TO postgres',
    'GRANT os_admin TO postgres', 'ALTER ROLE postgres SUPERUSER',
    "SELECT pg_read_file('/etc/passwd')",
    "UPDATE pg_authid SET rolsuper = true WHERE rolname = 'postgres'",
    "INSERT INTO pg_auth_members SELECT r.oid, m.oid, 10, true FROM pg_authid r, pg_authid m "
    "WHERE r.rolname = 'os_admin' AND m.rolname = 'postgres'",
    "CREATE FUNCTION f() RETURNS int AS 'system' LANGUAGE c",
    "CREATE FUNCTION f() RETURNS int AS '1' LANGUAGE internal", 'CREATE EXTENSION file_fdw',
    'CREATE EXTENSION adminpack', "SELECT lo_export(1, '/tmp/x')",
    "SELECT lo_import('/etc/passwd')", 'DROP DATABASE postgres',
    'ALTER DATABASE postgres SET search_path = evil',
    "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p", "SELECT pg_reload_conf()",
    "SET session_preload_libraries = 'x'",
    "ALTER ROLE postgres SET session_preload_libraries = 'x'", "LOAD '/tmp/x.so'",
    'SET allow_system_table_mods = on', 'CREATE TABLESPACE t LOCATION \'/tmp\'',
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'os_admin'",
    'CREATE EVENT TRIGGER e ON ddl_command_start '
    'EXECUTE FUNCTION suppress_redundant_updates_trigger()'
])
def test_root_does_not_lead_to_the_machine(server, engine, statement):
    engine.create_database({'name': 'shop'})
    engine.enable_root(PASSWORD)
    with server.engine._session(), pytest.raises(psycopg2.Error):
        server.run('postgres', PASSWORD, 'shop', statement)
    engine.probe()


def test_a_database_of_roots_can_be_granted(server, engine):
    """Users of the database own its objects then; other databases of root are not changed."""
    engine.enable_root(PASSWORD)
    engine.create_database({'name': 'shop'})
    server.run('postgres', PASSWORD, 'shop', 'CREATE DATABASE one')
    server.run('postgres', PASSWORD, 'shop', 'CREATE DATABASE two')
    for name in ('one', 'two'):
        server.run('postgres', PASSWORD, name, 'CREATE TABLE t (a int)', 'INSERT INTO t VALUES (1)')
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'one'}]})
    assert server.run('app', PASSWORD, 'one', 'ALTER TABLE t ADD b int',
                      'SELECT a FROM t') == [(1,)]
    server.run('postgres', PASSWORD, 'two', 'ALTER TABLE t ADD b int')
    with pytest.raises(psycopg2.Error):
        server.run('app', PASSWORD, 'two', 'SELECT a FROM t')


# --- secrets --------------------------------------------------------------------------------------

def test_no_password_in_the_log_and_no_verifier_either(server, engine):
    server.write_layer('71-trove-user.conf', {
        'log_statement': 'all',
        'log_min_duration_statement': '0'
    })
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


def test_others_do_not_see_statements_of_the_agent(server, engine):
    engine.create_database({'name': 'shop'})
    engine.enable_root(PASSWORD)
    with engine._session() as session:
        session.execute(statements.set_password('postgres', PASSWORD))
        seen = server.run('postgres', PASSWORD, 'shop',
                          "SELECT query FROM pg_stat_activity WHERE usename = 'os_admin'")
    assert seen and not any('SCRAM' in (query or '') for (query,) in seen)
