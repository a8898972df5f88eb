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

"""Where a flow ends that no datastore of this release can go to its end.

What was asked for is checked, written down and told like everything else; what cannot be done is said so, instead of
being left undone.
"""

from collections.abc import Sequence

from trove.common import exception
from trove.db.session import Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Work
from trove.taskmanager.steps import base


def succeeded(work: Work) -> Sequence[Change]:
    """What went wrong before does not matter any more."""
    return [base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The reason is kept; nothing was touched."""
    return [base.fault(work, text, detail)]


class SupportedByDatastore(Step[args.Nothing, facts.Nothing]):
    """The datastore can do what is asked for."""

    #: what is asked for, as the subject of "... not supported for datastore mariadb"
    what = 'This is'

    def run(self, work: Work) -> Done:
        row: Row | None = work.resource
        manager = getattr(row, 'manager', None) or 'unknown'
        raise exception.StepFailed(f'{self.what} not supported for datastore {manager}.',
                                   code='not_supported_by_datastore')


class BackupSupported(SupportedByDatastore):
    """The datastore can make backups."""

    what = 'Backups are'


class PromotionSupported(SupportedByDatastore):
    """The datastore can make a replica the source of the others."""

    what = 'Promoting a replica is'


class EjectionSupported(SupportedByDatastore):
    """The datastore can go on without the source of its replicas."""

    what = 'Ejecting a replica source is'


class DetachmentSupported(SupportedByDatastore):
    """The datastore can let a replica go its own way."""

    what = 'Detaching a replica is'


class AgentUpgradeSupported(SupportedByDatastore):
    """The agent can be exchanged on a running server."""

    what = 'Upgrading the agent on a running server is'
