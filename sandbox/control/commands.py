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

"""External programs: each logs to the file of its stage and is stopped when the user cancels.

Each program runs in its own session. Ctrl-C therefore reaches only this process, which decides
what to stop: a package manager may finish, all others are stopped.
"""

import collections
import os
import pathlib
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence


class CommandError(Exception):
    """Failure of a program; the text names the program and quotes the end of its output."""


class Cancelled(Exception):
    """Cancellation: the user gave up, or another stage failed."""


class Commands:
    """Runner of the programs of one ``up``."""

    def __init__(self, logs: pathlib.Path) -> None:
        self._logs = logs
        self._lock = threading.Lock()
        self._running: dict[subprocess.Popen, bool] = {}
        self.cancelled = threading.Event()

    def run(self, arguments: Sequence[str], *, log: str,
            environment: Mapping[str, str] | None = None, directory: str | pathlib.Path = '/',
            given: str | None = None, finish: bool = False) -> None:
        """Run a program and wait until it ends.

        :param log: name of the stage; the output is appended to its log file.
        :param given: text for the standard input; secrets are passed here, never as arguments.
        :param finish: let the program finish even when the user cancels.
        :raises CommandError: the exit code is not 0.
        :raises Cancelled: the program was stopped.
        """
        path = self._logs / f'{log}.log'
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open('ab') as output:
            output.write(f'$ {" ".join(arguments)}\n'.encode())
            output.flush()
            child = self._begin(arguments, output, environment, directory, given, finish)
            try:
                child.communicate(None if given is None else given.encode())
            finally:
                with self._lock:
                    self._running.pop(child, None)
        if self.cancelled.is_set() and not finish:
            raise Cancelled
        if child.returncode:
            raise CommandError(
                f'{pathlib.Path(arguments[0]).name} ended with code {child.returncode}; '
                f'the end of {path}:\n{tail(path)}')

    def _begin(self, arguments, output, environment, directory, given, finish) -> subprocess.Popen:
        with self._lock:
            if self.cancelled.is_set():
                raise Cancelled
            child = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                stdout=output, stderr=subprocess.STDOUT, cwd=directory, start_new_session=True,
                env=None if environment is None else dict(environment))
            self._running[child] = finish
            return child

    def cancel(self) -> None:
        """Stop the running programs and refuse to start others."""
        self.cancelled.set()
        with self._lock:
            for child, finish in self._running.items():
                if not finish and child.poll() is None:
                    os.killpg(child.pid, signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Wait for the given number of seconds, or until the user cancels.

        :raises Cancelled: the user cancelled.
        """
        if self.cancelled.wait(seconds):
            raise Cancelled


def tail(path: pathlib.Path, lines: int = 15) -> str:
    """Return the last lines of a file, indented."""
    try:
        with path.open(encoding='utf-8', errors='replace') as log:
            last = collections.deque(log, maxlen=lines)
    except OSError:
        return '    (the log is empty)'
    return ''.join(f'    {line.rstrip()}\n'
                   for line in last).rstrip('\n') or '    (the log is empty)'
