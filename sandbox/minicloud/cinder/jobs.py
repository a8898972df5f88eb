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

"""Background jobs of the block storage."""

from typing import TYPE_CHECKING, Any

from minicloud import work

if TYPE_CHECKING:
    from minicloud.cloud import Cloud


def _set(cloud: 'Cloud', kind: str, id: str, **changes: Any) -> None:
    with cloud.state.transaction() as tx:
        if tx.get(kind, id) is not None:
            tx.update(kind, id, **changes)


def _create_failed(cloud: 'Cloud', message: str, volume_id: str) -> None:
    _set(cloud, 'volume', volume_id, status='error')


@work.job('volume.create', failed=_create_failed)
def create(cloud: 'Cloud', volume_id: str) -> None:
    """Create a volume, empty or with the content of another."""
    with cloud.state.transaction() as tx:
        volume = tx.get('volume', volume_id)
    if volume is None or volume['status'] != 'creating':
        return
    source = volume['snapshot_id'] or volume['source_volid']
    if source:
        cloud.hypervisor.clone_volume(volume_id, volume['size'], source)
    else:
        cloud.hypervisor.create_volume(volume_id, volume['size'])
    _set(cloud, 'volume', volume_id, status='available')


def _extend_failed(cloud: 'Cloud', message: str, volume_id: str, size: int) -> None:
    _set(cloud, 'volume', volume_id, status='error_extending')


@work.job('volume.extend', failed=_extend_failed)
def extend(cloud: 'Cloud', volume_id: str, size: int) -> None:
    """Extend a volume and restore its former status."""
    with cloud.state.transaction() as tx:
        volume = tx.get('volume', volume_id)
    if volume is None or volume['status'] != 'extending':
        return
    cloud.hypervisor.extend_volume(volume_id, size)
    _set(cloud, 'volume', volume_id, status=volume['previous_status'], size=size,
         previous_status=None)


def _delete_failed(cloud: 'Cloud', message: str, volume_id: str) -> None:
    _set(cloud, 'volume', volume_id, status='error_deleting')


@work.job('volume.delete', failed=_delete_failed)
def delete(cloud: 'Cloud', volume_id: str) -> None:
    """Delete a volume and its record."""
    cloud.hypervisor.delete_volume(volume_id)
    with cloud.state.transaction() as tx:
        tx.remove('volume', volume_id)


def _snapshot_failed(cloud: 'Cloud', message: str, snapshot_id: str) -> None:
    _set(cloud, 'snapshot', snapshot_id, status='error')


@work.job('snapshot.create', failed=_snapshot_failed)
def create_snapshot(cloud: 'Cloud', snapshot_id: str) -> None:
    """Create a snapshot of a volume."""
    with cloud.state.transaction() as tx:
        snapshot = tx.get('snapshot', snapshot_id)
    if snapshot is None or snapshot['status'] != 'creating':
        return
    cloud.hypervisor.snapshot_volume(snapshot_id, snapshot['volume_id'])
    _set(cloud, 'snapshot', snapshot_id, status='available')


def _snapshot_delete_failed(cloud: 'Cloud', message: str, snapshot_id: str) -> None:
    _set(cloud, 'snapshot', snapshot_id, status='error_deleting')


@work.job('snapshot.delete', failed=_snapshot_delete_failed)
def delete_snapshot(cloud: 'Cloud', snapshot_id: str) -> None:
    """Delete a snapshot and its record."""
    cloud.hypervisor.delete_snapshot(snapshot_id)
    with cloud.state.transaction() as tx:
        tx.remove('snapshot', snapshot_id)
