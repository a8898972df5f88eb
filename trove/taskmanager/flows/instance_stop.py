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

"""The flow that stops the database of an instance. A restart starts it again.

Only administrators request this. The server keeps running, so ``status`` stays that of the server;
``operating_status`` becomes SHUTDOWN.
"""

from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import power


def succeeded(work: Work) -> Sequence[Change]:
    """Change nothing: the agent reports that the engine is down."""
    return []


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Record the failure, unless the instance is in ERROR for an earlier one.

    The shown status follows the reports of the agent.
    """
    return base.fault_beside(work, text, detail)


FLOW = Flow[args.Nothing, facts.Command](
    args=args.Nothing, facts=facts.Command,
    kind=OperationKind.INSTANCE_STOP, version=1, title='Stopping the database',
    resource_type=ResourceType.INSTANCE, steps=(power.DatabaseStopped(),), load=instances.get,
    succeeded=succeeded, failed=failed, undoable=False)
