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

"""Apply a module again to the instances that have it.

Args: ``md5``: only where it has these contents, or null; ``include_clustered``; ``batch_size``; ``batch_delay``,
seconds; ``force``: also where it has its present contents; ``tenant_id``: only instances of this project, or null.

An instance whose guest does not answer is told of in an event and left out; the others are not kept waiting. What
became of it is written down instance by instance; what was applied before a failure stays applied.
"""

from trove.db import modules
from trove.taskmanager.step import Flow
from trove.taskmanager.steps import base, module

FLOW = Flow(
    kind='module_reapply', version=1, title='Applying the module again', resource_type='module',
    steps=(module.AppliedAgain(),),
    load=modules.get, succeeded=base.unchanged, failed=base.unchanged, undoable=False)
