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
"""Fixtures: one server for all tests of the engine; each test restores its state."""

import os

import pytest

from tests.functional.guestagent.postgresql.running import Server
from tests.functional.guestagent.real_server import running
from trove.guestagent.datastore.postgres.engine import PROGRAMS


@pytest.fixture(scope='session')
def server():
    if not os.path.exists(f'{PROGRAMS}/postgres') or os.geteuid() != 0:
        pytest.skip('needs the package postgresql-15, and root, as which the agent logs in')
    with running(Server) as server:
        server.rows("CREATE ROLE left_over SUPERUSER LOGIN PASSWORD 'x'")
        server.engine.secure()
        yield server


@pytest.fixture
def engine(server):
    yield server.engine
    server.engine.disable_root()
    for database in server.engine.list_databases():
        server.engine.delete_database(database['name'])
    for name, host in server.engine.user_names():
        if name != 'left_over':
            server.engine.delete_user(name, host)
