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

"""Store what was not stored yet of a log of an instance, in the object store account of its project.

Args: ``log``: its name; ``start_over``: whether what was stored before is to be forgotten.

Failing, what the guest has stored stays, and the next publish goes on from there: there is nothing to take back.
"""

from trove.db import instances
from trove.taskmanager.step import Flow
from trove.taskmanager.steps import base, logs

FLOW = Flow(
    kind='instance_publish_log', version=1, title='Publishing a log', resource_type='instance',
    steps=(
        logs.ContainerReady(),
        logs.LogStored(),
        logs.FormerPiecesRemoved(),
        logs.RecordStored(),
    ),
    load=instances.get, succeeded=base.unchanged, failed=base.unchanged)
