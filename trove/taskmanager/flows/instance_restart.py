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

"""Restart the database of an instance.

A restart that fails leaves the instance as its agent reports it: the reason stands in the operation, in an event and
in the fault, and the user may try again.
"""

from collections.abc import Sequence

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest


def succeeded(work: Work) -> Sequence[Change]:
    """Whatever waited for a restart is in force now."""
    return [base.changed(work, restart_required=False), base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The reason is kept; what the agent reports decides what is shown."""
    return [base.fault(work, text, detail)]


FLOW = Flow(
    kind='instance_restart', version=1, title='Restarting the database', resource_type='instance',
    steps=(guest.Restarted(), guest.Healthy()),
    load=instances.get, succeeded=succeeded, failed=failed, undoable=False)
