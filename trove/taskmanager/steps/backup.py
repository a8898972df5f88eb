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

"""Steps on backups."""

from trove.cloud.objects import Objects
from trove.common import exception
from trove.db import backups
from trove.db.session import Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Done, Step, Work

#: Header of an object that consists of segments.
_IN_PARTS = 'x-static-large-object'


class BackupDataGone(Step[args.Nothing, facts.Nothing]):
    """The data of a backup and of all backups built on it are deleted, the newest first."""

    def run(self, work: Work) -> Done:
        chain = work.tools.read(backups.with_increments, work.resource_id)
        # The data of a registered (RESTORED) backup belong to somebody else and stay.
        stored = [
            row for row in reversed(chain) if row.location is not None and row.state != 'RESTORED'
        ]
        for row in stored:
            _remove(work.tools.cloud(None).objects(row.tenant_id), row)
        return Done(note=f'{len(chain)}, {len(stored)} of them with stored data')


def _remove(store: Objects, row: Row) -> None:
    """Delete the data of a backup.

    :raises StepFailed: the data are outside of the project's object store.
    """
    container, _, name = row.location.removeprefix(f'{store.url}/').partition('/')
    if not row.location.startswith(f'{store.url}/') or not container or not name:
        raise exception.StepFailed(
            f'The data of backup {row.id} are outside of the object store of its project.',
            code='object_store_failed', detail=row.location)
    try:
        found = store.head(container, name)
    except exception.CloudNotFound:
        return
    store.delete(container, name, with_segments=found.headers.get(_IN_PARTS, '').lower() == 'true')
