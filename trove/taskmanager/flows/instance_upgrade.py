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

"""The flow that changes the datastore version of an instance.

A version is an image: the server is rebuilt from the image of the new version, and its guest takes
over the data on the volume. Until the end the row names the desired version beside the current one.
Any failure returns to the former image, with its configuration.
"""

from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import identity
from trove.taskmanager.steps import reimage


def succeeded(work: Work[args.Reimage, facts.Reimage]) -> Sequence[Change]:
    """Make the desired version the current one."""
    return [
        base.changed(work, datastore_version_id=work.args['version']['id'],
                     desired_version_id=None),
        base.fault_cleared(work)
    ]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Keep the current version and record the failure."""
    return [*cancelled(work), base.fault(work, text, detail)]


def cancelled(work: Work) -> Sequence[Change]:
    """Keep the current version."""
    return [base.changed(work, desired_version_id=None)]


FLOW = Flow[args.Reimage, facts.Reimage](
    args=args.Reimage, facts=facts.Reimage,
    kind=OperationKind.INSTANCE_UPGRADE, version=2, title='Changing the datastore version',
    resource_type=ResourceType.INSTANCE, steps=(
        reimage.ServerTakesImages(),
        reimage.DataHandedOver(),
        identity.RestoreGuestIdentity(),
        reimage.ServerRebuilt(),
        reimage.AgentOfNewImage(),
        reimage.DataTakenOver(),
        guest.Healthy(),
    ), load=instances.get, succeeded=succeeded, failed=failed, cancellable=True,
    cancelled=cancelled)
