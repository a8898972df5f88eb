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

"""Start what does not run of an instance, server or database, for administrators.

Users restart a database that was stopped. What runs already is left alone. It also puts in order what a reset has left
of a resize or a move: the server has the flavor that the instance is counted with, and its volume. A start that fails
leaves the instance as it was last seen, with the reason in the operation, in an event and in the fault.
"""

from collections.abc import Sequence

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import flavor_resize
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import power
from trove.taskmanager.steps import volume_resize


def succeeded(work: Work) -> Sequence[Change]:
    """Server and engine run; what the instance was in ERROR for stays."""
    return base.fault_beside_cleared(work)


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The reason is kept; what Nova and the agent report decides what is shown.

    What the instance was in ERROR for stays.
    """
    return base.fault_beside(work, text, detail)


FLOW = Flow(
    kind='instance_start', version=2, title='Starting server and database',
    resource_type='instance',
    steps=(power.BootNoted(), flavor_resize.ResizeSettled(), power.ServerOn(),
           volume_resize.VolumeBack(), power.AgentBackIfStarted(), power.DatabaseOn(),
           guest.Healthy()), load=instances.get, succeeded=succeeded, failed=failed, undoable=False)
