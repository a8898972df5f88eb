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

"""Tests of the scheduler's threads."""

import datetime
import threading

import pytest

from trove.taskmanager.scheduler import Scheduler


class Advance:
    """A function that blocks during the first call and counts the calls."""

    def __init__(self):
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.repeated = threading.Event()
        self.calls = []

    def __call__(self, operation_id):
        self.calls.append(operation_id)
        if len(self.calls) == 1:
            self.begun.set()
            assert self.go_on.wait(10)
        else:
            self.repeated.set()
        return True


@pytest.fixture
def advance():
    return Advance()


@pytest.fixture
def scheduler(advance):
    made = Scheduler(advance, lambda: datetime.datetime(2031, 4, 2), 1)
    made.start()
    yield made
    advance.go_on.set()
    made.stop()


def test_an_operation_that_becomes_due_while_it_is_advanced_is_advanced_again(scheduler, advance):
    scheduler.now('one')
    assert advance.begun.wait(10)
    scheduler.now('one')
    scheduler.now('one')
    advance.go_on.set()
    assert advance.repeated.wait(10)
    scheduler.stop()
    assert advance.calls == ['one', 'one']
