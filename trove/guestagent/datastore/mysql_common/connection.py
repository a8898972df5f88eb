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

"""Connections of the agent to a server of the MySQL family, over its unix socket, without a
password.

The server identifies the agent by its operating system account (root). So no secret is stored that
could be stolen or would have to be changed after a restore.
"""

import contextlib
import logging
import time
from collections.abc import Iterator
from typing import Any

import pymysql
from pymysql.constants import ER

from trove.guestagent.datastore.engine import EngineError, EngineUnavailable, LockedOut
from trove.guestagent.datastore.mysql_common import statements

LOG = logging.getLogger(__name__)

ACCOUNT = 'root'
PROBE_TIMEOUT = 5
STATEMENT_TIMEOUT = 60
#: Seconds the agent retries to connect while the server is full, and the pause between retries. The
#: server reserves one connection for the agent, but its last one may still be closing.
FULL_TIMEOUT = 1.0
_FULL_PAUSE = 0.02

_NOT_ON_SOCKET = 1698
#: Numbers for a locked account (MariaDB, MySQL), a missing login method, an expired password.
_ACCOUNT_LOCKED, _ACCOUNT_IS_LOCKED, _NO_SUCH_PLUGIN, _PASSWORD_EXPIRED = 4151, 3118, 1524, 1862
_LOCKED_OUT = frozenset({
    ER.ACCESS_DENIED_ERROR, ER.HOST_NOT_PRIVILEGED, ER.DBACCESS_DENIED_ERROR, _NOT_ON_SOCKET,
    _ACCOUNT_LOCKED, _ACCOUNT_IS_LOCKED, _NO_SUCH_PLUGIN, _PASSWORD_EXPIRED,
    ER.MUST_CHANGE_PASSWORD, ER.SPECIFIC_ACCESS_DENIED_ERROR
})
_FULL = frozenset({ER.CON_COUNT_ERROR, ER.TOO_MANY_USER_CONNECTIONS})

#: Server errors with a code of their own in the API.
_CODES = {
    ER.DB_CREATE_EXISTS: 'guest_exists_database',
    ER.DB_DROP_EXISTS: 'guest_not_found_database',
    ER.BAD_DB_ERROR: 'guest_not_found_database',
    ER.WRONG_DB_NAME: 'guest_invalid_name',
    ER.TOO_LONG_IDENT: 'guest_invalid_name',
    ER.WRONG_STRING_LENGTH: 'guest_invalid_name',
    ER.UNKNOWN_CHARACTER_SET: 'guest_invalid_charset',
    ER.UNKNOWN_COLLATION: 'guest_invalid_charset',
    ER.COLLATION_CHARSET_MISMATCH: 'guest_invalid_charset',
}


class Session:
    """Connection: statements in, rows out, server errors as :class:`EngineError`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, statement: str) -> None:
        self.rows(statement)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows.

        :raises EngineError: with the server's number and text, without the statement.
        """
        LOG.debug('SQL: %s', statements.redacted(statement))
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall() or ())
        except pymysql.Error as error:
            raise translated(error) from None

    def scalar(self, statement: str) -> Any:
        """Return the first column of the first row; None without a row."""
        found = self.rows(statement)
        return found[0][0] if found else None


@contextlib.contextmanager
def session(socket: str, settings: str, *, timeout: float = STATEMENT_TIMEOUT) -> Iterator[Session]:
    """Open a connection for the time of a ``with`` block.

    :param settings: settings of the session, after SET SESSION.
    :param timeout: seconds for each reply; connecting gets at most PROBE_TIMEOUT.
    :raises EngineUnavailable: the server does not answer. :raises LockedOut: the server refuses the
        agent's account.
    """
    connection = _connected(socket, settings, timeout)
    try:
        yield Session(connection)
    finally:
        # Close with a quit command: else each probe leaves a line in the server's error log.
        with contextlib.suppress(pymysql.Error):
            connection.close()


def _connected(socket: str, settings: str, timeout: float) -> Any:
    deadline = time.monotonic() + FULL_TIMEOUT
    while True:
        try:
            return pymysql.connect(
                user=ACCOUNT,
                unix_socket=socket,
                charset='utf8mb4',
                autocommit=True,
                connect_timeout=PROBE_TIMEOUT,
                read_timeout=timeout,
                write_timeout=timeout,
                init_command=f'SET SESSION {settings}',
                # With TLS each connection would read all certificate authorities of the system,
                # which a socket does not need.
                ssl_disabled=True)
        except pymysql.Error as error:
            if _message(error)[0] not in _FULL or time.monotonic() >= deadline:
                raise _no_session(error) from None
        time.sleep(_FULL_PAUSE)


def _no_session(error: pymysql.Error) -> EngineUnavailable:
    number, text = _message(error)
    if number in _LOCKED_OUT:
        return LockedOut()
    if number in _FULL:
        return EngineUnavailable(f'The engine has no free connection ({number}).', answering=True)
    return EngineUnavailable(f'The engine does not answer ({number}): {text}')


def translated(error: pymysql.Error) -> EngineError:
    """Return an error of the server or the driver as a coded error."""
    number, text = _message(error)
    if number in (2006, 2013, 2014, 0):
        return EngineUnavailable(f'The connection to the engine broke ({number}): {text}')
    return EngineError(f'The engine refused ({number}): {text}', code=_CODES.get(number))


def _message(error: pymysql.Error) -> tuple[int, str]:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    return number, statements.redacted(text)[:300]
