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

"""The flow that applies a configuration group to all instances that use it, in all projects.

Each instance gets a child operation, which records the result for that instance. One failure does
not stop the others, and the group keeps its new values. This operation then fails and names the
outdated instances. Editing the group again, even with the same values, retries them.

A group has one such operation at a time. An edit that arrives meanwhile joins it, because the
operation applies the values that the group has at the time of sending.
"""

import functools
from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import configurations
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import configuration


def succeeded(work: Work[args.Nothing, facts.Options]) -> Sequence[Change]:
    """Open another operation if the group was edited at the last moment."""
    return [functools.partial(configuration.edited_meanwhile, work=work)]


def failed(work: Work[args.Nothing, facts.Options], code: str, text: str,
           detail: str) -> Sequence[Change]:
    """Open another operation if the group was edited at the last moment."""
    return [functools.partial(configuration.edited_meanwhile, work=work)]


def _flow(kind: str) -> Flow[args.Nothing, facts.Options]:
    return Flow[args.Nothing, facts.Options](
        args=args.Nothing, facts=facts.Options, kind=kind, version=1,
        title='Changing the instances of the configuration group',
        resource_type=ResourceType.CONFIGURATION,
        steps=(configuration.InstancesTold(),), load=configurations.get, succeeded=succeeded,
        failed=failed, undoable=False)


#: The flows after a PUT and after a PATCH.
UPDATE, EDIT = _flow(OperationKind.CONFIGURATION_UPDATE), _flow(OperationKind.CONFIGURATION_EDIT)
