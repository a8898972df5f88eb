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

"""Writes of a runner to the journal while it advances an operation.

Each method is one transaction that proves the claim first.

:raises trove.common.exception.ClaimLost: another task manager has claimed the operation.
"""

import dataclasses
import json
from datetime import datetime, timedelta
from typing import Any

from oslo_log import log as logging

from trove.common import errors
from trove.db import events, operations, session
from trove.db.session import Connection
from trove.taskmanager import outcome
from trove.taskmanager.claimed import ClaimedOperation
from trove.taskmanager.step import Done, Tools, Wait

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One run of a step.

    :ivar busy_ms: milliseconds in the step itself.
    """

    begun: datetime
    busy_ms: int


class Journal:
    """The journal of operations.

    :param tools: source of the clock and the configuration.
    """

    def __init__(self, tools: Tools) -> None:
        self._clock = tools.clock
        self._options: Any = tools.conf.taskmanager

    def _lease_until(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self._options.lease_time)

    def begin(self, claimed: ClaimedOperation, now: datetime) -> int:
        """Record the step that is about to run, and return the number of its attempt.

        A step that was waiting continues its attempt.
        """
        return session.write(self._begin, claimed, now)

    def _begin(self, connection: Connection, claimed: ClaimedOperation, now: datetime) -> int:
        first = not claimed.is_started
        values = {'steps': json.dumps(claimed.steps), 'flow_version': claimed.flow.version,
                  'started': now} if first else {}
        operations.save(connection, claimed.id, claimed.row.claim, now, nudged_at=None,
                        lease_until=self._lease_until(now), **values)
        last = operations.last_step(connection, claimed.id)
        label = f'undo {claimed.step_name}' if claimed.is_reverting else claimed.step_name
        unfinished = last if last is not None and last.ended is None else None
        if unfinished and unfinished.name == label and unfinished.outcome == 'wait':
            return unfinished.seq
        if unfinished:
            # Its runner died during the attempt. The new attempt looks first, so nothing is
            # repeated.
            operations.account_step(
                connection, claimed.id, unfinished.seq, outcome='lost', busy_ms=0, late_ms=0,
                ended=now, note='The task manager that ran this attempt did not record its end.')
        if first:
            outcome.started(connection, claimed.flow, claimed.row, now)
        LOG.info('%s: operation %s begins step %s, attempt %d', claimed.row.resource_id,
                 claimed.id, label, claimed.attempt + 1)
        return operations.begin_step(connection, claimed.id, label, claimed.attempt + 1, now,
                                     last)

    def done(self, claimed: ClaimedOperation, result: Done, attempt: Attempt,
             now: datetime) -> None:
        """Record that the current step is done, or undone, and move to the next one."""
        # Kept in memory even if the write fails: the undo of this step may need them.
        claimed.facts |= result.facts
        position = claimed.position + (-1 if claimed.is_reverting else 1)
        word = 'undone' if claimed.is_reverting else 'done'

        def write(connection: Connection) -> None:
            operations.save(connection, claimed.id, claimed.row.claim, now,
                            facts=json.dumps(claimed.facts), position=position, attempt=0,
                            failures=0, waiting_since=None, due_at=now,
                            lease_until=self._lease_until(now))
            self._account(connection, claimed, word, attempt, now, result.note)
            for change in result.changes:
                change(connection)
            for type_, text in result.events:
                self._event(connection, claimed, type_, text, now)

        session.write(write)
        claimed.move(position, claimed.state, now)

    def wait(self, claimed: ClaimedOperation, result: Wait, since: datetime, failures: int,
             attempt: Attempt, now: datetime) -> datetime:
        """Record that the current step waits, release the operation, and return its due time.

        :param since: time of the first wait of this step.
        """
        claimed.facts |= result.facts
        left = max(0.0, result.at_most - (now - since).total_seconds())
        seconds = min(result.seconds, left + 0.001)

        def write(connection: Connection) -> datetime:
            operations.save(connection, claimed.id, claimed.row.claim, now,
                            facts=json.dumps(claimed.facts), waiting_since=since,
                            failures=failures)
            self._account(connection, claimed, 'wait', attempt, None,
                          f'waiting for {result.reason}')
            for change in result.changes:
                change(connection)
            return operations.release(connection, claimed.id, claimed.row.claim, now, seconds)

        return session.write(write)

    def retry(self, claimed: ClaimedOperation, text: str, delay: float, attempt: Attempt,
              now: datetime) -> datetime:
        """Record a failed attempt, release the operation, and return the time of the next try.

        :param delay: seconds until the next try.
        """
        def write(connection: Connection) -> datetime:
            operations.save(connection, claimed.id, claimed.row.claim, now,
                            attempt=claimed.attempt + 1, failures=claimed.failures + 1)
            self._account(connection, claimed, 'retry', attempt, now, text)
            return operations.release(connection, claimed.id, claimed.row.claim, now, delay)

        return session.write(write)

    def revert(self, claimed: ClaimedOperation, code: str, text: str, detail: str,
               attempt: Attempt, now: datetime) -> None:
        """Record the last failure of the current step, and revert the operation.

        An operation that is already reverting skips the step.
        """
        values = claimed.revert_values(code, text, detail)

        def write(connection: Connection) -> None:
            operations.save(connection, claimed.id, claimed.row.claim, now, attempt=0, failures=0,
                            waiting_since=None, due_at=now, **values)
            self._account(connection, claimed, 'failed', attempt, now, text)
            if claimed.is_reverting:
                self._event(connection, claimed, f'{claimed.row.kind}.undo_failed', text, now)

        session.write(write)
        claimed.move(values['position'], values['state'], now)

    def cancel(self, claimed: ClaimedOperation) -> None:
        """Carry out a request to cancel: revert the operation if its flow allows that, else ignore
        it.
        """
        now = self._clock()
        if claimed.is_reverting or not claimed.flow.cancellable:
            session.write(operations.save, claimed.id, claimed.row.claim, now, cancel_wanted=False)
            return
        sentence = errors.CODES[outcome.CANCELLED].sentence
        values = claimed.revert_values(outcome.CANCELLED, sentence, '')
        if not claimed.is_started:
            values['position'] = -1

        def write(connection: Connection) -> None:
            operations.save(connection, claimed.id, claimed.row.claim, now, cancel_wanted=False,
                            attempt=0, failures=0, waiting_since=None, due_at=now, **values)
            operations.end_attempts(connection, claimed.id, 'cancelled', now)
            self._event(connection, claimed, f'{claimed.row.kind}.cancelling',
                        f'{claimed.flow.title} is being cancelled; its completed steps are '
                        f'reverted.', now)

        session.write(write)
        claimed.move(values['position'], values['state'], now)
        claimed.row = session.read(operations.get, claimed.id)

    def release(self, claimed: ClaimedOperation) -> None:
        """Release an operation between two steps; any task manager may claim it at once."""
        now = self._clock()
        session.write(operations.save, claimed.id, claimed.row.claim, now, owner=None,
                      lease_until=None, due_at=now)

    @staticmethod
    def _account(connection: Connection, claimed: ClaimedOperation, word: str, attempt: Attempt,
                 ended: datetime | None, note: str = '') -> None:
        late_ms = max(0, int((attempt.begun - claimed.due_at).total_seconds() * 1000))
        operations.account_step(connection, claimed.id, claimed.seq, outcome=word,
                                busy_ms=attempt.busy_ms, late_ms=late_ms, ended=ended, note=note)

    @staticmethod
    def _event(connection: Connection, claimed: ClaimedOperation, type_: str, text: str,
               now: datetime) -> None:
        row: Any = claimed.row
        events.add(connection, resource_type=row.resource_type, resource_id=row.resource_id,
                   type=type_, text=text, now=now, project_id=row.project_id,
                   operation_id=claimed.id, actor=row.actor, request_id=row.request_id)
