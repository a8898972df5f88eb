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

"""The flow that reboots the server of an instance.

Only administrators request this, usually for a server that hangs, so an unreachable agent does not
stop the flow. After a failure the instance is shown as last reported. The operation, an event and
the fault give the reason.
"""

from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import identity
from trove.taskmanager.steps import power


def succeeded(work: Work) -> Sequence[Change]:
    """Clear the fault; the guest reports whether options still need a restart."""
    return base.fault_beside_cleared(work)


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Record the failure, unless the instance is in ERROR for an earlier one.

    The shown status follows the reports of Nova and of the agent.
    """
    return base.fault_beside(work, text, detail)


FLOW = Flow[args.Nothing, facts.Power](
    args=args.Nothing, facts=facts.Power,
    kind=OperationKind.INSTANCE_REBOOT, version=2, title='Rebooting the server',
    resource_type=ResourceType.INSTANCE,
    steps=(power.DatabaseStoppedIfItListens(), identity.RestoreGuestIdentity(),
           power.BootNoted(), power.ServerRebooted(), power.ServerBack(), power.AgentBack(),
           power.DatabaseBack()), load=instances.get,
    succeeded=succeeded, failed=failed, undoable=False)
