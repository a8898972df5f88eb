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

"""Data volumes and volume types of Cinder, through openstacksdk."""

import dataclasses
from typing import Any

from openstack import utils
from openstack.block_storage.v3 import _proxy

from trove.cloud import errors
from trove.cloud import names
from trove.common import exception

#: Statuses in which Cinder deletes a volume at once.
_FREE = frozenset({
    'available', 'error', 'error_extending', 'error_restoring', 'error_managing', 'error_deleting'
})

#: First microversion that extends attached volumes.
_IN_USE_EXTEND = '3.42'

_MADE_BY = 'trove_operation_id'


@dataclasses.dataclass(frozen=True)
class Volume:
    """A volume of Cinder.

    :ivar status: Cinder's status, lower case.
    :ivar size: GB.
    :ivar made_by: id of the operation that created it; empty if Trove did not.
    :ivar server_ids: servers to which it is attached.
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
    """Cinder in one region, with the credentials of one user."""

    def __init__(self, proxy: _proxy.Proxy) -> None:
        self._cinder = proxy

    def find_volumes(self, name: str) -> list[Volume]:
        """Return all volumes with this name, oldest first."""
        with errors.translated('volume', 'look for the volume'):
            listed = [
                item for item in self._cinder.volumes(details=True, name=name) if item.name == name
            ]
        return [
            _volume(item)
            for item in sorted(listed, key=lambda item: (item.created_at or '', item.id))
        ]

    def list_volumes(self) -> list[Volume]:
        """Return all volumes of the service project with a name of Trove."""
        with errors.translated('volume', 'list the volumes'):
            return [_volume(item) for item in self._cinder.volumes(details=True)
                    if (item.name or '').startswith(names.PREFIX)]

    def get_volume(self, volume_id: str) -> Volume:
        """Return a volume.

        :raises CloudNotFound: it does not exist.
        """
        with errors.translated('volume', 'show the volume'):
            return _volume(self._cinder.get_volume(volume_id))

    def ensure_volume(self, name: str, *, size: int, made_by: str, type_name: str | None = None,
                      zone: str | None = None, metadata: dict[str, str] | None = None) -> Volume:
        """Return the volume with this name, created now if it does not exist. Does not wait for it.

        :param size: GB.
        :param made_by: id of the operation, stored with the volume. It shows later whether the
            operation created the volume, even if the response was lost.
        """
        found = self.find_volumes(name)
        if found:
            return found[0]
        request: dict[str, Any] = {
            'name': name,
            'size': size,
            'metadata': {
                **(metadata or {}), _MADE_BY: made_by
            }
        }
        if type_name:
            request['volume_type'] = type_name
        if zone:
            request['availability_zone'] = zone
        with errors.translated('volume', 'create the volume'):
            return _volume(self._cinder.create_volume(**request))

    def extends_in_use(self) -> bool:
        """Return whether Cinder can extend an attached volume."""
        with errors.translated('volume', 'list its versions'):
            return bool(utils.supports_microversion(self._cinder, _IN_USE_EXTEND))

    def extend_volume(self, volume_id: str, size: int) -> None:
        """Request a larger volume. Does not wait for it.

        :param size: new size in GB.
        """
        with errors.translated('volume', 'extend the volume'):
            self._cinder.extend_volume(volume_id, size)

    def set_status(self, volume_id: str, status: str) -> None:
        """Reset the status of a volume after a failure of Cinder; its data must be intact."""
        with errors.translated('volume', 'reset the status of the volume'):
            self._cinder.reset_volume_status(volume_id, status, None, None)

    def delete_volume(self, volume_id: str) -> str:
        """Request the deletion of a volume, once it is detached.

        :returns: its status, for the operator; empty when it is gone.
        """
        try:
            volume = self.get_volume(volume_id)
            if volume.status not in _FREE:
                return f'{volume.status}, attached to {", ".join(volume.server_ids) or "nothing"}'
            # Cinder responds with 400 while a volume is being detached or has snapshots.
            with errors.translated('volume', 'delete the volume', also_retriable=frozenset({400})):
                self._cinder.delete_volume(volume_id, ignore_missing=False)
        except exception.CloudNotFound:
            return ''
        return 'deleting'

    def volume_types(self) -> list[VolumeType]:
        """Return the types that these credentials may use."""
        with errors.translated('volume', 'list the volume types'):
            return [VolumeType(id=item.id, name=item.name, is_public=bool(item.is_public),
                               description=item.description or '') for item in self._cinder.types()]

    def availability_zones(self) -> list[str]:
        """Return the names of the zones that accept new volumes."""
        with errors.translated('volume', 'list the availability zones'):
            listed = list(self._cinder.availability_zones())
        return sorted(zone.name for zone in listed if (zone.state or {}).get('available'))


def _volume(item: Any) -> Volume:
    servers = tuple(attachment['server_id'] for attachment in item.attachments or ()
                    if attachment.get('server_id'))
    return Volume(id=item.id, name=item.name or '', status=(item.status or '').lower(),
                  size=int(item.size
                           or 0), type=item.volume_type, availability_zone=item.availability_zone,
                  server_ids=servers, made_by=(item.metadata or {}).get(_MADE_BY, ''))
