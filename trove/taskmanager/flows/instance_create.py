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

"""Create an instance.

The API has written the row (flavor, image, volume size, access, key) and these args:
``nics``: at most one ``{"network_id", "subnet_id", "ip_address"}``; ``databases``: ``[{"name", "character_set",
"collate"}]``; ``modules``: ids, in the order in which they are applied. Sealed: ``users``: ``[{"name", "password",
"host", "databases"}]``; ``root_password``, or null.

A create that fails removes all that it made, so that nothing is paid for that nobody can use. The row stays, in ERROR
with the reason, until the user deletes it.
"""

from collections.abc import Sequence

from trove.common import errors
from trove.db import instances
from trove.taskmanager import outcome
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import identity
from trove.taskmanager.steps import module
from trove.taskmanager.steps import network
from trove.taskmanager.steps import server
from trove.taskmanager.steps import volume


def succeeded(work: Work) -> Sequence[Change]:
    """The instance works. A database or user that its engine refused is its fault, and can be made otherwise."""
    told = ' '.join(
        [errors.CODES['guest_prepare_objects'].sentence, *work.facts.get('problems', ())])
    fault = base.fault(work, told[:1024],
                       '') if work.facts.get('problems') else base.fault_cleared(work)
    return [base.changed(work, error_code=None), fault]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The instance is shown in ERROR, with the reason."""
    return [base.changed(work, error_code=code), base.fault(work, text, detail)]


def cancelled(work: Work) -> Sequence[Change]:
    """Nothing of it is left but the row, for the user to delete."""
    return failed(work, outcome.CANCELLED, errors.CODES[outcome.CANCELLED].sentence, '')


FLOW = Flow(
    kind='instance_create', version=2, title='Creating the instance', resource_type='instance',
    steps=(
        identity.EnsureGuestIdentity(),
        network.EnsureSecurityGroup(),
        network.EnsureManagementPort(),
        network.EnsureTenantPort(),
        network.EnsurePublicAddress(),
        volume.EnsureVolume(),
        volume.VolumeAvailable(),
        server.ChooseImage(),
        server.EnsureServerGroup(),
        server.EnsureServer(),
        server.ServerActive(),
        guest.AgentSeen(),
        guest.Prepared(),
        guest.Healthy(),
        module.ModulesApplied(),
    ),
    load=instances.get, succeeded=succeeded, failed=failed, remover='instance_delete',
    cancellable=True, cancelled=cancelled)
