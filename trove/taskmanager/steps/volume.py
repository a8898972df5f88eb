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

"""Steps on the data volume of an instance."""

from collections.abc import Iterable

from trove.cloud import names
from trove.cloud.volume import Storage
from trove.common import exception
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Wait, Work
from trove.taskmanager.steps import base

_USABLE = frozenset({'available', 'in-use', 'reserved', 'attaching'})


class EnsureVolume(Step[args.Nothing, facts.Volume]):
    """A volume of the requested size exists.

    ``new_volume`` records that this operation created it: only then the guest may format it, and a
    failed operation may delete it.
    """

    creates = frozenset({'volume'})
    gives = frozenset({'volume_id', 'new_volume'})

    def run(self, work: Work) -> Done:
        conf, row = work.tools.conf, base.instance(work)
        if not row.volume_support:
            return Done(facts={'volume_id': None, 'new_volume': False})
        try:
            volume = base.cloud(work).volume.ensure_volume(
                names.volume(row.id), size=row.volume_size, made_by=work.id,
                type_name=row.volume_type or conf.cinder_volume_type,
                zone=row.availability_zone if conf.enable_volume_az else None,
                metadata=names.owner_metadata(row.id, row.tenant_id))
        except exception.CloudError as error:
            raise base.failing_as('volume_failed', error) from error
        return Done(facts={'volume_id': volume.id, 'new_volume': volume.made_by == work.id},
                    changes=[base.changed(work, volume_id=volume.id)])

    def undo(self, work: Work) -> Done | Wait:
        storage = base.cloud(work).volume
        made = {volume.id for volume in storage.find_volumes(names.volume(work.resource_id))
                if volume.made_by == work.id}
        left = _delete(storage, made)
        if left:
            return Wait(base.pause(work), at_most=work.tools.conf.volume_time_out, code='leftovers',
                        reason=f'the volume to go: {", ".join(left)}')
        return Done(changes=[base.changed(work, volume_id=None)])


class VolumeAvailable(Step[args.Nothing, facts.Volume]):
    """The volume can be attached."""

    needs = frozenset({'volume_id'})

    def run(self, work: Work[args.Nothing, facts.Volume]) -> Done | Wait:
        volume_id = work.facts['volume_id']
        if volume_id is None:
            return Done()
        try:
            volume = base.cloud(work).volume.get_volume(volume_id)
        except exception.CloudError as error:
            raise base.failing_as('volume_failed', error) from error
        if volume.status in _USABLE:
            return Done()
        if volume.status.startswith('error'):
            raise exception.StepFailed('The volume could not be created.', code='volume_failed',
                                       detail=f'volume {volume_id} is {volume.status}')
        return Wait(base.next_look(work), at_most=work.tools.conf.volume_time_out,
                    code='volume_failed', reason='the volume to become available')


class VolumesGone(base.Removal):
    """All volumes of the instance are removed, by name and by the id in its row."""

    removes = frozenset({'volume'})
    what = 'the volume'

    def remaining(self, work: Work) -> list[str]:
        storage = base.cloud(work).volume
        ids = {volume.id for volume in storage.find_volumes(names.volume(work.resource_id))}
        if work.resource is not None and work.resource.volume_id:
            ids.add(work.resource.volume_id)
        return _delete(storage, ids)

    def changes(self, work: Work) -> list[Change]:
        return [base.changed(work, volume_id=None)]


def _delete(storage: Storage, ids: Iterable[str]) -> list[str]:
    """Request the deletion of volumes.

    :returns: the remaining volumes with their states.
    """
    states = {volume_id: storage.delete_volume(volume_id) for volume_id in sorted(ids)}
    return [f'volume {volume_id} is {state}' for volume_id, state in states.items() if state]
