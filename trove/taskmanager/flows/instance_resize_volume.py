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

"""The flow that enlarges the volume of an instance.

The instance owns the quota of the request once Cinder has enlarged the volume; an earlier end
returns it. After a failure the volume is attached and mounted with the same data, and the engine
runs. An enlarged volume stays enlarged; the next resize grows the file system.
"""

from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import volume_resize


def succeeded(work: Work) -> Sequence[Change]:
    """Clear the fault."""
    return [base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Record the failure; the shown status follows the reports of the agent."""
    return [base.fault(work, text, detail)]


FLOW = Flow[args.ResizeVolume, facts.ResizeVolume](
    args=args.ResizeVolume, facts=facts.ResizeVolume,
    kind=OperationKind.INSTANCE_RESIZE_VOLUME, version=1, title='Resizing the volume',
    resource_type=ResourceType.INSTANCE,
    steps=(
        volume_resize.ChooseWay(),
        volume_resize.ExtendedInUse(),
        volume_resize.VolumeReleased(),
        volume_resize.VolumeDetached(),
        volume_resize.VolumeExtended(),
        volume_resize.VolumeAttached(),
        volume_resize.FileSystemGrown(),
        guest.Healthy(),
    ),
    load=instances.get, succeeded=succeeded, failed=failed, cancellable=True)
