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

"""Rebooting the server of an instance, for administrators.

Meant for a server that hangs, so an agent that does not listen is no reason to stop. A reboot that fails leaves the
instance as it was last seen, with the reason in the operation, in an event and in the fault.
"""

from collections.abc import Sequence

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import power


def succeeded(work: Work) -> Sequence[Change]:
    """Whether something still waits for a restart, the guest says: the engine may have come up without it."""
    return base.fault_beside_cleared(work)


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The reason is kept; what Nova and the agent report decides what is shown.

    What the instance was in ERROR for stays.
    """
    return base.fault_beside(work, text, detail)


FLOW = Flow(
    kind='instance_reboot', version=1, title='Rebooting the server', resource_type='instance',
    steps=(power.DatabaseStoppedIfItListens(), power.BootNoted(), power.ServerRebooted(),
           power.ServerBack(), power.AgentBack(), power.DatabaseBack()), load=instances.get,
    succeeded=succeeded, failed=failed, undoable=False)
