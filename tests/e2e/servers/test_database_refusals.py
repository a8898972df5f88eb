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

"""A database that is up and refuses: it counts as unavailable, and is used again afterwards."""

import contextlib
import subprocess

import pytest
import sqlalchemy
from oslo_config import cfg
from oslo_db import exception as db_exception

from tests.e2e import database_servers
from trove.db import datastores, migration, refusals, session

CONF = cfg.CONF
POOL_SIZE = 4


@pytest.fixture(scope='module', params=['mariadb', 'postgresql'])
def server(request, tmp_path_factory):
    """Yield a function that executes a statement as the database's administrator."""
    directory = tmp_path_factory.mktemp('server')
    with database_servers.configured(request.param, directory, pool_size=POOL_SIZE):
        CONF.set_override('pool_timeout', 1, 'database')
        migration.sync()

        def administer(statement):
            if request.param == 'mariadb':
                subprocess.run(['mariadb', '--no-defaults', f'--socket={directory / "socket"}',
                                '--execute', statement], check=True)
                return
            admin = sqlalchemy.create_engine(CONF.database.connection,
                                             isolation_level='AUTOCOMMIT', connect_args={
                                                 'options': '-c default_transaction_read_only=off'})
            with admin.connect() as connection:
                connection.execute(sqlalchemy.text(statement))
            admin.dispose()

        administer.kind = request.param
        yield administer
        CONF.clear_override('pool_timeout', 'database')


def write_something():
    return session.write(datastores.ensure_datastore, 'mariadb')


def test_a_read_only_database_refuses_writes_and_serves_reads(server):
    on, off = {
        'mariadb': ('SET GLOBAL read_only = 1', 'SET GLOBAL read_only = 0'),
        'postgresql': ('ALTER DATABASE postgres SET default_transaction_read_only = on',
                       'ALTER DATABASE postgres SET default_transaction_read_only = off')
    }[server.kind]
    server(on)
    session.dispose()
    try:
        with pytest.raises(refusals.DatabaseRefused):
            write_something()
        session.read(datastores.all_datastores)
    finally:
        server(off)
        session.dispose()
    assert write_something()


# The limit of PostgreSQL needs a restart.
@pytest.mark.parametrize('server', ['mariadb'], indirect=True)
def test_a_server_without_free_connections_refuses(server):
    server('SET GLOBAL max_connections = 10')
    session.dispose()
    other = sqlalchemy.create_engine(CONF.database.connection, pool_size=20)
    with contextlib.ExitStack() as held:
        with contextlib.suppress(sqlalchemy.exc.OperationalError):
            for _number in range(20):
                held.enter_context(other.connect())
        with pytest.raises(db_exception.DBConnectionError):
            write_something()
    other.dispose()
    server('SET GLOBAL max_connections = 151')
    assert write_something()


@pytest.mark.parametrize('kind', ['read', 'write'])
def test_a_pool_that_is_used_up_refuses_after_its_timeout(server, kind):
    opened = session.reader if kind == 'read' else session.writer
    with contextlib.ExitStack() as held:
        for _number in range(POOL_SIZE):
            held.enter_context(opened())
        with pytest.raises(refusals.DatabaseRefused):
            with opened():
                pass
