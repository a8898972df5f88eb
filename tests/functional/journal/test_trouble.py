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

"""Operation journal with concurrent requests, failures of the database, and clocks that differ."""

import dataclasses
import datetime

import pytest
from oslo_db import exception as db_exception

from tests.functional.journal.test_runner import RESOURCE, Await, Journal, Make
from trove.common import exception
from trove.common.states import OperationState
from trove.db import operations
from trove.taskmanager.step import Done, Flow, Step, Wait

DELETE = {'kind': 'delete', 'resource_type': 'instance', 'resource_id': RESOURCE, 'deadline': 600,
          'project_id': 'p1', 'operation_id': 'b9b9a2f4-0000-4000-8000-00000000dddd'}


@pytest.fixture
def journal(database, clock, conf):
    return Journal(clock, conf, database)


class Refusing(Step):
    """Step with a change that the database refuses a configured number of times."""

    def __init__(self, failures):
        self.failures = failures
        self.runs = 0

    def run(self, work):
        self.runs += 1
        return Done(changes=[self._refuse])

    def _refuse(self, _connection):
        if self.failures:
            raise self.failures.pop(0)


def test_a_delete_requested_during_the_last_record_is_not_lost(journal):
    """The runner has read the cancel flag for the last time; then the DELETE returns 202."""
    operation_id = journal.open()
    journal.flow([Make('port')])

    def delete_meanwhile(work):
        assert journal.session.write(operations.request_cancel, 'instance', RESOURCE, DELETE,
                                     journal.clock())
        return []

    journal.flows['test'] = journal.flows['test'].__class__(
        **{**vars(journal.flows['test']), 'succeeded': delete_meanwhile})
    journal.runner().advance(operation_id)
    assert journal.get(operation_id).state == OperationState.SUCCEEDED
    followed = journal.session.read(operations.open_of, 'instance', RESOURCE)
    assert followed is not None and (followed.id, followed.kind) == (DELETE['operation_id'],
                                                                     'delete')


def test_a_deadlock_while_recording_costs_no_lease(journal):
    """The transaction of a deadlock victim is repeated, and the step is not run again."""
    step = Refusing([db_exception.DBDeadlock(), db_exception.DBDeadlock()])
    journal.flow([step])
    operation_id = journal.open()
    journal.runner().advance(operation_id)
    assert journal.get(operation_id).state == OperationState.SUCCEEDED
    assert step.runs == 1


def test_an_answer_that_cannot_be_stored_fails_the_operation_and_is_undone(journal):
    """The step is not retried with every lease until the deadline, a whole day for a delete."""
    refused = [db_exception.DBDataError(Exception('Data too long')) for _ in range(100)]
    journal.flow([Make('port'), Refusing(refused)])
    operation_id = journal.open()
    row = journal.run_until_closed(operation_id, seconds=200)
    assert (row.state, row.error_code) == (OperationState.FAILED, 'internal')
    assert journal.cloud.things == set()


def test_an_end_that_cannot_be_stored_still_closes_the_operation(journal):
    def succeeded(work):
        return [Refusing([db_exception.DBDataError(Exception('Data too long'))])._refuse]

    journal.flow([Make('port')])
    journal.flows['test'] = journal.flows['test'].__class__(
        **{**vars(journal.flows['test']), 'succeeded': succeeded})
    operation_id = journal.open()
    row = journal.run_until_closed(operation_id, seconds=10)
    assert (row.state, row.error_code) == (OperationState.FAILED, 'internal')


def test_a_database_that_was_away_loses_no_work(journal):
    """An operation that cannot be written does not fail: its lease expires and the step runs again.
    """
    # Once more than the retries on another connection.
    step = Refusing([db_exception.DBConnectionError(), db_exception.DBConnectionError()])
    journal.flow([step])
    operation_id = journal.open()
    with pytest.raises(db_exception.DBConnectionError):
        journal.runner().advance(operation_id)
    journal.clock.advance(journal.conf.taskmanager.lease_time + 1)
    assert journal.session.read(operations.due, journal.clock(), 10) == [operation_id]
    assert journal.run_until_closed(operation_id).state == OperationState.SUCCEEDED


@pytest.mark.parametrize('ahead', (0.005, 2, 30))
def test_a_wake_from_a_host_with_a_fast_clock_is_not_lost(journal, ahead):
    """The operation is not due here yet; it is polled when it is due, not at a later sweep."""
    due_at = journal.clock() + datetime.timedelta(seconds=ahead)
    operation_id = journal.open(now=due_at)
    assert not journal.runner().advance(operation_id)
    assert journal.due == [(operation_id, due_at)]


def test_a_report_from_a_host_with_a_fast_clock_does_not_delay_a_waiting_step(journal):
    operation_id = journal.open()
    journal.runner().advance(operation_id)
    was_due = journal.get(operation_id).due_at
    ahead = journal.clock() + datetime.timedelta(seconds=30)
    journal.session.write(operations.make_due, 'instance', [RESOURCE], ahead)
    assert journal.get(operation_id).due_at <= was_due


def test_a_report_from_a_host_with_a_fast_clock_causes_one_run(journal):
    """The step does not run repeatedly until the own clock has caught up."""
    operation_id = journal.open()
    runner = journal.runner()
    runner.advance(operation_id)
    ahead = journal.clock() + datetime.timedelta(seconds=30)
    journal.session.write(operations.make_due, 'instance', [RESOURCE], ahead)
    looked = 0
    journal.clock.advance(1)
    while runner.advance(operation_id):
        looked += 1
        assert looked < 5, 'a busy loop'


def test_a_report_from_a_host_with_a_slow_clock_is_not_lost(journal):
    """The report arrives while the step polls."""
    class Reported(Await):
        def run(self, work):
            behind = journal.clock() - datetime.timedelta(seconds=30)
            answer = super().run(work)
            if not journal.cloud.things:
                journal.cloud.things.add('word')
                journal.session.write(operations.make_due, 'instance', [RESOURCE], behind)
            return answer

    journal.flow([Reported()])
    operation_id = journal.open()
    runner = journal.runner()
    runner.advance(operation_id)
    assert runner.advance(operation_id), 'due at once'
    assert journal.get(operation_id).state == OperationState.SUCCEEDED


class LetGo(Step):
    """Step in the place of one that waited; it ends at once."""

    name = 'Await'

    def run(self, work):
        return Done()


class Remove(Step):
    """Step that removes everything, and with it the resource."""

    def run(self, work):
        work.tools.cloud.things.clear()
        return Done()


@pytest.mark.parametrize('ended', (True, False))
def test_what_a_frozen_runner_makes_after_the_delete_has_looked_is_removed(journal, ended):
    there = [True]

    class Frozen(Make):
        def run(self, work):
            journal.clock.advance(100)
            journal.session.write(operations.request_cancel, 'instance', RESOURCE, DELETE,
                                  journal.clock())
            other = journal.runner('other')
            assert other.advance(work.id)
            other.advance(DELETE['operation_id'])
            return super().run(work)

    def gone(_work):
        return [lambda _connection: there.clear()]

    steps = (Remove(),) if ended else (Remove(), Await())
    journal.flow([Frozen('port')])
    both = {'load': lambda _connection, _id: tuple(there) or None, 'failed': journal.ends.failed}
    journal.flows = {
        'test': Flow('test', 1, 'Testing', 'instance', journal.flows['test'].steps,
                     succeeded=journal.ends.succeeded, remover='delete', **both),
        'delete': Flow('delete', 1, 'Deleting', 'instance', steps, succeeded=gone, undoable=False,
                       **both)
    }
    journal.runner('one').advance(journal.open())
    assert journal.cloud.things == {'port'}, 'made too late'
    for _round in range(2):
        journal.clock.advance(30)
        row = journal.session.read(operations.open_of, 'instance', RESOURCE)
        if row is not None:
            journal.flows['delete'] = dataclasses.replace(journal.flows['delete'],
                                                          steps=(Remove(), LetGo()))
            journal.runner('two').advance(row.id)
    assert journal.session.read(operations.open_of, 'instance', RESOURCE) is None
    assert journal.cloud.things == set() and not there


def test_a_delete_does_not_wait_for_work_of_an_unknown_kind(journal):
    operation_id = journal.open(kind='from_the_future')
    journal.session.write(operations.request_cancel, 'instance', RESOURCE, DELETE, journal.clock())
    journal.runner().advance(operation_id)
    assert journal.get(operation_id).state == OperationState.CANCELLED
    assert journal.session.read(operations.open_of, 'instance',
                                RESOURCE).id == DELETE['operation_id']


class Flaky(Step):
    """Step that waits for a slow resource, in a cloud that fails every second poll."""

    attempts = 3
    #: whether the failure in between is temporary
    forgives = True

    def __init__(self, looks):
        self.looks = looks
        self.seen = []

    def run(self, work):
        self.looks -= 1
        self.seen.append(work.attempt)
        if self.looks <= 0:
            return Done()
        if self.looks % 2:
            raise exception.StepFailed('not now', code='cloud_error', retriable=True)
        return Wait(1, at_most=600, code='cloud_error', reason='it')


class Stubborn(Flaky):
    forgives = False


def test_failures_far_apart_do_not_use_up_the_tries(journal):
    """A wait of an hour meets some failures; only failures in a row end it."""
    step = Flaky(20)
    journal.flow([step])
    operation_id = journal.open()
    assert journal.run_until_closed(operation_id, seconds=300).state == OperationState.SUCCEEDED
    assert step.seen == sorted(
        step.seen) and step.seen[-1] == 11, 'the number of a try is never used again'


def test_where_waiting_is_the_try_each_failure_counts(journal):
    journal.flow([Stubborn(20)])
    operation_id = journal.open()
    row = journal.run_until_closed(operation_id, seconds=300)
    assert (row.state, row.error_code) == (OperationState.FAILED, 'cloud_error')


def test_failures_in_a_row_still_end_it(journal):
    step = Flaky(20)
    step.run = lambda work: (_ for _ in ()).throw(
        exception.StepFailed('no', code='cloud_error', retriable=True))
    journal.flow([step])
    operation_id = journal.open()
    assert journal.run_until_closed(operation_id, seconds=300).state == OperationState.FAILED
    rows = journal.session.read(operations.steps_of, operation_id)
    assert [row.outcome for row in rows if row.name == 'Flaky'] == ['retry', 'retry', 'failed']


def test_an_operation_run_now_does_not_wait_for_the_end_of_its_pause(journal):
    journal.flow([Flaky(3)])
    operation_id = journal.open()
    journal.runner().advance(operation_id)
    assert journal.get(operation_id).due_at > journal.clock()
    assert journal.session.write(operations.run_now, operation_id, journal.clock())
    assert journal.session.read(operations.due, journal.clock(), 10) == [operation_id]
    journal.run_until_closed(operation_id)
    assert not journal.session.write(operations.run_now, operation_id, journal.clock())
