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

"""The flow that creates an instance.

The API has created the row (flavor, image, volume size, access, key). Secrets of the operation:
``users``: ``[{"name", "password", "host", "databases"}]``; ``root_password``, or null.

A create that fails removes all that it created, so nobody pays for an unusable instance. The row
stays, in ERROR with the reason, until the user deletes it.
"""

from collections.abc import Sequence

from trove.common import errors
from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts, outcome
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest
from trove.taskmanager.steps import identity
from trove.taskmanager.steps import module
from trove.taskmanager.steps import network
from trove.taskmanager.steps import server
from trove.taskmanager.steps import volume


def succeeded(work: Work[args.Create, facts.Create]) -> Sequence[Change]:
    """Record databases and users that the engine refused as a fault; the instance is usable."""
    problems = work.facts.get('problems')
    if not problems:
        return [base.changed(work, error_code=None), base.fault_cleared(work)]
    text = ' '.join([errors.CODES['guest_prepare_objects'].sentence, *problems])
    return [base.changed(work, error_code=None), base.fault(work, text[:1024], '')]


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Show the instance in ERROR, with the reason."""
    return [base.changed(work, error_code=code), base.fault(work, text, detail)]


def cancelled(work: Work) -> Sequence[Change]:
    """Keep only the row, which the user can delete."""
    return failed(work, outcome.CANCELLED, errors.CODES[outcome.CANCELLED].sentence, '')


FLOW = Flow[args.Create, facts.Create](
    args=args.Create, facts=facts.Create,
    kind=OperationKind.INSTANCE_CREATE, version=2, title='Creating the instance',
    resource_type=ResourceType.INSTANCE,
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
    load=instances.get, succeeded=succeeded, failed=failed, remover=OperationKind.INSTANCE_DELETE,
    cancellable=True, cancelled=cancelled)
