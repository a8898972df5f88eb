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

"""The runner, which claims an operation, advances it step by step, reverts it, and releases it.

One call of :meth:`Runner.advance` keeps an operation from ``take`` until the operation waits, is
due for a retry, or is closed. The journal records the intent before the act. Facts, row changes and
events are written with the record of the step that returned them. Every write proves the claim
first. No thread waits in this module.
"""

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
from trove.db import operations, session
from trove.db.session import Row
from trove.taskmanager import outcome
from trove.taskmanager.claimed import ClaimedOperation
from trove.taskmanager.journal import Attempt, Journal
from trove.taskmanager.step import Done, Flow, Step, Tools, Wait, Work

LOG = logging.getLogger(__name__)

#: Longest pause in seconds between two tries of a step.
MAX_RETRY_DELAY = 30
#: Seconds until an operation of an unknown kind is offered to other task managers again.
UNKNOWN_KIND_DELAY = 30
#: Failures after which this runner cannot write: the operation stays until its lease expires.
_NOT_WRITABLE = (exception.ClaimLost, db_exception.DBConnectionError, db_exception.DBDeadlock)


class Runner:
    """A runner of the given flows.

    :param owner: name of this process in ``operations.owner``; unique among running processes.
    :param on_close: called with each operation that has ended, after its transaction.
    :param on_step: called after each run of a step; see
        :func:`trove.taskmanager.metrics.observe_step`.
    :param later: called with (operation id, due time) for each operation that is released to wait.
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
        self.journal = Journal(tools)
        self._claims: dict[str, int] = {}
        self._claims_lock = threading.Lock()

    @property
    def _options(self) -> Any:
        return self.tools.conf.taskmanager

    # --- claims --------------------------------------------------------------------------------

    def advance(self, operation_id: str) -> bool:
        """Claim an operation and advance it as far as possible now.

        :returns: False when the operation is closed, not due, or claimed by another runner.
        """
        row = session.write(operations.take, operation_id, self.owner, self.tools.clock(),
                            self._options.lease_time)
        if row is None:
            self._plan(operation_id)
            return False
        with self._claims_lock:
            self._claims[row.id] = row.claim
        try:
            self._drive(row)
        except exception.ClaimLost:
            LOG.warning('%s: operation %s was taken over by another task manager, or reset',
                        row.resource_id, row.id)
            now = self.tools.clock()
            for waited in (session.write(operations.release_abandoned, row.id, self.owner,
                                         now), self._remove_late(row, now)):
                if waited:
                    self.later(waited, now)
        finally:
            with self._claims_lock:
                self._claims.pop(row.id, None)
        return True

    def _remove_late(self, row: Row, now: datetime) -> str | None:
        """Open an operation that removes what this runner made after it had lost its claim.

        :returns: id of that operation, if one is needed.
        """
        flow = self.flows.get(row.kind)
        if flow is None or flow.remover is None:
            return None
        is_gone = session.read(flow.load, row.resource_id) is None
        return session.write(operations.remove_again, row, flow.remover, is_gone, now,
                             self.tools.conf.delete_deadline)

    def _plan(self, operation_id: str) -> None:
        """Plan the next try for an operation that is not due by the clock of this host."""
        row = session.read(operations.get, operation_id)
        if row is not None and row.active and row.owner is None and row.due_at > self.tools.clock():
            self.later(row.id, row.due_at)

    def renew_leases(self) -> None:
        """Renew the leases of all claimed operations; called every third of a lease."""
        with self._claims_lock:
            claims = dict(self._claims)
        # One transaction each: one for several operations could deadlock with a guest's report.
        for operation_id, claim in claims.items():
            session.write(operations.renew, operation_id, claim, self.tools.clock(),
                          self._options.lease_time)

    # --- advance -------------------------------------------------------------------------------

    def _drive(self, row: Row) -> None:
        flow = self.flows.get(row.kind)
        if flow is None:
            self._decline(row)
            return
        claimed = ClaimedOperation.from_row(row, flow)
        while True:
            if claimed.row.cancel_wanted and claimed.row.successor:
                self._close(claimed, OperationState.CANCELLED, 'cancelled')
                return
            if claimed.row.cancel_wanted:
                self.journal.cancel(claimed)
            if claimed.is_finished:
                self._close_at_end(claimed)
                return
            if self.stopping.is_set():
                self.journal.release(claimed)
                return
            if not self._one_step(claimed):
                return
            row = session.read(operations.get, claimed.id)
            if row.claim != claimed.row.claim:
                raise exception.ClaimLost(row.id)
            claimed.row = row

    def _decline(self, row: Row) -> None:
        """Release an operation of a kind that this release does not know, until its deadline."""
        LOG.error('%s: operation %s has unknown kind %s', row.resource_id, row.id, row.kind)
        now = self.tools.clock()
        if now < row.deadline and not row.cancel_wanted:
            session.write(operations.save, row.id, row.claim, now, owner=None,
                          due_at=now + timedelta(seconds=UNKNOWN_KIND_DELAY))
            return
        followed_by = session.write(outcome.close_unknown, row, now)
        if followed_by:
            self.later(followed_by, now)

    def _one_step(self, claimed: ClaimedOperation) -> bool:
        """Begin the current step, act, and record. Return whether the next step follows at once."""
        begun = self.tools.clock()
        claimed.seq = self.journal.begin(claimed, begun)
        started = time.monotonic()
        try:
            step = claimed.step
            if step is None:
                raise exception.StepFailed(
                    f'Step {claimed.step_name} is not known to this release.')
            if begun >= claimed.row.deadline and not claimed.is_reverting:
                raise exception.StepFailed(
                    f'{claimed.flow.title} did not end within its deadline; '
                    f'it was at step {claimed.step_name}.', code='deadline_exceeded')
            result = self._act(step, claimed, begun)
        except exception.ClaimLost:
            raise
        except Exception as error:  # the one place that catches everything a step can raise
            return self._failed(claimed, error, Attempt(begun, _milliseconds(started)))
        attempt = Attempt(begun, _milliseconds(started))
        try:
            return self._record(claimed, result, attempt)
        except _NOT_WRITABLE:
            raise
        except Exception as error:
            # The database refuses a value and will refuse it at each try, so the try must count.
            return self._failed(claimed, error, attempt)

    def _act(self, step: Step, claimed: ClaimedOperation, now: datetime) -> Done | Wait:
        work = self._work(claimed, now)
        if claimed.is_reverting:
            return step.undo(work) or Done()
        return step.run(work)

    def _work(self, claimed: ClaimedOperation, now: datetime) -> Work:
        row, since = claimed.row, claimed.waiting_since
        return Work(id=row.id, kind=row.kind, resource_type=row.resource_type,
                    resource_id=row.resource_id, project_id=row.project_id,
                    args=json.loads(row.args), facts=claimed.facts, attempt=claimed.attempt + 1,
                    waited=(now - since).total_seconds() if since else 0.0, created=row.created,
                    request_id=row.request_id, actor=row.actor,
                    resource=session.read(claimed.flow.load, row.resource_id),
                    sealed_secrets=row.secrets, tools=self.tools)

    # --- record --------------------------------------------------------------------------------

    def _record(self, claimed: ClaimedOperation, result: Done | Wait, attempt: Attempt) -> bool:
        now = self.tools.clock()
        if isinstance(result, Wait):
            return self._wait(claimed, result, attempt, now)
        observation = self._observation(claimed, 'undone' if claimed.is_reverting else 'done',
                                        attempt, now)
        self.journal.done(claimed, result, attempt, now)
        self.on_step(*observation)
        return True

    def _wait(self, claimed: ClaimedOperation, result: Wait, attempt: Attempt,
              now: datetime) -> bool:
        since, step = claimed.waiting_since or attempt.begun, claimed.step
        if (now - since).total_seconds() > result.at_most:
            error = exception.StepFailed(
                f'Timed out after {int(result.at_most)} seconds waiting for {result.reason}.',
                code=result.code)
            return self._failed(claimed, error, attempt)
        # The step made progress, so earlier failures no longer count.
        failures = 0 if step is not None and step.forgives else claimed.failures
        due_at = self.journal.wait(claimed, result, since, failures, attempt, now)
        self.on_step(*self._observation(claimed, 'wait', attempt, None))
        self.later(claimed.id, due_at)
        for opened in result.opens:
            self.later(opened, now)
        return False

    def _failed(self, claimed: ClaimedOperation, error: Exception, attempt: Attempt) -> bool:
        """Retry the step later, or revert the operation. Return whether a step follows at once."""
        now = self.tools.clock()
        code, text, detail = outcome.describe(error)
        LOG.log(*outcome.log_level(error),
                '%s: operation %s, step %s, attempt %d failed: %s (%s) %s',
                claimed.row.resource_id, claimed.id, claimed.step_name, claimed.attempt + 1, text,
                code, detail, exc_info=not isinstance(error, exception.TroveError))
        if self._may_retry(claimed, error, now):
            due_at = self.journal.retry(claimed, text, self._retry_delay(claimed), attempt, now)
            self.on_step(*self._observation(claimed, 'retry', attempt, now))
            self.later(claimed.id, due_at)
            return False
        observation = self._observation(claimed, 'failed', attempt, now)
        self.journal.revert(claimed, code, text, detail, attempt, now)
        self.on_step(*observation)
        return True

    def _may_retry(self, claimed: ClaimedOperation, error: Exception, now: datetime) -> bool:
        step = claimed.step
        is_late = now >= claimed.row.deadline and not claimed.is_reverting
        if step is None or is_late or not outcome.is_retriable(error):
            return False
        attempts = step.undo_attempts if claimed.is_reverting else step.attempts
        attempts = self._options.step_attempts if attempts == 0 else attempts
        return attempts is None or claimed.failures + 1 < attempts

    def _retry_delay(self, claimed: ClaimedOperation) -> float:
        step = claimed.step
        is_unlimited = step is not None and step.attempts is None
        limit = self._options.delete_retry_limit if is_unlimited else MAX_RETRY_DELAY
        return min(limit, self._options.retry_delay * 2 ** min(claimed.failures, 16))

    @staticmethod
    def _observation(claimed: ClaimedOperation, word: str, attempt: Attempt,
                     ended: datetime | None) -> tuple[str, str, str, float, float | None]:
        """Return the arguments of :attr:`on_step` for the current step."""
        since = claimed.waiting_since or attempt.begun
        elapsed = (ended - since).total_seconds() if ended else None
        return claimed.row.kind, claimed.step_name, word, attempt.busy_ms / 1000, elapsed

    # --- close ---------------------------------------------------------------------------------

    def _close_at_end(self, claimed: ClaimedOperation) -> None:
        if not claimed.is_reverting:
            self._close(claimed, OperationState.SUCCEEDED, None)
            return
        code = claimed.row.error_code
        is_cancelled = code == outcome.CANCELLED
        self._close(claimed, OperationState.CANCELLED if is_cancelled else OperationState.FAILED,
                    code)

    def _close(self, claimed: ClaimedOperation, state: str, code: str | None) -> None:
        now = self.tools.clock()
        work = self._work(claimed, now)
        text = claimed.row.error_text or (errors.CODES[code].sentence if code else '')
        detail = claimed.row.error_detail or ''
        # An end that the database refuses must not leave the operation open for ever. The second
        # try closes it as failed with the flow's changes for a failure, the last one without.
        for is_last in (False, False, True):
            try:
                changes = () if is_last else outcome.changes(claimed.flow, work, state, code, text,
                                                             detail)
                followed_by = session.write(outcome.close, claimed.flow, claimed.row, state, code,
                                            text, detail, changes, now)
                break
            except _NOT_WRITABLE:
                raise
            except Exception as error:
                if is_last:
                    raise
                LOG.exception('%s: the end of operation %s could not be written',
                              claimed.row.resource_id, claimed.id)
                state = OperationState.FAILED
                code, text, detail = outcome.describe(error)
        LOG.info('%s: operation %s %s %s%s', claimed.row.resource_id, claimed.id, claimed.row.kind,
                 state, f': {text}' if text else '')
        if followed_by:
            self.later(followed_by, now)
        self.on_close(outcome.Closed(work=work, state=state, code=code, text=text))


def _milliseconds(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
