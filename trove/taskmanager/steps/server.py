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

"""Steps on the server of an instance."""

import os
from typing import Any

from oslo_log import log as logging

from trove.cloud import compute
from trove.cloud import names
from trove.common import exception
from trove.common.rpc import broker
from trove.common.rpc import keys
from trove.db.session import Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Wait, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import identity
from trove.taskmanager.steps import userdata

LOG = logging.getLogger(__name__)

#: Lines of the console that are recorded when a guest does not respond.
CONSOLE_LINES = 60


class ChooseImage(Step[args.Nothing, facts.Image]):
    """The image of the server is known.

    It is the one in the instance's row, or the newest image of the service project with the tags of
    the version.
    """

    gives = frozenset({'image_id'})

    def run(self, work: Work) -> Done:
        row = base.instance(work)
        if row.image_id:
            return Done(facts={'image_id': row.image_id})
        tags = [tag.strip() for tag in (row.version_image_tags or '').split(',') if tag.strip()]
        cloud = base.cloud(work)
        image = cloud.image.find_by_tags(tags, owner=cloud.project_id)
        if image is None:
            raise exception.StepFailed(
                'No image of this datastore version is available; contact the operator.',
                code='server_failed',
                detail=f'no active image of project {cloud.project_id} has the tags {tags}')
        return Done(facts={'image_id': image.id}, changes=[base.changed(work, image_id=image.id)])


class EnsureServerGroup(Step[args.Nothing, facts.Build]):
    """A server group keeps the servers of this instance and its replicas together or apart, if
    requested.
    """

    creates = frozenset({'server group'})
    gives = frozenset({'server_group_id'})

    def run(self, work: Work) -> Done:
        row = base.instance(work)
        if not row.locality:
            return Done(facts={'server_group_id': None})
        try:
            group_id = base.cloud(work).compute.ensure_server_group(names.server_group(row.id),
                                                                    row.locality)
        except exception.CloudError as error:
            raise base.failing_as('server_failed', error) from error
        return Done(facts={'server_group_id': group_id},
                    changes=[base.changed(work, server_group_id=group_id)])

    def undo(self, work: Work) -> Done:
        delete_server_group(work)
        return Done(changes=[base.changed(work, server_group_id=None)])


class EnsureServer(Step[args.Nothing, facts.Build]):
    """The server exists, with the ports, the volume and the configuration of this guest."""

    creates = frozenset({'server'})
    needs = frozenset(
        {'image_id', 'tenant_port_id', 'management_port_id', 'volume_id', 'server_group_id'})
    gives = frozenset({'server_id'})

    def run(self, work: Work) -> Done:
        row = base.instance(work)
        data, note = user_data(work, row)
        try:
            server = base.cloud(work).compute.ensure_server(self._spec(work, row, data))
        except exception.CloudError as error:
            raise base.failing_as('server_failed', error) from error
        return Done(
            facts={'server_id': server.id}, note=note, changes=[
                base.changed(work, compute_instance_id=server.id, server_status=server.status)
            ])

    @staticmethod
    def _spec(work: Work[args.Nothing, facts.Build], row: Row, data: bytes) -> compute.ServerSpec:
        conf, facts = work.tools.conf, work.facts
        ports = tuple(port for port in (facts['tenant_port_id'], facts['management_port_id'])
                      if port)
        return compute.ServerSpec(
            instance_id=row.id, name=names.server(row.name, row.id), project_id=row.tenant_id,
            user_id=row.user_id or '', manager=row.manager, image_id=facts['image_id'],
            flavor_id=row.flavor_id, port_ids=ports, user_data=data, volume_id=facts['volume_id'],
            volume_device=conf.block_device_mapping, availability_zone=row.availability_zone,
            keypair=conf.nova_keypair, config_drive=conf.use_nova_server_config_drive,
            server_group_id=facts['server_group_id'],
            root_volume_gb=conf.volume_rootdisk_size if conf.volume_rootdisk_support else None)

    def undo(self, work: Work) -> Done | Wait:
        left = delete_servers(work)
        if left:
            return Wait(base.pause(work), at_most=work.tools.conf.server_delete_time_out,
                        code='leftovers', reason=f'the server to go: {", ".join(left)}')
        return Done(changes=[base.changed(work, compute_instance_id=None, server_status=None)])


class ServerActive(Step[args.Nothing, facts.Server]):
    """Nova has started the server."""

    needs = frozenset({'server_id'})

    def run(self, work: Work[args.Nothing, facts.Server]) -> Done | Wait:
        server = running_server(work)
        if server.status == compute.ACTIVE:
            return Done(changes=[base.changed(work, server_status=server.status)],
                        events=[('instance_create.server', 'The server has started.')])
        return Wait(base.next_look(work), at_most=work.tools.conf.usage_timeout,
                    code='server_failed', reason='the server to start')


class ServerGone(base.Removal):
    """All servers of the instance are removed."""

    removes = frozenset({'server'})
    what = 'the server'

    def remaining(self, work: Work) -> list[str]:
        return delete_servers(work)

    def changes(self, work: Work) -> list[Change]:
        return [base.changed(work, compute_instance_id=None, server_status=None)]


class ServerGroupGone(base.Removal):
    """The server group of the instance is removed."""

    removes = frozenset({'server group'})
    what = 'the server group'

    def remaining(self, work: Work) -> list[str]:
        delete_server_group(work)
        return []

    def changes(self, work: Work) -> list[Change]:
        return [base.changed(work, server_group_id=None)]


def delete_server_group(work: Work) -> None:
    """Delete the server group of this instance, if locality was requested."""
    if work.resource is not None and work.resource.locality:
        base.cloud(work).compute.delete_server_group(names.server_group(work.resource_id))


def running_server(work: Work[Any, facts.Server]) -> compute.Server:
    """Return the server of this operation.

    :raises StepFailed: it is in ERROR, with the reason of Nova, or it is gone.
    """
    server_id = work.facts['server_id']
    try:
        server = base.cloud(work).compute.get_server(server_id)
    except exception.CloudNotFound as error:
        raise exception.StepFailed(code='server_missing', detail=error.detail) from error
    except exception.CloudError as error:
        raise base.failing_as('server_failed', error) from error
    if server.status == compute.ERROR:
        reason = server.fault or 'no reason was given.'
        raise exception.StepFailed(f'The server could not be started: {reason}',
                                   code='server_failed',
                                   detail=f'server {server_id} is ERROR: {server.fault}')
    if server.status == compute.DELETED:
        raise exception.StepFailed(code='server_missing', detail=f'server {server_id} is DELETED')
    return server


def delete_servers(work: Work) -> list[str]:
    """Request the deletion of all servers of the instance.

    :returns: the remaining servers.
    """
    nova = base.cloud(work).compute
    ids = {server.id for server in nova.find_servers(work.resource_id)}
    if work.resource is not None and work.resource.compute_instance_id:
        ids.add(work.resource.compute_instance_id)
    again = work.waited > work.tools.conf.server_delete_time_out
    return [
        f'server {server_id}' for server_id in sorted(ids)
        if not nova.delete_server(server_id, again=again)
    ]


def console_tail(work: Work[Any, Any]) -> str:
    """Return the last lines of the console, for the operator of a guest that does not respond."""
    server_id = work.facts.get('server_id')
    if not server_id:
        return ''
    try:
        log = base.cloud(work).compute.console_log(server_id, CONSOLE_LINES)
    except exception.CloudError as error:
        return f'The console log of server {server_id} cannot be shown: {error.detail}'
    return f'Console of server {server_id}:\n{log[-16000:]}'


def user_data(work: Work, row: Row, **about: object) -> tuple[bytes, str]:
    """Return the user data of the guest for cloud-init, and a note if the operator's file is left
    out.

    :param about: values of ``guest_info.conf`` that differ from the row.
    :raises StepFailed: the user data is too long.
    """
    conf = work.tools.conf
    files = userdata.guest_files(conf, info=guest_info(work, row, **about),
                                 agent_config=_read(conf.guest_config))
    owner = f'{conf.injected_config_owner}:{conf.injected_config_group}'
    path = os.path.join(conf.cloudinit_location, f'{row.manager}.cloudinit')
    extra = _read(path)
    note = ''
    try:
        if extra is not None:
            try:
                return userdata.build(files, owner=owner, extra=extra.decode('utf-8')), ''
            except ValueError as error:
                note = f'{path} is left out: {error}'
                LOG.warning('Instance %s: %s is left out of the user data: %s', row.id, path, error)
        return userdata.build(files, owner=owner), note
    except userdata.UserDataError as error:
        raise exception.StepFailed(
            'The configuration of the server is too long; contact the operator.',
            code='server_failed', detail=str(error)) from error


def guest_info(work: Work, row: Row, **about: object) -> dict[str, dict[str, object]]:
    """Return the content of ``guest_info.conf``.

    It contains the key of the instance: it must not be logged or recorded in the journal.

    :param about: as for :func:`user_data`.
    """
    conf, key = work.tools.conf, identity.instance_key(work)
    info: dict[str, dict[str, object]] = {
        'DEFAULT': {
            'guest_id': row.id,
            'datastore_manager': row.manager,
            'datastore_version': row.version_number,
            'tenant_id': row.tenant_id,
            'network_isolation': conf.network.network_isolation,
            'instance_rpc_encr_key': keys.encode(key),
            'boot_epoch': row.boot_epoch,
            **about
        }
    }
    url = broker.guest_transport_url(conf, row.id, key)
    if url:
        info['guest_bus'] = {'transport_url': url}
    return info


def _read(path: str | None) -> bytes | None:
    """Return the content of an operator's file; None if it does not exist."""
    if not path or not os.path.exists(path):
        return None
    try:
        with open(path, 'rb') as file:
            return file.read()
    except OSError as error:
        raise exception.StepFailed(
            'A file for the configuration of the server cannot be read; contact the operator.',
            code='internal', detail=f'{path}: {error}', retriable=True) from error
