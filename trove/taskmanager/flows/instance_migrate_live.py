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

"""The flow that moves the running server of an instance to another host.

Only administrators request this. The database serves throughout. A move that Nova aborts changes
nothing, so nothing needs to be reverted.
"""

from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import migration


def succeeded(work: Work) -> Sequence[Change]:
    """Clear the fault."""
    return [base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Record the failure; the shown status follows the reports of Nova and of the agent."""
    return [base.fault(work, text, detail)]


FLOW = Flow[args.Migrate, facts.Migrate](
    args=args.Migrate, facts=facts.Migrate,
    kind=OperationKind.INSTANCE_MIGRATE_LIVE, version=1,
    title='Moving the running server to another host',
    resource_type=ResourceType.INSTANCE,
    steps=(migration.ServerNoted(), migration.ServerMovedLive(), guest.Healthy()),
    load=instances.get, succeeded=succeeded, failed=failed, undoable=False)
