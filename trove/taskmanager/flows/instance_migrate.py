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

"""Move the server of an instance to another host, switched off, for administrators.

Arg ``host``: where to, or null to let Nova choose. The database is stopped in good order before. The confirmation is
the last step: until then everything that fails leads back to the former host and a running engine.
"""

from collections.abc import Sequence

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import migration


def succeeded(work: Work) -> Sequence[Change]:
    """The server is elsewhere."""
    return [base.fault_cleared(work)]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The reason is kept; server and agent decide what is shown."""
    return [base.fault(work, text, detail)]


FLOW = Flow(
    kind='instance_migrate', version=1, title='Moving the server to another host',
    resource_type='instance', steps=(
        migration.ServerNoted(),
        migration.EngineStopped(),
        migration.ServerMigrated(),
        migration.DatabaseStarted(),
        guest.Healthy(),
        migration.MigrationConfirmed(),
    ), load=instances.get, succeeded=succeeded, failed=failed, cancellable=True)
