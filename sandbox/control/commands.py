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

"""Programs that are run and waited for: output into the log of their stage, ended when the user gives up.

Each runs in a session of its own, so that Ctrl-C reaches only us and we decide what to end: a package manager is
let finish, everything else is stopped.
"""

import collections
import os
import pathlib
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence


class CommandError(Exception):
    """A program failed; the text names it and quotes the end of what it said."""


class Cancelled(Exception):
    """The user gave up, or another stage failed, while this was running."""


class Commands:
    """Runs programs for the stages of one ``up``."""

    def __init__(self, logs: pathlib.Path) -> None:
        self._logs = logs
        self._lock = threading.Lock()
        self._running: dict[subprocess.Popen, bool] = {}
        self.cancelled = threading.Event()

    def run(self, arguments: Sequence[str], *, log: str,
            environment: Mapping[str, str] | None = None, directory: str | pathlib.Path = '/',
            given: str | None = None, finish: bool = False) -> None:
        """Run a program to its end.

        :param log: name of the stage, whose log file takes the output.
        :param given: text for its standard input; secrets travel here, never as an argument.
        :param finish: let it finish even when the user gives up.
        :raises CommandError: it ended with another code than 0.
        :raises Cancelled: it was stopped.
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
        """Stop what runs and refuse what would begin."""
        self.cancelled.set()
        with self._lock:
            for child, finish in self._running.items():
                if not finish and child.poll() is None:
                    os.killpg(child.pid, signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the user.

        :raises Cancelled: the user gave up.
        """
        if self.cancelled.wait(seconds):
            raise Cancelled


def tail(path: pathlib.Path, lines: int = 15) -> str:
    """The last lines of a file, indented."""
    try:
        with path.open(encoding='utf-8', errors='replace') as log:
            last = collections.deque(log, maxlen=lines)
    except OSError:
        return '    (nothing was written)'
    return ''.join(f'    {line.rstrip()}\n'
                   for line in last).rstrip('\n') or '    (nothing was written)'
