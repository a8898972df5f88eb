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

"""The flow that starts the server and the database of an instance, if they are off.

Only administrators request this; users restart a stopped database. The flow also completes what a
reset has left of a resize or a move: the server gets the flavor in the instance's row, and its
volume. After a failure the instance is shown as last reported. The operation, an event and the
fault give the reason.
"""

from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import flavor_resize
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import identity
from trove.taskmanager.steps import power
from trove.taskmanager.steps import volume_resize


def succeeded(work: Work) -> Sequence[Change]:
    """Clear the fault, unless the instance is in ERROR for an earlier one."""
    return base.fault_beside_cleared(work)


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Record the failure, unless the instance is in ERROR for an earlier one.

    The shown status follows the reports of Nova and of the agent.
    """
    return base.fault_beside(work, text, detail)


FLOW = Flow[args.Nothing, facts.Start](
    args=args.Nothing, facts=facts.Start,
    kind=OperationKind.INSTANCE_START, version=3, title='Starting server and database',
    resource_type=ResourceType.INSTANCE,
    steps=(identity.RestoreGuestIdentity(), power.BootNoted(), flavor_resize.ResizeSettled(),
           power.ServerOn(),
           volume_resize.VolumeBack(), power.AgentBackIfStarted(), power.DatabaseOn(),
           guest.Healthy()), load=instances.get, succeeded=succeeded, failed=failed, undoable=False)
