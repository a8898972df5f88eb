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

"""Operation journal with flows of the test, on a real database, with the clock of the test."""

import dataclasses
import json

import pytest

from trove.common import exception
from trove.common.states import OperationState
from trove.db import events, operations
from trove.taskmanager.models import Runner
from trove.taskmanager.step import Done, Flow, Step, Tools, Wait

RESOURCE = 'b9b9a2f4-0000-4000-8000-000000000001'


class Cloud:
    """Cloud of the steps: a set of things, and a script of failures."""

    def __init__(self):
        self.things = set()
        self.calls = []
        self.failures = {}

    def act(self, name):
        self.calls.append(name)
        planned = self.failures.get(name)
        if planned:
            raise planned.pop(0)


class Make(Step):
    """Step that ensures one thing."""

    def __init__(self, thing, attempts=0):
        self.thing = thing
        self.attempts = attempts

    @property
    def name(self):
        return f'Make{self.thing.capitalize()}'

    def run(self, work):
        work.tools.cloud.act(f'make {self.thing}')
        work.tools.cloud.things.add(self.thing)
        return Done(facts={self.thing: True}, events=[('made', f'{self.thing} is there')])

    def undo(self, work):
        work.tools.cloud.act(f'undo {self.thing}')
        work.tools.cloud.things.discard(self.thing)


class Await(Step):
    """Step that waits until the thing 'word' exists."""

    def run(self, work):
        if 'word' in work.tools.cloud.things:
            return Done()
        return Wait(1.0, at_most=10, code='guest_silent', reason='the word')


@dataclasses.dataclass
class Ends:
    results: list = dataclasses.field(default_factory=list)

    def succeeded(self, work):
        return [lambda connection: self.results.append('succeeded')]

    def failed(self, work, code, text, detail):
        return [lambda connection: self.results.append((code, text))]


@pytest.fixture
def journal(database, clock, conf):
    return Journal(clock, conf, database)


class Journal:
    def __init__(self, clock, conf, database):
        self.clock = clock
        self.conf = conf
        self.session = database
        self.cloud = Cloud()
        self.ends = Ends()
        self.due = []
        self.flow([Make('port'), Make('server'), Await()])

    def flow(self, steps, **kwargs):
        self.flows = {
            'test': Flow('test', 1, 'Testing', 'instance', tuple(steps),
                         load=lambda _connection, _id: None, succeeded=self.ends.succeeded,
                         failed=self.ends.failed, **kwargs)
        }

    def runner(self, owner='one'):
        tools = Tools(conf=self.conf, clock=self.clock, cloud=self.cloud, broker=None, guest=None,
                      keys=None, read=self.session.read)
        return Runner(self.flows, tools, owner, later=lambda id_, when: self.due.append(
            (id_, when)))

    def open(self, **kwargs):
        arguments = {
            'kind': 'test',
            'resource_type': 'instance',
            'resource_id': RESOURCE,
            'now': self.clock(),
            'deadline': 600,
            'project_id': 'p1',
            **kwargs
        }
        return self.session.write(operations.create, **arguments)

    def get(self, operation_id):
        return self.session.read(operations.get, operation_id)

    def attempts(self, operation_id):
        return [(row.name, row.outcome, row.attempt, row.runs)
                for row in self.session.read(operations.steps_of, operation_id)]

    def events(self):
        return [row.type for row in reversed(self.session.read(events.of_resource, RESOURCE, 100))]

    def run_until_closed(self, operation_id, runner=None, seconds=100):
        runner = runner or self.runner()
        for _second in range(seconds):
            runner.advance(operation_id)
            if self.get(operation_id).active is None:
                return self.get(operation_id)
            self.clock.advance(1)
        raise AssertionError(f'still open: {self.get(operation_id)}')


def test_steps_run_in_order_and_the_operation_closes(journal):
    operation_id = journal.open()
    journal.cloud.things.add('word')
    assert journal.runner().advance(operation_id)
    row = journal.get(operation_id)
    assert (row.state, row.active, row.owner, row.secrets) == (OperationState.SUCCEEDED, None, None,
                                                               None)
    assert journal.cloud.calls == ['make port', 'make server']
    assert journal.attempts(operation_id) == [('MakePort', 'done', 1, 1),
                                              ('MakeServer', 'done', 1, 1), ('Await', 'done', 1, 1)]
    assert json.loads(row.facts) == {'port': True, 'server': True}
    assert journal.ends.results == ['succeeded']
    assert journal.events() == ['test.start', 'made', 'made', 'test.end']


def test_one_open_operation_per_resource_and_any_number_of_closed_ones(journal):
    first = journal.open()
    with pytest.raises(exception.Unprocessable) as refused:
        journal.open()
    assert refused.value.code == 'operation_in_progress'
    journal.cloud.things.add('word')
    journal.run_until_closed(first)
    second = journal.open()
    journal.run_until_closed(second)
    assert journal.open() not in (first, second)


def test_waiting_holds_no_runner_and_is_one_attempt(journal):
    operation_id = journal.open()
    runner = journal.runner()
    runner.advance(operation_id)
    row = journal.get(operation_id)
    assert (row.owner, row.lease_until, row.active) == (None, None, 1)
    assert journal.due == [(operation_id, row.due_at)]
    assert not runner.advance(operation_id), 'not due yet'
    journal.clock.advance(1)
    assert runner.advance(operation_id)
    journal.cloud.things.add('word')
    journal.clock.advance(1)
    assert journal.runner('another').advance(operation_id)
    assert journal.attempts(operation_id)[-1] == ('Await', 'done', 1, 3)


def test_a_report_ends_the_wait_at_once(journal):
    operation_id = journal.open()
    journal.runner().advance(operation_id)
    journal.cloud.things.add('word')
    assert journal.session.write(operations.make_due, 'instance', [RESOURCE],
                                 journal.clock()) == [operation_id]
    assert journal.runner().advance(operation_id)
    assert journal.get(operation_id).state == OperationState.SUCCEEDED


def test_a_report_that_comes_while_the_step_looks_is_not_lost(journal):
    class LooksTooEarly(Await):
        name = 'Await'

        def run(self, work):
            answer = super().run(work)
            journal.clock.advance(0.5)
            journal.cloud.things.add('word')
            journal.session.write(operations.make_due, 'instance', [RESOURCE], journal.clock())
            return answer

    journal.flow([LooksTooEarly()])
    operation_id = journal.open()
    journal.runner().advance(operation_id)
    assert journal.get(operation_id).due_at == journal.clock()


def test_a_wait_that_takes_too_long_fails_with_its_own_code(journal):
    operation_id = journal.open()
    row = journal.run_until_closed(operation_id)
    assert (row.state, row.error_code) == (OperationState.FAILED, 'guest_silent')
    assert 'waiting for the word' in row.error_text
    assert not journal.cloud.things, 'the finished steps were reverted'
    assert journal.cloud.calls[-2:] == ['undo server', 'undo port']
    assert journal.events()[-1] == 'test.error'
    assert journal.ends.results == [('guest_silent', row.error_text)]


def test_a_temporary_failure_is_retried_with_growing_pauses(journal):
    journal.cloud.things.add('word')
    journal.cloud.failures['make server'] = [
        exception.CloudError('busy'), exception.CloudError('busy')
    ]
    operation_id = journal.open()
    runner = journal.runner()
    pauses = []
    for _try in range(2):
        runner.advance(operation_id)
        due_at = journal.get(operation_id).due_at
        pauses.append((due_at - journal.clock()).total_seconds())
        journal.clock.advance(pauses[-1])
    runner.advance(operation_id)
    assert pauses == [2, 4]
    assert journal.get(operation_id).state == OperationState.SUCCEEDED
    assert [row[1] for row in journal.attempts(operation_id)
            ] == ['done', 'retry', 'retry', 'done', 'done']


def test_a_permanent_failure_is_reverted_at_once(journal):
    journal.cloud.failures['make server'] = [
        exception.CloudError('no', code='server_failed', retriable=False)
    ]
    row = journal.run_until_closed(journal.open(), seconds=1)
    assert (row.state, row.error_code, row.error_text) == (OperationState.FAILED, 'server_failed',
                                                           'no')
    assert journal.cloud.calls == ['make port', 'make server', 'undo server', 'undo port']


def test_an_unexpected_exception_is_retried_and_ends_with_a_reference(journal):
    journal.cloud.failures['make port'] = [ZeroDivisionError('secret inner words')] * 99
    row = journal.run_until_closed(journal.open(), seconds=300)
    assert (row.error_code, row.state) == ('internal', OperationState.FAILED)
    assert 'reference' in row.error_text and 'secret inner words' not in row.error_text
    assert 'secret inner words' in row.error_detail
    assert journal.cloud.calls.count('make port') == journal.conf.taskmanager.step_attempts


def test_what_cannot_be_undone_does_not_keep_the_rest_from_being_undone(journal):
    journal.cloud.failures['make server'] = [exception.CloudError('no', retriable=False)]
    journal.cloud.failures['undo server'] = [exception.CloudError('stuck', retriable=False)]
    row = journal.run_until_closed(journal.open(), seconds=1)
    assert row.state == OperationState.FAILED and row.error_text == 'no'
    assert journal.cloud.calls[-1] == 'undo port'
    assert 'test.undo_failed' in journal.events()


def test_a_step_without_a_limit_of_tries_goes_on_until_the_deadline(journal):
    journal.flow([Make('port', attempts=None)], undoable=False)
    journal.cloud.failures['make port'] = [exception.CloudError('in use')] * 999
    operation_id = journal.open(deadline=300)
    row = journal.run_until_closed(operation_id, seconds=400)
    assert row.state == OperationState.FAILED
    assert journal.clock() >= row.deadline
    assert journal.cloud.calls.count('make port') > journal.conf.taskmanager.step_attempts
    assert 'undo port' not in journal.cloud.calls


def test_nothing_is_open_for_ever(journal):
    class Never(Step):
        def run(self, work):
            return Wait(1.0, at_most=10**6, code='guest_silent', reason='nothing')

    journal.flow([Make('port'), Never()])
    row = journal.run_until_closed(journal.open(deadline=30))
    assert row.error_code == 'deadline_exceeded'
    assert 'Never' in row.error_text
    assert not journal.cloud.things


def test_a_dead_runner_is_succeeded_after_its_lease(journal):
    operation_id = journal.open()
    taken = journal.session.write(operations.take, operation_id, 'dead', journal.clock(), 60)
    assert taken.claim == 1
    runner = journal.runner('alive')
    assert not runner.advance(operation_id)
    assert journal.session.read(operations.due, journal.clock(), 10) == []
    journal.clock.advance(61)
    assert journal.session.read(operations.due, journal.clock(), 10) == [operation_id]
    assert runner.advance(operation_id)
    assert journal.get(operation_id).claim == 2


def test_a_frozen_runner_that_wakes_up_writes_nothing(journal):
    operation_id = journal.open()

    class Freezes(Make):
        def run(self, work):
            answer = super().run(work)
            if work.tools.cloud.calls.count('make port') == 1:
                journal.clock.advance(61)
                journal.cloud.things.add('word')
                assert journal.runner('successor').advance(operation_id)
            return answer

    journal.flow([Freezes('port'), Make('server'), Await()])
    journal.runner('frozen').advance(operation_id)
    row = journal.get(operation_id)
    assert (row.state, row.claim) == (OperationState.SUCCEEDED, 2)
    assert journal.ends.results == ['succeeded']
    assert [row[:2] for row in journal.attempts(operation_id)] == [
        ('MakePort', 'lost'), ('MakePort', 'done'), ('MakeServer', 'done'), ('Await', 'done')]
    assert journal.events().count('made') == 2


def test_a_renewed_lease_keeps_others_away(journal):
    operation_id = journal.open()
    others = []

    class Slow(Make):
        def run(self, work):
            journal.clock.advance(50)
            one.renew_leases()
            journal.clock.advance(50)
            others.append(journal.runner('other').advance(operation_id))
            return super().run(work)

    journal.flow([Slow('port')])
    one = journal.runner('one')
    one.advance(operation_id)
    assert others == [False]
    assert journal.get(operation_id).state == OperationState.SUCCEEDED


def test_a_cancelled_operation_gives_way_to_its_successor_in_one_transaction(journal):
    journal.flows_before = journal.flows
    operation_id = journal.open()
    journal.runner().advance(operation_id)
    successor = {
        'kind': 'test',
        'resource_type': 'instance',
        'resource_id': RESOURCE,
        'deadline': 600,
        'project_id': 'p1',
        'actor': 'u2',
        'request_id': 'req-2'
    }
    assert journal.session.write(operations.request_cancel, 'instance', RESOURCE,
                                 dict(successor, kind='other'), journal.clock()).id == operation_id
    journal.runner().advance(operation_id)
    row = journal.get(operation_id)
    assert (row.state, row.error_code, row.active) == (OperationState.CANCELLED, 'cancelled', None)
    following = journal.session.read(operations.open_of, 'instance', RESOURCE)
    assert (following.kind, following.actor, following.request_id) == ('other', 'u2', 'req-2')
    assert 'test.cancelled' in journal.events()
    assert 'undo port' not in journal.cloud.calls, 'the successor finds by name what is there'


def test_cancelling_twice_keeps_the_first_successor(journal):
    operation_id = journal.open(kind='delete')
    same = journal.session.write(operations.request_cancel, 'instance', RESOURCE,
                                 {'kind': 'delete'}, journal.clock())
    assert same.id == operation_id
    assert not journal.get(operation_id).cancel_wanted


def test_an_orderly_stop_lets_go_after_the_present_step(journal):
    runner = journal.runner()

    class Stops(Make):
        def run(self, work):
            runner.stopping.set()
            return super().run(work)

    journal.flow([Stops('port'), Make('server')])
    runner.flows = journal.flows
    operation_id = journal.open()
    runner.advance(operation_id)
    row = journal.get(operation_id)
    assert (row.active, row.owner, row.position) == (1, None, 1)
    journal.runner('next').advance(operation_id)
    assert journal.get(operation_id).state == OperationState.SUCCEEDED
    assert journal.cloud.calls == ['make port', 'make server']


def test_an_operation_of_an_unknown_kind_is_left_to_others_and_fails_at_its_deadline(journal):
    operation_id = journal.open(kind='from_the_future', deadline=60)
    journal.runner().advance(operation_id)
    row = journal.get(operation_id)
    assert (row.active, row.owner) == (1, None)
    journal.clock.advance(61)
    journal.runner().advance(operation_id)
    assert journal.get(operation_id).state == OperationState.FAILED


def test_a_step_only_another_release_knows_fails_the_operation(journal):
    operation_id = journal.open()
    journal.session.write(lambda connection: connection.execute(operations.OPERATIONS.update(
    ).values(steps=json.dumps(['MakePort', 'MakeTea']), flow_version=7)))
    row = journal.run_until_closed(operation_id)
    assert row.state == OperationState.FAILED and 'MakeTea' in row.error_text
    assert not journal.cloud.things
