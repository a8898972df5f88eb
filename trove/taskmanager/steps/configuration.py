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

"""Steps that send the options of a configuration group: to one guest, or to all that use an edited
group.
"""

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

#: Kind of the child operations, which apply an edited group to one instance.
CHILD = OperationKind.INSTANCE_UPDATE_CONFIGURATION
#: Operations opened in one transaction.
_AT_ONCE = 50
#: Option names in one sentence, and characters of one reason.
_LISTED = 20
_SENTENCE = 200


class OptionsApplied(guest.Command[args.Configuration, facts.Options]):
    """The guest has the current values of the group; values that the engine can change at runtime
    are in effect.
    """

    gives = guest.CommandStep.gives | {'digest'}
    kind = 'ApplyConfiguration'
    what = 'the options of the configuration group to be applied'

    def options(self, work: Work[args.Configuration, facts.Options]) -> dict[str, Any]:
        """Return the options to be sent."""
        return work.tools.read(configurations.values, work.args['configuration_id'])

    def digest(self, work: Work[args.Configuration, facts.Options]) -> str:
        """Return the digest of the options to be sent."""
        return configurations.digest(self.options(work))

    def id_of(self, work: Work[args.Configuration, facts.Options]) -> str:
        # A result of former values must not count for values that were edited meanwhile.
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
                   f'These options require a restart: {_listed(waiting)}.')] if waiting else []
        adjusted = _names(data.get('adjusted'))
        if adjusted:
            events.append(
                (f'{work.kind}.adjusted',
                 f'The engine adjusted the values of these options: {_listed(adjusted)}.'))
        return Done(changes=changes, events=events)

    def undo(self, work: Work[args.Configuration, facts.Options]) -> Done | Wait:
        """Send the former options: a guest that did not reply in time may have applied the new
        ones.
        """
        return _REMOVED.run(work)


class OptionsRemoved(OptionsApplied):
    """The guest has no options of a group."""

    def options(self, work: Work) -> dict[str, Any]:
        return {}

    def undo(self, work: Work) -> Done | Wait:
        return _APPLIED.run(work)


class OptionsUpdated(OptionsApplied):
    """OptionsApplied, on an instance that still has the group."""

    def run(self, work: Work[args.Configuration, facts.Options]) -> Done | Wait:
        if base.instance(work).configuration_id != work.args['configuration_id']:
            return Done(facts={'command_sent': None, 'command_boot': None, 'digest': None},
                        note='the group was detached from the instance')
        return super().run(work)


class InstancesTold(Step[args.Nothing, facts.Options]):
    """Each instance that has the group has its values, or the reason why not is known.

    Each instance gets its own operation, opened as soon as the instance has no other. When the
    group is edited meanwhile, an instance with former values gets another one.
    """

    #: An instance may start another operation at the same moment; it is then retried later.
    attempts = None
    gives = frozenset({'digest'})

    def run(self, work: Work) -> Done | Wait:
        digest = configurations.digest(work.tools.read(configurations.values, work.resource_id))
        children = {row.resource_id: row for row in work.tools.read(operations.children, work.id)}
        outdated = work.tools.read(configurations.outdated_instances, work.resource_id, digest)
        left = [row for row in outdated
                if row.id not in children or _is_outdated(children[row.id], digest)]
        free = [row for row in left if row.operation_id is None][:_AT_ONCE]
        underway = [row for row in children.values() if row.active]
        has_time = base.time_left(work, deadline(work.tools.conf)) > 0
        if (left or underway) and has_time:
            return self._opened(work, free, len(left) + len(underway), digest)
        failures = {row.resource_id: row.error_text or row.error_code for row in children.values()
                    if row.state != OperationState.SUCCEEDED}
        failures |= {row.id: 'another operation was in progress all the time' for row in left}
        if failures:
            raise exception.StepFailed(_sentence(failures, len(children.keys() | failures.keys())),
                                       code='configuration_not_applied')
        return Done(
            facts={'digest': digest},
            events=[(f'{work.kind}.applied', f'{len(children)} instances have the new values.')])

    @staticmethod
    def _opened(work: Work, free: Sequence[Row], left: int, digest: str) -> Wait:
        opened = [(operations.new_id(), row) for row in free]
        changes = [
            functools.partial(_open, work=work, operation_id=operation_id, row=row, digest=digest)
            for operation_id, row in opened
        ]
        return Wait(0.5 if work.waited < 10 else 2, at_most=deadline(work.tools.conf) + 60,
                    code='configuration_not_applied',
                    reason=f'{left} instances to have the new values', facts={'digest': digest},
                    changes=changes, opens=[operation_id for operation_id, _ in opened])


def _is_outdated(child: Row, digest: str) -> bool:
    """Return whether a child operation has ended and had sent other values."""
    return not child.active and json.loads(child.args).get('values') != digest


def edited_meanwhile(connection: Connection, work: Work[args.Nothing, facts.Options]) -> None:
    """Open another operation if the group was edited after the last check of this one.

    The API promised the editor that this operation applies the values. The group's row is locked,
    so no edit can slip in between.
    """
    row, looked = configurations.get(connection, work.resource_id,
                                     for_update=True), work.facts.get('digest')
    if row is None or looked is None:
        return
    digest = configurations.digest(configurations.values(connection, row.id))
    if digest != looked and configurations.outdated_instances(connection, row.id, digest):
        operations.create(
            connection, kind=work.kind, resource_type=work.resource_type, resource_id=row.id,
            now=work.tools.clock(), project_id=work.project_id, request_id=work.request_id,
            deadline=deadline(work.tools.conf) + work.tools.conf.configuration_timeout,
            actor=work.actor)


def deadline(conf: Any) -> int:
    """Return the seconds until an edit times out; an instance in creation may take as long as a
    create.
    """
    return conf.usage_timeout + conf.configuration_timeout


def _open(connection: Connection, work: Work, operation_id: str, row: Row, digest: str) -> None:
    try:
        operations.create(connection, kind=CHILD, resource_type=ResourceType.INSTANCE,
                          resource_id=row.id,
                          now=work.tools.clock(),
                          deadline=work.tools.conf.configuration_timeout + 60,
                          project_id=row.tenant_id, args={
                              'configuration_id': work.resource_id,
                              'values': digest
                          }, parent_id=work.id, operation_id=operation_id,
                          request_id=work.request_id, actor=work.actor)
    except exception.Unprocessable as busy:
        raise exception.StepFailed(busy.message, code=busy.code, retriable=True) from None


def _sentence(failures: dict[str, Any], total: int) -> str:
    reasons = [
        f'{instance_id}: {str(reason)[:_SENTENCE]}'
        for instance_id, reason in sorted(failures.items())
    ]
    more = f' And {len(reasons) - 3} more.' if len(reasons) > 3 else ''
    return (
        f'{len(failures)} of {total} instances do not have the values of the configuration group. '
        f'{" ".join(reasons[:3])}{more}')


def _names(found: Any) -> list[str]:
    """Return the option names in a guest's report, limited in number and length."""
    if not isinstance(found, (list, dict)):
        return []
    return [name[:128] for name in list(found)[:100] if isinstance(name, str)]


def _listed(names: Sequence[str]) -> str:
    more = f' and {len(names) - _LISTED} more' if len(names) > _LISTED else ''
    return ', '.join(names[:_LISTED]) + more


_APPLIED, _REMOVED = OptionsApplied(), OptionsRemoved()
