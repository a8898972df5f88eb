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

"""Steps and flows of operations, and the values that steps get and return.

A step *ensures*: it looks first (by the deterministic name or tag that contains the resource's id),
acts only on what is missing, and may therefore run any number of times. It never sleeps, never
writes to the database itself, and never logs a secret. Its result lists the changes of rows, which
are written in the transaction that records the step.
"""

import abc
import dataclasses
import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from oslo_config import cfg

from trove.db.session import Connection, Row
from trove.taskmanager import args as args_
from trove.taskmanager import facts as facts_

Args = TypeVar('Args', bound=Mapping[str, Any])
Facts = TypeVar('Facts', bound=Mapping[str, Any])
#: Arguments and facts that a step reads: a step fits into each flow that has at least these.
ReadArgs = TypeVar('ReadArgs', bound=Mapping[str, Any], contravariant=True)
ReadFacts = TypeVar('ReadFacts', bound=Mapping[str, Any], contravariant=True)
GivenArgs = TypeVar('GivenArgs', bound=Mapping[str, Any], covariant=True)
GivenFacts = TypeVar('GivenFacts', bound=Mapping[str, Any], covariant=True)

#: A change of rows that belongs to the result of a step: a function of trove.db with all arguments
#: bound except the connection.
Change = Callable[[Connection], Any]


@dataclasses.dataclass(frozen=True)
class Done:
    """Result of a step that is complete.

    :param facts: JSON-able values for later steps, never secret; merged over the earlier facts.
    :param changes: row changes of the same transaction.
    :param events: (type, sentence) pairs for the resource's events.
    :param note: a short remark kept with the attempt.
    """

    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    changes: Sequence[Change] = ()
    events: Sequence[tuple[str, str]] = ()
    note: str = ''


@dataclasses.dataclass(frozen=True)
class Wait:
    """Result of a step that must run again: after a pause, or at once when a report arrives.

    No thread is blocked meanwhile.

    :param seconds: pause until the next run.
    :param at_most: seconds since the first wait of this step after which it fails with ``code``.
    :param code: one of :data:`trove.common.errors.CODES`.
    :param reason: the end of the sentence "timed out waiting for …"; users see it during the wait.
    :param opens: ids of operations that ``changes`` open, to be advanced at once.
    """

    seconds: float
    at_most: float
    code: str
    reason: str
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    changes: Sequence[Change] = ()
    opens: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Tools:
    """Access of steps to the outside; created once per process.

    :param clock: function that returns UTC now without zone.
    :param cloud: function of a region that returns a :class:`trove.cloud.Cloud` with the service's
        credentials.
    :param broker: identities on the guest bus (:mod:`trove.common.rpc.broker`).
    :param guest: function of an instance row that returns its RPC client
        (:class:`trove.guestagent.api.GuestAPI`).
    :param keys: the :class:`trove.common.rpc.keys.KeyRing`; opens instance keys and the
        operation's secrets.
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
class Work(Generic[GivenArgs, GivenFacts]):
    """One run of one step: the operation, the current row of its resource, and the tools.

    :param args: arguments of the request.
    :param facts: values that earlier steps and earlier attempts returned.
    :param waited: seconds since the first wait of this step; 0 on its first run.
    """

    id: str
    kind: str
    resource_type: str
    resource_id: str
    project_id: str | None
    args: GivenArgs
    facts: GivenFacts
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
        """Return the secrets of the request, opened; an empty dict when it has none."""
        if not self.sealed_secrets:
            return {}
        return json.loads(self.tools.keys.open(self.id, self.sealed_secrets))


class Step(abc.ABC, Generic[ReadArgs, ReadFacts]):
    """A step of a flow. Stateless: one object serves all operations.

    The type parameters are the arguments and the facts that the step reads; mypy checks that each
    flow with this step has them.
    """

    #: Names of facts that an earlier step must return.
    needs: ClassVar[frozenset[str]] = frozenset()
    #: Names of facts that this step returns.
    gives: ClassVar[frozenset[str]] = frozenset()
    #: Kinds of outside resources, as in :data:`trove.taskmanager.orphans.KINDS`, that ``run``
    #: creates and ``undo`` removes, and that ``run`` removes.
    creates: ClassVar[frozenset[str]] = frozenset()
    removes: ClassVar[frozenset[str]] = frozenset()
    #: Tries of a retriable failure before the operation fails; 0: the configured number, None:
    #: until the operation's deadline.
    attempts: ClassVar[int | None] = 0
    #: The same for ``undo``, which is never tried without a limit.
    undo_attempts: ClassVar[int] = 0
    #: True: a try that gets as far as waiting resets the count of failures.
    forgives: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The name in the journal. It must not change while operations with it may be open."""
        return type(self).__name__

    @abc.abstractmethod
    def run(self, work: Work[ReadArgs, ReadFacts]) -> Done | Wait:
        """Ensure the state that the step's class describes.

        :raises trove.common.exception.TroveError: a coded failure; retried if ``retriable`` is
            true.
        """

    def undo(self, work: Work[ReadArgs, ReadFacts]) -> Done | Wait | None:
        """Revert ``run``, accepting "never done" and "already gone". Default: nothing to revert."""
        return None


@dataclasses.dataclass(frozen=True)
class Flow(Generic[Args, Facts]):
    """A kind of operation: its steps, and the effects of its end on the resource.

    :param kind: kind of the operation and first part of its event types.
    :param version: increased when the list of steps changes.
    :param title: start of a sentence about the operation ("Creating the instance").
    :param load: (connection, resource_id) -> the resource's row, or None.
    :param succeeded: function that returns the row changes of the closing transaction.
    :param failed: the same for a failure, given the code, the sentence and the operator's detail.
    :param undoable: whether a failure reverts the steps done so far.
    :param remover: kind of the operation that removes the resource, for flows that create one. A
        runner that was frozen may create it after that operation has looked.
    :param cancellable: whether users may cancel it; requires ``undoable``, and a kind in
        :data:`trove.common.states.CANCELLABLE`, which the API reads.
    :param cancelled: row changes of the closing transaction after a cancel reverted everything.
    :param args: TypedDict of the operation's arguments.
    :param facts: TypedDict of the facts that its steps return.
    """

    kind: str
    version: int
    title: str
    resource_type: str
    steps: tuple[Step[Args, Facts], ...]
    load: Callable[[Connection, str], Any]
    succeeded: Callable[[Work[Args, Facts]], Sequence[Change]]
    failed: Callable[[Work[Args, Facts], str, str, str], Sequence[Change]]
    undoable: bool = True
    remover: str | None = None
    cancellable: bool = False
    cancelled: Callable[[Work[Args, Facts]], Sequence[Change]] = lambda _work: ()
    args: type = args_.Nothing
    facts: type = facts_.Nothing

    @property
    def step_names(self) -> list[str]:
        return [step.name for step in self.steps]

    def step(self, name: str) -> Step[Args, Facts] | None:
        """Return the step of that name; None if only another release knows the name."""
        return next((step for step in self.steps if step.name == name), None)
