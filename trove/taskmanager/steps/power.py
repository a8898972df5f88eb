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

"""Steps that stop the engine, and that reboot or start its machine."""

import datetime
import functools

from oslo_config import cfg

from trove.cloud import compute
from trove.common import exception
from trove.common import states
from trove.common.cfg.rpc import heartbeat_expiry
from trove.common.rpc import messages
from trove.common.states import ServiceStatus
from trove.db import service_statuses
from trove.db.session import Connection, Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Wait, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import server

#: Seconds for a guest, which may hang, to stop its engine before a reboot.
STOP_BEFORE_REBOOT = 60
#: Seconds for an engine to start at boot before a command starts it.
STARTS_BY_ITSELF = 30


class DatabaseStopped(guest.RepeatedCommand[args.Nothing, facts.Command]):
    """The guest has stopped the engine, which stays stopped until a restart."""

    kind = 'StopDatabase'
    what = 'the database to be stopped'

    def command(self, work: Work, row: Row, seconds: int) -> messages.Command:
        return messages.StopDatabase(command_id=self.id_of(work), operation_id=work.id,
                                     deadline=seconds)

    def limit(self, work: Work) -> int:
        return work.tools.conf.restart_timeout

    def succeeded(self, work: Work) -> list[Change]:
        return [functools.partial(_stopped, instance_id=work.resource_id, now=work.tools.clock())]


class DatabaseStoppedIfItListens(DatabaseStopped):
    """The engine is shut down if its agent responds; the machine is rebooted in any case."""

    def limit(self, work: Work) -> int:
        return STOP_BEFORE_REBOOT

    def run(self, work: Work) -> Done | Wait:
        row, conf = base.instance(work), work.tools.conf
        if states.is_expired(row.service_status_updated, work.tools.clock(),
                             heartbeat_expiry(conf)):
            return Done(note='not stopped: its agent has not reported for too long')
        try:
            return super().run(work)
        except exception.TroveError as error:
            return Done(note=f'not stopped: {error.message}'[:255])


class BootNoted(Step[args.Nothing, facts.Power]):
    """The last run of the agent before the reboot is recorded."""

    gives = frozenset({'server_id', 'volume_id', 'boot_before'})

    def run(self, work: Work) -> Done:
        row = base.instance(work)
        if row.compute_instance_id is None:
            raise exception.StepFailed(code='server_missing', detail='the instance has no server')
        return Done(facts={'server_id': row.compute_instance_id, 'volume_id': row.volume_id,
                           'boot_before': row.boot_id or ''})


class ServerRebooted(Step[args.Nothing, facts.Server]):
    """Nova has accepted a reboot of the machine, soft when it runs.

    After a task manager dies between request and record, its successor requests again, unless the
    reboot is in progress. Two reboots do no harm, a missing one does.
    """

    needs = frozenset({'server_id'})

    def run(self, work: Work[args.Nothing, facts.Server]) -> Done:
        nova, server_id = base.cloud(work).compute, work.facts['server_id']
        try:
            found = nova.get_server(server_id)
            if found.status not in compute.REBOOTING:
                nova.reboot_server(server_id, hard=found.status != compute.ACTIVE)
        except exception.CloudNotFound as error:
            raise exception.StepFailed(code='server_missing', detail=error.detail) from error
        return Done(changes=[base.changed(work, server_status=compute.REBOOTING[0])],
                    events=[(f'{work.kind}.server', 'The server reboots.')])


class ServerBack(Step[args.Nothing, facts.Server]):
    """The machine runs again."""

    needs = frozenset({'server_id'})

    def run(self, work: Work[args.Nothing, facts.Server]) -> Done | Wait:
        found = server.running_server(work)
        seen = [base.changed(work, server_status=found.status)]
        if found.status == compute.ACTIVE and found.task is None:
            return Done(changes=seen)
        return Wait(0.5 if work.waited < 15 else 2, at_most=work.tools.conf.reboot_time_out,
                    code='server_failed', reason='the server to reboot', changes=seen)


class AgentBack(Step[args.Nothing, facts.Power]):
    """The agent has restarted and reported in."""

    needs = frozenset({'boot_before'})

    def run(self, work: Work[args.Nothing, facts.Power]) -> Done | Wait:
        row = base.instance(work)
        # Boot ids sort as text in the order of the runs.
        if (row.boot_id or '') > work.facts['boot_before']:
            return Done()
        limit = work.tools.conf.agent_start_timeout
        if work.waited >= limit:
            raise exception.StepFailed(
                f'The agent on the database server did not report in within {limit} seconds of '
                f'the reboot.',
                code='guest_silent', detail=server.console_tail(work))
        return Wait(guest.poll(work, limit - work.waited), at_most=limit + 60, code='guest_silent',
                    reason='the agent on the server to report in')


class DatabaseBack(guest.Restarted):
    """The engine serves queries; an engine that does not start at boot is started by a command."""

    def run(self, work: Work) -> Done | Wait:
        if base.instance(work).service_status in ServiceStatus.SERVING:
            return Done()
        if work.waited < STARTS_BY_ITSELF:
            return Wait(guest.poll(work, STARTS_BY_ITSELF - work.waited),
                        at_most=self.limit(work) + 60, code='guest_engine_unavailable',
                        reason='the database to start with its server')
        return super().run(work)

    def limit(self, work: Work) -> int:
        """Return the seconds since the request of the operation, as for every command."""
        return reboot_deadline(work.tools.conf)


class ServerOn(Step[args.Nothing, facts.Power]):
    """The machine runs; it was switched on if it was off."""

    needs = frozenset({'server_id'})
    gives = frozenset({'was_off'})

    def run(self, work: Work[args.Nothing, facts.Power]) -> Done | Wait:
        found = server.running_server(work)
        facts = {'was_off': bool(work.facts.get('was_off'))}
        seen = [base.changed(work, server_status=found.status)]
        if found.status == compute.ACTIVE and found.task is None:
            return Done(facts=facts, changes=seen)
        if found.status == compute.SHUTOFF and found.task is None:
            try:
                base.cloud(work).compute.start_server(found.id)
            except exception.CloudError as error:
                raise base.failing_as('server_failed', error) from error
            facts = {'was_off': True}
        return Wait(0.5 if work.waited < 15 else 2, at_most=work.tools.conf.reboot_time_out,
                    code='server_failed', reason=f'the server, which is {found.status}, to run',
                    facts=facts, changes=seen)


class AgentBackIfStarted(AgentBack):
    """If the machine was off, the agent has started with it and reported in."""

    def run(self, work: Work[args.Nothing, facts.Power]) -> Done | Wait:
        return super().run(work) if work.facts['was_off'] else Done()


class DatabaseOn(guest.DatabaseStarted[args.Nothing, facts.Power]):
    """The engine runs; after an aborted resize, with a configuration for the flavor of the server.
    """

    needs = frozenset({'was_resizing'})

    def command(self, work: Work[args.Nothing, facts.Power], row: Row,
                seconds: int) -> messages.Command:
        contents = (guest.base_configuration(work.tools.conf, row, ram=row.ram, vcpus=row.vcpus)
                    if work.facts['was_resizing'] else '')
        return messages.StartDatabase(command_id=self.id_of(work), operation_id=work.id,
                                      deadline=seconds, config_contents=contents)

    def limit(self, work: Work[args.Nothing, facts.Power]) -> int:
        # Nova may have just started the machine, and no step has waited for its agent.
        return super().limit(work) + (work.tools.conf.agent_start_timeout
                                      if work.facts['was_resizing'] else 0)


def reboot_deadline(conf: cfg.ConfigOpts) -> int:
    """Return the seconds a reboot may take, all steps together."""
    return (STOP_BEFORE_REBOOT + conf.reboot_time_out + conf.agent_start_timeout
            + conf.restart_timeout)


def _stopped(connection: Connection, instance_id: str, now: datetime.datetime) -> None:
    service_statuses.set_status(connection, instance_id, ServiceStatus.SHUTDOWN, now)
