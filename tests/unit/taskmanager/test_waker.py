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

"""A slow broker costs a request a second at most, and wake-up calls are sent when it is back."""

import threading
import time

import pytest

from trove.taskmanager import waker


class Broker:
    """Client of a task manager behind a broker that can be blocked."""

    def __init__(self):
        self.serves = threading.Event()
        self.serves.set()
        self.woken = []

    def wake(self, operation_id):
        self.serves.wait(20)
        self.woken.append(operation_id)


@pytest.fixture
def broker(monkeypatch):
    monkeypatch.setattr(waker, 'PATIENCE', 0.1)
    return Broker()


def seconds(act, *arguments):
    begun = time.monotonic()
    act(*arguments)
    return time.monotonic() - begun


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_broker_that_serves_has_the_call_when_the_request_goes_on(broker):
    made = waker.Waker(lambda: broker)
    for number in range(5):
        made.wake(str(number))
        assert broker.woken[-1] == str(number)


def test_a_blocked_broker_costs_the_patience_once(broker):
    broker.serves.clear()
    made = waker.Waker(lambda: broker)
    assert 0.1 <= seconds(made.wake, 'a') < 1
    assert all(seconds(made.wake, name) < 0.1 for name in 'bcd')
    broker.serves.set()
    until(lambda: broker.woken == list('abcd'))


def test_a_failure_does_not_end_the_thread(broker):
    failures = [RuntimeError('no configuration')]

    def client():
        if failures:
            raise failures.pop()
        return broker

    made = waker.Waker(client)
    made.wake('a')
    made.wake('b')
    until(lambda: broker.woken == ['b'])


def test_a_broker_that_is_away_for_long_leaves_a_bounded_number_of_calls(broker, monkeypatch):
    monkeypatch.setattr(waker, 'MAXIMUM_WAITING', 3)
    broker.serves.clear()
    made = waker.Waker(lambda: broker)
    for number in range(10):
        made.wake(str(number))
    broker.serves.set()
    until(lambda: len(broker.woken) == 4)
    assert broker.woken == ['0', '7', '8', '9']
