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

"""The flow that applies the values of an edited configuration group to one instance.

The values sent are those of the group at the time of sending. The operation that edited the group
is the parent of this one. After a failure the engine keeps its former values, and the instance
counts as outdated until the group is edited again or detached.
"""

from collections.abc import Sequence

from trove.common.kinds import ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import configuration


def succeeded(work: Work) -> Sequence[Change]:
    """Clear the fault; the step has recorded the options that need a restart."""
    return [base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Record the failure."""
    return [base.fault(work, text, detail)]


FLOW = Flow[args.UpdateConfiguration, facts.Options](
    args=args.UpdateConfiguration, facts=facts.Options,
    kind=configuration.CHILD, version=1, title='Changing the options of the configuration group',
    resource_type=ResourceType.INSTANCE, steps=(configuration.OptionsUpdated(),),
    load=instances.get, succeeded=succeeded, failed=failed, undoable=False)
