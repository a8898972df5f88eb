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

"""What a step of an operation is, and what it may answer.

A step *ensures*: it looks first (by the deterministic name or tag that holds the resource's id), acts only on what is
missing, and so may be run any number of times. It never sleeps, never writes to the database itself, and never logs a
secret. What it wants written is in its answer, and is written in the transaction that records the step.
"""

import abc
import dataclasses
import datetime
import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from oslo_config import cfg

from trove.db.session import Connection, Row

#: A change of rows that belongs to the outcome of a step: a function of trove.db with everything bound but the
#: connection.
Change = Callable[[Connection], Any]


@dataclasses.dataclass(frozen=True)
class Done:
    """The step has ensured what it ensures.

    :param facts: what later steps need, JSON-able, never secret; merged over the facts so far.
    :param changes: row changes of the same transaction.
    :param events: (type, sentence) pairs for the resource's events.
    :param note: a short remark kept with the attempt.
    """

    facts: dict[str, Any] = dataclasses.field(default_factory=dict)
    changes: Sequence[Change] = ()
    events: Sequence[tuple[str, str]] = ()
    note: str = ''


@dataclasses.dataclass(frozen=True)
class Wait:
    """Not yet: run the step again later, or at once when something is reported. No thread is held meanwhile.

    :param seconds: until the next look.
    :param at_most: seconds since the first wait of this step after which it fails with ``code``.
    :param code: of :data:`trove.common.errors.CODES`.
    :param reason: what is waited for, as the end of "timed out waiting for …"; shown to the user while it waits.
    :param opens: ids of operations that ``changes`` open, to be taken at once.
    """

    seconds: float
    at_most: float
    code: str
    reason: str
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)
    changes: Sequence[Change] = ()
    opens: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Tools:
    """What steps may use of the world outside; put together once per process.

    :param clock: UTC now without zone.
    :param cloud: function of a region giving a :class:`trove.cloud.Cloud` with the service's credentials.
    :param broker: identities on the guest bus (:mod:`trove.common.rpc.broker`).
    :param guest: function of an instance row returning its client (:class:`trove.guestagent.api.GuestAPI`).
    :param keys: the :class:`trove.common.rpc.keys.KeyRing`; opens instance keys and the operation's secrets.
    :param read: runs ``function(connection, …)`` on a reading connection.
    """

    conf: cfg.ConfigOpts
    clock: Callable[[], datetime.datetime]
    cloud: Callable[[str | None], Any]
    broker: Any
    guest: Callable[[Row], Any]
    keys: Any
    read: Callable[..., Any]


@dataclasses.dataclass
class Work:
    """One run of one step: the operation, its resource's row as it is now, and the tools.

    ``args`` is what was asked for, ``facts`` what earlier steps gave. ``waited`` is how many seconds this step has been
    waiting, 0 on its first run.
    """

    id: str
    kind: str
    resource_type: str
    resource_id: str
    project_id: str | None
    args: dict[str, Any]
    facts: dict[str, Any]
    attempt: int
    waited: float
    created: datetime.datetime
    request_id: str | None
    actor: str | None
    resource: Row | None
    sealed_secrets: str | None
    tools: Tools

    @property
    def secrets(self) -> dict[str, Any]:
        """What was asked for that is secret, opened; an empty dict when there is nothing."""
        if not self.sealed_secrets:
            return {}
        return json.loads(self.tools.keys.open(self.id, self.sealed_secrets))


class Step(abc.ABC):
    """A step of a flow. Stateless: one object serves all operations."""

    #: names of facts and args that must be there before ``run``, and of facts that ``run`` gives
    needs: ClassVar[frozenset[str]] = frozenset()
    gives: ClassVar[frozenset[str]] = frozenset()
    #: tries before the operation fails, when the failure may pass by itself: 0 is the configured number, None is
    #: until the operation's deadline
    attempts: ClassVar[int | None] = 0
    #: the same on the way back, where nothing is tried for ever
    undo_attempts: ClassVar[int] = 0
    #: whether failures count from anew when a try has got as far as waiting
    forgives: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return type(self).__name__

    @abc.abstractmethod
    def run(self, work: Work) -> Done | Wait:
        """Ensure.

        :raises trove.common.exception.TroveError: a coded failure; tried again when its ``retriable`` is true.
        """

    def undo(self, work: Work) -> Done | Wait | None:
        """Take back what ``run`` made, accepting "never done" and "already gone". Default: nothing to take back."""
        return None


@dataclasses.dataclass(frozen=True)
class Flow:
    """A kind of operation: its steps and what its end means for the resource.

    :param kind: also the operation's kind and the first part of its event types.
    :param version: grows when the list of steps changes.
    :param title: what it does, as the start of a sentence ("Creating the instance").
    :param load: (connection, resource_id) -> the resource's row, or None.
    :param succeeded: row changes of the closing transaction.
    :param failed: the same, for an end in failure, given the code, the sentence and the operator's detail.
    :param undoable: undo the steps done so far when a step fails.
    :param remover: kind of the operation that removes the resource, for flows that make something: a runner that was
        frozen may have made it after that operation had looked.
    :param cancellable: may be asked to turn back; needs ``undoable``, and a kind in
        :data:`trove.common.states.CANCELLABLE`, which the API looks at.
    :param cancelled: row changes of the closing transaction when all was taken back because somebody asked for that.
    """

    kind: str
    version: int
    title: str
    resource_type: str
    steps: tuple[Step, ...]
    load: Callable[[Connection, str], Row | None]
    succeeded: Callable[[Work], Sequence[Change]]
    failed: Callable[[Work, str, str, str], Sequence[Change]]
    undoable: bool = True
    remover: str | None = None
    cancellable: bool = False
    cancelled: Callable[[Work], Sequence[Change]] = lambda _work: ()

    @property
    def step_names(self) -> list[str]:
        return [step.name for step in self.steps]

    def step(self, name: str) -> Step | None:
        """The step of that name; None for a name only an older or newer release knows."""
        return next((step for step in self.steps if step.name == name), None)
