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

"""The flow that creates a backup of an instance.

The API has created the backup's row. The operation belongs to the instance, which locks the
instance meanwhile. A failed backup stays as FAILED, with the reason, until the user deletes it. The
instance is not changed.
"""

import functools
from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import backups, instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import unsupported


def succeeded(work: Work) -> Sequence[Change]:
    """Change nothing: the last report of the guest has completed the row."""
    return ()


def failed(work: Work[args.CreateBackup, facts.Nothing], code: str, text: str,
           detail: str) -> Sequence[Change]:
    """Mark the backup as FAILED, with the reason."""
    return [functools.partial(backups.fail, backup_id=work.args['backup_id'], code=code, text=text,
                              now=work.tools.clock())]


FLOW = Flow[args.CreateBackup, facts.Nothing](
    args=args.CreateBackup, facts=facts.Nothing,
    kind=OperationKind.BACKUP_CREATE, version=1, title='Making a backup',
    resource_type=ResourceType.INSTANCE,
    steps=(unsupported.BackupSupported(),),
    load=instances.get, succeeded=succeeded, failed=failed, undoable=False)
