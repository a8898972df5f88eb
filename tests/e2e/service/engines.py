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
"""The engines of the suite: how each is spoken to with its own client, and what is asked of it in
its own words.
"""

import abc
import os
import subprocess
from typing import Any

import pytest

from trove.common import engines as described

from tests.e2e.service.running import Refused

CLIENT_TIMEOUT = 30
#: A word in the refusals of each client for a wrong name or password.
DENIED = 'denied|failed|WRONGPASS|NOPERM|permission|rejects|does not exist|not permitted'


class Engine(abc.ABC):
    """One datastore version and its native client."""

    manager: str
    version: str
    #: systemd unit and name of the main program in the machine, and where the volume is mounted.
    unit: str
    program: str
    #: An option that is taken at once, one that waits for a restart, and one that cannot be: name
    #: and value.
    at_once: tuple[str, Any]
    at_restart: tuple[str, Any]
    impossible: tuple[str, Any]
    #: One that passes every check and with which the engine does not start, and a value of one it
    #: refuses at once.
    deadly: tuple[str, Any]
    refused: tuple[str, Any]
    #: Option -> what the engine calls its value.
    shown: dict[str, str]
    #: An option that grows with the flavor's memory, and another value of the one that is taken at
    #: once.
    sized: str
    another: str

    @property
    def name(self) -> str:
        return self.manager

    @property
    def mount_point(self) -> str:
        return described.of(self.manager).mount_point

    def can(self, capability: str) -> bool:
        """Return whether the engine supports a call of the API."""
        return capability in described.of(self.manager).capabilities

    @property
    def datastore(self) -> dict[str, str]:
        """For the body of a create."""
        return {'type': self.manager, 'version': self.version}

    @abc.abstractmethod
    def ask(self, address: str, user: str, password: str, statement: str,
            database: str) -> list[str]:
        """Run a statement as a user, over the network; gives the lines of the answer.

        :raises Refused: the server refuses the connection or the statement.
        """

    @abc.abstractmethod
    def write(self, key: str, value: str) -> str:
        """A statement that keeps a value."""

    @abc.abstractmethod
    def read(self, key: str) -> str:
        """A statement that gives it."""

    @abc.abstractmethod
    def option(self, name: str) -> str:
        """A statement that gives the value an option runs with, as its last word."""

    @abc.abstractmethod
    def began(self) -> str:
        """Statement with another result after each start of the engine."""

    @abc.abstractmethod
    def behind_our_back(self, name: str, value: str) -> list[str]:
        """A command that root of the machine changes an option of the running engine with."""

    def whoami(self, answer: list[str]) -> str:
        """The name in the answer to :meth:`who`."""
        return answer[0].removesuffix('@%')

    @abc.abstractmethod
    def who(self) -> str:
        """A statement that gives the name of its user."""


def run(argv: list[str], environment: dict[str, str]) -> list[str]:
    """:raises Refused: the client ended with a failure."""
    done = subprocess.run(argv, env={
        **os.environ, 'LC_ALL': 'C.UTF-8',
        **environment
    }, text=True, capture_output=True, timeout=CLIENT_TIMEOUT, check=False)
    if done.returncode:
        raise Refused(done.stderr.strip() or done.stdout.strip())
    return done.stdout.splitlines()


class MariaDB(Engine):
    manager, version, unit, program = 'mariadb', '10.11', 'mariadb', 'mariadbd'
    at_once, at_restart, impossible = ('max_connections', 123), ('back_log', 77), ('init_connect',
                                                                                   'SELECT 1')
    deadly, refused = ('aria_block_size', 4096), ('sql_mode', 'NONSENSE')
    shown = {'max_connections': '123', 'back_log': '77'}
    sized, another = 'innodb_buffer_pool_size', '99'
    client_options: tuple[str, ...] = ()

    def ask(self, address: str, user: str, password: str, statement: str,
            database: str) -> list[str]:
        return run([
            'mariadb', '--no-defaults', f'--host={address}', f'--user={user}', '--batch',
            '--skip-column-names', '--default-character-set=utf8mb4', '--connect-timeout=5',
            f'--database={database}', f'--execute={statement}', *self.client_options
        ], {'MYSQL_PWD': password})

    def behind_our_back(self, name: str, value: str) -> list[str]:
        return ['mariadb', f'--execute=SET GLOBAL {name} = {value}']

    def write(self, key: str, value: str) -> str:
        return (f'CREATE TABLE IF NOT EXISTS kept (k VARCHAR(60) PRIMARY KEY, v VARCHAR(60)); '
                f"REPLACE INTO kept VALUES ('{key}', '{value}')")

    def read(self, key: str) -> str:
        return f"SELECT v FROM kept WHERE k = '{key}'"

    def option(self, name: str) -> str:
        return f'SELECT @@GLOBAL.{name}'

    def began(self) -> str:
        return ("SELECT UNIX_TIMESTAMP() - VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS "
                "WHERE VARIABLE_NAME = 'UPTIME'")

    def who(self) -> str:
        return 'SELECT CURRENT_USER()'


class MySQL(MariaDB):
    """Spoken to with MariaDB's client, which speaks MySQL's protocol and is there where no client
    of MySQL is.
    """

    manager, version, unit, program = 'mysql', '9.7', 'mysql', 'mysqld'
    deadly = ('thread_stack', 2 ** 50)
    client_options = ('--ssl',)

    def behind_our_back(self, name: str, value: str) -> list[str]:
        return ['mysql', f'--execute=SET GLOBAL {name} = {value}']

    def began(self) -> str:
        return ("SELECT UNIX_TIMESTAMP() - VARIABLE_VALUE FROM performance_schema.global_status "
                "WHERE VARIABLE_NAME = 'Uptime'")


class PostgreSQL(Engine):
    manager, version, unit, program = 'postgresql', '15', 'postgresql@15-main', 'postgres'
    at_once, at_restart = ('work_mem', '12MB'), ('max_connections', 77)
    impossible = ('archive_command', 'touch /tmp/x')
    deadly, refused = ('huge_pages', 'on'), ('maintenance_work_mem', 'much')
    shown = {'work_mem': '12MB', 'max_connections': '77'}
    sized, another = 'shared_buffers', '7MB'

    def ask(self, address: str, user: str, password: str, statement: str,
            database: str) -> list[str]:
        return run(
            [
                'psql', '--no-psqlrc', '--no-password', '--quiet', '--tuples-only', '--no-align',
                '--set=ON_ERROR_STOP=1', f'--command={statement}'
            ], {
                'PGPASSWORD': password,
                'PGHOST': address,
                'PGUSER': user,
                'PGDATABASE': database,
                'PGCONNECT_TIMEOUT': '5',
                'PGSSLMODE': 'require'
            })

    def behind_our_back(self, name: str, value: str) -> list[str]:
        # Debian's psql insists on a cluster where it expects one.
        return ['/usr/lib/postgresql/15/bin/psql', '--host=/run/postgresql', '--username=os_admin',
                '--dbname=postgres', f"--command=ALTER SYSTEM SET {name} = '{value}'",
                '--command=SELECT pg_reload_conf()']

    def write(self, key: str, value: str) -> str:
        return (
            f'SET client_min_messages = error; CREATE TABLE IF NOT EXISTS kept (k text PRIMARY '
            f'KEY, v text); '
            f"INSERT INTO kept VALUES ('{key}', '{value}') "
            'ON CONFLICT (k) DO UPDATE SET v = EXCLUDED.v'
        )

    def read(self, key: str) -> str:
        return f"SELECT v FROM kept WHERE k = '{key}'"

    def option(self, name: str) -> str:
        return f'SHOW {name}'

    def began(self) -> str:
        return 'SELECT pg_postmaster_start_time()'

    def who(self) -> str:
        return 'SELECT session_user'


class Redis(Engine):
    manager, version, unit, program = 'redis', '7.0', 'redis-server', 'redis-server'
    at_once, at_restart, impossible = ('maxclients', 321), ('databases', 7), ('dir', '/tmp')
    deadly, refused = ('databases', 2147483647), ('maxmemory-policy', 'sometimes')
    shown = {'maxclients': '321', 'databases': '7'}
    sized, another = 'maxmemory', '99'

    def ask(self, address: str, user: str, password: str, statement: str,
            database: str) -> list[str]:
        # Its own quoting: the client takes the words apart.
        answer = run([
            'redis-cli', '-h', address, '-e', '--no-auth-warning', '--user', user,
            *statement.split(' ')
        ], {'REDISCLI_AUTH': password})
        if answer and answer[0].startswith(('WRONGPASS', 'NOAUTH', 'NOPERM', 'ERR', 'AUTH failed')):
            raise Refused('\n'.join(answer))
        return answer

    def behind_our_back(self, name: str, value: str) -> list[str]:
        # Only the agent has an account that may.
        code = ('from trove.guestagent import dbaas; '
                f'dbaas.engine_for("{self.manager}").apply_options({{"{name}": "{value}"}})')
        return ['/opt/trove-guest/bin/python', '-c', code]

    def write(self, key: str, value: str) -> str:
        return f'SET {key} {value}'

    def read(self, key: str) -> str:
        return f'GET {key}'

    def option(self, name: str) -> str:
        return f'CONFIG GET {name}'

    def began(self) -> str:
        return 'INFO server'

    def who(self) -> str:
        return 'ACL WHOAMI'


class Valkey(Redis):
    """Spoken to with the client of Redis, which this machine has: their protocol is the same."""

    manager, version, unit, program = 'valkey', '8.0', 'valkey-server', 'valkey-server'


#: The engines with every change, those that share most of their code with one of these when there
#: is time.
ENGINES = (MariaDB(), PostgreSQL(), Redis(), pytest.param(Valkey(), marks=pytest.mark.long),
           pytest.param(MySQL(), marks=pytest.mark.long))
#: The first engine with every change, the others when there is time.
FIRST_ENGINE_OFTEN = (MariaDB(), *(pytest.param(engine, marks=pytest.mark.long)
                                   for engine in (PostgreSQL(), Redis(), Valkey(), MySQL())))
