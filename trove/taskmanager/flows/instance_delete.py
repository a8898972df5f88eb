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

"""The flow that deletes an instance.

Each step removes one kind of resource and retries until the deadline. When all are removed, the
transaction that closes the operation marks the row as deleted and returns its quota. Only published
logs may remain when the object store does not respond; they expire.
"""

import functools
from collections.abc import Sequence
from typing import Any

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import identity
from trove.taskmanager.steps import logs
from trove.taskmanager.steps import network
from trove.taskmanager.steps import server
from trove.taskmanager.steps import volume


def succeeded(work: Work) -> Sequence[Change]:
    """Mark the instance as deleted."""
    return [functools.partial(_deleted, work=work)]


def _deleted(connection: Any, work: Work) -> None:
    instances.mark_deleted(connection, work.resource_id, work.tools.clock())


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Show the instance in ERROR; it can be deleted again."""
    return [base.changed(work, error_code=code), base.fault(work, text, detail)]


FLOW = Flow[args.Nothing, facts.Nothing](
    args=args.Nothing, facts=facts.Nothing,
    kind=OperationKind.INSTANCE_DELETE, version=2, title='Deleting the instance',
    resource_type=ResourceType.INSTANCE,
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
