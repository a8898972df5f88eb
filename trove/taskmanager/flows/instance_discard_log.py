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

"""The flow that deletes the published pieces of a log; the log in the guest stays.

The guest forgets the published position first, so the next publish always stores the whole log.
After a failure, discarding again deletes the rest.
"""

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Flow
from trove.taskmanager.steps import base, logs

FLOW = Flow[args.Log, facts.Command](
    args=args.Log, facts=facts.Command,
    kind=OperationKind.INSTANCE_DISCARD_LOG, version=1, title='Discarding a published log',
    resource_type=ResourceType.INSTANCE, steps=(
        logs.LogForgotten(),
        logs.PiecesRemoved(),
    ), load=instances.get, succeeded=base.unchanged, failed=base.unchanged)
