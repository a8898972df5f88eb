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

"""Let a replica go its own way.

When it fails everything is as it was, and the reason stands in the operation, in an event and in the fault.
"""

from trove.db import instances
from trove.taskmanager.step import Flow
from trove.taskmanager.steps import unsupported

FLOW = Flow(kind='instance_detach_replica', version=1, title='Detaching the replica',
            resource_type='instance', steps=(unsupported.DetachmentSupported(),),
            load=instances.get, succeeded=unsupported.succeeded, failed=unsupported.failed,
            undoable=False)
