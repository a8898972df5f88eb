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

"""Servers, flavors and availability zones of Nova, through python-novaclient.

A server is found by the tag with its instance's id, among the servers of the service project only.
"""

import dataclasses
import functools
import logging
import re
from typing import Any

from novaclient import client as nova

from trove.cloud import errors
from trove.cloud import names
from trove.common import exception

#: Statuses of a server without a request in progress, and of one in creation.
ACTIVE, ERROR, BUILD, SHUTOFF, DELETED = 'ACTIVE', 'ERROR', 'BUILD', 'SHUTOFF', 'DELETED'
#: Status of a resized server that waits for a confirmation or a revert.
VERIFY_RESIZE = 'VERIFY_RESIZE'
#: Statuses during a resize, its revert, or a migration.
RESIZING = ('RESIZE', 'REVERT_RESIZE', 'MIGRATING')
#: Statuses during a reboot.
REBOOTING = ('REBOOT', 'HARD_REBOOT')
#: Statuses in which Nova accepts a rebuild.
REBUILDABLE = (ACTIVE, SHUTOFF, ERROR)

#: First microversion that rebuilds servers with a root volume.
_REBUILDS_VOLUMES = '2.93'

#: Valid ids of flavors. The client inserts the id into the path unquoted, where "detail" and ".."
#: have another meaning.
_FLAVOR_ID = re.compile(r'(?!detail\Z|\.{1,2}\Z)[A-Za-z0-9. _-]{1,255}')

_USER_DATA = re.compile(r'(user_data"\s*:\s*")[^"]*')


class _WithoutUserData(logging.Filter):
    """A filter that removes user data, which contains the key of a guest, from log records of any
    level.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _USER_DATA.sub(r'\1***', record.getMessage()), ()
        return True


_HTTP = logging.getLogger(f'{__name__}.http')
_HTTP.addFilter(_WithoutUserData())


@dataclasses.dataclass(frozen=True)
class Server:
    """A server of Nova.

    :ivar status: Nova's status, upper case.
    :ivar task: Nova's current task state, if any.
    :ivar fault: Nova's reason for the status ERROR.
    :ivar image_id: empty when the root disk is a volume.
    :ivar host_key: differs between hosts; host names are visible to administrators only.
    :ivar build: the mark of the request that gave the server its image; empty since its creation.
    """
    id: str
    name: str
    status: str
    instance_id: str
    task: str | None = None
    fault: str = ''
    addresses: tuple[str, ...] = ()
    volume_ids: tuple[str, ...] = ()
    availability_zone: str = ''
    flavor_name: str = ''
    image_id: str = ''
    host_key: str = ''
    build: str = ''


@dataclasses.dataclass(frozen=True)
class ServerSpec:
    """The specification of a new server.

    :ivar port_ids: in the order of the guest's network cards: the tenant's first, management last.
    :ivar volume_device: name hint for the data volume, such as ``vdb``.
    :ivar root_volume_gb: size of a root volume, which is deleted with the server; None: local disk.
    """
    instance_id: str
    name: str
    project_id: str
    user_id: str
    manager: str
    image_id: str
    flavor_id: str
    port_ids: tuple[str, ...]
    user_data: bytes
    volume_id: str | None = None
    volume_device: str = 'vdb'
    availability_zone: str | None = None
    keypair: str | None = None
    config_drive: bool = False
    server_group_id: str | None = None
    root_volume_gb: int | None = None


@dataclasses.dataclass(frozen=True)
class Flavor:
    """A flavor of Nova.

    :ivar ram: MB.
    :ivar disk: GB.
    :ivar ephemeral: GB.
    """
    id: str
    name: str
    ram: int
    vcpus: int
    disk: int
    ephemeral: int
    is_public: bool


class Compute:
    """Nova in one region, with the credentials of one user."""

    def __init__(self, session: Any, *, region: str, microversion: str,
                 service_type: str = 'compute', interface: str = 'public',
                 url: str | None = None) -> None:
        self._nova = nova.Client(microversion, session=session, region_name=region,
                                 service_type=service_type, endpoint_type=interface,
                                 endpoint_override=url, logger=_HTTP)
        self._volumes_nova = functools.partial(nova.Client, _REBUILDS_VOLUMES, session=session,
                                               region_name=region, service_type=service_type,
                                               endpoint_type=interface, endpoint_override=url,
                                               logger=_HTTP)

    # --- servers ---------------------------------------------------------------------------------

    def find_server(self, instance_id: str) -> Server | None:
        """Return the server of an instance; the oldest if a lost response has led to two."""
        found = self.find_servers(instance_id)
        return found[0] if found else None

    def find_servers(self, instance_id: str) -> list[Server]:
        """Return all servers of an instance, oldest first."""
        with errors.translated('compute', 'look for the server'):
            listed = self._nova.servers.list(search_opts={'tags': names.server_tag(instance_id)})
        found = [item for item in listed if item.metadata.get('trove_instance_id') == instance_id]
        return [_server(item) for item in sorted(found, key=lambda item: (item.created, item.id))]

    def list_servers(self) -> list[Server]:
        """Return all servers of Trove in the service project."""
        with errors.translated('compute', 'list the servers'):
            # Without a limit Nova returns its first page only; -1 makes the client fetch all pages.
            listed = self._nova.servers.list(search_opts={'tags': names.SERVER_TAG}, limit=-1)
        return [_server(item) for item in listed if item.metadata.get('trove_instance_id')]

    def list_server_groups(self) -> dict[str, str]:
        """Return id -> name of the server groups of the service project."""
        with errors.translated('compute', 'list the server groups'):
            return {group.id: group.name for group in self._nova.server_groups.list()}

    def get_server(self, server_id: str) -> Server:
        """Return a server.

        :raises CloudNotFound: it does not exist.
        """
        with errors.translated('compute', 'show the server'):
            return _server(self._nova.servers.get(server_id))

    def ensure_server(self, spec: ServerSpec) -> Server:
        """Return the instance's server, created now if it does not exist.

        Does not wait for its start.
        """
        found = self.find_server(spec.instance_id)
        if found is not None:
            return found
        hints = {'group': spec.server_group_id} if spec.server_group_id else None
        with errors.translated('compute', 'create the server'):
            made = self._nova.servers.create(
                spec.name, None if spec.root_volume_gb else spec.image_id, spec.flavor_id,
                meta=names.server_metadata(spec.instance_id, spec.project_id, spec.user_id),
                tags=names.server_tags(spec.instance_id, spec.manager), userdata=spec.user_data,
                nics=[{'port-id': port_id} for port_id in spec.port_ids],
                block_device_mapping_v2=_disks(spec), key_name=spec.keypair or None,
                availability_zone=spec.availability_zone or None, scheduler_hints=hints,
                config_drive=spec.config_drive or None)
        return Server(id=made.id, name=spec.name, status=BUILD, instance_id=spec.instance_id)

    def delete_server(self, server_id: str, *, again: bool = False) -> bool:
        """Request the deletion of a server.

        :param again: also while Nova is already deleting it.
        :returns: whether it is gone.
        """
        try:
            server = self.get_server(server_id)
            if server.status == DELETED:
                return True
            if again or server.task != 'deleting':
                with errors.translated('compute', 'delete the server'):
                    self._nova.servers.delete(server_id)
        except exception.CloudNotFound:
            return True
        return False

    def stop_server(self, server_id: str) -> bool:
        """Request a clean shutdown of the machine.

        :returns: whether it is off or gone.
        """
        try:
            server = self.get_server(server_id)
            if server.status != ACTIVE:
                return server.status != BUILD
            if server.task is None:
                with errors.translated('compute', 'stop the server'):
                    self._nova.servers.stop(server_id)
        except exception.CloudNotFound:
            return True
        return False

    def start_server(self, server_id: str) -> None:
        """Request the start of a machine that is off. Does not wait for it."""
        with errors.translated('compute', 'start the server'):
            self._nova.servers.start(server_id)

    def rebuild_server(self, server_id: str, image_id: str, *, user_data: bytes,
                       metadata: dict[str, str], mark: str, root_on_volume: bool = False) -> None:
        """Request a new root disk from an image. Ports and data volumes stay. Does not wait for it.

        :param metadata: replaces the metadata of the server, together with ``mark``.
        :param mark: shown as :attr:`Server.build` from the moment Nova accepts the request.
        """
        client = self._volumes_nova() if root_on_volume else self._nova
        # Nova responds with 409 while the server has a task.
        with errors.translated('compute', 'rebuild the server'):
            client.servers.rebuild(server_id, image_id, meta={
                **metadata, names.BUILD_MARK: mark
            }, userdata=user_data)

    def migrate_server(self, server_id: str, host: str | None = None) -> None:
        """Request a move of the server, switched off, to another host. Does not wait for it.

        :param host: target; None: Nova chooses.
        """
        with errors.translated('compute', 'move the server to another host'):
            self._nova.servers.migrate(server_id, host=host)

    def live_migrate_server(self, server_id: str, host: str | None = None) -> None:
        """Request a move of the running server to another host. Does not wait for it.

        :param host: target; None: Nova chooses.
        """
        with errors.translated('compute', 'move the running server to another host'):
            self._nova.servers.live_migrate(server_id, host, 'auto')

    def reboot_server(self, server_id: str, *, hard: bool = False) -> None:
        with errors.translated('compute', 'reboot the server'):
            self._nova.servers.reboot(server_id, 'HARD' if hard else 'SOFT')

    def attach_volume(self, server_id: str, volume_id: str, device: str | None = None) -> None:
        """Request the attachment of a volume. Does not wait for it.

        :param device: name hint such as ``vdb``.
        """
        with errors.translated('compute', 'attach the volume'):
            self._nova.volumes.create_server_volume(server_id, volume_id,
                                                    f'/dev/{device}' if device else None)

    def detach_volume(self, server_id: str, volume_id: str) -> None:
        """Request the detachment of a volume, which may be detached already.

        Does not wait for it.
        """
        try:
            with errors.translated('compute', 'detach the volume'):
                self._nova.volumes.delete_server_volume(server_id, volume_id)
        except exception.CloudNotFound:
            return

    def resize_server(self, server_id: str, flavor_id: str) -> None:
        """Request another flavor. Does not wait for it."""
        with errors.translated('compute', 'change the flavor of the server'):
            self._nova.servers.resize(server_id, flavor_id)

    def confirm_resize(self, server_id: str) -> None:
        """Confirm the new flavor, which releases the resources of the former one."""
        with errors.translated('compute', 'confirm the new flavor of the server'):
            self._nova.servers.confirm_resize(server_id)

    def revert_resize(self, server_id: str) -> None:
        """Request the former flavor, before the new one is confirmed. Does not wait for it."""
        with errors.translated('compute', 'revert the flavor of the server'):
            self._nova.servers.revert_resize(server_id)

    def console_log(self, server_id: str, lines: int = 50) -> str:
        """Return the last lines of the console."""
        with errors.translated('compute', 'show the console log'):
            return self._nova.servers.get_console_output(server_id, length=lines) or ''

    def ensure_server_group(self, name: str, policy: str) -> str:
        """Return the id of the server group with this name, created now if it does not exist."""
        found = self._server_groups(name)
        if found:
            return found[0]
        with errors.translated('compute', 'create the server group'):
            return self._nova.server_groups.create(name, policy).id

    def delete_server_group(self, name: str) -> None:
        """Delete the server groups with this name, if any."""
        for group_id in self._server_groups(name):
            try:
                with errors.translated('compute', 'delete the server group'):
                    self._nova.server_groups.delete(group_id)
            except exception.CloudNotFound:
                continue  # deleted concurrently

    def _server_groups(self, name: str) -> list[str]:
        with errors.translated('compute', 'look for the server group'):
            return sorted(group.id for group in self._nova.server_groups.list()
                          if group.name == name)

    # --- flavors and zones -----------------------------------------------------------------------

    def flavors(self) -> list[Flavor]:
        """Return the public flavors."""
        with errors.translated('compute', 'list the flavors'):
            return [
                _flavor(item) for item in self._nova.flavors.list(detailed=True, is_public=True)
            ]

    def get_flavor(self, flavor_id: str) -> Flavor:
        """Return a flavor.

        :raises CloudNotFound: it does not exist, or is not visible with these credentials.
        """
        if not _FLAVOR_ID.fullmatch(flavor_id):
            raise exception.CloudNotFound(detail='compute: not a valid id of a flavor')
        with errors.translated('compute', 'show the flavor'):
            return _flavor(self._nova.flavors.get(flavor_id))

    def availability_zones(self) -> list[str]:
        """Return the names of the zones that accept new servers."""
        with errors.translated('compute', 'list the availability zones'):
            listed = self._nova.availability_zones.list(detailed=False)
        return sorted(zone.zoneName for zone in listed if zone.zoneState.get('available'))


def _disks(spec: ServerSpec) -> list[dict[str, Any]] | None:
    disks: list[dict[str, Any]] = []
    if spec.root_volume_gb:
        disks.append({
            'uuid': spec.image_id,
            'source_type': 'image',
            'destination_type': 'volume',
            'boot_index': 0,
            'volume_size': spec.root_volume_gb,
            'delete_on_termination': True
        })
    if spec.volume_id:
        # Never deleted with the server: the data must survive the loss of a server.
        disks.append({
            'uuid': spec.volume_id,
            'source_type': 'volume',
            'destination_type': 'volume',
            'boot_index': -1,
            'device_name': spec.volume_device,
            'delete_on_termination': False
        })
    return disks or None


def _server(item: Any) -> Server:
    """Convert a response of Nova, without further requests."""
    known = item.to_dict()
    addresses = tuple(address['addr'] for network in (known.get('addresses') or {}).values()
                      for address in network)
    volumes = tuple(volume['id']
                    for volume in known.get('os-extended-volumes:volumes_attached') or ())
    return Server(id=known['id'], name=known.get('name', ''), status=str(known.get('status',
                                                                                   '')).upper(),
                  instance_id=(known.get('metadata') or {}).get('trove_instance_id', ''),
                  task=known.get('OS-EXT-STS:task_state'), fault=str(
                      (known.get('fault') or {}).get('message',
                                                     '')), addresses=addresses, volume_ids=volumes,
                  availability_zone=known.get('OS-EXT-AZ:availability_zone') or '', flavor_name=str(
                      (known.get('flavor') or {}).get('original_name', '')), image_id=str(
                          (known.get('image') or {}).get('id', '')), host_key=known.get('hostId')
                  or '', build=(known.get('metadata') or {}).get(names.BUILD_MARK, ''))


def _flavor(item: Any) -> Flavor:
    known = item.to_dict()
    return Flavor(id=str(known['id']), name=known['name'], ram=int(known['ram']),
                  vcpus=int(known['vcpus']), disk=int(known['disk']),
                  ephemeral=int(known.get('OS-FLV-EXT-DATA:ephemeral')
                                or 0), is_public=bool(known.get('os-flavor-access:is_public',
                                                                True)))
