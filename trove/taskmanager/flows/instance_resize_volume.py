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

"""Make the volume of an instance larger.

Args: ``size`` and ``former_size`` in GB; ``quota``: ``{"volumes": GB}`` that were taken when it was asked for. They
belong to the instance as soon as Cinder has made the volume larger, and are given back when it ends before that.

Failing, the instance is what it was, with the same data: the volume is attached and mounted, the engine runs. Only a
volume that has become larger stays so; the file system is grown by the next resize.
"""

from collections.abc import Sequence

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import volume_resize


def succeeded(work: Work) -> Sequence[Change]:
    """The volume and the file system on it are larger."""
    return [base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The reason is kept; what the agent reports decides what is shown."""
    return [base.fault(work, text, detail)]


FLOW = Flow(
    kind='instance_resize_volume', version=1, title='Resizing the volume', resource_type='instance',
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
