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

"""The flow that changes the clients that may connect: ``access`` of a PUT.

A failed change is reverted: the former clients still can connect. The instance is shown in ERROR
with the reason until a change of access succeeds, because the request of the user is not met.
"""

import json
from collections.abc import Sequence

from trove.common.kinds import OperationKind, ResourceType
from trove.db import instances
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import access
from trove.taskmanager.steps import base

#: Error code in the row after a failed change.
FAILED = 'access_failed'


def succeeded(work: Work[args.UpdateAccess, facts.Nothing]) -> Sequence[Change]:
    """Record the new access; clear an ERROR of an earlier change of access, but no other."""
    changes = [base.changed(work, access=json.dumps(work.args['access']))]
    if base.instance(work).error_code == FAILED:
        changes += [base.changed(work, error_code=None), base.fault_cleared(work)]
    return changes


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """Show the instance in ERROR, unless it is in ERROR for another reason."""
    if base.instance(work).error_code not in (None, FAILED):
        return []
    return [base.changed(work, error_code=FAILED), base.fault(work, text, detail)]


FLOW = Flow[args.UpdateAccess, facts.Nothing](
    args=args.UpdateAccess, facts=facts.Nothing,
    kind=OperationKind.INSTANCE_UPDATE_ACCESS, version=1, title='Changing who may connect',
    resource_type=ResourceType.INSTANCE, steps=(access.RulesSet(), access.PublicAddressSet()),
    load=instances.get, succeeded=succeeded, failed=failed, cancellable=True)
