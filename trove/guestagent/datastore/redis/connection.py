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
import socket
from collections.abc import Iterator
from typing import Any

from trove.guestagent.datastore.engine import EngineError, EngineUnavailable, LockedOut

#: The agent's account.
ACCOUNT = 'os_admin'
#: Seconds for connecting and for each answer.
PROBE_TIMEOUT = 5.0
STATEMENT_TIMEOUT = 30.0

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


class Session:
    """An open connection, logged in as the agent."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._stream = link.makefile('rb')

    def close(self) -> None:
        """Without this the connection would live as long as somebody holds the session, such as a traceback."""
        self._stream.close()

    def call(self, *words: str | bytes) -> Any:
        """One command.

        :returns: a text, a number, None, or a list of these.
        :raises EngineError: the server refused; says why, never what was sent.
        :raises EngineUnavailable: it does not answer, or cannot work now.
        """
        parts = [word if isinstance(word, bytes) else encoded(word) for word in words]
        request = b'*%d\r\n' % len(parts) + b''.join(b'$%d\r\n%s\r\n' % (len(part), part) for part in parts)
        try:
            # A server that is full says so and closes before it is asked anything.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._link.sendall(request)
            return self._answer()
        except (OSError, ValueError) as error:
            raise EngineUnavailable(f'The engine does not answer: {error}') from None

    def _answer(self) -> Any:
        line = self._line()
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
            return None if int(rest) < 0 else [self._answer() for _ in range(int(rest))]
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
    if word in _BUSY or _FULL in text:
        return EngineUnavailable(f'The engine cannot serve now: {text}', answering=True)
    return EngineError(f'The engine refused: {text}')


@contextlib.contextmanager
def session(path: str, password: str | None, *, timeout: float = STATEMENT_TIMEOUT) -> Iterator[Session]:
    """A connection for the time of a ``with`` block.

    :param path: the server's socket.
    :param password: of the agent's account; None when the server asks for none.
    :raises EngineUnavailable: the server does not answer. :raises LockedOut: it refuses the agent's account.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(timeout)
        try:
            link.connect(path)
        except OSError as error:
            raise EngineUnavailable(f'The engine does not answer: {error.strerror or error}') from None
        with contextlib.closing(Session(link)) as made:
            if password is not None:
                made.call('AUTH', ACCOUNT, password)
            yield made
