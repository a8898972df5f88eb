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

"""Stopping the database of an instance, for administrators. A restart brings it back.

The server goes on running, so the status stays that of the server; ``operating_status`` becomes SHUTDOWN.
"""

from collections.abc import Sequence

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import power


def succeeded(work: Work) -> Sequence[Change]:
    """Nothing to write: the agent reports that the engine is down."""
    return []


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The reason is kept; what the agent reports decides what is shown.

    What the instance was in ERROR for stays.
    """
    return base.fault_beside(work, text, detail)


FLOW = Flow(kind='instance_stop', version=1, title='Stopping the database',
            resource_type='instance', steps=(power.DatabaseStopped(),), load=instances.get,
            succeeded=succeeded, failed=failed, undoable=False)
