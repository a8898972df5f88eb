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

"""The server's program asked about itself, beside the one that serves: nothing listens, nothing is kept."""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence

from trove.guestagent.datastore.engine import EngineError
from trove.guestagent.datastore.redis import connection
from trove.guestagent.system.process import ProcessFailed, run

_TIMEOUT = 30
_NO_EARS = ('--port', '0', '--tls-port', '0', '--unixsocket', '', '--logfile', '', '--daemonize',
            'no', '--supervised', 'no')
#: Later versions make the databases before they look where to listen: memory that a check must not take. What the files
#: say of it has been looked at by then.
_NO_MEMORY = ('--databases', '1')
#: What the server says when it has read everything and found nothing wrong.
_NOWHERE = 'Configured to not listen anywhere'
#: Options of the throwaway server that are not the built-in ones.
_OURS = frozenset({'port', 'unixsocket', 'dir'})
_FRAME = ('***', 'Reading the configuration file', '>>>')


def refusal(program: str, configuration: str, extra: Sequence[str] = ()) -> str:
    """Why the server would not start with a file; "" when it would.

    :param extra: more arguments, such as ``--maxmemory``, ``1gb``.
    :raises EngineError: the program cannot be asked.
    """
    try:
        said = run([program, configuration, *extra, *_NO_EARS, *_NO_MEMORY], timeout=_TIMEOUT,
                   allowed=(0, 1))
    except ProcessFailed as error:
        raise EngineError(f'The engine cannot check its configuration: {error}') from None
    return reason(said.output + said.errors)


def reason(said: str) -> str:
    """What the server found wrong, in one line: the directive and why; "" when it got to its end."""
    if _NOWHERE in said:
        return ''
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    directive = next(
        (line.removeprefix('>>>').strip(" '") for line in lines if line.startswith('>>>')), '')
    why = [line for line in lines if not line.startswith(_FRAME)][-1:]
    return ': '.join([part for part in (directive, *why) if part]) or 'it ended without a word'


def built_in(program: str) -> dict[str, str]:
    """The values all options have when no file sets them.

    :raises EngineError: the program did not start.
    """
    with server(program) as session:
        found = session.settings('*')
    return {name: value for name, value in found.items() if name not in _OURS}


@contextlib.contextmanager
def server(program: str) -> Iterator[connection.Session]:
    """A server without data that nobody else can reach.

    :raises EngineError: the program did not start.
    """
    with tempfile.TemporaryDirectory(prefix='trove-redis-') as directory:
        socket = os.path.join(directory, 'socket')
        process = subprocess.Popen(
            [program, '--port', '0', '--unixsocket', socket, '--dir', directory],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(process, socket)
            with connection.session(socket, None, timeout=connection.PROBE_TIMEOUT) as session:
                yield session
        finally:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen, socket: str) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with connection.session(socket, None, timeout=connection.PROBE_TIMEOUT) as session:
                session.call('PING')
            return
        except connection.EngineUnavailable:
            time.sleep(0.02)
    raise EngineError('The program of the engine does not start on its own.')
