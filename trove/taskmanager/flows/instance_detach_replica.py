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

"""The flow that detaches a replica from its source.

After a failure nothing has changed. The operation, an event and the fault give the reason.
"""

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Flow
from trove.taskmanager.steps import unsupported

FLOW = Flow[args.Nothing, facts.Nothing](
    args=args.Nothing, facts=facts.Nothing,
    kind=OperationKind.INSTANCE_DETACH_REPLICA, version=1, title='Detaching the replica',
    resource_type=ResourceType.INSTANCE, steps=(unsupported.DetachmentSupported(),),
    load=instances.get, succeeded=unsupported.succeeded, failed=unsupported.failed,
    undoable=False)
