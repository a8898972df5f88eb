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

"""Servers, flavors and availability zones, in our words. Speaks to Nova with python-novaclient.

A server is found by the tag that holds its instance's id, among the servers of the service project only.
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

#: Statuses in which Nova is done with a server for good or until somebody asks for something.
ACTIVE, ERROR, BUILD, SHUTOFF, DELETED = 'ACTIVE', 'ERROR', 'BUILD', 'SHUTOFF', 'DELETED'
#: Nova has moved a server to another flavor and waits to be told whether that is well.
VERIFY_RESIZE = 'VERIFY_RESIZE'
#: Statuses in which it is at that, or at the way back.
RESIZING = ('RESIZE', 'REVERT_RESIZE', 'MIGRATING')
#: Statuses in which it is at starting a machine anew.
REBOOTING = ('REBOOT', 'HARD_REBOOT')
#: Statuses in which it takes another image for a server.
REBUILDABLE = (ACTIVE, SHUTOFF, ERROR)

#: From this microversion on Nova gives another image also to servers whose root disk is a volume.
_REBUILDS_VOLUMES = '2.93'

#: What Nova takes for the id of a flavor. The client puts it into the path as it is, where "detail" and ".." mean
#: something else.
_FLAVOR_ID = re.compile(r'(?!detail\Z|\.{1,2}\Z)[A-Za-z0-9. _-]{1,255}')

_USER_DATA = re.compile(r'(user_data"\s*:\s*")[^"]*')


class _WithoutUserData(logging.Filter):
    """User data holds the key of a guest: it never reaches a log, whatever level an operator sets."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _USER_DATA.sub(r'\1***', record.getMessage()), ()
        return True


_HTTP = logging.getLogger(f'{__name__}.http')
_HTTP.addFilter(_WithoutUserData())


@dataclasses.dataclass(frozen=True)
class Server:
    """A machine of Nova.

    :ivar status: Nova's word, upper case.
    :ivar task: what Nova is doing with it, if anything.
    :ivar fault: why the status is ERROR, in Nova's words.
    :ivar image_id: empty when the root disk is a volume.
    :ivar host_key: differs between hosts; their names are for administrators.
    :ivar build: the mark given with the image it has; empty when that was at its creation.
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
    """Everything a server is made from.

    :ivar port_ids: in the order the guest shall see its cards: the tenant's first, management last.
    :ivar volume_device: name hint for the data volume, such as ``vdb``.
    :ivar root_volume_gb: boot from a volume of this size, which goes with the server; None: from local disk.
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
    """:ivar ram: MB. :ivar disk: GB. :ivar ephemeral: GB."""
    id: str
    name: str
    ram: int
    vcpus: int
    disk: int
    ephemeral: int
    is_public: bool


class Compute:
    """One user's view of Nova in one region."""

    def __init__(self, session: Any, *, region: str, microversion: str, service_type: str = 'compute',
                 interface: str = 'public', url: str | None = None) -> None:
        self._nova = nova.Client(microversion, session=session, region_name=region, service_type=service_type,
                                 endpoint_type=interface, endpoint_override=url, logger=_HTTP)
        self._volumes_nova = functools.partial(
            nova.Client, _REBUILDS_VOLUMES, session=session, region_name=region, service_type=service_type,
            endpoint_type=interface, endpoint_override=url, logger=_HTTP)

    # --- servers ---------------------------------------------------------------------------------

    def find_server(self, instance_id: str) -> Server | None:
        """The server of an instance, the oldest if a lost answer has led to two."""
        found = self.find_servers(instance_id)
        return found[0] if found else None

    def find_servers(self, instance_id: str) -> list[Server]:
        """All servers of an instance, oldest first."""
        with errors.translated('compute', 'look for the server'):
            listed = self._nova.servers.list(search_opts={'tags': names.server_tag(instance_id)})
        found = [item for item in listed if item.metadata.get('trove_instance_id') == instance_id]
        return [_server(item) for item in sorted(found, key=lambda item: (item.created, item.id))]

    def list_servers(self) -> list[Server]:
        """All servers of the service project that are ours."""
        with errors.translated('compute', 'list the servers'):
            # Without a limit Nova gives its first page only; -1 makes the client ask for all of them.
            listed = self._nova.servers.list(search_opts={'tags': names.SERVER_TAG}, limit=-1)
        return [_server(item) for item in listed if item.metadata.get('trove_instance_id')]

    def list_server_groups(self) -> dict[str, str]:
        """id -> name of the groups of the service project."""
        with errors.translated('compute', 'list the server groups'):
            return {group.id: group.name for group in self._nova.server_groups.list()}

    def get_server(self, server_id: str) -> Server:
        """:raises CloudNotFound: there is none."""
        with errors.translated('compute', 'show the server'):
            return _server(self._nova.servers.get(server_id))

    def ensure_server(self, spec: ServerSpec) -> Server:
        """The instance's server, made now if there is none. Does not wait for it to start."""
        found = self.find_server(spec.instance_id)
        if found is not None:
            return found
        hints = {'group': spec.server_group_id} if spec.server_group_id else None
        with errors.translated('compute', 'make the server'):
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
        """Ask for the server to be removed; ``again`` even if Nova says that it is at it.

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
        """Ask for the machine to be switched off in good order. :returns: whether it is off or gone."""
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
        """Ask for a machine that is off to be switched on. Does not wait for it."""
        with errors.translated('compute', 'start the server'):
            self._nova.servers.start(server_id)

    def rebuild_server(self, server_id: str, image_id: str, *, user_data: bytes, metadata: dict[str, str], mark: str,
                       root_on_volume: bool = False) -> None:
        """Ask for a fresh root disk from an image. Ports and data volumes stay. Does not wait for it.

        :param metadata: replaces what the server has, together with ``mark``.
        :param mark: shown as :attr:`Server.build` from the moment Nova has taken the request.
        """
        client = self._volumes_nova() if root_on_volume else self._nova
        # Nova answers 409 while something is being done to the server.
        with errors.translated('compute', 'give the server another image'):
            client.servers.rebuild(server_id, image_id, meta={**metadata, names.BUILD_MARK: mark}, userdata=user_data)

    def migrate_server(self, server_id: str, host: str | None = None) -> None:
        """Ask for the server to be moved, switched off, to another host. Does not wait for it.

        :param host: where to; None lets Nova choose.
        """
        with errors.translated('compute', 'move the server to another host'):
            self._nova.servers.migrate(server_id, host=host)

    def live_migrate_server(self, server_id: str, host: str | None = None) -> None:
        """Ask for the running server to be moved to another host. Does not wait for it.

        :param host: where to; None lets Nova choose.
        """
        with errors.translated('compute', 'move the running server to another host'):
            self._nova.servers.live_migrate(server_id, host, 'auto')

    def reboot_server(self, server_id: str, *, hard: bool = False) -> None:
        with errors.translated('compute', 'reboot the server'):
            self._nova.servers.reboot(server_id, 'HARD' if hard else 'SOFT')

    def attach_volume(self, server_id: str, volume_id: str, device: str | None = None) -> None:
        """Ask for a volume to be attached. Does not wait for it.

        :param device: name hint such as ``vdb``.
        """
        with errors.translated('compute', 'attach the volume'):
            self._nova.volumes.create_server_volume(server_id, volume_id, f'/dev/{device}' if device else None)

    def detach_volume(self, server_id: str, volume_id: str) -> None:
        """Ask for a volume to be detached. Does not wait for it; detached already is fine."""
        try:
            with errors.translated('compute', 'detach the volume'):
                self._nova.volumes.delete_server_volume(server_id, volume_id)
        except exception.CloudNotFound:
            return

    def resize_server(self, server_id: str, flavor_id: str) -> None:
        """Ask for another flavor. Does not wait for it."""
        with errors.translated('compute', 'change the flavor of the server'):
            self._nova.servers.resize(server_id, flavor_id)

    def confirm_resize(self, server_id: str) -> None:
        """Let go of what Nova keeps for the way back to the former flavor."""
        with errors.translated('compute', 'confirm the new flavor of the server'):
            self._nova.servers.confirm_resize(server_id)

    def revert_resize(self, server_id: str) -> None:
        """Ask for the former flavor again, as long as the new one was not confirmed. Does not wait for it."""
        with errors.translated('compute', 'give the server its former flavor again'):
            self._nova.servers.revert_resize(server_id)

    def console_log(self, server_id: str, lines: int = 50) -> str:
        """The last lines the machine wrote to its console."""
        with errors.translated('compute', 'show the console log'):
            return self._nova.servers.get_console_output(server_id, length=lines) or ''

    def ensure_server_group(self, name: str, policy: str) -> str:
        """The group of this name. :returns: its id."""
        found = self._server_groups(name)
        if found:
            return found[0]
        with errors.translated('compute', 'make the server group'):
            return self._nova.server_groups.create(name, policy).id

    def delete_server_group(self, name: str) -> None:
        """Remove the groups of this name; gone is fine."""
        for group_id in self._server_groups(name):
            try:
                with errors.translated('compute', 'delete the server group'):
                    self._nova.server_groups.delete(group_id)
            except exception.CloudNotFound:
                continue  # somebody else was faster

    def _server_groups(self, name: str) -> list[str]:
        with errors.translated('compute', 'look for the server group'):
            return sorted(group.id for group in self._nova.server_groups.list() if group.name == name)

    # --- what servers are made from ----------------------------------------------------------------

    def flavors(self) -> list[Flavor]:
        """The public flavors."""
        with errors.translated('compute', 'list the flavors'):
            return [_flavor(item) for item in self._nova.flavors.list(detailed=True, is_public=True)]

    def get_flavor(self, flavor_id: str) -> Flavor:
        """:raises CloudNotFound: there is none that these credentials may see."""
        if not _FLAVOR_ID.fullmatch(flavor_id):
            raise exception.CloudNotFound(detail='compute: this is no id of a flavor')
        with errors.translated('compute', 'show the flavor'):
            return _flavor(self._nova.flavors.get(flavor_id))

    def availability_zones(self) -> list[str]:
        """Names of the zones that take new servers."""
        with errors.translated('compute', 'list the availability zones'):
            listed = self._nova.availability_zones.list(detailed=False)
        return sorted(zone.zoneName for zone in listed if zone.zoneState.get('available'))


def _disks(spec: ServerSpec) -> list[dict[str, Any]] | None:
    disks: list[dict[str, Any]] = []
    if spec.root_volume_gb:
        disks.append({'uuid': spec.image_id, 'source_type': 'image', 'destination_type': 'volume', 'boot_index': 0,
                      'volume_size': spec.root_volume_gb, 'delete_on_termination': True})
    if spec.volume_id:
        # Never deleted with the server: a server may be lost by accident, the data must not.
        disks.append({'uuid': spec.volume_id, 'source_type': 'volume', 'destination_type': 'volume',
                      'boot_index': -1, 'device_name': spec.volume_device, 'delete_on_termination': False})
    return disks or None


def _server(item: Any) -> Server:
    """From an answer of Nova, without asking it for more."""
    known = item.to_dict()
    addresses = tuple(address['addr'] for network in (known.get('addresses') or {}).values()
                      for address in network)
    volumes = tuple(volume['id'] for volume in known.get('os-extended-volumes:volumes_attached') or ())
    return Server(id=known['id'], name=known.get('name', ''), status=str(known.get('status', '')).upper(),
                  instance_id=(known.get('metadata') or {}).get('trove_instance_id', ''),
                  task=known.get('OS-EXT-STS:task_state'),
                  fault=str((known.get('fault') or {}).get('message', '')), addresses=addresses, volume_ids=volumes,
                  availability_zone=known.get('OS-EXT-AZ:availability_zone') or '',
                  flavor_name=str((known.get('flavor') or {}).get('original_name', '')),
                  image_id=str((known.get('image') or {}).get('id', '')), host_key=known.get('hostId') or '',
                  build=(known.get('metadata') or {}).get(names.BUILD_MARK, ''))


def _flavor(item: Any) -> Flavor:
    known = item.to_dict()
    return Flavor(id=str(known['id']), name=known['name'], ram=int(known['ram']), vcpus=int(known['vcpus']),
                  disk=int(known['disk']), ephemeral=int(known.get('OS-FLV-EXT-DATA:ephemeral') or 0),
                  is_public=bool(known.get('os-flavor-access:is_public', True)))
