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

"""Throw-away runs of the server program: check a configuration file, read built-in values.

Such a run does not listen on the network and keeps no data.
"""

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
_LISTEN_NOWHERE = ('--port', '0', '--tls-port', '0', '--unixsocket', '', '--logfile', '',
                   '--daemonize', 'no', '--supervised', 'no')
#: Later versions allocate the databases before they listen; one database keeps a check small. The
#: program has validated the value of the file by then.
_ONE_DATABASE = ('--databases', '1')
#: Line the server logs when its configuration is valid.
_NOT_LISTENING = 'Configured to not listen anywhere'
#: Options that the throw-away server sets, so their values are not the built-in ones.
_SET_HERE = frozenset({'port', 'unixsocket', 'dir'})
_FRAME = ('***', 'Reading the configuration file', '>>>')


def refusal(program: str, configuration: str, extra: Sequence[str] = ()) -> str:
    """Return why the server refuses a configuration file; "" if the file is valid.

    :param extra: more arguments, such as ``--maxmemory``, ``1gb``.
    :raises EngineError: the program cannot be run.
    """
    try:
        output = run([program, configuration, *extra, *_LISTEN_NOWHERE, *_ONE_DATABASE],
                     timeout=_TIMEOUT, allowed=(0, 1))
    except ProcessFailed as error:
        raise EngineError(f'The engine cannot check its configuration: {error}') from None
    return reason(output.output + output.errors)


def reason(output: str) -> str:
    """Return the directive and the error of the output in one line; "" if there is no error."""
    if _NOT_LISTENING in output:
        return ''
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    directive = next(
        (line.removeprefix('>>>').strip(" '") for line in lines if line.startswith('>>>')), '')
    why = [line for line in lines if not line.startswith(_FRAME)][-1:]
    parts = [part for part in (directive, *why) if part]
    return ': '.join(parts) or 'the program ended without a message'


def built_in(program: str) -> dict[str, str]:
    """Return the built-in values of all options.

    :raises EngineError: the program did not start.
    """
    with server(program) as session:
        found = session.settings('*')
    return {name: value for name, value in found.items() if name not in _SET_HERE}


@contextlib.contextmanager
def server(program: str) -> Iterator[connection.Session]:
    """Run an empty server on a private socket.

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
