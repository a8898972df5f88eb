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

"""The flow that restarts the database of an instance.

After a failure the instance is shown as its agent reports it. The operation, an event and the fault
give the reason, and the user may try again.
"""

from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest


def succeeded(work: Work) -> Sequence[Change]:
    """Clear the fault; all options are in effect."""
    return [base.changed(work, restart_required=False), base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Record the failure; the shown status follows the reports of the agent."""
    return [base.fault(work, text, detail)]


FLOW = Flow[args.Nothing, facts.Command](
    args=args.Nothing, facts=facts.Command,
    kind=OperationKind.INSTANCE_RESTART, version=1, title='Restarting the database',
    resource_type=ResourceType.INSTANCE,
    steps=(guest.Restarted(), guest.Healthy()),
    load=instances.get, succeeded=succeeded, failed=failed, undoable=False)
