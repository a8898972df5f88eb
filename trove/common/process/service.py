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
"""Base of task manager, conductor and agent: process with RPC servers, timers and orderly stop.

It uses native threads only and needs no supervisor process, which keeps an agent small: cotyledon
and oslo.service fork every service from a parent that stays (2.4 MB more for an idle agent with
cotyledon, 20 MB with oslo.service, growing as the processes stop sharing pages). Several processes
of one service come from :mod:`trove.common.process.workers`.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from oslo_log import log as logging

from trove.common.process import memory
from trove.common.process.signals import Signals

LOG = logging.getLogger(__name__)

STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})

Hook = Callable[[], object]


class Server(Protocol):
    """RPC server of oslo.messaging."""

    def start(self) -> None:
        """Start to take messages; blocks until the broker is reachable."""

    def stop(self) -> None:
        """Take no more messages."""

    def wait(self) -> None:
        """Wait for the messages being handled."""


class Timer:
    """Thread that calls a function every ``interval`` seconds.

    An exception is logged, and the function is called again after the interval.

    :param delay: seconds until the first call.
    """

    def __init__(self, name: str, interval: float, function: Hook, *, delay: float = 0.0) -> None:
        self.name = name
        self._interval = interval
        self._function = function
        self._delay = delay
        self._due = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def fire(self) -> None:
        """Make the next call due now."""
        self._due.set()

    def stop(self) -> None:
        """Make no more calls; a running call continues."""
        self._stopping = True
        self._due.set()

    def wait(self, timeout: float) -> bool:
        """Wait for a running call; return False if it still runs after ``timeout`` seconds."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._due.wait(self._delay)
        while not self._stopping:
            self._due.clear()
            try:
                self._function()
            except Exception:
                LOG.exception('Timer %s failed', self.name)
            if not self._stopping:
                self._due.wait(self._interval)


class Service:
    """RPC process.

    Start: ``on_start`` functions, timers, servers, ready. Servers wait for the broker without a
    limit; timers do not wait for it, because work that only needs the database continues.
    Stop: no new messages, timers, ``on_stop`` functions in reverse order, within the time limit.

    :param name: name in logs.
    :param stop_timeout: seconds for work in progress at a stop; then it is aborted.
    """

    def __init__(self, name: str, stop_timeout: float = 30.0) -> None:
        memory.limit_malloc_arenas()
        self.name = name
        self._stop_timeout = stop_timeout
        self._server_makers: list[Callable[[], Server]] = []
        self._servers: list[Server] = []
        self._timers: list[Timer] = []
        self._on_start: list[Hook] = []
        self._on_stop: list[Hook] = []
        self._on_reload: list[Hook] = []
        self._stopping = threading.Event()
        self._signals: Signals | None = None
        self._failed = False

    def add_server(self, make: Callable[[], Server]) -> None:
        """Serve with the server that ``make`` returns; it is called after any fork."""
        self._server_makers.append(make)

    def add_timer(self, name: str, interval: float, function: Hook, *, delay: float = 0.0) -> Timer:
        """Call ``function`` every ``interval`` seconds, first after ``delay`` seconds.

        An interval of 0 or less disables the timer.
        """
        timer = Timer(f'{self.name}-{name}', interval, function, delay=delay)
        if interval > 0:
            self._timers.append(timer)
        return timer

    def on_start(self, function: Hook) -> None:
        """Call ``function`` before timers and servers start."""
        self._on_start.append(function)

    def on_stop(self, function: Hook) -> None:
        """Call ``function`` after timers and servers have stopped."""
        self._on_stop.append(function)

    def on_reload(self, function: Hook) -> None:
        """Call ``function`` in the main thread at SIGHUP."""
        self._on_reload.append(function)

    def stop(self) -> None:
        """Request the orderly stop and return at once."""
        self._stopping.set()
        if self._signals is not None:
            self._signals.wake()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit status. Only for the main thread.

        A second SIGTERM or SIGINT during the stop ends the process at once.
        """
        self._signals = Signals((*STOP_SIGNALS, signal.SIGHUP))
        # The start waits for the broker; the main thread must handle signals meanwhile.
        starter = threading.Thread(target=self._start, name=f'{self.name}-start', daemon=True)
        starter.start()
        while not self._stopping.is_set():
            received = self._signals.wait()
            if received & STOP_SIGNALS:
                self.stop()
            elif signal.SIGHUP in received:
                self._call_all(self._on_reload)
        self._signals.exit_at(STOP_SIGNALS)
        is_clean = self._stop_all()
        return 0 if is_clean and not self._failed else 1

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
            LOG.warning('%s did not finish its work within %g seconds, the work is aborted',
                        self.name, self._stop_timeout)
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

    def _call_all(self, functions: Iterable[Hook]) -> None:
        for function in functions:
            try:
                function()
            except Exception:
                LOG.exception('%s: %s failed', self.name, getattr(function, '__name__', function))


def exit_now(status: int) -> None:
    """End the process without waiting for threads blocked in a dead connection."""
    logging.logging.shutdown()
    os._exit(status)


def notify_systemd(state: str) -> None:
    """Send a state of the service to systemd (``Type=notify``); do nothing without systemd."""
    address = os.environ.get('NOTIFY_SOCKET')
    if not address:
        return
    if address.startswith('@'):
        address = '\0' + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifier:
        try:
            notifier.sendto(state.encode('ascii'), address)
        except OSError as failure:
            LOG.warning('Cannot notify systemd of %s: %s', state, failure)
