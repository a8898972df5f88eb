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

"""Identity of a guest on the guest bus."""

from trove.common.rpc import keys
from trove.common import exception
from trove.taskmanager import args, facts
from trove.taskmanager.step import Done, Step, Wait, Work
from trove.taskmanager.steps import base


def instance_key(work: Work) -> bytes:
    """Return the instance's key, from which its broker password and its seal are derived.

    :raises StepFailed: it is missing or cannot be opened with the configured secrets.
    """
    row = base.instance(work)
    if not row.encrypted_key:
        raise exception.StepFailed('The instance has no key for the guest bus.', code='internal',
                                   detail='instances.encrypted_key is empty')
    try:
        return work.tools.keys.open(row.id, row.encrypted_key)
    except keys.KeySealError as error:
        raise exception.StepFailed(
            'The key of the instance cannot be opened; contact the operator.', code='internal',
            detail=str(error)) from error


class RestoreGuestIdentity(Step[args.Nothing, facts.Nothing]):
    """Restoration of a guest's identity that the broker may have lost; part of every new start."""

    def run(self, work: Work) -> Done:
        work.tools.broker.ensure_guest(work.resource_id, instance_key(work))
        return Done()


class EnsureGuestIdentity(RestoreGuestIdentity):
    """The guest has its own account, exchanges and queue."""

    creates = frozenset({'broker'})

    def undo(self, work: Work) -> None:
        work.tools.broker.remove_guest(work.resource_id)


class GuestIdentityGone(base.Removal):
    """The guest's account, exchanges and queue are removed."""

    removes = frozenset({'broker'})
    what = 'the identity on the guest bus'

    def run(self, work: Work) -> Done | Wait:
        # A failure of the broker is retried until the deadline.
        work.tools.broker.remove_guest(work.resource_id)
        return Done()
