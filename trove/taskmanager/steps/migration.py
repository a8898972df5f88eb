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

"""Steps that move the server of an instance to another host, either off or running.

The host of a server is identified by a key that differs between hosts; only administrators of the
cloud see host names.
"""

from typing import Any

from trove.cloud import compute
from trove.common import exception
from trove.taskmanager import args, facts
from trove.taskmanager.step import Done, Step, Wait, Work
from trove.taskmanager.steps import base, flavor_resize, guest

CODE = 'server_migrate_failed'


class ServerNoted(Step[args.Nothing, facts.Migrate]):
    """The server runs, and its host is recorded."""

    gives = frozenset({'server_id', 'host_before'})

    def run(self, work: Work) -> Done:
        server = flavor_resize.server_of(work, CODE)
        if server.status != compute.ACTIVE:
            raise exception.StepFailed(
                f'The server can only be moved while it is ACTIVE; it is {server.status}.',
                code=CODE)
        return Done(facts={'server_id': server.id, 'host_before': server.host_key})


class EngineStopped(flavor_resize.StopEngine[args.Nothing, facts.Migrate]):
    """The guest has shut down the engine, which does not start until a command."""

    def undo(self, work: Work) -> Done | Wait:
        return _STARTED_AGAIN.run(work)


class ServerMigrated(Step[args.Migrate, facts.Migrate]):
    """Nova has moved the server, and waits for the confirmation or has confirmed itself."""

    needs = frozenset({'server_id', 'host_before'})
    gives = frozenset({'migration_asked'})

    def run(self, work: Work[args.Migrate, facts.Migrate]) -> Done | Wait:
        server = flavor_resize.server_of(work, CODE)
        if server.status == compute.VERIFY_RESIZE and server.task is None or _has_moved(
                work, server):
            return Done(events=[(f'{work.kind}.server', 'The server runs on another host.')])
        return _request_once(work, server,
                             lambda nova: nova.migrate_server(server.id, work.args['host']))

    def undo(self, work: Work) -> Done | Wait:
        """Return the server to its former host; a move that was confirmed already stays."""
        server = flavor_resize.server_of(work, CODE)
        if server.status == compute.ACTIVE and server.task is None:
            return Done(changes=[base.changed(work, server_status=server.status)])
        if server.status == compute.VERIFY_RESIZE and server.task is None:
            flavor_resize.ask(work, lambda nova: nova.revert_resize(server.id), CODE)
        return Wait(flavor_resize.pause(work), at_most=work.tools.conf.revert_time_out, code=CODE,
                    reason=f'the server, which is {server.status}, to return to its former host',
                    changes=[base.changed(work, server_status=server.status)])


class ServerMovedLive(Step[args.Migrate, facts.Migrate]):
    """Nova has moved the running server."""

    needs = frozenset({'server_id', 'host_before'})
    gives = frozenset({'migration_asked'})

    def run(self, work: Work[args.Migrate, facts.Migrate]) -> Done | Wait:
        server = flavor_resize.server_of(work, CODE)
        if _has_moved(work, server):
            return Done(changes=[base.changed(work, server_status=server.status)],
                        events=[(f'{work.kind}.server', 'The server runs on another host.')])
        return _request_once(work, server,
                             lambda nova: nova.live_migrate_server(server.id, work.args['host']))


def _has_moved(work: Work[Any, facts.Migrate], server: compute.Server) -> bool:
    return (server.status == compute.ACTIVE and server.task is None
            and server.host_key != work.facts['host_before'])


def _request_once(work: Work[Any, facts.Migrate], server: compute.Server, request: Any) -> Wait:
    """Send the request once, and wait for Nova.

    :raises StepFailed: the server is on its former host and has no task any more.
    """
    facts: dict[str, Any] = {}
    if server.status == compute.ERROR:
        raise exception.StepFailed(
            f'The server could not be moved: {server.fault or "no reason was given."}', code=CODE)
    if server.status == compute.ACTIVE and server.task is None:
        if work.facts.get('migration_asked'):
            raise exception.StepFailed(
                'The cloud could not move the server: it is on its former host.', code=CODE,
                detail=server.fault)
        flavor_resize.ask(work, request, CODE)
        facts['migration_asked'] = True
    return Wait(flavor_resize.pause(work), at_most=work.tools.conf.resize_time_out, code=CODE,
                reason='the server to be moved', facts=facts)


class DatabaseStarted(guest.DatabaseStarted[args.Nothing, facts.Migrate]):
    """The guest, which has just booted, runs the engine with its former configuration."""

    def limit(self, work: Work) -> int:
        return work.tools.conf.agent_start_timeout + work.tools.conf.restart_timeout

    def undo(self, work: Work) -> Done | Wait:
        """Stop the engine, because reverting switches the machine off again."""
        return _STOPPED_AGAIN.run(work)


class MigrationConfirmed(Step[args.Nothing, facts.Migrate]):
    """Nova has released the former host."""

    needs = frozenset({'server_id'})

    def run(self, work: Work[args.Nothing, facts.Migrate]) -> Done | Wait:
        server = flavor_resize.server_of(work, CODE)
        if _has_moved(work, server):
            return Done(changes=[base.changed(work, server_status=server.status)])
        facts: dict[str, Any] = {}
        if server.status == compute.VERIFY_RESIZE and server.task is None:
            facts = flavor_resize.confirmed_once(work, server, 'confirm_asked', CODE)
        elif server.status == compute.ERROR or (server.status == compute.ACTIVE
                                                and server.task is None):
            raise exception.StepFailed(
                code=CODE, detail=f'server {server.id} is {server.status} on its former host: '
                f'{server.fault}')
        return Wait(flavor_resize.pause(work), at_most=work.tools.conf.resize_time_out, code=CODE,
                    reason='the cloud to confirm the move', facts=facts)


class EngineStoppedAgain(flavor_resize.StopEngine[args.Nothing, facts.Migrate]):
    """The engine is stopped before the server returns, if the guest responds."""

    def run(self, work: Work) -> Done | Wait:
        try:
            return super().run(work)
        except exception.GuestError as error:
            return Done(note=f'not stopped: {error.message}'[:255])


class DatabaseStartedAgain(DatabaseStarted):
    """The engine runs on the former host."""


_STARTED_AGAIN, _STOPPED_AGAIN = DatabaseStartedAgain(), EngineStoppedAgain()
