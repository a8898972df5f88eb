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

"""Connections of the agent to a server of Redis or Valkey, by its socket, with redis-py."""

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis
from redis.connection import UnixDomainSocketConnection

from trove.guestagent.datastore.engine import EngineError, EngineUnavailable, LockedOut

#: The agent's account.
ACCOUNT = 'os_admin'
#: Seconds for connecting and for each reply.
PROBE_TIMEOUT = 5.0
STATEMENT_TIMEOUT = 30.0

#: Seconds the agent retries to connect while clients use all connections; pause between retries.
FULL_TIMEOUT = 1.0
_FULL_PAUSE = 0.02

_ERROR_TEXT = 300
#: First words of errors of a server that replies but cannot work now: it runs a script, or it
#: cannot write its data.
_BUSY = ('BUSY', 'MISCONF')
_FULL = 'max number of clients reached'
#: Notation of password hashes in replies of the server; they must not reach a log.
_HASH = re.compile(r'\b[0-9a-f]{64}\b')


class Full(EngineUnavailable):
    """Refusal of a server that has no free connection."""


class _Connection(UnixDomainSocketConnection):
    """Connection that never reconnects by itself and that reads why a full server closed it.

    A full server sends an error and closes the connection before it reads a command. The write of
    the first command then fails, but the error can still be read.
    """

    # redis-py reads both when it counts a failed connection; a unix socket has neither.
    host, port = '', 0

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if self._sock is None:
            raise redis.ConnectionError('the connection was closed')
        try:
            for part in command:
                self._sock.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            return
        except BaseException as error:
            # Part of the command may have been sent: the next reply would belong to it.
            self.disconnect()
            if isinstance(error, OSError):
                raise redis.ConnectionError(str(error)) from None
            raise


class Session:
    """Open connection with a timeout for each reply, in seconds."""

    def __init__(self, link: UnixDomainSocketConnection, timeout: float) -> None:
        self._link = link
        self._timeout = timeout

    def close(self) -> None:
        self._link.disconnect()

    def is_open(self) -> bool:
        """Return whether the connection can be used: open, and no unread data.

        redis-py closes a connection after a timeout or an interrupted reply, because the next
        reply would belong to the previous command.
        """
        try:
            return self._link.is_connected and not self._link.can_read(0)
        except redis.RedisError:
            return False

    def with_timeout(self, timeout: float) -> 'Session':
        """Return a session on the same connection with another timeout for each reply."""
        return Session(self._link, timeout)

    def call(self, *words: str | bytes) -> Any:
        """Run one command and return a text, a number, None, or a list of these.

        :raises EngineError: the server refused the command. The message never contains the command.
        :raises EngineUnavailable: the server does not reply, or cannot work now.
        """
        with _coded_errors():
            self._link.send_command(*words, check_health=False)
            return self._link.read_response(timeout=self._timeout)

    def settings(self, *patterns: str) -> dict[str, str]:
        """Return the options of the running server that match one of the patterns."""
        found = self.call('CONFIG', 'GET', *patterns)
        return dict(zip(found[::2], found[1::2], strict=True))

    def info(self, section: str) -> dict[str, str]:
        """Return the fields of one section of INFO."""
        lines = (line for line in self.call('INFO', section).splitlines() if ':' in line)
        return dict(line.split(':', 1) for line in lines)


@contextlib.contextmanager
def _coded_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise engine_error(error) from None


def engine_error(error: redis.RedisError) -> EngineError:
    """Return the error of redis-py as an error of the engine, without password hashes."""
    text = _HASH.sub('…', str(error))[:_ERROR_TEXT]
    if isinstance(error, (redis.AuthenticationError, redis.exceptions.NoPermissionError)):
        return LockedOut()
    if _FULL in text:
        return Full(f'The engine cannot serve now: {text}', answering=True)
    is_busy = text.partition(' ')[0] in _BUSY or isinstance(
        error, (redis.BusyLoadingError, redis.exceptions.MasterDownError))
    if is_busy:
        return EngineUnavailable(f'The engine cannot serve now: {text}', answering=True)
    if isinstance(error, redis.ResponseError):
        return EngineError(f'The engine refused: {text}')
    return EngineUnavailable(f'The engine does not answer: {text}')


def connect(path: str, password: str | None, *, timeout: float) -> Session:
    """Connect, log in as the agent and return the session; the caller closes it.

    :param path: socket of the server.
    :param password: password of the agent's account; None for a server without accounts.
    :raises EngineUnavailable: the server does not reply. :raises LockedOut: the server refuses the
        agent's account.
    """
    # Names and values of tenants need not be UTF-8: surrogates carry their bytes unchanged.
    link = _Connection(path, username=ACCOUNT if password is not None else None, password=password,
                       socket_timeout=timeout, socket_connect_timeout=timeout,
                       encoding_errors='surrogateescape', decode_responses=True, protocol=2,
                       driver_info=None)
    with _coded_errors():
        link.connect()
    return Session(link, timeout)


@contextlib.contextmanager
def session(path: str, password: str | None, *,
            timeout: float = STATEMENT_TIMEOUT) -> Iterator[Session]:
    """Open a session for the time of a ``with`` block; see :func:`connect`."""
    with contextlib.closing(connect(path, password, timeout=timeout)) as made:
        yield made


class KeptConnection:
    """Connection that the agent keeps open.

    The server reserves no connection for its administrator. When clients use all connections, the
    agent can still work with the one that it has. A connection that the server closed, because the
    server restarted or an administrator ended it, is replaced at the next use.

    Threads use the connection in turn. A thread that uses it may open another session on it.

    :param password: returns the password of the agent's account.
    :param full_timeout: seconds the agent retries to connect while no connection is free. The
        server gives a free connection to the first client that connects.
    :param sleep: waits for a number of seconds.
    """

    def __init__(self, path: str, password: Callable[[], str], *,
                 full_timeout: float = FULL_TIMEOUT,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        self._path = path
        self._password = password
        self._full_timeout = full_timeout
        self._sleep = sleep
        self._turn = threading.RLock()
        self._kept: Session | None = None

    @contextlib.contextmanager
    def session(self, *, timeout: float = STATEMENT_TIMEOUT) -> Iterator[Session]:
        """Open a session on the kept connection for the time of a ``with`` block.

        :param timeout: seconds for the turn, for connecting and for each reply.
        :raises EngineUnavailable: the server does not reply. :raises LockedOut: the server refuses
            the agent's account.
        """
        if not self._turn.acquire(timeout=timeout):
            raise EngineUnavailable('The engine has not yet answered an earlier command.')
        try:
            yield self._usable(timeout).with_timeout(timeout)
        finally:
            self._turn.release()

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _usable(self, timeout: float) -> Session:
        if self._kept is None or not self._kept.is_open():
            self.close()
            self._kept = self._connect(timeout)
        return self._kept

    def _connect(self, timeout: float) -> Session:
        password = self._password()
        deadline = time.monotonic() + min(timeout, self._full_timeout)
        while True:
            try:
                made = connect(self._path, password, timeout=timeout)
            except Full:
                if time.monotonic() >= deadline:
                    raise
                self._sleep(_FULL_PAUSE)
                continue
            try:
                # The server then never closes this connection when clients use too much memory.
                made.call('CLIENT', 'NO-EVICT', 'ON')
            except EngineError:
                made.close()
                raise
            return made
