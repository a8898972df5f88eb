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

"""Steps of flows that no datastore of this release supports.

The request is checked, recorded and reported like any other; then the operation fails with the
reason.
"""

from collections.abc import Sequence

from trove.common import exception
from trove.db.session import Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Work
from trove.taskmanager.steps import base


def succeeded(work: Work) -> Sequence[Change]:
    """Clear the fault."""
    return [base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Record the failure; nothing was changed."""
    return [base.fault(work, text, detail)]


class SupportedByDatastore(Step[args.Nothing, facts.Nothing]):
    """The datastore supports the request."""

    #: Subject of the sentence "... not supported for datastore mariadb".
    what = 'This is'

    def run(self, work: Work) -> Done:
        row: Row | None = work.resource
        manager = getattr(row, 'manager', None) or 'unknown'
        raise exception.StepFailed(f'{self.what} not supported for datastore {manager}.',
                                   code='not_supported_by_datastore')


class BackupSupported(SupportedByDatastore):
    """The datastore supports backups."""

    what = 'Backups are'


class PromotionSupported(SupportedByDatastore):
    """The datastore supports the promotion of a replica."""

    what = 'Promoting a replica is'


class EjectionSupported(SupportedByDatastore):
    """The datastore supports a replica set without its source."""

    what = 'Ejecting a replica source is'


class DetachmentSupported(SupportedByDatastore):
    """The datastore supports the detachment of a replica."""

    what = 'Detaching a replica is'


class AgentUpgradeSupported(SupportedByDatastore):
    """The agent on a running server can be upgraded."""

    what = 'Upgrading the agent on a running server is'
