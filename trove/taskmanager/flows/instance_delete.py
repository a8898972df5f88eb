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

"""Delete an instance.

Each step ensures that one kind of resource is gone, and insists until the deadline. Only when all are gone is the row
marked deleted and its quota given back, in the transaction that closes the operation. Only logs that were published are
left, to expire, where the object store does not answer.
"""

import functools
from collections.abc import Sequence
from typing import Any

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import identity
from trove.taskmanager.steps import logs
from trove.taskmanager.steps import network
from trove.taskmanager.steps import server
from trove.taskmanager.steps import volume


def succeeded(work: Work) -> Sequence[Change]:
    """The instance is no more."""
    return [functools.partial(_deleted, work=work)]


def _deleted(connection: Any, work: Work) -> None:
    instances.mark_deleted(connection, work.resource_id, work.tools.clock())


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Something is left: the instance is shown in ERROR and may be deleted again."""
    return [base.changed(work, error_code=code), base.fault(work, text, detail)]


FLOW = Flow(
    kind='instance_delete', version=2, title='Deleting the instance', resource_type='instance',
    steps=(
        server.ServerGone(),
        server.ServerGroupGone(),
        network.PortsGone(),
        network.SecurityGroupGone(),
        volume.VolumesGone(),
        identity.GuestIdentityGone(),
        logs.LogsGone(),
    ),
    load=instances.get, succeeded=succeeded, failed=failed, undoable=False)
