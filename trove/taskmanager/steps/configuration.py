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

"""Options of a configuration group on their way to guests: to one, and to all that have an edited group."""

import functools
import json
from collections.abc import Sequence
from typing import Any

from trove.common import exception
from trove.common.kinds import OperationKind, ResourceType
from trove.common.rpc import messages
from trove.common.states import OperationState
from trove.db import configurations, operations
from trove.db.session import Connection, Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Done, Step, Wait, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest

#: What brings an edited group to one instance.
CHILD = OperationKind.INSTANCE_UPDATE_CONFIGURATION
#: Operations opened in one transaction, and names told in one sentence.
_AT_ONCE = 50
_TOLD = 20
_SENTENCE = 200


class OptionsApplied(guest.Command[args.Configuration, facts.Options]):
    """The guest has the values that the group has now; what its engine can take while it runs is in force."""

    gives = guest.CommandStep.gives | {'digest'}
    kind = 'ApplyConfiguration'
    what = 'the options of the configuration group to be taken'

    def options(self, work: Work[args.Configuration, facts.Options]) -> dict[str, Any]:
        """What the guest is told."""
        return work.tools.read(configurations.values, work.args['configuration_id'])

    def digest(self, work: Work[args.Configuration, facts.Options]) -> str:
        """What tells these options from others."""
        return configurations.digest(self.options(work))

    def id_of(self, work: Work[args.Configuration, facts.Options]) -> str:
        # Of values that were edited meanwhile, what came of the former ones says nothing.
        return guest.command_id(work, f'{self.name}/{work.attempt}/{self.digest(work)}')

    def command(self, work: Work[args.Configuration, facts.Options], row: Row,
                seconds: int) -> messages.Command:
        return messages.ApplyConfiguration(command_id=self.id_of(work), operation_id=work.id,
                                           deadline=seconds, options=self.options(work))

    def sent_facts(self, work: Work[args.Configuration, facts.Options]) -> dict[str, Any]:
        return {'digest': self.digest(work)}

    def is_to_be_sent(self, work: Work[args.Configuration, facts.Options], row: Row,
                      now: Any) -> bool:
        return work.facts.get('digest') != self.digest(work) or super().is_to_be_sent(
            work, row, now)

    def limit(self, work: Work) -> int:
        return work.tools.conf.configuration_timeout

    def done(self, work: Work[args.Configuration, facts.Options], data: dict[str, Any]) -> Done:
        waiting = _names(data.get('waiting'))
        changes = [
            base.changed(work, restart_required=bool(waiting),
                         configuration_digest=self.digest(work))
        ]
        events = [(f'{work.kind}.waiting',
                   f'These options wait for a restart: {_listed(waiting)}.')] if waiting else []
        adjusted = _names(data.get('adjusted'))
        if adjusted:
            events.append(
                (f'{work.kind}.adjusted',
                 f'The engine took other values than these options say: {_listed(adjusted)}.'))
        return Done(changes=changes, events=events)

    def undo(self, work: Work[args.Configuration, facts.Options]) -> Done | Wait:
        """A guest that was not heard of in time may have taken them."""
        return _REMOVED.run(work)


class OptionsRemoved(OptionsApplied):
    """The guest has no options of a group any more."""

    def options(self, work: Work) -> dict[str, Any]:
        return {}

    def undo(self, work: Work) -> Done | Wait:
        return _APPLIED.run(work)


class OptionsUpdated(OptionsApplied):
    """As OptionsApplied, on an instance that has the group still."""

    def run(self, work: Work[args.Configuration, facts.Options]) -> Done | Wait:
        if base.instance(work).configuration_id != work.args['configuration_id']:
            return Done(facts={'command_sent': None, 'command_boot': None, 'digest': None},
                        note='the instance has let go of the group')
        return super().run(work)


class InstancesTold(Step[args.Nothing, facts.Options]):
    """Every instance that has the group has its values, or it is known why not.

    Each is told by an operation of its own,
    opened as soon as nothing else is being done to it. When the group is
    edited meanwhile, who was told the former values is told again.
    """

    #: An instance may begin something else at the moment it is to be told; it is then told later.
    attempts = None
    gives = frozenset({'digest'})

    def run(self, work: Work) -> Done | Wait:
        wanted = configurations.digest(work.tools.read(configurations.values, work.resource_id))
        told = {row.resource_id: row for row in work.tools.read(operations.children, work.id)}
        left = [row for row in work.tools.read(configurations.to_be_told, work.resource_id, wanted)
                if row.id not in told or _told_others(told[row.id], wanted)]
        free = [row for row in left if row.operation_id is None][:_AT_ONCE]
        underway = [row for row in told.values() if row.active]
        has_time = base.time_left(work, deadline(work.tools.conf)) > 0
        if (left or underway) and has_time:
            return self._opened(work, free, len(left) + len(underway), wanted)
        failures = {row.resource_id: row.error_text or row.error_code for row in told.values()
                    if row.state != OperationState.SUCCEEDED}
        failures |= {row.id: 'something else was being done to it all the time' for row in left}
        if failures:
            raise exception.StepFailed(_sentence(failures, len(told.keys() | failures.keys())),
                                       code='configuration_not_applied')
        return Done(
            facts={'digest': wanted},
            events=[(f'{work.kind}.applied', f'{len(told)} instances have the new values.')])

    @staticmethod
    def _opened(work: Work, free: Sequence[Row], left: int, wanted: str) -> Wait:
        asked = [(operations.new_id(), row) for row in free]
        changes = [
            functools.partial(_open, work=work, operation_id=operation_id, row=row, wanted=wanted)
            for operation_id, row in asked
        ]
        return Wait(0.5 if work.waited < 10 else 2, at_most=deadline(work.tools.conf) + 60,
                    code='configuration_not_applied',
                    reason=f'{left} instances to have the new values', facts={'digest': wanted},
                    changes=changes, opens=[operation_id for operation_id, _ in asked])


def _told_others(child: Row, wanted: str) -> bool:
    """Whether an instance was told other values than these, and that has ended."""
    return not child.active and json.loads(child.args).get('values') != wanted


def edited_meanwhile(connection: Connection, work: Work[args.Nothing, facts.Options]) -> None:
    """Open another operation if the group was edited after this one had looked for the last time.

    The edit was told that this one brings its values. The group's row is held, so no edit falls between.
    """
    row, looked = configurations.get(connection, work.resource_id,
                                     for_update=True), work.facts.get('digest')
    if row is None or looked is None:
        return
    wanted = configurations.digest(configurations.values(connection, row.id))
    if wanted != looked and configurations.to_be_told(connection, row.id, wanted):
        operations.create(
            connection, kind=work.kind, resource_type=work.resource_type, resource_id=row.id,
            now=work.tools.clock(), project_id=work.project_id, request_id=work.request_id,
            deadline=deadline(work.tools.conf) + work.tools.conf.configuration_timeout,
            actor=work.actor)


def deadline(conf: Any) -> int:
    """Seconds until an edit is given up: an instance that is just being made has as long as it may take."""
    return conf.usage_timeout + conf.configuration_timeout


def _open(connection: Connection, work: Work, operation_id: str, row: Row, wanted: str) -> None:
    try:
        operations.create(connection, kind=CHILD, resource_type=ResourceType.INSTANCE,
                          resource_id=row.id,
                          now=work.tools.clock(),
                          deadline=work.tools.conf.configuration_timeout + 60,
                          project_id=row.tenant_id, args={
                              'configuration_id': work.resource_id,
                              'values': wanted
                          }, parent_id=work.id, operation_id=operation_id,
                          request_id=work.request_id, actor=work.actor)
    except exception.Unprocessable as busy:
        raise exception.StepFailed(busy.message, code=busy.code, retriable=True) from None


def _sentence(failures: dict[str, Any], total: int) -> str:
    told = [
        f'{instance_id}: {str(reason)[:_SENTENCE]}'
        for instance_id, reason in sorted(failures.items())
    ]
    more = f' And {len(told) - 3} more.' if len(told) > 3 else ''
    return (
        f'{len(failures)} of {total} instances do not have the values of the configuration group. '
        f'{" ".join(told[:3])}{more}')


def _names(found: Any) -> list[str]:
    """Names a guest gave, as far as they are any."""
    if not isinstance(found, (list, dict)):
        return []
    return [name[:128] for name in list(found)[:100] if isinstance(name, str)]


def _listed(names: Sequence[str]) -> str:
    more = f' and {len(names) - _TOLD} more' if len(names) > _TOLD else ''
    return ', '.join(names[:_TOLD]) + more


_APPLIED, _REMOVED = OptionsApplied(), OptionsRemoved()
