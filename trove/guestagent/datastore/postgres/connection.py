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
"""Connections of the agent to PostgreSQL, over its unix socket, without a password.

The server identifies the agent by its operating system account (root). Every wait has a deadline,
also for a server that stopped in the middle of a reply: the driver passes each wait to
:func:`_wait`, which knows the connection's deadline.
"""

import contextlib
import functools
import logging
import re
import select
import time
from collections.abc import Iterator
from typing import Any, TypeAlias

import psycopg2
import psycopg2.extensions
from psycopg2 import errorcodes, sql

from trove.guestagent.datastore.engine import EngineError, EngineUnavailable, LockedOut
from trove.guestagent.datastore.postgres import access

LOG = logging.getLogger(__name__)

#: The agent's database; nobody else may connect to it. Some statements need a tenant's database.
HOME = 'postgres'
PROBE_TIMEOUT = 5
STATEMENT_TIMEOUT = 60
LONG_TIMEOUT = 600

# Settings of the agent's sessions, whatever the owner of a database has set: otherwise ALTER
# DATABASE … SET could change the effect of the agent's statements. The server neither logs nor
# shows the statements, because they contain verifiers.
_SESSION = {
    'role': 'none',
    'search_path': '',
    'local_preload_libraries': '',
    'session_replication_role': 'origin',
    'standard_conforming_strings': 'on',
    'default_transaction_read_only': 'off',
    'default_transaction_isolation': 'read\\ committed',
    'default_tablespace': '',
    'row_security': 'off',
    'synchronous_commit': 'on',
    'statement_timeout': '0',
    'lock_timeout': '0',
    'idle_in_transaction_session_timeout': '0',
    'idle_session_timeout': '0',
    'log_statement': 'none',
    'log_duration': 'off',
    'log_min_duration_statement': '-1',
    'log_min_duration_sample': '-1',
    'log_min_error_statement': 'panic',
    'log_parser_stats': 'off',
    'log_planner_stats': 'off',
    'log_executor_stats': 'off',
    'log_statement_stats': 'off',
    'debug_print_parse': 'off',
    'debug_print_rewritten': 'off',
    'debug_print_plan': 'off',
    'track_activities': 'off',
}
_OPTIONS = ' '.join(f'-c {name}={value}' for name, value in _SESSION.items())
#: Settings that would end a session that only reads.
_PLAIN = ' '.join(f'-c {name}={_SESSION[name]}' for name in ('statement_timeout', 'lock_timeout',
                                                             'idle_session_timeout'))

#: Errors of a server that refuses the agent. The driver has no codes for failed connections; the
#: texts are not translated, because the cluster's locale has no other language.
_LOCKED_OUT = ('authentication failed', 'no pg_hba.conf entry', 'pg_hba.conf rejects',
               'does not exist', 'is not permitted to log in', 'permission denied for database',
               'could not load pg_hba.conf')
#: SQLSTATE -> code of the API.
_CODES = {
    errorcodes.DUPLICATE_DATABASE: 'guest_exists_database',
    errorcodes.INVALID_CATALOG_NAME: 'guest_not_found_database',
    errorcodes.DUPLICATE_OBJECT: 'guest_exists_user',
    errorcodes.RESERVED_NAME: 'guest_reserved_name',
    errorcodes.INVALID_NAME: 'guest_invalid_name',
    errorcodes.NAME_TOO_LONG: 'guest_invalid_name',
}
_VERIFIER = re.compile(r"SCRAM-SHA-256\$[^'\s]*")
_LONGEST_TEXT = 300

Statement: TypeAlias = "str | sql.Composable"


class Refused(EngineError):
    """Statement refused by the server; ``state`` is its SQLSTATE."""

    def __init__(self, state: str, text: str) -> None:
        super().__init__(f'The engine refused ({state}): {text}', code=_CODES.get(state))
        self.state = state


class _Connection(psycopg2.extensions.connection):
    """Connection with a deadline for waits."""

    def __init__(self, timeout: float, *arguments: Any, **more: Any) -> None:
        self.deadline = time.monotonic() + timeout
        super().__init__(*arguments, **more)


def _wait(connection: Any) -> None:
    """Wait for the server until the deadline; without deadline for connections of others.

    The driver calls this instead of blocking, for all connections of the process.
    """
    deadline = getattr(connection, 'deadline', None)
    events = {
        psycopg2.extensions.POLL_READ: select.POLLIN,
        psycopg2.extensions.POLL_WRITE: select.POLLOUT
    }
    while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), events[state])
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0 or not poller.poll(None if left is None else left * 1000):
            raise psycopg2.OperationalError('no answer in time')


psycopg2.extensions.set_wait_callback(_wait)


class Session:
    """Connection: statements in, rows out, server errors as :class:`EngineError`."""

    def __init__(self, connection: Any, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout

    def execute(self, statement: Statement) -> None:
        """:raises EngineError: with the server's code and text, without the statement."""
        self._run(statement)

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        """:raises EngineError: with the server's code and text, without the statement."""
        return self._run(statement)

    def scalar(self, statement: Statement) -> Any:
        """Return the first column of the first row; None without a row."""
        found = self._run(statement)
        return found[0][0] if found else None

    def _run(self, statement: Statement) -> list[tuple[Any, ...]]:
        self._connection.deadline = time.monotonic() + self._timeout
        try:
            with self._connection.cursor() as cursor:
                text = statement if isinstance(statement, str) else statement.as_string(
                    self._connection)
                LOG.debug('SQL: %s', redacted(text))
                cursor.execute(text)
                return list(cursor.fetchall()) if cursor.description else []
        except psycopg2.Error as error:
            raise translated(error) from None


@contextlib.contextmanager
def session(directory: str, port: int, *, database: str = HOME, timeout: float = STATEMENT_TIMEOUT,
            plain: bool = False) -> Iterator[Session]:
    """Open a connection for the time of a ``with`` block; each statement is a transaction.

    :param directory: directory of the server's socket.
    :param plain: keep the server's own settings, to read them; only in the agent's database.
    :param timeout: seconds for each reply; connecting gets at most PROBE_TIMEOUT.
    :raises EngineUnavailable: the server does not answer. :raises LockedOut: the server refuses the
        agent's account.
    """
    try:
        connection = psycopg2.connect(
            host=directory, port=port, user=access.AGENT, dbname=database, client_encoding='UTF8',
            options=_PLAIN if plain and database == HOME else _OPTIONS,
            application_name='trove-guestagent', sslmode='disable', gssencmode='disable',
            passfile='/nonexistent', connection_factory=functools.partial(
                _Connection, min(timeout, PROBE_TIMEOUT)))
    except psycopg2.Error as error:
        raise _no_session(error, database) from None
    try:
        connection.autocommit = True
        yield Session(connection, timeout)
    finally:
        connection.close()


def _no_session(error: psycopg2.Error, database: str) -> EngineError:
    text = _message(error)
    if 'FATAL' not in str(error):
        return EngineUnavailable(f'The engine does not answer: {text}')
    if database != HOME and f'database "{database}" does not exist' in text:
        return EngineError(f'The database {database!r} cannot be found.',
                           code='guest_not_found_database')
    if any(words in text for words in _LOCKED_OUT):
        return LockedOut()
    return EngineUnavailable(f'The engine takes no connection: {text}', answering=True)


def translated(error: psycopg2.Error) -> EngineError:
    """Return an error of the server or the driver as a coded error."""
    if error.pgcode is None or error.pgcode[:2] in ('08', '57'):
        return EngineUnavailable(f'The connection to the engine broke: {_message(error)}')
    return Refused(error.pgcode, _message(error))


def _message(error: psycopg2.Error) -> str:
    """Return the first line with an error, without its prefix."""
    text = redacted(error.diag.message_primary or str(error)).strip()
    for line in text.splitlines():
        for level in ('FATAL:', 'PANIC:', 'ERROR:'):
            if level in line:
                return line.partition(level)[2].strip()[:_LONGEST_TEXT]
    return text.partition('\n')[0][:_LONGEST_TEXT]


def redacted(text: str) -> str:
    """Return text for the log, without verifiers."""
    return _VERIFIER.sub('SCRAM-SHA-256$…', text)
