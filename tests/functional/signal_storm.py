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
"""Processes under a storm of signals: reloads in bursts, then a stop that must not be lost."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

#: Reloads append a byte to the file of the first argument; the second one is the number of workers.
PROGRAM = '''
import sys
from trove.common.process import service, workers

path, count = sys.argv[1], int(sys.argv[2])

def reloaded():
    with open(path, 'ab') as file:
        file.write(b'.')

def serve():
    process = service.Service('storm', stop_timeout=10)
    process.add_timer('tick', 0.001, lambda: None)
    process.on_reload(reloaded)
    process.on_start(lambda: open(f'{path}.{workers.worker_number()}', 'w').close())
    return process.run()

service.exit_now(workers.run(serve, count))
'''
#: Seconds a stop may take.
LIMIT = 15


class Storm:
    """Process of :data:`PROGRAM`.

    :param workers: worker processes; 1 runs the service without a supervisor.
    """

    def __init__(self, directory: pathlib.Path, workers: int = 1) -> None:
        self._file = directory / 'reloads'
        self._file.touch()
        self._process = subprocess.Popen(
            [sys.executable, '-c', PROGRAM, str(self._file), str(workers)],
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)})
        started = [directory / f'reloads.{number}' for number in range(workers)]
        _wait_for(lambda: all(path.exists() for path in started))

    @property
    def reloads(self) -> int:
        """Return the number of reloads so far."""
        return self._file.stat().st_size

    def reload(self, count: int) -> None:
        """Send ``count`` SIGHUPs in bursts with pauses of up to 400 microseconds."""
        chosen = random.Random(count)
        for _ in range(count):
            self._process.send_signal(signal.SIGHUP)
            if chosen.random() < 0.5:
                time.sleep(chosen.random() * 0.0004)

    def expect_reload(self) -> None:
        """Wait until a reload follows a new SIGHUP."""
        before = self.reloads
        self._process.send_signal(signal.SIGHUP)
        _wait_for(lambda: self.reloads > before)

    def stop(self) -> int:
        """Send SIGTERM and return the exit status."""
        self._process.terminate()
        return self._process.wait(LIMIT)

    def kill(self) -> None:
        """End the process if it still runs."""
        self._process.kill()
        self._process.wait()


def _wait_for(condition) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, 'the process hangs'
        time.sleep(0.01)
