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
"""Several worker processes of one service, restarted when they end."""

import os
import signal
import time
from collections.abc import Callable

from oslo_log import log as logging

from trove.common.process import service
from trove.common.process.signals import Signals

LOG = logging.getLogger(__name__)

#: Seconds until a worker that ended is restarted, so that one that cannot start does not spin.
RESTART_PAUSE = 2.0

_SIGNALS = (*service.STOP_SIGNALS, signal.SIGHUP, signal.SIGCHLD)
_worker_number = 0


def run(work: Callable[[], int], workers: int) -> int:
    """Run ``work`` in this process, or in several children that are restarted when they end.

    :param work: serves until SIGTERM and returns the exit status.
    :param workers: number of processes; 1 means this process without children.
    """
    if workers <= 1:
        return work()
    return _Supervisor(work, workers).run()


def worker_number() -> int:
    """Return the number of this process among the workers, from 0; a restart keeps the number."""
    return _worker_number


class _Supervisor:
    def __init__(self, work: Callable[[], int], workers: int) -> None:
        self._work = work
        self._workers = workers
        #: process id -> worker number
        self._children: dict[int, int] = {}
        self._restart_at = 0.0
        self._signals = Signals(_SIGNALS)

    def run(self) -> int:
        stopping = False
        while not stopping or self._children:
            pause = 0.0 if stopping else self._restart_at - time.monotonic()
            if not stopping and pause <= 0:
                self._spawn_missing()
            received = self._signals.wait(pause if pause > 0 else None)
            if received & service.STOP_SIGNALS:
                stopping = True
                self._forward(signal.SIGTERM)
            elif signal.SIGHUP in received:
                self._forward(signal.SIGHUP)
            self._reap(stopping)
        return 0

    def _spawn_missing(self) -> None:
        for number in sorted(set(range(self._workers)) - set(self._children.values())):
            self._spawn(number)

    def _spawn(self, number: int) -> None:
        # Signals are blocked until the child has default handlers: it would lose them in ours.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        child = os.fork()
        if child == 0:
            global _worker_number
            _worker_number = number
            self._signals.close_in_child()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            service.exit_now(self._work())
        self._children[child] = number
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _reap(self, stopping: bool) -> None:
        for child in tuple(self._children):
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended:
                continue
            del self._children[child]
            if not stopping:
                LOG.error('Worker %s ended with status %s and is restarted', child, status)
                self._restart_at = time.monotonic() + RESTART_PAUSE

    def _forward(self, number: signal.Signals) -> None:
        for child in self._children:
            os.kill(child, number)
