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

"""The flow that changes the flavor of an instance.

The request consumes quota for a larger flavor. For a smaller one, the transaction that records the
new flavor returns quota. The confirmation is the last step: any earlier failure returns to the
former flavor, the former configuration and a running engine. The data volume is not moved.
"""

from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import flavor_resize
from trove.taskmanager.steps import guest


def succeeded(work: Work) -> Sequence[Change]:
    """Clear the fault."""
    return [base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Record the failure; the shown status follows the reports of Nova and of the agent."""
    return [base.fault(work, text, detail)]


FLOW = Flow[args.ResizeFlavor, facts.ResizeFlavor](
    args=args.ResizeFlavor, facts=facts.ResizeFlavor,
    kind=OperationKind.INSTANCE_RESIZE_FLAVOR, version=1, title='Changing the flavor',
    resource_type=ResourceType.INSTANCE,
    steps=(
        flavor_resize.ServerReady(),
        flavor_resize.EngineStopped(),
        flavor_resize.ServerResized(),
        flavor_resize.EngineStarted(),
        guest.Healthy(),
        flavor_resize.ResizeConfirmed(),
    ),
    load=instances.get, succeeded=succeeded, failed=failed, cancellable=True)
