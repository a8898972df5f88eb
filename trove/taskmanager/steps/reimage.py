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

"""Steps that rebuild the server of an instance from another image, and from the former one after a
failure.

The data volume passes from one guest to the other and is never created again. A mark that Nova
stores with each request identifies the build of a server: the operation, the direction, and the
number of the build. The row stores the number as soon as the mark is seen; from then on only
reports of the new guest are accepted.
"""

from typing import Any

from trove.cloud import compute, names
from trove.cloud.compute import Server
from trove.common import exception, states
from trove.common.cfg.rpc import heartbeat_expiry
from trove.common.rpc import messages
from trove.common.states import ServiceStatus
from trove.db import configurations, service_statuses
from trove.db.session import Connection, Row
from trove.taskmanager import args, facts, outcome
from trove.taskmanager.step import Done, Step, Wait, Work
from trove.taskmanager.steps import base, guest, server

NEW, FORMER = 'new', 'former'
#: Timeout in seconds of a guest, which may be broken, to stop its engine.
PATIENCE = 120
#: Seconds a guest may still be busy handing over when it must undo that.
STILL_STOPPING = 600
#: Tries while the guest is busy.
TRIES = 3


def server_of(work: Work[Any, Any]) -> Server:
    """Return the server of the instance.

    :raises StepFailed: it is gone.
    """
    server_id = work.facts.get('server_id') or base.instance(work).compute_instance_id
    try:
        return base.cloud(work).compute.get_server(server_id)
    except exception.CloudNotFound as error:
        raise exception.StepFailed(code='server_missing', detail=error.detail) from error
    except exception.CloudError as error:
        raise base.failing_as('server_rebuild_failed', error) from error


class ServerTakesImages(Step[args.Nothing, facts.Server]):
    """The server exists and is in a state that permits a rebuild."""

    gives = frozenset({'server_id'})

    def run(self, work: Work) -> Done:
        found = server_of(work)
        if found.status not in compute.REBUILDABLE:
            raise exception.StepFailed(f'The server can only be given another image while it is '
                                       f'{", ".join(compute.REBUILDABLE)}; it is {found.status}.',
                                       code='server_rebuild_failed')
        return Done(facts={'server_id': found.id})


class Attended(guest.Command[args.Reimage, facts.Reimage]):
    """A command that may take long with much data, and fails when its agent stops reporting."""

    def run(self, work: Work) -> Done | Wait:
        row, patience = base.instance(work), 2 * heartbeat_expiry(work.tools.conf)
        if states.is_expired(row.service_status_updated, work.tools.clock(), patience):
            raise exception.StepFailed(
                'The agent on the database server has not reported for too long.',
                code='guest_silent', detail=server.console_tail(work))
        return super().run(work)

    def limit(self, work: Work) -> int:
        return work.tools.conf.takeover_timeout


# --- the former guest ----------------------------------------------------------------------------

class DataHandedOver(Attended):
    """The guest has stored its configuration on the volume, shut down the engine and unmounted the
    volume.
    """

    needs = frozenset({'server_id'})
    kind = 'HandOver'
    what = 'the database to be stopped for its new image'

    def command(self, work: Work[args.Reimage, facts.Reimage], row: Row,
                seconds: int) -> messages.Command:
        version = work.args.get('version')
        return messages.HandOver(command_id=self.id_of(work), operation_id=work.id,
                                 deadline=seconds,
                                 version=version['number'] or version['name'] if version else '')

    def undo(self, work: Work[args.Reimage, facts.Reimage]) -> Done | Wait:
        """Serve the data with the former image; start the engine in a server that was never
        rebuilt.
        """
        if f'{FORMER}_build' not in work.facts:
            return _STARTED_AGAIN.run(work)
        seen = _AGENT_BACK.run(work)
        return seen if isinstance(seen, Wait) else _TAKEN_BACK.run(work)


class DataHandedOverIfItListens(DataHandedOver):
    """The guest has handed over if it responds: a broken guest is a reason for a rebuild."""

    gives = frozenset({'asked_to_hand_over'})

    def limit(self, work: Work) -> int:
        return PATIENCE

    def sent_facts(self, work: Work) -> dict[str, Any]:
        return {'asked_to_hand_over': True}

    def run(self, work: Work) -> Done | Wait:
        row, conf = base.instance(work), work.tools.conf
        if states.is_expired(row.service_status_updated, work.tools.clock(),
                             heartbeat_expiry(conf)):
            return Done(facts={'asked_to_hand_over': False},
                        note='not requested: its agent has not reported for too long')
        try:
            return super().run(work)
        except exception.TroveError as error:
            if outcome.is_retriable(error) and work.attempt < TRIES:
                raise
            return Done(note=f'not done: {error.message}'[:255])

    def undo(self, work: Work[args.Reimage, facts.Reimage]) -> Done | Wait:
        """Undo if the guest received the request, which it may still execute."""
        if f'{FORMER}_build' not in work.facts and not work.facts.get('asked_to_hand_over'):
            return Done()
        return super().undo(work)


# --- Nova's part ---------------------------------------------------------------------------------

class ServerRebuilt(Step[args.Reimage, facts.Reimage]):
    """Nova has rebuilt the root disk from the new image; ports and volume stay."""

    needs = frozenset({'server_id'})
    gives = frozenset({'new_build'})

    def run(self, work: Work[args.Reimage, facts.Reimage]) -> Done | Wait:
        version = work.args.get('version')
        return _rebuilt(work, NEW, work.args['image_id'],
                        version['number'] or version['name'] if version else None)

    def undo(self, work: Work[args.Reimage, facts.Reimage]) -> Done | Wait:
        if not server_of(work).build.startswith(f'{work.id}:'):
            return Done()  # Nova never received the request, or refused it
        return _rebuilt(work, FORMER, work.args['former_image_id'], None)


def _rebuilt(work: Work[args.Reimage, facts.Reimage], way: str, image_id: str,
             version: str | None) -> Done | Wait:
    """Ensure that this operation has built the server from the image, in this direction."""
    found = server_of(work)
    build = _build_of(work, way, found)
    if build is None:
        return _request(work, found, way, image_id, version)
    if work.facts.get(f'{way}_build') != build:
        return _noted(work, way, build)
    if found.status == compute.ERROR and found.task is None:
        raise exception.StepFailed(
            f'The server could not be given the image: {found.fault or "no reason was given."}',
            code='server_rebuild_failed')
    if found.status == compute.ACTIVE and found.task is None:
        # A root disk on a volume shows no image.
        if found.image_id and found.image_id != image_id:
            raise exception.StepFailed(
                code='server_rebuild_failed',
                detail=f'server {found.id} has image {found.image_id}, not {image_id}')
        return Done(changes=[base.changed(work, server_status=found.status, image_id=image_id)],
                    events=[(f'{work.kind}.server', f'The server runs with image {image_id}.')])
    if found.status == compute.SHUTOFF and found.task is None:
        _nova(work, lambda nova: nova.start_server(found.id))
    return _wait(work, found)


def _request(work: Work, found: Server, way: str, image_id: str, version: str | None) -> Wait:
    """Request the build, and record its number at once."""
    if found.status not in compute.REBUILDABLE or found.task is not None:
        return _wait(work, found)
    row = base.instance(work)
    # Earlier builds, also those of failed operations, have lower numbers.
    build = max(row.boot_epoch, _number(found)) + 1
    about: dict[str, Any] = {'boot_epoch': build}
    if version is not None:
        about['datastore_version'] = version
    data, _note = server.user_data(work, row, **about)
    _nova(work, lambda nova: nova.rebuild_server(
        found.id, image_id, user_data=data, mark=f'{work.id}:{way}:{build}',
        metadata=names.server_metadata(row.id, row.tenant_id, row.user_id or ''),
        root_on_volume=work.tools.conf.volume_rootdisk_support))
    return _noted(work, way, build)


def _noted(work: Work, way: str, build: int) -> Wait:
    """Record the build: from now on only reports of its guest are accepted."""
    def building(connection: Connection) -> None:
        service_statuses.set_status(connection, work.resource_id, ServiceStatus.BUILDING,
                                    work.tools.clock(), 'the server is given another image')

    return Wait(0.5, at_most=work.tools.conf.resize_time_out, code='server_rebuild_failed',
                reason='the server to have its image', facts={f'{way}_build': build},
                changes=[base.changed(work, boot_epoch=build, server_status='REBUILD'), building])


def _wait(work: Work, found: Server) -> Wait:
    return Wait(0.5 if work.waited < 10 else 2, at_most=work.tools.conf.resize_time_out,
                code='server_rebuild_failed',
                reason=f'the server, which is {found.status}, to have its image',
                changes=[base.changed(work, server_status=found.status)])


def _nova(work: Work, send: Any) -> None:
    try:
        send(base.cloud(work).compute)
    except exception.CloudError as error:
        raise base.failing_as('server_rebuild_failed', error) from error


def _build_of(work: Work, way: str, found: Server) -> int | None:
    """Return the number of the build that this operation requested in this direction, or None."""
    return _number(found) if found.build.startswith(f'{work.id}:{way}:') else None


def _number(found: Server) -> int:
    """Return the number of the build of a server; 0 for the first."""
    last = found.build.rpartition(':')[2]
    return int(last) if last.isdigit() else 0


# --- the new guest -------------------------------------------------------------------------------

class AgentOfNewImage(guest.AgentSeen):
    """The agent of the new image has reported in."""

    def time_left(self, work: Work) -> float:
        return work.tools.conf.agent_start_timeout - work.waited


class DataTakenOver(Attended):
    """The guest serves the data on the volume, and reports that for this operation."""

    needs = frozenset({'server_id', 'new_build'})
    kind = 'TakeOver'
    what = 'the data to be taken over'
    way = NEW

    def command(self, work: Work[args.Reimage, facts.Reimage], row: Row,
                seconds: int) -> messages.Command:
        conf, is_new = work.tools.conf, self.way == NEW
        current = {'name': row.version_name, 'number': row.version_number}
        version = work.args.get('version', current) if is_new else current
        options = conf[row.manager]
        values = (work.tools.read(configurations.values, row.configuration_id)
                  if row.configuration_id else {})
        return messages.TakeOver(
            command_id=self.id_of(work), operation_id=work.id, deadline=seconds,
            datastore_version=version['number'] or version['name'], mount_point=options.mount_point,
            device={'volume_id': row.volume_id, 'device_path': options.device_path}, options=values,
            config_contents=guest.base_configuration(conf, row, ram=row.ram, vcpus=row.vcpus,
                                                     version_name=version['name']),
            restore=not is_new, upgrade=is_new)

    def done(self, work: Work, data: dict[str, Any]) -> Done:
        engine = (data.get('engine') or {}).get('version') or 'an unknown version'
        upgraded = 'after its own upgrade' if data.get(
            'upgraded') else 'and its data needed no upgrade'
        return Done(changes=self.succeeded(work),
                    events=[(f'{work.kind}.engine', f'The database runs as {engine}, {upgraded}.')])

    def undo(self, work: Work[args.Reimage, facts.Reimage]) -> Done | Wait:
        """Release the volume cleanly for the former image, if this guest can."""
        if not guest.of_this_build(base.instance(work)):
            return Done()
        try:
            return _RELEASED.run(work)
        except exception.TroveError as error:
            if outcome.is_retriable(error) and work.attempt < TRIES:
                raise
            return Done(note=f'not released: {error.message}'[:255])


class DataTakenBack(DataTakenOver):
    """The guest of the former image serves the data, with its former configuration."""

    way = FORMER

    def limit(self, work: Work) -> int:
        # The wait may include the start of its agent.
        return work.tools.conf.agent_start_timeout + work.tools.conf.takeover_timeout


class VolumeReleased(guest.Command[args.Nothing, facts.Command]):
    """The guest that is about to be replaced has stopped its engine and unmounted the volume."""

    kind = 'ReleaseVolume'
    what = 'the database to be stopped'

    def command(self, work: Work, row: Row, seconds: int) -> messages.Command:
        return messages.ReleaseVolume(command_id=self.id_of(work), operation_id=work.id,
                                      deadline=seconds)

    def limit(self, work: Work) -> int:
        return PATIENCE


class DatabaseStartedAgain(guest.DatabaseStarted[Any, Any]):
    """The engine runs again in the unchanged server; the guest may first finish an earlier command.
    """

    def limit(self, work: Work) -> int:
        conf = work.tools.conf
        silent = states.is_expired(base.instance(work).service_status_updated, work.tools.clock(),
                                   heartbeat_expiry(conf))
        # A busy guest still reports; a silent one has no command to finish.
        return conf.restart_timeout + (0 if silent else STILL_STOPPING)


_STARTED_AGAIN, _AGENT_BACK = DatabaseStartedAgain(), AgentOfNewImage()
_TAKEN_BACK, _RELEASED = DataTakenBack(), VolumeReleased()
