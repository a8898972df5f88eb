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

"""Commands to the agent in the guest, and waits for their results.

Commands are casts. Results arrive through the conductor, which wakes the operation.
"""

import abc
import dataclasses
import datetime
import functools
import json
import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

from trove.common import errors
from trove.common import exception
from trove.common import template
from trove.common.rpc import messages
from trove.common.rpc.messages import command as commands
from trove.common.states import ServiceStatus
from trove.db import command_results, configurations, root_history
from trove.db.session import Row
from trove.guestagent import api as guest_api
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Wait, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import server

#: Seconds without a report about a command after which it is sent again with the same id.
RESEND_AFTER = 30


def command_id(work: Work, kind: str) -> str:
    """Return the id of this operation's command, equal at each sending, so the guest executes it at
    most once.
    """
    return str(uuid.uuid5(uuid.UUID(work.id), kind))


class AgentSeen(Step[args.Nothing, facts.Server]):
    """The agent on the new server has reported in."""

    needs = frozenset({'server_id'})

    def run(self, work: Work[args.Nothing, facts.Server]) -> Done | Wait:
        row = base.instance(work)
        if of_this_build(row):
            return Done(events=[(f'{work.kind}.agent', 'The agent on the server has reported in.')])
        # The failure of a server is a better reason than a silent agent.
        found = server.running_server(work)
        limit = work.tools.conf.agent_start_timeout
        left = min(limit - work.waited, self.time_left(work))
        if left <= 0:
            raise exception.StepFailed(
                f'The agent on the database server did not report in within {int(work.waited)} '
                f'seconds of its start.',
                code='guest_silent',
                detail=f'Server {found.id} is {found.status}.\n{server.console_tail(work)}')
        return Wait(poll(work, left), at_most=limit + 60, code='guest_silent',
                    reason='the agent on the server to report in')

    def time_left(self, work: Work) -> float:
        """Return the seconds that the operation as a whole leaves for this step."""
        return base.time_left(work, work.tools.conf.usage_timeout)


Args = TypeVar('Args', bound=Mapping[str, Any], contravariant=True)
Facts = TypeVar('Facts', bound=facts.Command, contravariant=True)


class CommandStep(Step[Args, Facts]):
    """A step that sends one command and waits until the guest has reported its end.

    The command is sent again, unchanged, when the agent restarts or does not report for a while. A
    guest that has executed it already replies with the recorded result.
    """

    gives = frozenset({'command_sent', 'command_boot'})
    #: Kind of the command, and subject of the wait.
    kind = ''
    what = ''

    @abc.abstractmethod
    def command(self, work: Work, row: Row, seconds: int) -> messages.Command:
        """Return the command.

        :param seconds: timeout of the command.
        """

    @abc.abstractmethod
    def limit(self, work: Work) -> int:
        """Return the seconds after the request of the operation within which the guest must finish.
        """

    def id_of(self, work: Work) -> str:
        """Return the id of the command."""
        return command_id(work, self.kind)

    def left(self, work: Work) -> float:
        """Return the seconds left for the guest."""
        return base.time_left(work, self.limit(work))

    def succeeded(self, work: Work) -> list[Change]:
        """Return the row changes after a success."""
        return []

    def sent_facts(self, work: Work) -> dict[str, Any]:
        """Return facts to record about a command that was sent."""
        return {}

    def done(self, work: Work, data: dict[str, Any]) -> Done:
        """Return the result of the step after a success.

        :param data: facts of the guest, as described by the message's class.
        """
        return Done(changes=self.succeeded(work))

    def run(self, work: Work) -> Done | Wait:
        row = base.instance(work)
        result = work.tools.read(command_results.get, self.id_of(work))
        if result is not None:
            return self._ended(work, result)
        left = self.left(work)
        if left <= 0:
            raise exception.StepFailed(
                f'The agent on the database server did not finish in time: timed out after '
                f'{int(work.waited)} seconds waiting for {self.what}.', code='guest_timeout',
                detail=server.console_tail(work))
        sent: dict[str, Any] = {}
        now = work.tools.clock()
        if self.is_to_be_sent(work, row, now):
            work.tools.guest(row).cast(self.command(work, row, max(1, int(left))))
            sent = {
                'command_sent': now.isoformat(),
                'command_boot': row.boot_id,
                **self.sent_facts(work)
            }
        return Wait(poll(work, left), at_most=self.limit(work) + 60, code='guest_timeout',
                    reason=self.what, facts=sent)

    def may_pass(self, failure: exception.GuestError) -> bool:
        """Return whether the command may succeed if it is sent again under another id."""
        return False

    def is_to_be_sent(self, work: Work[Args, Facts], row: Row, now: datetime.datetime) -> bool:
        """Return whether the command must be sent now, again or for the first time."""
        # Facts of an earlier command step do not count.
        sent = work.facts.get('command_sent') if work.waited else None
        if not isinstance(sent, str) or work.facts.get('command_boot') != row.boot_id:
            return True
        return (now - datetime.datetime.fromisoformat(sent)).total_seconds() >= RESEND_AFTER

    def _ended(self, work: Work, result: Row) -> Done:
        if result.outcome == commands.DONE:
            return dataclasses.replace(
                self.done(work, json.loads(result.data or '{}')),
                note=f'done by the guest, last step {result.step or "unnamed"}')
        failure = guest_api.guest_failure({'code': result.error_code, 'message': result.message})
        where = f' (step {result.step})' if result.step else ''
        raise exception.StepFailed(
            f'{failure.message}{where}', code=failure.code, retriable=self.may_pass(failure),
            detail=f'{self.kind} failed in the guest at step {result.step or "unnamed"}: '
            f'{result.message}\n{server.console_tail(work)}')


class RepeatedCommand(CommandStep[Args, Facts]):
    """A command that ensures a state of the guest, and therefore may be repeated under another id.

    The guest may still execute a command of an earlier operation that ended without its result.
    """

    #: Each try waits for the guest, so a wait is not a sign of progress.
    forgives = False
    #: Ten minutes: a guest may be busy stopping a large database before it can start it again.
    undo_attempts = 24

    def id_of(self, work: Work) -> str:
        return command_id(work, f'{self.name}/{work.attempt}')

    def may_pass(self, failure: exception.GuestError) -> bool:
        return failure.code == 'guest_busy'


class Command(RepeatedCommand[Args, Facts]):
    """A command in a flow with several commands: its time counts from the start of the step."""

    def left(self, work: Work) -> float:
        return self.limit(work) - work.waited


class DatabaseStarted(Command[Args, Facts]):
    """The guest has mounted its data volume, if any, and runs the engine with its former
    configuration.
    """

    kind = 'StartDatabase'
    what = 'the database to be started'

    def command(self, work: Work, row: Row, seconds: int) -> messages.Command:
        return messages.StartDatabase(command_id=self.id_of(work), operation_id=work.id,
                                      deadline=seconds)

    def limit(self, work: Work) -> int:
        return work.tools.conf.restart_timeout


class Prepared(CommandStep[args.Create, facts.Prepare]):
    """The guest has set up the database server with the requested databases and users."""

    needs = frozenset({'volume_id', 'new_volume', 'server_id'})
    gives = CommandStep.gives | {'digest', 'problems'}
    kind = 'Prepare'
    what = 'the database server to be prepared'

    def command(self, work: Work[args.Create, facts.Prepare], row: Row,
                seconds: int) -> messages.Command:
        conf, secrets = work.tools.conf, work.secrets
        volume_id = work.facts['volume_id']
        options = conf[row.manager]
        return messages.Prepare(
            command_id=command_id(work, self.kind), operation_id=work.id, deadline=seconds,
            datastore_version=row.version_number or row.version_name,
            mount_point=options.mount_point, memory_mb=row.ram,
            config_contents=base_configuration(conf, row, ram=row.ram, vcpus=row.vcpus), device={
                'volume_id': volume_id,
                'device_path': options.device_path if volume_id else None
            }, new_volume=bool(work.facts['new_volume']),
            databases=[dict(item) for item in work.args['databases']], users=secrets.get('users')
            or [], root_password=secrets.get('root_password'), options=group_options(work, row))

    def limit(self, work: Work) -> int:
        return work.tools.conf.usage_timeout

    def sent_facts(self, work: Work[args.Create, facts.Prepare]) -> dict[str, Any]:
        # The guest executes only the first sending.
        return {
            'digest':
            work.facts.get('digest')
            or configurations.digest(group_options(work, base.instance(work)))
        }

    def done(self, work: Work, data: dict[str, Any]) -> Done:
        listed = data.get('problems')
        listed = listed[:6] if isinstance(listed, list) else []
        problems = [text[:500] for text in listed if isinstance(text, str)]
        events = [(f'{work.kind}.objects',
                   errors.CODES['guest_prepare_objects'].sentence + ' ' + ' '.join(problems))]
        return Done(facts={'problems': problems}, changes=self.succeeded(work),
                    events=events if problems else ())

    def succeeded(self, work: Work[args.Create, facts.Prepare]) -> list[Change]:
        changes: list[Change] = []
        if base.instance(work).configuration_id is not None:
            # Digest of the values sent: later edits are not applied yet.
            changes.append(base.changed(work, configuration_digest=work.facts['digest']))
        if not work.secrets.get('root_password'):
            return changes
        return [
            *changes,
            functools.partial(_root_enabled, instance_id=work.resource_id, user=work.actor,
                              now=work.tools.clock())
        ]


class Restarted(RepeatedCommand[args.Nothing, facts.Command]):
    """The guest has restarted the engine, and the engine responds."""

    kind = 'Restart'
    what = 'the database to be restarted'

    def command(self, work: Work, row: Row, seconds: int) -> messages.Command:
        return messages.Restart(command_id=self.id_of(work), operation_id=work.id,
                                deadline=seconds)

    def limit(self, work: Work) -> int:
        return work.tools.conf.restart_timeout


class Healthy(Step[args.Nothing, facts.Nothing]):
    """The guest reports that the engine serves queries."""

    def run(self, work: Work) -> Done | Wait:
        row = base.instance(work)
        if row.service_status in ServiceStatus.SERVING:
            return Done()
        limit = work.tools.conf.state_change_wait_time
        if work.waited >= limit:
            reason = f': {row.service_reason}' if row.service_reason else ''
            raise exception.StepFailed(
                f'The database did not become healthy within {limit} seconds; its agent reports '
                f'{row.service_status}{reason}.', code='guest_engine_unavailable',
                detail=server.console_tail(work))
        return Wait(poll(work, limit - work.waited), at_most=limit + 60,
                    code='guest_engine_unavailable', reason='the database to be healthy')


def poll(work: Work, left: float) -> float:
    """Return the seconds until the next poll.

    Reports wake the operation, so the pause only bounds the cost of a lost report.
    """
    return min(3.0 if work.waited < 20 else 5.0, max(0.05, left))


def base_configuration(conf: Any, row: Row, *, ram: int, vcpus: int,
                       version_name: str | None = None) -> str:
    """Return the engine's configuration file, sized by the flavor.

    :param ram: MB.
    :param version_name: of the datastore version; None: the version of the instance.
    """
    return template.render(row.manager, version_name or row.version_name, {
        'ram': ram,
        'vcpus': vcpus
    }, row.server_id_number, name=row.datastore_name, template_path=conf.template_path)


def group_options(work: Work, row: Row) -> dict[str, Any]:
    """Return the current values of the instance's configuration group; empty without a group."""
    return work.tools.read(configurations.values,
                           row.configuration_id) if row.configuration_id else {}


def of_this_build(row: Row) -> bool:
    """Return whether the last report came from the latest build of the server.

    A boot id begins with the number of the build.
    """
    return (row.service_status_updated is not None and row.boot_id is not None
            and row.boot_id.split('.')[0] == f'{row.boot_epoch:08d}')


def _root_enabled(connection: Any, instance_id: str, user: str | None,
                  now: datetime.datetime) -> None:
    root_history.record_enabled(connection, instance_id, user, now)
