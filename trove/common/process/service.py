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

"""The base of task manager, conductor and agent: one process with RPC servers, timers and an orderly stop.

Native threads only. A process of this shape has no supervisor process beside it, which is what a small guest can
afford; several processes of one service come from :func:`run_workers`.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from oslo_log import log as logging

from trove.common.process import memory

LOG = logging.getLogger(__name__)

#: Seconds until a worker that died is started again, so that one that cannot start does not spin.
_RESTART_PAUSE = 2.0
_worker_number = 0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Timer:
    """Calls a function every ``interval`` seconds in a thread of its own. A failure is logged and the next turn comes.

    :meth:`fire` makes the next turn come now.
    """

    def __init__(self, name: str, interval: float, function: Callable[[], Any], *,
                 delay: float = 0.0) -> None:
        self.name = name
        self._interval = interval
        self._function = function
        self._delay = delay
        self._wanted = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def fire(self) -> None:
        self._wanted.set()

    def stop(self) -> None:
        self._stopping = True
        self._wanted.set()

    def wait(self, timeout: float) -> bool:
        """Wait for a turn that has begun; False when it goes on."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._wanted.wait(self._delay)
        while not self._stopping:
            self._wanted.clear()
            try:
                self._function()
            except Exception:
                LOG.exception('Timer %s failed', self.name)
            if not self._stopping:
                self._wanted.wait(self._interval)


class Service:
    """One RPC process.

    Order of a start: ``on_start`` functions, timers, servers (they wait for the broker as long as it takes), ready.
    Work that only needs the database goes on while the broker is away, so timers do not wait for it.
    Order of a stop: no new messages, timers, then ``on_stop`` functions in reverse order, all within the time limit.

    :param name: for logs.
    :param stop_timeout: seconds for the work that has begun; what goes on longer is cut off.
    """

    def __init__(self, name: str, stop_timeout: float = 30.0) -> None:
        memory.limit_malloc_arenas()
        self.name = name
        self._stop_timeout = stop_timeout
        self._server_makers: list[Callable[[], Any]] = []
        self._servers: list[Any] = []
        self._timers: list[Timer] = []
        self._on_start: list[Callable[[], Any]] = []
        self._on_stop: list[Callable[[], Any]] = []
        self._on_reload: list[Callable[[], Any]] = []
        self._stopping = threading.Event()
        self._reload = threading.Event()
        self._change = threading.Event()
        self._failed = False

    def add_server(self, make: Callable[[], Any]) -> None:
        """:param make: returns an RPC server; called after any fork."""
        self._server_makers.append(make)

    def add_timer(self, name: str, interval: float, function: Callable[[], Any], *,
                  delay: float = 0.0) -> Timer:
        """Call ``function`` every ``interval`` seconds, first after ``delay``; 0 or less never calls it."""
        timer = Timer(f'{self.name}-{name}', interval, function, delay=delay)
        if interval > 0:
            self._timers.append(timer)
        return timer

    def on_start(self, function: Callable[[], Any]) -> None:
        self._on_start.append(function)

    def on_stop(self, function: Callable[[], Any]) -> None:
        self._on_stop.append(function)

    def on_reload(self, function: Callable[[], Any]) -> None:
        """Called after SIGHUP, in the main thread."""
        self._on_reload.append(function)

    def stop(self) -> None:
        """Ask for the orderly stop; returns at once."""
        self._stopping.set()
        self._change.set()

    def run(self) -> int:
        """Serve until a signal asks to stop; the exit status of the process. Must be called by the main thread."""
        signal.signal(signal.SIGTERM, self._signalled)
        signal.signal(signal.SIGINT, self._signalled)
        signal.signal(signal.SIGHUP, self._hung_up)
        # Waiting for a broker that is away must not keep the main thread from hearing signals.
        starter = threading.Thread(target=self._start, name=f'{self.name}-start', daemon=True)
        starter.start()
        while not self._stopping.is_set():
            self._change.wait()
            self._change.clear()
            if self._reload.is_set():
                self._reload.clear()
                self._call_all(self._on_reload)
        clean = self._stop_all()
        return 0 if clean and not self._failed else 1

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if self._stopping.is_set():
            os._exit(1)
        self.stop()

    def _hung_up(self, number: int, frame: FrameType | None) -> None:
        self._reload.set()
        self._change.set()

    def _start(self) -> None:
        try:
            for function in self._on_start:
                function()
            if self._stopping.is_set():
                return
            for timer in self._timers:
                timer.start()
            for make in self._server_makers:
                server = make()
                server.start()
                self._servers.append(server)
        except Exception:
            LOG.exception('%s cannot start', self.name)
            self._failed = True
            self.stop()
            return
        if self._stopping.is_set():
            return
        LOG.info('%s is ready', self.name)
        notify_systemd('READY=1')

    def _stop_all(self) -> bool:
        LOG.info('%s is stopping', self.name)
        notify_systemd('STOPPING=1')
        stopper = threading.Thread(target=self._stop_orderly, name=f'{self.name}-stop', daemon=True)
        stopper.start()
        stopper.join(self._stop_timeout)
        if stopper.is_alive():
            LOG.warning('%s did not end its work within %g seconds; it is cut off', self.name,
                        self._stop_timeout)
        return not stopper.is_alive()

    def _stop_orderly(self) -> None:
        deadline = time.monotonic() + self._stop_timeout
        for timer in self._timers:
            timer.stop()
        for server in self._servers:
            server.stop()
        for server in self._servers:
            server.wait()
        for timer in self._timers:
            timer.wait(max(0.0, deadline - time.monotonic()))
        self._call_all(reversed(self._on_stop))

    def _call_all(self, functions: Any) -> None:
        for function in functions:
            try:
                function()
            except Exception:
                LOG.exception('%s: %s failed', self.name, getattr(function, '__name__', function))


def exit_now(status: int) -> None:
    """End the process without waiting for threads that hang in a lost connection."""
    logging.logging.shutdown()
    os._exit(status)


def notify_systemd(state: str) -> None:
    """Tell systemd how the service stands (``Type=notify``); does nothing elsewhere."""
    address = os.environ.get('NOTIFY_SOCKET')
    if not address:
        return
    if address.startswith('@'):
        address = '\0' + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifier:
        try:
            notifier.sendto(state.encode('ascii'), address)
        except OSError as failure:
            LOG.warning('systemd was not told %s: %s', state, failure)


def run_workers(work: Callable[[], int], workers: int) -> int:
    """Run ``work`` in this process, or in several of its children that are started again when they die.

    :param work: serves until SIGTERM and returns the exit status.
    :param workers: processes; 1 means no children at all.
    """
    if workers <= 1:
        return work()
    return _Workers(work, workers).run()


def worker_number() -> int:
    """Which worker of its service this process is, from 0; the number of one that died goes to its successor."""
    return _worker_number


class _Workers:
    def __init__(self, work: Callable[[], int], workers: int) -> None:
        self._work = work
        self._wanted = workers
        #: process -> its number
        self._children: dict[int, int] = {}
        self._stopping = threading.Event()

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, self._pass_on)
        while not self._stopping.is_set() or self._children:
            while not self._stopping.is_set() and len(self._children) < self._wanted:
                self._spawn()
            try:
                child, status = os.wait()
            except ChildProcessError:
                break
            self._children.pop(child, None)
            if not self._stopping.is_set():
                LOG.error('worker %s ended with status %s and is started again', child, status)
                self._stopping.wait(_RESTART_PAUSE)
        return 0

    def _spawn(self) -> None:
        # Held back meanwhile: a signal between fork and add would miss the child, and in the child it would run our
        # handler, which knows the other children.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        number = min(set(range(self._wanted)) - set(self._children.values()))
        child = os.fork()
        if child == 0:
            global _worker_number
            _worker_number = number
            for stop in _STOP_SIGNALS:
                signal.signal(stop, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
            exit_now(self._work())
        self._children[child] = number
        signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()
        self._pass_on(signal.SIGTERM, frame)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        for child in tuple(self._children):
            try:
                os.kill(child, number)
            except ProcessLookupError:
                self._children.pop(child, None)
