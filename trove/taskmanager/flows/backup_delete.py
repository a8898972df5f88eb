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

"""The flow that deletes a backup and all backups built on it.

A ``RESTORED`` backup describes data of somebody else, so it only loses its row. The transaction
that closes the operation deletes the rows and returns their quota. A delete that fails can be
requested again.
"""

import functools
from collections.abc import Sequence
from typing import Any

from trove.common.kinds import OperationKind, ResourceType
from trove.db import backups
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import backup


def succeeded(work: Work) -> Sequence[Change]:
    """Delete the rows of the backup and of all backups built on it."""
    return [functools.partial(_deleted, work=work)]


def _deleted(connection: Any, work: Work) -> None:
    for row in reversed(backups.with_increments(connection, work.resource_id)):
        backups.mark_deleted(connection, row.id, work.tools.clock())


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Mark the backup as DELETE_FAILED; it can be deleted again."""
    return [
        functools.partial(backups.delete_failed, backup_id=work.resource_id, code=code, text=text,
                          now=work.tools.clock())
    ]


FLOW = Flow[args.Nothing, facts.Nothing](
    args=args.Nothing, facts=facts.Nothing,
    kind=OperationKind.BACKUP_DELETE, version=1, title='Deleting the backup',
    resource_type=ResourceType.BACKUP,
    steps=(backup.BackupDataGone(),),
    load=backups.get, succeeded=succeeded, failed=failed, undoable=False)
