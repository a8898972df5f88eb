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

"""Steps that give the server of an instance another flavor, and return to the former one after a
failure.

Nova resizes in two phases: it moves the server, and waits in VERIFY_RESIZE for a confirmation or a
revert. Clouds may confirm automatically, so ACTIVE with the requested flavor is accepted too;
reverting is then another resize. The flavor of a server is identified by its name, because Nova
shows nothing else of it.
"""

import dataclasses
import functools
from typing import Any, Literal

from trove.cloud import compute
from trove.cloud.compute import Compute, Server
from trove.common import exception
from trove.common.rpc import messages
from trove.db import quotas
from trove.db.session import Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Wait, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest


def nova(work: Work) -> Compute:
    return base.cloud(work).compute


CODE = 'server_resize_failed'


def server_of(work: Work, code: str = CODE) -> Server:
    """Return the server of the instance.

    :raises StepFailed: it is gone.
    """
    try:
        return nova(work).get_server(base.instance(work).compute_instance_id)
    except exception.CloudNotFound as error:
        raise exception.StepFailed(code='server_missing', detail=error.detail) from error
    except exception.CloudError as error:
        raise base.failing_as(code, error) from error


class ServerReady(Step[args.Nothing, facts.Server]):
    """The server runs and can be resized."""

    gives = frozenset({'server_id'})

    def run(self, work: Work) -> Done:
        server = server_of(work)
        if server.status != compute.ACTIVE:
            raise exception.StepFailed(
                f'The flavor can only be changed while the server is ACTIVE; it is '
                f'{server.status}.', code='server_resize_failed')
        return Done(facts={'server_id': server.id})


class StopEngine(guest.Command[guest.Args, guest.Facts]):
    """The guest has shut down the engine, which does not start at boot."""

    kind = 'StopDatabase'
    what = 'the database to be stopped'

    def command(self, work: Work, row: Row, seconds: int) -> messages.Command:
        # At boot it would start with a configuration for the other memory size.
        return messages.StopDatabase(command_id=self.id_of(work), operation_id=work.id,
                                     deadline=seconds, do_not_start_on_reboot=True)

    def limit(self, work: Work) -> int:
        return work.tools.conf.restart_timeout


class EngineStopped(StopEngine[args.ResizeFlavor, facts.ResizeFlavor]):
    """The engine is stopped for the resize."""

    def undo(self, work: Work[args.ResizeFlavor, facts.ResizeFlavor]) -> Done | Wait:
        return _WITH_FORMER.run(work)


class ServerResized(Step[args.ResizeFlavor, facts.ResizeFlavor]):
    """Nova runs the server with the new flavor, and waits for the confirmation or has confirmed
    itself.
    """

    needs = frozenset({'server_id'})
    gives = frozenset({'resize_asked'})

    def run(self, work: Work[args.ResizeFlavor, facts.ResizeFlavor]) -> Done | Wait:
        server, flavor = server_of(work), work.args['flavor']
        if server.status == compute.VERIFY_RESIZE or _has(server, flavor):
            return Done(events=[(f'{work.kind}.server',
                                 f'The server runs with the flavor {flavor["name"]}.')])
        facts: dict[str, Any] = {}
        if server.status == compute.ERROR:
            raise exception.StepFailed(
                f'The server could not be given its new flavor: '
                f'{server.fault or "no reason was given."}', code='server_resize_failed')
        if server.status == compute.ACTIVE and server.task is None:
            if work.facts.get('resize_asked'):
                raise exception.StepFailed(
                    'The cloud could not give the server its new flavor: it has the former one '
                    'again.', code='server_resize_failed', detail=server.fault)
            ask(work, lambda client: client.resize_server(server.id, flavor['id']))
            facts['resize_asked'] = True
        return Wait(pause(work), at_most=work.tools.conf.resize_time_out,
                    code='server_resize_failed', reason='the server to have its new flavor',
                    facts=facts)

    def undo(self, work: Work[args.ResizeFlavor, facts.ResizeFlavor]) -> Done | Wait:
        return _back(work, work.args['former'])


def _back(work: Work, former: args.FlavorName) -> Done | Wait:
    """Ensure that the server runs with the former flavor and that Nova has no resize in progress.
    """
    server = server_of(work)
    if _has(server, former):
        return Done(changes=[base.changed(work, server_status=server.status)])
    facts: dict[str, Any] = {}
    if server.status == compute.VERIFY_RESIZE and server.task is None:
        if server.flavor_name != former['name']:
            ask(work, lambda client: client.revert_resize(server.id))
        else:
            facts = confirmed_once(work, server, 'return_confirmed')
    elif server.status == compute.ACTIVE and server.task is None:
        # It was confirmed already: reverting is another resize, which this step confirms.
        ask(work, lambda client: client.resize_server(server.id, former['id']))
    return Wait(pause(work), at_most=work.tools.conf.revert_time_out, code='server_resize_failed',
                reason=f'the server, which is {server.status}, to have its former flavor',
                facts=facts, changes=[base.changed(work, server_status=server.status)])


class ResizeSettled(Step[args.Nothing, facts.Start]):
    """The server has the flavor in the instance's row: a resize or move left in Nova is reverted or
    confirmed.
    """

    needs = frozenset({'server_id'})
    gives = frozenset({'was_resizing'})

    def run(self, work: Work[args.Nothing, facts.Start]) -> Done | Wait:
        server, known = server_of(work), {'was_resizing': bool(work.facts.get('was_resizing'))}
        if server.status not in (compute.ACTIVE, compute.VERIFY_RESIZE, *compute.RESIZING):
            return Done(facts=known)
        try:
            flavor = nova(work).get_flavor(base.instance(work).flavor_id)
        except exception.CloudNotFound:
            return Done(facts=known, note='its flavor does not exist any more')
        except exception.CloudError as error:
            raise base.failing_as(CODE, error) from error
        result = _back(work, {'id': flavor.id, 'name': flavor.name})
        if isinstance(result, Wait):
            known = {'was_resizing': True}
        return dataclasses.replace(result, facts={**result.facts, **known})


def _has(server: Server, flavor: args.FlavorName) -> bool:
    """Return whether the server runs with the flavor and has no task."""
    return server.status == compute.ACTIVE and server.task is None and server.flavor_name == flavor[
        'name']


def ask(work: Work, request: Any, code: str = CODE) -> None:
    """Send a request to Nova.

    :param code: of the error if Nova refuses it.
    :raises CloudError: Nova refused.
    """
    try:
        request(nova(work))
    except exception.CloudError as error:
        raise base.failing_as(code, error) from error


def confirmed_once(work: Work[Any, Any], server: Server, fact: str,
                   code: str = CODE) -> dict[str, Any]:
    """Confirm the resize, once: while Nova confirms, it shows no task and refuses another request.

    :param fact: name of the fact that records the request.
    :param code: of a retriable failure.
    """
    if work.facts.get(fact):
        return {}
    try:
        nova(work).confirm_resize(server.id)
    except exception.CloudError as error:
        if error.retriable:
            raise base.failing_as(code, error) from error
        # Perhaps an earlier request succeeded and its response was lost: waiting shows that.
        return {fact: error.detail}
    return {fact: 'accepted'}


def pause(work: Work) -> float:
    """Return the seconds until Nova is polled again."""
    return 0.5 if work.waited < 10 else 2


class EngineStarted(guest.Command[args.ResizeFlavor, facts.ResizeFlavor]):
    """The engine runs with a configuration for the new flavor."""

    kind = 'StartDatabase'
    what = 'the database to be started'
    #: Arg with the flavor of the configuration.
    flavor: Literal['flavor', 'former'] = 'flavor'

    def command(self, work: Work[args.ResizeFlavor, facts.ResizeFlavor], row: Row,
                seconds: int) -> messages.Command:
        flavor = work.args[self.flavor]
        contents = guest.base_configuration(work.tools.conf, row, ram=flavor['ram'],
                                            vcpus=flavor['vcpus'])
        return messages.StartDatabase(command_id=self.id_of(work), operation_id=work.id,
                                      deadline=seconds, config_contents=contents)

    def limit(self, work: Work) -> int:
        # The machine has just started, so its agent may not run yet.
        return work.tools.conf.agent_start_timeout + work.tools.conf.restart_timeout

    def undo(self, work: Work[args.ResizeFlavor, facts.ResizeFlavor]) -> Done | Wait:
        """Stop the engine: with the former memory it may not start with this configuration."""
        return _STOPPED_AGAIN.run(work)


class EngineStartedAsBefore(EngineStarted):
    """The engine runs with a configuration for the former flavor."""

    flavor = 'former'


class ResizeConfirmed(Step[args.ResizeFlavor, facts.ResizeFlavor]):
    """Nova has released the former flavor; the instance has the new one."""

    needs = frozenset({'server_id'})

    def run(self, work: Work[args.ResizeFlavor, facts.ResizeFlavor]) -> Done | Wait:
        server, flavor = server_of(work), work.args['flavor']
        if _has(server, flavor):
            return Done(facts={quotas.SETTLED: True}, changes=self._changes(work, flavor))
        facts: dict[str, Any] = {}
        if server.status == compute.VERIFY_RESIZE and server.task is None:
            facts = confirmed_once(work, server, 'confirm_asked')
        elif server.status == compute.ERROR or (server.status == compute.ACTIVE
                                                and server.task is None):
            raise exception.StepFailed(
                code='server_resize_failed',
                detail=f'server {server.id} is {server.status} with flavor '
                f'{server.flavor_name}, not {flavor["name"]}: {server.fault}')
        return Wait(pause(work), at_most=work.tools.conf.resize_time_out,
                    code='server_resize_failed', reason='the cloud to confirm the new flavor',
                    facts=facts)

    @staticmethod
    def _changes(work: Work[args.ResizeFlavor, facts.ResizeFlavor],
                 flavor: args.Flavor) -> list[Change]:
        changes = [
            base.changed(work, flavor_id=flavor['id'], ram=flavor['ram'], vcpus=flavor['vcpus'],
                         server_status=compute.ACTIVE)
        ]
        less = work.args['former']['ram'] - flavor['ram']
        if less > 0 and work.project_id:
            changes.append(
                functools.partial(quotas.release, tenant_id=work.project_id, deltas={'ram': less},
                                  now=work.tools.clock()))
        return changes


class EngineStoppedAgain(EngineStopped):
    """The engine does not start at boot, whatever an earlier step configured."""


_WITH_FORMER, _STOPPED_AGAIN = EngineStartedAsBefore(), EngineStoppedAgain()
