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

"""An operation that a runner has claimed, as of the runner's own last write."""

import dataclasses
import json
from datetime import datetime
from typing import Any, Self

from trove.common.states import OperationState
from trove.db.session import Row
from trove.taskmanager.step import Flow, Step


@dataclasses.dataclass
class ClaimedOperation:
    """The state of a claimed operation.

    :ivar position: index of the current step in ``steps``; -1 when everything is reverted.
    :ivar attempt: attempts of the current step before this one.
    :ivar failures: failures of the current step in a row.
    :ivar due_at: time at which the current attempt was due.
    :ivar seq: number of the current attempt in the journal.
    """

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

    @classmethod
    def from_row(cls, row: Row, flow: Flow) -> Self:
        """Read the state from a row that was just claimed."""
        return cls(row=row, flow=flow, steps=json.loads(row.steps) or flow.step_names,
                   position=row.position, state=row.state, attempt=row.attempt,
                   failures=row.failures, facts=json.loads(row.facts),
                   waiting_since=row.waiting_since, due_at=row.due_at)

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def is_reverting(self) -> bool:
        return self.state == OperationState.REVERTING

    @property
    def is_finished(self) -> bool:
        """Return whether no step is left in the current direction."""
        return self.position < 0 if self.is_reverting else self.position >= len(self.steps)

    @property
    def is_started(self) -> bool:
        """Return whether a step was ever begun."""
        return bool(json.loads(self.row.steps))

    @property
    def step_name(self) -> str:
        return self.steps[self.position]

    @property
    def step(self) -> Step | None:
        """Return the current step; None if this release does not know it."""
        return self.flow.step(self.step_name)

    def move(self, position: int, state: str, now: datetime) -> None:
        """Go to another step and reset the counts of attempts and failures."""
        self.position, self.state, self.due_at = position, state, now
        self.attempt, self.failures, self.waiting_since = 0, 0, None

    def revert_values(self, code: str, text: str, detail: str) -> dict[str, Any]:
        """Return the columns that begin to revert the operation, or go on reverting it.

        A step that cannot be undone is skipped: the delete finds what it made by name.
        """
        if self.is_reverting:
            return {'state': OperationState.REVERTING, 'position': self.position - 1}
        # Reverting begins with the step that failed, which may have done half of its work.
        position = self.position if self.flow.undoable else -1
        return {'state': OperationState.REVERTING, 'position': position, 'error_code': code,
                'error_text': text[:1024], 'error_detail': detail}
