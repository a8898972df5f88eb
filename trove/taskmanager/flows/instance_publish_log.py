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

"""The flow that stores the new part of a log in the object store account of the project.

After a failure the stored pieces stay, and the next publish continues from there. Nothing needs to
be reverted.
"""

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Flow
from trove.taskmanager.steps import base, logs

FLOW = Flow[args.PublishLog, facts.StoredLog](
    args=args.PublishLog, facts=facts.StoredLog,
    kind=OperationKind.INSTANCE_PUBLISH_LOG, version=1, title='Publishing a log',
    resource_type=ResourceType.INSTANCE,
    steps=(
        logs.ContainerReady(),
        logs.LogStored(),
        logs.FormerPiecesRemoved(),
        logs.RecordStored(),
    ),
    load=instances.get, succeeded=base.unchanged, failed=base.unchanged)
