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

"""The flow that rebuilds the server of an instance from another image.

Only administrators request this. The volume stays, with the data, the users and the selection of
logs; the configuration is rendered again. A broken guest is a reason for a rebuild, so the flow
does not wait for an unreachable one. After a failure the instance has its former image.
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


def succeeded(work: Work) -> Sequence[Change]:
    """Clear the ERROR and the fault."""
    return [base.changed(work, error_code=None), base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Record the failure, unless the instance is in ERROR for an earlier one.

    The shown status follows the reports of Nova and of the agent.
    """
    return base.fault_beside(work, text, detail)


FLOW = Flow[args.Reimage, facts.Reimage](
    args=args.Reimage, facts=facts.Reimage,
    kind=OperationKind.INSTANCE_REBUILD, version=2, title='Rebuilding the server',
    resource_type=ResourceType.INSTANCE,
    steps=(
        reimage.ServerTakesImages(),
        reimage.DataHandedOverIfItListens(),
        identity.RestoreGuestIdentity(),
        reimage.ServerRebuilt(),
        reimage.AgentOfNewImage(),
        reimage.DataTakenOver(),
        guest.Healthy(),
    ),
    load=instances.get, succeeded=succeeded, failed=failed, cancellable=True)
