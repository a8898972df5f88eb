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

"""Bring the values of an edited configuration group to one instance that has it.

Args: ``configuration_id``: the group; ``values``: digest of those that it had when this was asked for. What it has when
the guest is told counts. The operation that edited the group is the parent of this one.

Failing, the engine runs with the values it had; the instance counts as not having those of its group until the group is
edited again, or detached.
"""

from collections.abc import Sequence

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import configuration


def succeeded(work: Work) -> Sequence[Change]:
    """What waits for a restart was written down by the step that heard of it."""
    return [base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The reason is kept."""
    return [base.fault(work, text, detail)]


FLOW = Flow(
    kind=configuration.CHILD, version=1, title='Changing the options of the configuration group',
    resource_type='instance', steps=(configuration.OptionsUpdated(),),
    load=instances.get, succeeded=succeeded, failed=failed, undoable=False)
