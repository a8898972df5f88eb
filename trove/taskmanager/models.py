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

"""The runner: takes an operation, advances it step by step, undoes it, lets it go.

One call of :meth:`Runner.advance` holds an operation from ``take`` until it waits, is tried again later, or is closed.
Intent is written before the act, in the same transaction that records the step before; facts, row changes and events
are written with the record of the step that gave them. Every write proves the claim first. No thread waits in here.
"""

import dataclasses
import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from oslo_db import exception as db_exception
from oslo_log import log as logging

from trove.common import errors, exception
from trove.common.states import OperationState
from trove.db import events, operations, session
from trove.db.session import Connection, Row
from trove.taskmanager import outcome
from trove.taskmanager.step import Done, Flow, Step, Tools, Wait, Work

LOG = logging.getLogger(__name__)

#: Longest pause between two tries of a step.
MAX_RETRY_DELAY = 30
#: Nothing can be written, by us or at all: the operation stays as it is until its lease runs out.
_NOT_WRITABLE = (exception.ClaimLost, db_exception.DBConnectionError, db_exception.DBDeadlock)


@dataclasses.dataclass
class Held:
    """An operation this runner holds, as of its last own write."""

    row: Row
    flow: Flow
    steps: list[str]
    position: int
    state: str
    attempt: int
    failures: int
    facts: dict[str, Any]
    waiting_since: datetime | None
    due_at: datetime
    seq: int = 0

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def undoing(self) -> bool:
        return self.state == OperationState.UNDOING

    @property
    def finished(self) -> bool:
        """No step is left in the direction of travel."""
        return self.position < 0 if self.undoing else self.position >= len(self.steps)


class Runner:
    """Advances operations of the given flows.

    :param owner: names this process in ``operations.owner``; unique among running processes.
    :param on_close: called with each operation that has ended, after its transaction.
    :param on_step: called with each run of a step, as :func:`trove.taskmanager.metrics.observe_step`.
    :param later: called with (operation id, when) for each operation let go to wait, so that the caller can look
        again in time.
    """

    def __init__(
            self, flows: dict[str, Flow], tools: Tools, owner: str, *,
            later: Callable[[str, datetime], None] = lambda _id, _when: None,
            on_close: Callable[[outcome.Closed], None] = lambda _closed: None,
            on_step: Callable[[str, str, str, float, float | None],
                              None] = lambda *_run: None) -> None:
        self.flows = flows
        self.tools = tools
        self.owner = owner
        self.later = later
        self.on_close = on_close
        self.on_step = on_step
        self.stopping = threading.Event()
        self._claims: dict[str, int] = {}
        self._claims_lock = threading.Lock()

    @property
    def _options(self) -> Any:
        return self.tools.conf.taskmanager

    # --- the outside ---------------------------------------------------------------------------

    def advance(self, operation_id: str) -> bool:
        """Take an operation and bring it as far as it goes now.

        :returns: False when there was nothing to take.
        """
        row = session.write(operations.take, operation_id, self.owner, self.tools.clock(),
                            self._options.lease_time)
        if row is None:
            self._look_again(operation_id)
            return False
        with self._claims_lock:
            self._claims[row.id] = row.claim
        try:
            self._drive(row)
        except exception.ClaimLost:
            LOG.warning('%s: operation %s was taken over by another task manager, or reset',
                        row.resource_id, row.id)
            now = self.tools.clock()
            for waited in (session.write(operations.left, row.id, self.owner,
                                         now), self._removed_again(row, now)):
                if waited:
                    self.later(waited, now)
        finally:
            with self._claims_lock:
                self._claims.pop(row.id, None)
        return True

    def _removed_again(self, row: Row, now: datetime) -> str | None:
        """Have removed what this runner may have made too late. :returns: the operation that was opened for it."""
        flow = self.flows.get(row.kind)
        if flow is None or flow.remover is None:
            return None
        is_gone = session.read(flow.load, row.resource_id) is None
        return session.write(operations.remove_again, row, flow.remover, is_gone, now,
                             self.tools.conf.delete_deadline)

    def _look_again(self, operation_id: str) -> None:
        """Plan for an operation that is not due yet: it was another host's clock that it is due by."""
        row = session.read(operations.get, operation_id)
        if row is not None and row.active and row.owner is None and row.due_at > self.tools.clock():
            self.later(row.id, row.due_at)

    def renew_leases(self) -> None:
        """Prolong the leases of what is being advanced right now; called every third of a lease."""
        with self._claims_lock:
            claims = dict(self._claims)
        # Each by itself: a transaction that holds several operations can deadlock with a report on the same ones.
        for operation_id, claim in claims.items():
            session.write(operations.renew, operation_id, claim, self.tools.clock(),
                          self._options.lease_time)

    # --- one operation -------------------------------------------------------------------------

    def _drive(self, row: Row) -> None:
        flow = self.flows.get(row.kind)
        if flow is None:
            self._refuse(row)
            return
        held = self._held(row, flow)
        while True:
            if row.cancel_wanted and row.successor:
                self._close(held, OperationState.CANCELLED, 'cancelled')
                return
            if row.cancel_wanted:
                self._turn_back(held)
            if held.finished:
                self._close_at_end(held)
                return
            if self.stopping.is_set():
                self._let_go(held, self.tools.clock())
                return
            if not self._one_step(held):
                return
            row = session.read(operations.get, row.id)
            if row.claim != held.row.claim:
                raise exception.ClaimLost(row.id)
            held.row = row

    def _held(self, row: Row, flow: Flow) -> Held:
        steps = json.loads(row.steps) or flow.step_names
        return Held(row=row, flow=flow, steps=steps, position=row.position, state=row.state,
                    attempt=row.attempt, failures=row.failures, facts=json.loads(row.facts),
                    waiting_since=row.waiting_since, due_at=row.due_at)

    def _refuse(self, row: Row) -> None:
        """Give an operation of a kind this release does not know to whoever knows it, until its deadline."""
        LOG.error('%s: operation %s has unknown kind %s', row.resource_id, row.id, row.kind)
        now = self.tools.clock()
        if now < row.deadline and not row.cancel_wanted:
            session.write(operations.save, row.id, row.claim, now, owner=None,
                          due_at=now + timedelta(seconds=30))
            return
        followed_by = session.write(outcome.close_unknown, row, now)
        if followed_by:
            self.later(followed_by, now)

    def _one_step(self, held: Held) -> bool:
        """Begin, act, record. Returns whether to go on with the next step at once."""
        begun = self.tools.clock()
        step = held.flow.step(held.steps[held.position])
        held.seq = session.write(self._begin, held, begun)
        started = time.monotonic()
        try:
            if step is None:
                raise exception.StepFailed(
                    f'Step {held.steps[held.position]} is not known to this release.')
            if begun >= held.row.deadline and not held.undoing:
                raise exception.StepFailed(self._deadline_text(held), code='deadline_exceeded')
            answer = self._act(step, held, begun)
        except exception.ClaimLost:
            raise
        except Exception as error:  # the one place that catches everything a step can raise
            return self._failed(held, step, error, _milliseconds(started), begun)
        try:
            return self._record(held, answer, _milliseconds(started), begun)
        except _NOT_WRITABLE:
            raise
        except Exception as error:
            # The database refuses a value: with each further try, so this must not escape the count of the tries.
            return self._failed(held, step, error, _milliseconds(started), begun)

    def _begin(self, connection: Connection, held: Held, now: datetime) -> int:
        """Prove the claim and write down what is about to be tried; a step that waited goes on with its attempt."""
        name = held.steps[held.position]
        first = not json.loads(held.row.steps)
        operations.save(connection, held.id, held.row.claim, now, nudged_at=None,
                        lease_until=now + timedelta(seconds=self._options.lease_time),
                        **({'steps': json.dumps(held.steps), 'flow_version': held.flow.version,
                            'started': now} if first else {}))
        last = operations.last_step(connection, held.id)
        label = f'undo {name}' if held.undoing else name
        if last is not None and last.name == label and last.ended is None and last.outcome == 'wait':
            return last.seq
        if last is not None and last.ended is None:
            # Its runner died or was cut off in the act: the new attempt looks first, so nothing happens twice.
            operations.account_step(
                connection, held.id, last.seq, outcome='lost', busy_ms=0, late_ms=0, ended=now,
                note='The task manager that ran this attempt did not record its end.')
        if first:
            outcome.started(connection, held.flow, held.row, now)
        LOG.info('%s: operation %s begins step %s, attempt %d', held.row.resource_id, held.id,
                 label, held.attempt + 1)
        return operations.begin_step(connection, held.id, label, held.attempt + 1, now, last)

    def _act(self, step: Step, held: Held, now: datetime) -> Done | Wait:
        work = self._work(held, now)
        if held.undoing:
            return step.undo(work) or Done()
        return step.run(work)

    def _work(self, held: Held, now: datetime) -> Work:
        row = held.row
        waited = (now - held.waiting_since).total_seconds() if held.waiting_since else 0.0
        return Work(id=row.id, kind=row.kind, resource_type=row.resource_type,
                    resource_id=row.resource_id, project_id=row.project_id, args=json.loads(
                        row.args), facts=held.facts, attempt=held.attempt + 1, waited=waited,
                    created=row.created,
                    request_id=row.request_id, actor=row.actor, resource=session.read(
                        held.flow.load,
                        row.resource_id), sealed_secrets=row.secrets, tools=self.tools)

    def _deadline_text(self, held: Held) -> str:
        return f'{held.flow.title} did not end within its deadline; it was at step {held.steps[held.position]}.'

    # --- after the act -------------------------------------------------------------------------

    def _record(self, held: Held, answer: Done | Wait, busy_ms: int, begun: datetime) -> bool:
        now = self.tools.clock()
        if isinstance(answer, Wait):
            return self._wait(held, answer, busy_ms, begun, now)
        held.facts |= answer.facts
        position = held.position + (-1 if held.undoing else 1)

        def write(connection: Connection) -> None:
            operations.save(connection, held.id, held.row.claim, now, facts=json.dumps(held.facts),
                            position=position, attempt=0, failures=0, waiting_since=None,
                            due_at=now,
                            lease_until=now + timedelta(seconds=self._options.lease_time))
            self._account(connection, held, 'undone' if held.undoing else 'done', busy_ms, begun,
                          now, answer.note)
            for change in answer.changes:
                change(connection)
            for type_, text in answer.events:
                self._event(connection, held, type_, text, now)

        session.write(write)
        held.position, held.due_at = position, now
        held.attempt, held.failures, held.waiting_since = 0, 0, None
        return True

    def _wait(self, held: Held, answer: Wait, busy_ms: int, begun: datetime, now: datetime) -> bool:
        since, step = held.waiting_since or begun, held.flow.step(held.steps[held.position])
        if (now - since).total_seconds() > answer.at_most:
            error = exception.StepFailed(
                f'Timed out after {int(answer.at_most)} seconds waiting for {answer.reason}.',
                code=answer.code)
            return self._failed(held, step, error, busy_ms, begun)
        held.facts |= answer.facts
        # It got somewhere: what failed before was not the beginning of a row of failures.
        failures = 0 if step is not None and step.forgives else held.failures
        seconds = min(answer.seconds,
                      max(0.0, answer.at_most - (now - since).total_seconds()) + 0.001)

        def write(connection: Connection) -> datetime:
            operations.save(connection, held.id, held.row.claim, now, facts=json.dumps(held.facts),
                            waiting_since=since, failures=failures)
            self._account(connection, held, 'wait', busy_ms, begun, None,
                          f'waiting for {answer.reason}')
            for change in answer.changes:
                change(connection)
            return operations.release(connection, held.id, held.row.claim, now, seconds)

        self.later(held.id, session.write(write))
        for opened in answer.opens:
            self.later(opened, now)
        return False

    def _account(self, connection: Connection, held: Held, word: str, busy_ms: int, begun: datetime,
                 ended: datetime | None, note: str = '') -> None:
        late_ms = max(0, int((begun - held.due_at).total_seconds() * 1000))
        operations.account_step(connection, held.id, held.seq, outcome=word, busy_ms=busy_ms,
                                late_ms=late_ms, ended=ended, note=note)
        elapsed = (ended - (held.waiting_since or begun)).total_seconds() if ended else None
        self.on_step(held.row.kind, held.steps[held.position], word, busy_ms / 1000, elapsed)

    def _event(self, connection: Connection, held: Held, type_: str, text: str,
               now: datetime) -> None:
        events.add(connection, resource_type=held.row.resource_type,
                   resource_id=held.row.resource_id, type=type_, text=text, now=now,
                   project_id=held.row.project_id, operation_id=held.id, actor=held.row.actor,
                   request_id=held.row.request_id)

    def _failed(self, held: Held, step: Step | None, error: Exception, busy_ms: int,
                begun: datetime) -> bool:
        """Try again later, or turn back, or, when already on the way back, go on with what can be taken back."""
        now = self.tools.clock()
        code, text, detail = outcome.describe(error)
        LOG.log(*outcome.log_level(error),
                '%s: operation %s, step %s, attempt %d failed: %s (%s) %s', held.row.resource_id,
                held.id, held.steps[held.position], held.attempt + 1, text, code, detail,
                exc_info=not isinstance(error, exception.TroveError))
        if self._may_retry(held, step, error, now):
            self._retry(held, text, busy_ms, begun, now)
            return False
        values = self._turned_back(held, code, text, detail)

        def write(connection: Connection) -> None:
            operations.save(connection, held.id, held.row.claim, now, attempt=0, failures=0,
                            waiting_since=None, due_at=now, **values)
            self._account(connection, held, 'failed', busy_ms, begun, now, text)
            if held.undoing:
                self._event(connection, held, f'{held.row.kind}.undo_failed', text, now)

        session.write(write)
        self._turned(held, values, now)
        return True

    @staticmethod
    def _turned(held: Held, values: dict[str, Any], now: datetime) -> None:
        held.attempt, held.failures, held.waiting_since, held.due_at = 0, 0, None, now
        held.state, held.position = values['state'], values['position']

    def _turn_back(self, held: Held) -> None:
        """Take back what was done so far, because somebody asked for that; on the way back already, just go on."""
        now = self.tools.clock()
        wanted = held.flow.cancellable and not held.undoing
        sentence = errors.CODES[outcome.CANCELLED].sentence
        values = self._turned_back(held, outcome.CANCELLED, sentence, '') if wanted else {}
        if wanted and not json.loads(held.row.steps):
            values['position'] = -1  # no step was begun

        def write(connection: Connection) -> None:
            changed = {
                'attempt': 0,
                'failures': 0,
                'waiting_since': None,
                'due_at': now,
                **values
            } if wanted else {}
            operations.save(connection, held.id, held.row.claim, now, cancel_wanted=False,
                            **changed)
            if wanted:
                operations.end_attempts(connection, held.id, 'cancelled', now)
                self._event(connection, held, f'{held.row.kind}.cancelling',
                            f'{held.flow.title} is cancelled; what was done is taken back.', now)

        session.write(write)
        if wanted:
            self._turned(held, values, now)
            held.row = session.read(operations.get, held.id)

    def _turned_back(self, held: Held, code: str, text: str, detail: str) -> dict[str, Any]:
        if held.undoing:
            # What could not be taken back is left for the delete, which finds it by name.
            return {'state': OperationState.UNDOING, 'position': held.position - 1}
        # Undo begins with the step that failed: it may have done half of its work.
        position = held.position if held.flow.undoable else -1
        return {'state': OperationState.UNDOING, 'position': position, 'error_code': code,
                'error_text': text[:1024], 'error_detail': detail}

    def _may_retry(self, held: Held, step: Step | None, error: Exception, now: datetime) -> bool:
        if step is None or not outcome.is_retriable(error) or (now >= held.row.deadline
                                                               and not held.undoing):
            return False
        attempts = step.undo_attempts if held.undoing else step.attempts
        attempts = self._options.step_attempts if attempts == 0 else attempts
        return attempts is None or held.failures + 1 < attempts

    def _retry(self, held: Held, text: str, busy_ms: int, begun: datetime, now: datetime) -> None:
        step = held.flow.step(held.steps[held.position])
        limit = self._options.delete_retry_limit if step and step.attempts is None else MAX_RETRY_DELAY
        delay = min(limit, self._options.retry_delay * 2 ** min(held.failures, 16))

        def write(connection: Connection) -> datetime:
            operations.save(connection, held.id, held.row.claim, now, attempt=held.attempt + 1,
                            failures=held.failures + 1)
            self._account(connection, held, 'retry', busy_ms, begun, now, text)
            return operations.release(connection, held.id, held.row.claim, now, delay)

        self.later(held.id, session.write(write))

    def _let_go(self, held: Held, now: datetime) -> None:
        """Give an operation back unfinished, for another task manager or the next start of this one."""
        session.write(operations.save, held.id, held.row.claim, now, owner=None, lease_until=None,
                      due_at=now)

    # --- the end -------------------------------------------------------------------------------

    def _close_at_end(self, held: Held) -> None:
        if not held.undoing:
            self._close(held, OperationState.SUCCEEDED, None)
            return
        code = held.row.error_code
        self._close(
            held, OperationState.CANCELLED if code == outcome.CANCELLED else OperationState.FAILED,
            code)

    def _close(self, held: Held, state: str, code: str | None) -> None:
        now = self.tools.clock()
        work = self._work(held, now)
        text = held.row.error_text or (errors.CODES[code].sentence if code else '')
        detail = held.row.error_detail or ''
        # An end that the database refuses must not keep the operation open for ever: it is told as a failure, with
        # what the flow says of failures, and at last without.
        for is_last in (False, False, True):
            try:
                changes = () if is_last else outcome.changes(held.flow, work, state, code, text,
                                                             detail)
                followed_by = session.write(outcome.close, held.flow, held.row, state, code, text,
                                            detail, changes, now)
                break
            except _NOT_WRITABLE:
                raise
            except Exception as error:
                if is_last:
                    raise
                LOG.exception('%s: the end of operation %s could not be written',
                              held.row.resource_id, held.id)
                state = OperationState.FAILED
                code, text, detail = outcome.describe(error)
        LOG.info('%s: operation %s %s %s%s', held.row.resource_id, held.id, held.row.kind, state,
                 f': {text}' if text else '')
        if followed_by:
            self.later(followed_by, now)
        self.on_close(outcome.Closed(work=work, state=state, code=code, text=text))


def _milliseconds(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
