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

"""Servers of Debian packages on this machine, each in a directory of its own, for tests of engines.
"""

import abc
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from trove.guestagent.datastore.engine import Engine, EngineUnavailable, LockedOut

#: Timeouts in seconds for the first answer of a server, and for its end.
PATIENCE = 30


class RealServer(abc.ABC):
    """Server of one engine.

    :param directory: directory of all its files; its account may enter it.
    """

    engine: Engine
    #: Signal that ends the server in order, even with connected clients.
    ending = signal.SIGTERM
    umask = -1

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self._process: subprocess.Popen | None = None

    @abc.abstractmethod
    def create(self) -> None:
        """Create the data directory and the configuration."""

    @abc.abstractmethod
    def command(self) -> list[str]:
        """Return the command that starts the server."""

    def start(self, *options: str) -> None:
        """Wait until the server answers the agent, or refuses it.

        :param options: more than :meth:`command` has.
        """
        self._process = subprocess.Popen([*self.command(), *options], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, cwd='/', umask=self.umask)
        self.wait()

    def wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.engine.probe()
            except LockedOut:
                return
            except EngineUnavailable as error:
                assert self._process.poll() is None, 'the server did not start'
                assert time.monotonic() < deadline, f'the server does not answer: {error}'
                time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(self.ending)
            self._process.wait(PATIENCE)

    def restart(self, *options: str) -> None:
        self.stop()
        self.start(*options)

    @property
    def pid(self) -> int:
        return self._process.pid


Kind = TypeVar('Kind', bound=RealServer)


@contextlib.contextmanager
def running(make: Callable[[pathlib.Path], Kind]) -> Iterator[Kind]:
    """Run a server for the time of a ``with`` block, then remove its files.

    :param make: creates the server in a directory.
    """
    # The server's account cannot enter the directories of pytest.
    directory = pathlib.Path(tempfile.mkdtemp(prefix='trove-server-', dir='/tmp'))
    os.chmod(directory, 0o755)
    server = make(directory)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)
