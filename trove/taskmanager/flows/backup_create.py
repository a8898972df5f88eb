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

"""Make a backup of an instance.

The API has written the backup's row, and these args: ``backup_id``; ``container`` of the object store. The operation
is the instance's, so nothing else is done to it meanwhile.

A backup that fails stays as FAILED with the reason, until the user deletes it. The instance is as it was.
"""

import functools
from collections.abc import Sequence

from trove.db import backups, instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import unsupported


def succeeded(work: Work) -> Sequence[Change]:
    """The guest's last report has completed the row."""
    return ()


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The backup is shown as FAILED, with the reason."""
    return [functools.partial(backups.fail, backup_id=work.args['backup_id'], code=code, text=text,
                              now=work.tools.clock())]


FLOW = Flow(
    kind='backup_create', version=1, title='Making a backup', resource_type='instance',
    steps=(unsupported.BackupSupported(),),
    load=instances.get, succeeded=succeeded, failed=failed, undoable=False)
