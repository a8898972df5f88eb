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

from trove.common import exception
from trove.db import backups
from trove.taskmanager.step import Done, Step, Work


class BackupDataGone(Step):
    """Nothing is stored any more of a backup and of all that is built on it."""

    def run(self, work: Work) -> Done:
        chain = work.tools.read(backups.with_increments, work.resource_id)
        # What was registered lies where somebody else put it, and stays there.
        stored = [row for row in chain if row.location is not None and row.state != 'RESTORED']
        if stored:
            raise exception.StepFailed(
                f'The data of backup {stored[0].id} cannot be removed: backups are not supported for datastore '
                f'{stored[0].manager}.', code='not_supported_by_datastore', detail=str(stored[0].location))
        return Done(note=f'{len(chain)} without stored data')
