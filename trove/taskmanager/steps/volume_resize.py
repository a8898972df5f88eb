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

"""Steps that enlarge the data volume of an instance: while the engine runs if possible, else with
the engine stopped.

The steps of the second way do nothing when the first way is used. The way may change once, from the
first to the second, when Cinder refuses the first.
"""

import functools
from collections.abc import Sequence
from typing import Any

from trove.cloud import compute
from trove.cloud.volume import Volume
from trove.common import exception
from trove.common.rpc import messages
from trove.db import quotas
from trove.db.session import Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Wait, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest

ONLINE, OFFLINE = 'online', 'offline'
#: Transitional states of a volume in Cinder.
_MOVING = frozenset({'extending', 'attaching', 'detaching', 'reserved'})


def volume_of(work: Work[Any, Any]) -> Volume:
    """Return the volume as Cinder shows it now."""
    try:
        return base.cloud(work).volume.get_volume(work.facts['volume_id'])
    except exception.CloudError as error:
        raise base.failing_as('volume_failed', error) from error


class ChooseWay(Step[args.Nothing, facts.ResizeVolume]):
    """The server runs, the volume is attached to it, and the way that Cinder supports is chosen."""

    gives = frozenset({'server_id', 'volume_id', 'way'})

    def run(self, work: Work) -> Done:
        row, cloud = base.instance(work), base.cloud(work)
        try:
            server = cloud.compute.get_server(row.compute_instance_id)
            volume = cloud.volume.get_volume(row.volume_id)
            online = work.tools.conf.online_volume_resize and cloud.volume.extends_in_use()
        except exception.CloudError as error:
            raise base.failing_as('volume_extend_failed', error) from error
        if server.status != compute.ACTIVE:
            raise exception.StepFailed(
                f'The volume can only be made larger while the server is ACTIVE; it is '
                f'{server.status}.', code='volume_extend_failed')
        if server.id not in volume.server_ids:
            raise exception.StepFailed(
                'The volume is not attached to the server of the instance; contact the operator.',
                code='volume_extend_failed',
                detail=f'volume {volume.id} is {volume.status}, attached to '
                f'{", ".join(volume.server_ids) or "nothing"}, not to {server.id}')
        return Done(facts={
            'server_id': server.id,
            'volume_id': volume.id,
            'way': ONLINE if online else OFFLINE
        })


class _Extended(Step[args.ResizeVolume, facts.ResizeVolume]):
    """A step that requests the size from Cinder and waits until the volume has it."""

    needs = frozenset({'volume_id', 'way'})
    #: The way of this step, and the state of the volume before and after it.
    way = ''
    at_rest = ''

    def run(self, work: Work[args.ResizeVolume, facts.ResizeVolume]) -> Done | Wait:
        if work.facts['way'] != self.way or work.facts.get(quotas.SETTLED):
            return Done()
        volume, size = volume_of(work), work.args['size']
        if volume.status == self.at_rest and volume.size >= size:
            return Done(facts={quotas.SETTLED: True}, changes=sized(work, volume),
                        events=[(f'{work.kind}.extended', f'The volume has {volume.size} GB now.')])
        facts: dict[str, Any] = {}
        if volume.status == self.at_rest:
            if work.facts.get(self._request_fact):
                return self.refused(
                    work, f'volume {volume.id} is {volume.status} again and has {volume.size} GB')
            try:
                base.cloud(work).volume.extend_volume(volume.id, size)
            except exception.CloudError as error:
                if error.retriable or isinstance(error, exception.CloudQuotaExceeded):
                    raise base.failing_as('volume_extend_failed', error) from error
                return self.refused(work, error.detail)
            facts[self._request_fact] = True
        elif volume.status not in _MOVING:
            raise exception.StepFailed(code='volume_extend_failed',
                                       detail=f'volume {volume.id} is {volume.status}')
        return Wait(0.5 if work.waited < 10 else 2, at_most=work.tools.conf.volume_time_out,
                    code='volume_extend_failed', reason='the volume to become larger', facts=facts)

    @property
    def _request_fact(self) -> str:
        return f'{self.way}_extend_asked'

    def refused(self, work: Work, detail: str) -> Done:
        """Return the result after Cinder refused this way."""
        raise exception.StepFailed(code='volume_extend_failed', detail=detail)

    def undo(self, work: Work[args.ResizeVolume, facts.ResizeVolume]) -> Done | Wait:
        """Record the actual size: a volume cannot be made smaller."""
        if work.facts['way'] != self.way or work.facts.get(quotas.SETTLED):
            return Done()
        volume = volume_of(work)
        if volume.status == 'extending':
            return Wait(2, at_most=work.tools.conf.volume_time_out, code='volume_extend_failed',
                        reason='the volume to become larger or not')
        if volume.status == 'error_extending':
            # The data is intact, and Cinder neither attaches nor detaches it in this state.
            base.cloud(work).volume.set_status(volume.id,
                                               'in-use' if volume.server_ids else 'available')
        if volume.size <= work.args['former_size']:
            return Done()
        return Done(facts={quotas.SETTLED: True}, changes=sized(work, volume))


def sized(work: Work[args.ResizeVolume, facts.ResizeVolume], volume: Volume) -> Sequence[Change]:
    """Return the changes that record the size of the volume and settle the quota with it."""
    more = volume.size - work.args['former_size'] - work.args['quota']['volumes']
    changes = [base.changed(work, volume_size=volume.size)]
    if more and work.project_id:
        changes.append(
            functools.partial(quotas.release, tenant_id=work.project_id, deltas={'volumes': -more},
                              now=work.tools.clock()))
    return changes


class ExtendedInUse(_Extended):
    """Cinder has enlarged the attached volume, unless it cannot."""

    way = ONLINE
    at_rest = 'in-use'
    gives = frozenset({'way'})

    def refused(self, work: Work, detail: str) -> Done:
        return Done(
            facts={'way': OFFLINE}, note=f'not while it is attached: {detail}',
            events=[(f'{work.kind}.offline',
                     'The volume cannot be made larger while it is attached: the '
                     'database is stopped meanwhile.')])


class VolumeReleased(guest.Command[args.Nothing, facts.ResizeVolume]):
    """Unless the way is online: the guest has stopped the engine and unmounted the volume."""

    needs = frozenset({'way'})
    kind = 'ReleaseVolume'
    what = 'the database to be stopped and its volume unmounted'

    def command(self, work: Work, row: Row, seconds: int) -> messages.Command:
        return messages.ReleaseVolume(command_id=self.id_of(work), operation_id=work.id,
                                      deadline=seconds)

    def limit(self, work: Work) -> int:
        return work.tools.conf.restart_timeout

    def run(self, work: Work[args.Nothing, facts.ResizeVolume]) -> Done | Wait:
        return super().run(work) if work.facts['way'] == OFFLINE else Done()

    def undo(self, work: Work[args.Nothing, facts.ResizeVolume]) -> Done | Wait:
        return _STARTED_AGAIN.run(work) if work.facts['way'] == OFFLINE else Done()


class VolumeDetached(Step[args.Nothing, facts.ResizeVolume]):
    """Unless the way is online: the volume is detached."""

    needs = frozenset({'server_id', 'volume_id', 'way'})

    def run(self, work: Work[args.Nothing, facts.ResizeVolume]) -> Done | Wait:
        if work.facts['way'] != OFFLINE:
            return Done()
        volume, server_id = volume_of(work), work.facts['server_id']
        if volume.status == 'available':
            return Done()
        if volume.status == 'in-use':
            _nova(work, lambda nova: nova.detach_volume(server_id, volume.id))
        elif volume.status not in _MOVING:
            raise exception.StepFailed(code='volume_failed',
                                       detail=f'volume {volume.id} is {volume.status}')
        return Wait(0.5 if work.waited < 10 else 2, at_most=work.tools.conf.volume_time_out,
                    code='volume_failed', reason='the volume to be detached')

    def undo(self, work: Work[args.Nothing, facts.ResizeVolume]) -> Done | Wait:
        return attached(work) if work.facts['way'] == OFFLINE else Done()


class VolumeExtended(_Extended):
    """Unless the way is online: Cinder has enlarged the volume."""

    way = OFFLINE
    at_rest = 'available'


class VolumeAttached(Step[args.Nothing, facts.ResizeVolume]):
    """The volume is attached to the server."""

    needs = frozenset({'server_id', 'volume_id', 'way'})

    def run(self, work: Work[args.Nothing, facts.ResizeVolume]) -> Done | Wait:
        return attached(work) if work.facts['way'] == OFFLINE else Done()


class VolumeBack(Step[args.Nothing, facts.Power]):
    """The volume is attached, also after an aborted resize."""

    needs = frozenset({'server_id', 'volume_id'})

    def run(self, work: Work[args.Nothing, facts.Power]) -> Done | Wait:
        return attached(work) if work.facts['volume_id'] else Done()


def attached(work: Work[Any, Any]) -> Done | Wait:
    """Ensure that the volume is attached to its server."""
    volume, server_id = volume_of(work), work.facts['server_id']
    if volume.status == 'in-use' and server_id in volume.server_ids:
        return Done()
    if volume.status == 'available':
        device = work.tools.conf.block_device_mapping
        _nova(work, lambda nova: nova.attach_volume(server_id, volume.id, device))
    elif volume.status not in _MOVING:
        raise exception.StepFailed(
            code='volume_failed', detail=f'volume {volume.id} is {volume.status}, attached to '
            f'{", ".join(volume.server_ids) or "nothing"}')
    return Wait(0.5 if work.waited < 10 else 2, at_most=work.tools.conf.volume_time_out,
                code='volume_failed', reason='the volume to be attached')


def _nova(work: Work, send: Any) -> None:
    try:
        send(base.cloud(work).compute)
    except exception.CloudError as error:
        raise base.failing_as('volume_failed', error) from error


class FileSystemGrown(guest.Command[args.ResizeVolume, facts.ResizeVolume]):
    """The guest's file system fills the volume, and the engine runs."""

    needs = frozenset({'server_id', 'volume_id', 'way'})
    kind = 'GrowVolume'
    what = 'the file system to be grown'

    def command(self, work: Work[args.ResizeVolume, facts.ResizeVolume], row: Row,
                seconds: int) -> messages.Command:
        return messages.GrowVolume(command_id=self.id_of(work), operation_id=work.id,
                                   deadline=seconds, size=work.args['size'])

    def limit(self, work: Work) -> int:
        return work.tools.conf.resize_time_out

    def undo(self, work: Work[args.ResizeVolume, facts.ResizeVolume]) -> Done | Wait:
        """Start the engine if the way is online; else it is started once its volume is attached."""
        return _STARTED_AGAIN.run(work) if work.facts['way'] == ONLINE else Done()


_STARTED_AGAIN: guest.DatabaseStarted[Any, Any] = guest.DatabaseStarted()
