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

"""Data volumes and volume types, in our words. Speaks to Cinder with openstacksdk."""

import dataclasses
from typing import Any

from openstack import utils
from openstack.block_storage.v3 import _proxy

from trove.cloud import errors
from trove.cloud import names
from trove.common import exception

#: In these a volume is free; Cinder deletes it at once.
_FREE = frozenset({'available', 'error', 'error_extending', 'error_restoring', 'error_managing', 'error_deleting'})

#: From this microversion on Cinder extends volumes that are attached.
_IN_USE_EXTEND = '3.42'

_MADE_BY = 'trove_operation_id'


@dataclasses.dataclass(frozen=True)
class Volume:
    """A volume of Cinder.

    :ivar status: Cinder's word, lower case.
    :ivar size: GB.
    :ivar made_by: the operation that made it, empty when that was not one of ours.
    :ivar server_ids: where it is attached.
    """
    id: str
    name: str
    status: str
    size: int
    type: str | None = None
    availability_zone: str | None = None
    made_by: str = ''
    server_ids: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class VolumeType:
    id: str
    name: str
    is_public: bool
    description: str = ''


class Storage:
    """One user's view of Cinder in one region."""

    def __init__(self, proxy: _proxy.Proxy) -> None:
        self._cinder = proxy

    def find_volumes(self, name: str) -> list[Volume]:
        """All volumes of this name, oldest first."""
        with errors.translated('volume', 'look for the volume'):
            listed = [item for item in self._cinder.volumes(details=True, name=name) if item.name == name]
        return [_volume(item) for item in sorted(listed, key=lambda item: (item.created_at or '', item.id))]

    def list_volumes(self) -> list[Volume]:
        """All volumes of the service project that are named like ours."""
        with errors.translated('volume', 'list the volumes'):
            return [_volume(item) for item in self._cinder.volumes(details=True)
                    if (item.name or '').startswith(names.PREFIX)]

    def get_volume(self, volume_id: str) -> Volume:
        """:raises CloudNotFound: there is none."""
        with errors.translated('volume', 'show the volume'):
            return _volume(self._cinder.get_volume(volume_id))

    def ensure_volume(self, name: str, *, size: int, made_by: str, type_name: str | None = None,
                      zone: str | None = None, metadata: dict[str, str] | None = None) -> Volume:
        """The volume of this name. Does not wait for it to be available.

        :param size: GB.
        :param made_by: the operation that asks, kept with the volume: who finds it later knows whether it is new,
            even when the answer to the request that made it was lost.
        """
        found = self.find_volumes(name)
        if found:
            return found[0]
        wanted: dict[str, Any] = {'name': name, 'size': size, 'metadata': {**(metadata or {}), _MADE_BY: made_by}}
        if type_name:
            wanted['volume_type'] = type_name
        if zone:
            wanted['availability_zone'] = zone
        with errors.translated('volume', 'make the volume'):
            return _volume(self._cinder.create_volume(**wanted))

    def extends_in_use(self) -> bool:
        """Whether Cinder can make a volume larger while it is attached."""
        with errors.translated('volume', 'tell its versions'):
            return bool(utils.supports_microversion(self._cinder, _IN_USE_EXTEND))

    def extend_volume(self, volume_id: str, size: int) -> None:
        """Ask for a volume to be made larger. Does not wait for it.

        :param size: GB it shall have.
        """
        with errors.translated('volume', 'make the volume larger'):
            self._cinder.extend_volume(volume_id, size)

    def set_status(self, volume_id: str, status: str) -> None:
        """Say what a volume is that Cinder gave up on; for volumes whose data are known to be whole."""
        with errors.translated('volume', 'reset the status of the volume'):
            self._cinder.reset_volume_status(volume_id, status, None, None)

    def delete_volume(self, volume_id: str) -> str:
        """Ask for the volume to be removed, once whoever had it attached has let go of it.

        :returns: what it still is, for the operator; empty when it is gone.
        """
        try:
            volume = self.get_volume(volume_id)
            if volume.status not in _FREE:
                return f'{volume.status}, attached to {", ".join(volume.server_ids) or "nothing"}'
            # Cinder says 400 while a volume is being let go of or has snapshots.
            with errors.translated('volume', 'delete the volume', also_retriable=frozenset({400})):
                self._cinder.delete_volume(volume_id, ignore_missing=False)
        except exception.CloudNotFound:
            return ''
        return 'deleting'

    def volume_types(self) -> list[VolumeType]:
        """The types that these credentials may use."""
        with errors.translated('volume', 'list the volume types'):
            return [VolumeType(id=item.id, name=item.name, is_public=bool(item.is_public),
                               description=item.description or '') for item in self._cinder.types()]

    def availability_zones(self) -> list[str]:
        """Names of the zones that take new volumes."""
        with errors.translated('volume', 'list the availability zones'):
            listed = list(self._cinder.availability_zones())
        return sorted(zone.name for zone in listed if (zone.state or {}).get('available'))


def _volume(item: Any) -> Volume:
    servers = tuple(attachment['server_id'] for attachment in item.attachments or () if attachment.get('server_id'))
    return Volume(id=item.id, name=item.name or '', status=(item.status or '').lower(), size=int(item.size or 0),
                  type=item.volume_type, availability_zone=item.availability_zone, server_ids=servers,
                  made_by=(item.metadata or {}).get(_MADE_BY, ''))
