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
"""Cluster of PostgreSQL: its creation, its client authentication, its errors."""

import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import time

import psycopg2
import pytest

from tests.functional.guestagent.postgresql.running import AS_POSTGRES, PASSWORD, code_of
from trove.guestagent.datastore.engine import EngineUnavailable
from trove.guestagent.datastore.postgres import cluster
from trove.guestagent.datastore.postgres.engine import PROGRAMS, PostgreSQL


# --- the cluster ----------------------------------------------------------------------------------

def test_the_cluster_has_checksums_and_utf8(server):
    assert server.rows("SELECT current_setting('data_checksums'), "
                       "current_setting('server_encoding'), datcollate, datctype "
                       "FROM pg_database WHERE datname = 'template1'") == [
        ('on', 'UTF8', 'C.UTF-8', 'C.UTF-8')]
    assert server.engine.is_initialised(server.place)


def test_two_clusters_have_two_identities(server, tmp_path):
    """Standbys and archives distinguish clusters by this number."""
    def identity(data: str) -> str:
        shown = subprocess.run([f'{PROGRAMS}/pg_controldata', data], check=True, text=True,
                               capture_output=True).stdout
        return next(line.split(':')[1].strip() for line in shown.splitlines()
                    if line.startswith('Database system id'))

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
    assert server.rows('SELECT rolname FROM pg_roles '
                       'WHERE rolsuper OR rolcreaterole OR rolreplication') == [
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


# --- client authentication ------------------------------------------------------------------------

@pytest.mark.parametrize('name', ['os_admin', 'postgres', 'left_over'])
@pytest.mark.parametrize('database', ['postgres', 'template1'])
def test_nobody_is_the_agent_over_the_network(server, name, database):
    for password in ('', 'x'):
        with pytest.raises(psycopg2.OperationalError):
            server.as_user(name, password, database)


def test_nobody_is_the_agent_with_a_password_either(server):
    """The line of the agent precedes those that accept passwords."""
    server.rows("ALTER ROLE os_admin PASSWORD 'known'")
    try:
        with pytest.raises(psycopg2.OperationalError, match='rejects'):
            server.as_user('os_admin', 'known', 'postgres')
    finally:
        server.rows('ALTER ROLE os_admin PASSWORD NULL')


def test_the_engines_own_account_is_not_the_agent(server):
    where = ['-h', server.socket, '-p', str(server.port), '-U', 'os_admin', 'postgres']
    done = subprocess.run([*AS_POSTGRES, 'psql', '--no-psqlrc', *where, '-c', 'SELECT 1'],
                          capture_output=True, text=True, check=False)
    assert done.returncode != 0 and 'Peer authentication failed' in done.stderr


def test_the_rules_are_ones_the_server_reads(server):
    assert server.rows('SELECT count(*), count(error) FROM pg_hba_file_rules') == [(7, 0)]


def test_a_user_streams_no_log(server, engine):
    engine.create_user({'name': 'app', 'password': PASSWORD})
    server.rows('ALTER ROLE app REPLICATION')
    with pytest.raises(psycopg2.OperationalError, match='no pg_hba.conf entry'):
        psycopg2.connect(host='127.0.0.1', port=server.port, user='app', password=PASSWORD,
                         replication='true', dbname='replication')


def test_it_has_a_certificate_from_the_start(server, engine):
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    connection = psycopg2.connect(host='127.0.0.1', port=server.port, user='app',
                                  password=PASSWORD, dbname='shop', sslmode='require')
    assert connection.info.ssl_attribute('protocol').startswith('TLS')
    connection.close()
    key = pathlib.Path(server.place.state_directory, 'tls/server-key.pem')
    assert key.stat().st_mode & 0o777 == 0o640 and key.stat().st_uid == 0


# --- when it does not answer ----------------------------------------------------------------------

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


def test_a_starting_server_replies(server, engine):
    """A server that shuts down refuses with an error, like a server in recovery."""
    engine.create_database({'name': 'shop'})
    engine.create_user({'name': 'app', 'password': PASSWORD, 'databases': [{'name': 'shop'}]})
    session = server.as_user('app', PASSWORD, 'shop')
    # A smart shutdown waits for the session and accepts no other.
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
        server.restart()


def test_restoring_the_account_of_a_locked_out_agent(server, engine):
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
            server.restart()

    engine.restore_account(Restarter())
    engine.probe()


# --- another version ------------------------------------------------------------------------------

def test_a_minor_version_is_taken_and_a_major_one_refused(server, engine):
    engine.check_upgrade(server.place, '15')
    engine.check_upgrade(server.place, '15.99')
    assert code_of(engine.check_upgrade, server.place, '16') == 'guest_upgrade_refused'
    engine.prepare_upgrade(server.place, '15.99')
    engine.upgrade_data(server.place, 60)
    assert engine.finish_upgrade(server.place, 60) is False


def test_tls_follows_the_files(server):
    with socket.create_connection(('127.0.0.1', server.port), 5) as link:
        link.sendall((8).to_bytes(4, 'big') + (80877103).to_bytes(4, 'big'))
        assert link.recv(1) == b'S'
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(link) as secured:
            shown = ssl.DER_cert_to_PEM_cert(secured.getpeercert(True))
    written = pathlib.Path(server.place.state_directory, 'tls/server-cert.pem').read_text()
    assert ssl.PEM_cert_to_DER_cert(shown) == ssl.PEM_cert_to_DER_cert(written)
