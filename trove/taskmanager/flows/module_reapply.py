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

"""The flow that applies a module again to the instances that have it.

An instance with an unreachable guest is skipped, with an event. Each instance's result is recorded
separately: modules applied before a failure stay applied.
"""

from trove.common.kinds import OperationKind, ResourceType
from trove.db import modules
from trove.taskmanager import args, facts
from trove.taskmanager.step import Flow
from trove.taskmanager.steps import base, module

FLOW = Flow[args.ReapplyModule, facts.ReapplyModule](
    args=args.ReapplyModule, facts=facts.ReapplyModule,
    kind=OperationKind.MODULE_REAPPLY, version=1, title='Applying the module again',
    resource_type=ResourceType.MODULE,
    steps=(module.AppliedAgain(),),
    load=modules.get, succeeded=base.unchanged, failed=base.unchanged, undoable=False)
