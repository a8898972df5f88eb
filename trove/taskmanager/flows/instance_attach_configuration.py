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

"""Give an instance the options of a configuration group.

Arg ``configuration_id``: the group, which the instance's row names from the moment it is asked for.

Failing, because the engine refuses a value or the guest does not answer, the instance has no group again, and its
engine runs with what it had.
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
    """The group is let go of, and the reason kept."""
    return [
        base.changed(work, configuration_id=None, configuration_digest=None),
        base.fault(work, text, detail)
    ]


FLOW = Flow(
    kind='instance_attach_configuration', version=1, title='Attaching the configuration group',
    resource_type='instance', steps=(configuration.OptionsApplied(),),
    load=instances.get, succeeded=succeeded, failed=failed)
