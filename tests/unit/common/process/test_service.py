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

import threading

from trove.common.process import service


def test_timer_calls_again_when_fired_and_survives_failures():
    turns = []
    called = threading.Semaphore(0)

    def turn():
        turns.append(len(turns))
        called.release()
        if len(turns) == 1:
            raise RuntimeError('once')

    timer = service.Timer('t', 3600, turn)
    timer.start()
    assert called.acquire(timeout=5)
    timer.fire()
    assert called.acquire(timeout=5)
    timer.stop()
    assert timer.wait(5)
    assert turns == [0, 1]


def test_timer_with_a_delay_that_is_stopped_first_never_calls():
    turns = []
    timer = service.Timer('t', 1, lambda: turns.append(1), delay=3600)
    timer.start()
    timer.stop()
    assert timer.wait(5)
    assert turns == []


def test_timer_that_never_started_is_no_trouble():
    timer = service.Timer('t', 1, lambda: None)
    timer.stop()
    assert timer.wait(1)


class Server:
    def __init__(self, log, failing=False):
        self._log, self._failing = log, failing

    def start(self):
        self._log.append('server starts')
        if self._failing:
            raise RuntimeError('no')

    def stop(self):
        self._log.append('server stops')

    def wait(self):
        self._log.append('server waits')


def _run(made):
    """Start and stop as :meth:`Service.run`, without handlers for the signals of the test."""
    made._start()
    return made._stop_all()


def test_order_of_start_and_stop():
    log = []
    made = service.Service('s', 5)
    made.on_start(lambda: log.append('start'))
    made.add_server(lambda: Server(log))
    made.on_stop(lambda: log.append('stop 1'))
    made.on_stop(lambda: log.append('stop 2'))
    assert _run(made)
    assert log == ['start', 'server starts', 'server stops', 'server waits', 'stop 2', 'stop 1']


class WaitingServer(Server):
    """Server that waits for its broker until :attr:`there` is set."""

    def __init__(self, log):
        super().__init__(log)
        self.there = threading.Event()

    def start(self):
        assert self.there.wait(10)
        super().start()


def test_timers_do_not_wait_for_the_broker():
    log, called = [], threading.Event()
    server = WaitingServer(log)
    made = service.Service('s', 5)
    made.add_server(lambda: server)
    made.add_timer('t', 3600, called.set)
    starter = threading.Thread(target=made._start)
    starter.start()
    assert called.wait(10) and log == []
    server.there.set()
    starter.join(10)
    assert log == ['server starts'] and made._stop_all()


def test_what_cannot_start_stops_the_service():
    log = []
    made = service.Service('s', 5)
    made.add_server(lambda: Server(log, failing=True))
    made._start()
    assert made._stopping.is_set() and made._failed


def test_failing_stop_function_does_not_keep_the_others():
    log = []
    made = service.Service('s', 5)
    made.on_stop(lambda: log.append('last'))
    made.on_stop(lambda: 1 / 0)
    assert _run(made)
    assert log == ['last']


def test_work_that_goes_on_is_cut_off():
    hanging = threading.Event()
    made = service.Service('s', 0.05)
    made.on_stop(lambda: hanging.wait(30))
    assert not _run(made)
    hanging.set()


def test_interval_of_zero_never_calls():
    made = service.Service('s')
    made.add_timer('t', 0, lambda: None)
    assert made._timers == []
