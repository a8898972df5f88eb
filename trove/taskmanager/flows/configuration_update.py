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

"""Bring the new values of a configuration group to all instances that have it, whosever they are.

Each instance has an operation of its own, a child of this one, which says what became of it there. One that fails holds
up no other, and the group keeps its new values: this operation then fails and names the instances without them. Editing
the group again, also with the same values, tries them again.

An edit of a group whose values are still being brought to instances joins the operation that does it: there is one for
a group at a time, and it brings what the group has now.
"""

import functools
from collections.abc import Sequence

from trove.db import configurations
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import configuration


def succeeded(work: Work) -> Sequence[Change]:
    """Everything was written down instance by instance, but for an edit at the last moment."""
    return [functools.partial(configuration.edited_meanwhile, work=work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """What was applied stays applied."""
    return [functools.partial(configuration.edited_meanwhile, work=work)]


def _flow(kind: str) -> Flow:
    return Flow(kind=kind, version=1, title='Changing the instances of the configuration group',
                resource_type='configuration', steps=(configuration.InstancesTold(),),
                load=configurations.get, succeeded=succeeded, failed=failed, undoable=False)


#: After a PUT, and after a PATCH.
UPDATE, EDIT = _flow('configuration_update'), _flow('configuration_edit')
