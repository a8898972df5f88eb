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

"""The flow that removes the options of the configuration group from an instance.

The values of the template and of the engine apply again. The row names the group until the end.
"""

from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import configuration


def succeeded(work: Work) -> Sequence[Change]:
    """Detach the group."""
    return [
        base.changed(work, configuration_id=None, configuration_digest=None),
        base.fault_cleared(work)
    ]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Record the failure; the group stays attached."""
    return [base.fault(work, text, detail)]


FLOW = Flow[args.Configuration, facts.Options](
    args=args.Configuration, facts=facts.Options,
    kind=OperationKind.INSTANCE_DETACH_CONFIGURATION, version=1,
    title='Detaching the configuration group',
    resource_type=ResourceType.INSTANCE, steps=(configuration.OptionsRemoved(),),
    load=instances.get, succeeded=succeeded, failed=failed)
