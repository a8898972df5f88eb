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

"""Talking to the server over its socket: the few words of its protocol that the agent needs."""

import contextlib
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from trove.guestagent.datastore.engine import EngineError, EngineUnavailable, LockedOut

#: The agent's account.
ACCOUNT = 'os_admin'
#: Seconds for connecting and for each answer.
PROBE_TIMEOUT = 5.0
STATEMENT_TIMEOUT = 30.0

#: Seconds for which the agent asks again for a connection while all are taken, and between two times.
ROOM_TIMEOUT = 1.0
_ROOM_PAUSE = 0.02

_END = b'\r\n'
_MOST = 512 * 1024 * 1024
_ERROR_TEXT = 300
#: Beginnings of errors that mean: the server runs, but not for us.
_REFUSED = ('WRONGPASS', 'NOAUTH', 'NOPERM')
#: It answers, but cannot work now: reading its data, running a script, or unable to write them.
_BUSY = ('LOADING', 'BUSY', 'MISCONF', 'MASTERDOWN')
_FULL = 'max number of clients reached'
#: How the server writes passwords; nobody's log needs them.
_HASH = re.compile(r'\b[0-9a-f]{64}\b')


class Full(EngineUnavailable):
    """All connections of the server are taken."""


class Session:
    """An open connection."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._stream = link.makefile('rb')
        #: Whether each question has its answer; after an interrupted one the next answer would be a former one's.
        self.in_step = True

    def close(self) -> None:
        """Without this the connection would live as long as somebody holds the session, such as a traceback."""
        self.in_step = False
        self._stream.close()
        self._link.close()

    def is_open(self) -> bool:
        """Whether the server has neither closed the connection nor said something nobody asked for."""
        if not self.in_step:
            return False
        looking = select.poll()
        looking.register(self._link, select.POLLIN)
        return not looking.poll(0)

    @contextlib.contextmanager
    def patience(self, timeout: float) -> Iterator['Session']:
        """Another limit for each answer, in seconds, for the time of a ``with`` block."""
        before = self._link.gettimeout()
        self._link.settimeout(timeout)
        try:
            yield self
        finally:
            if self.in_step:
                self._link.settimeout(before)

    def call(self, *words: str | bytes) -> Any:
        """One command.

        :returns: a text, a number, None, or a list of these.
        :raises EngineError: the server refused; says why, never what was sent.
        :raises EngineUnavailable: it does not answer, or cannot work now.
        """
        parts = [word if isinstance(word, bytes) else encoded(word) for word in words]
        request = b'*%d\r\n' % len(parts) + b''.join(b'$%d\r\n%s\r\n' % (len(part), part)
                                                     for part in parts)
        self.in_step = False
        try:
            # A server that is full says so and closes before it is asked anything.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._link.sendall(request)
            line = self._line()
            answer = None if line[:1] == b'-' else self._answer(line)
        except (OSError, ValueError) as error:
            raise EngineUnavailable(f'The engine does not answer: {error}') from None
        self.in_step = True
        if line[:1] == b'-':
            raise refusal(decoded(line[1:]))
        return answer

    def _answer(self, line: bytes) -> Any:
        kind, rest = line[:1], line[1:]
        if kind == b'+':
            return decoded(rest)
        if kind == b'-':
            raise refusal(decoded(rest))
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return self._text(int(rest))
        if kind == b'*':
            return None if int(rest) < 0 else [self._answer(self._line()) for _ in range(int(rest))]
        raise ValueError('an answer of an unknown kind')

    def _line(self) -> bytes:
        line = self._stream.readline(_MOST)
        if not line.endswith(_END):
            raise ConnectionError('the connection was closed')
        return line[:-len(_END)]

    def _text(self, length: int) -> str | None:
        if length < 0:
            return None
        if length > _MOST:
            raise ValueError('an answer that is too long')
        content = self._stream.read(length + len(_END))
        if len(content) != length + len(_END):
            raise ConnectionError('the connection was closed')
        return decoded(content[:-len(_END)])

    def settings(self, *patterns: str) -> dict[str, str]:
        """Options of the running server that fit any of the patterns."""
        found = self.call('CONFIG', 'GET', *patterns)
        return dict(zip(found[::2], found[1::2], strict=True))

    def info(self, section: str) -> dict[str, str]:
        """A section of what the server says about itself."""
        lines = (line for line in self.call('INFO', section).splitlines() if ':' in line)
        return dict(line.split(':', 1) for line in lines)


def encoded(text: str) -> bytes:
    """Text as the server keeps it: bytes that are no UTF-8 came as such from it."""
    return text.encode('utf-8', 'surrogateescape')


def decoded(content: bytes) -> str:
    return content.decode('utf-8', 'surrogateescape')


def refusal(said: str) -> EngineError:
    """The coded form of an error of the server."""
    text = _HASH.sub('…', said)[:_ERROR_TEXT]
    word = text.partition(' ')[0]
    if word in _REFUSED:
        return LockedOut()
    if _FULL in text:
        return Full(f'The engine cannot serve now: {text}', answering=True)
    if word in _BUSY:
        return EngineUnavailable(f'The engine cannot serve now: {text}', answering=True)
    return EngineError(f'The engine refused: {text}')


def opened(path: str, password: str | None, *, timeout: float) -> Session:
    """A connection, logged in as the agent; the caller closes it.

    :param path: the server's socket.
    :param password: of the agent's account; None when the server asks for none.
    :raises EngineUnavailable: the server does not answer. :raises LockedOut: it refuses the agent's account.
    """
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(timeout)
    made = Session(link)
    try:
        link.connect(path)
        if password is not None:
            made.call('AUTH', ACCOUNT, password)
    except OSError as error:
        made.close()
        raise EngineUnavailable(f'The engine does not answer: {error.strerror or error}') from None
    except EngineError:
        made.close()
        raise
    return made


@contextlib.contextmanager
def session(path: str, password: str | None, *,
            timeout: float = STATEMENT_TIMEOUT) -> Iterator[Session]:
    """A connection for the time of a ``with`` block; see :func:`opened`."""
    with contextlib.closing(opened(path, password, timeout=timeout)) as made:
        yield made


class Door:
    """The agent's own way into the server: one connection that is kept.

    The server keeps none free for its administrator. When clients have taken all, who is in already stays in: so the
    agent still sees how the server is, and acts. A connection that the server has closed, because it was started anew
    or an administrator ended it, is replaced when it is needed.

    Threads take turns; one that is inside may enter again.

    :param password: gives that of the agent's account.
    :param room: seconds for which a connection is asked for again while all are taken: who asks first gets the next one
        that becomes free. :param sleep: waits that many.
    """

    def __init__(self, path: str, password: Callable[[], str], *, room: float = ROOM_TIMEOUT,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        self._path = path
        self._password = password
        self._room = room
        self._sleep = sleep
        self._turn = threading.RLock()
        self._kept: Session | None = None

    @contextlib.contextmanager
    def session(self, *, timeout: float = STATEMENT_TIMEOUT) -> Iterator[Session]:
        """The connection, for the time of a ``with`` block.

        :param timeout: seconds for a turn, for connecting and for each answer.
        :raises EngineUnavailable: the server does not answer. :raises LockedOut: it refuses the agent's account.
        """
        if not self._turn.acquire(timeout=timeout):
            raise EngineUnavailable('The engine has not yet answered what the agent asked before.')
        try:
            with self._usable(timeout).patience(timeout) as kept:
                yield kept
        finally:
            if self._kept is not None and not self._kept.in_step:
                self.close()
            self._turn.release()

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _usable(self, timeout: float) -> Session:
        if self._kept is None or not self._kept.is_open():
            self.close()
            self._kept = self._enter(timeout)
        return self._kept

    def _enter(self, timeout: float) -> Session:
        password = self._password()
        deadline = time.monotonic() + min(timeout, self._room)
        while True:
            try:
                made = opened(self._path, password, timeout=timeout)
            except Full:
                if time.monotonic() >= deadline:
                    raise
                self._sleep(_ROOM_PAUSE)
                continue
            try:
                # Not among those that go first when clients take too much memory.
                made.call('CLIENT', 'NO-EVICT', 'ON')
            except EngineError:
                made.close()
                raise
            return made
