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
"""PostgreSQL server of the Debian package, created as the agent does, in a directory of its own."""

import os
import pathlib
import pwd
import signal
import socket

import psycopg2
import pytest

from tests.functional.guestagent.real_server import RealServer
from trove.guestagent.datastore.engine import EngineError, Place
from trove.guestagent.datastore.postgres import options
from trove.guestagent.datastore.postgres.engine import PROGRAMS, PostgreSQL

HOSTILE = 'o\'b"r`x\\y%_z;-- ü\U0001F511'
PASSWORD = 'canary\'p"w\\n:%z`\U0001F511'
AS_POSTGRES = ('setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--')


class Server(RealServer):
    """Server as the agent creates it."""

    ending = signal.SIGINT

    def __init__(self, directory: pathlib.Path) -> None:
        super().__init__(directory)
        self.place = Place(mount_point=str(directory / 'volume'), data_directory=str(
            directory / 'volume/data/pgdata'), state_directory=str(directory / 'volume/trove'))
        with socket.create_server(('127.0.0.1', 0)) as free:
            self.port = free.getsockname()[1]
        self.socket = str(directory / 'socket')
        self.configuration = str(directory / 'etc')
        self.engine = PostgreSQL(socket_directory=self.socket, port=self.port,
                                 configuration=self.configuration)

    def create(self) -> None:
        owner = pwd.getpwnam('postgres')
        for name, mode in (('volume', 0o755), ('socket', 0o755), ('volume/trove', 0o711)):
            (self.directory / name).mkdir()
            os.chmod(self.directory / name, mode)
        for name in ('volume', 'socket'):
            os.chown(self.directory / name, owner.pw_uid, owner.pw_gid)
        self.engine.initialise(self.place, 60)
        self.write_layer('80-trove-system-agent.conf', self.engine.system_options(self.place))
        self.write_layer('70-trove-base.conf', {
            'max_connections': '20',
            'shared_buffers': '16MB',
            'TimeZone': 'UTC'
        })
        self.engine.validate_configuration(self.place)

    def layer(self, name: str) -> pathlib.Path:
        return pathlib.Path(self.configuration) / 'conf.d' / name

    def write_layer(self, name: str, values: dict[str, str]) -> None:
        path = self.layer(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.engine.render_options(values))
        path.chmod(0o644)

    def command(self) -> list[str]:
        return [
            *AS_POSTGRES, *options.command_line(f'{PROGRAMS}/postgres', self.place.data_directory, {
                **self.engine.fixed_options(self.place), 'fsync': 'off'
            })
        ]

    def as_user(self, name: str, password: str, database: str):
        """Return a connection over the network."""
        connection = psycopg2.connect(host='127.0.0.1', port=self.port, user=name,
                                      password=password, dbname=database)
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


def users(engine):
    return [(name, host) for name, host in engine.user_names() if name != 'left_over']


def code_of(function, *args, **kwargs):
    with pytest.raises(EngineError) as failure:
        function(*args, **kwargs)
    return failure.value.code
