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

"""Changing who may connect: ``access`` of a PUT.

Arg ``access``: ``{"is_public": bool, "allowed_cidrs": [..]}``, which replaces what the row has.

A change that fails is taken back: who could connect before still can. The instance is shown in ERROR with the reason
until a change of access succeeds, for users asked for something they did not get.
"""

import json
from collections.abc import Sequence

from trove.db import instances
from trove.taskmanager.step import Change, Flow, Work
from trove.taskmanager.steps import access
from trove.taskmanager.steps import base

#: What the row says after a change that failed.
FAILED = 'access_failed'


def succeeded(work: Work) -> Sequence[Change]:
    """The new access is what is shown; an ERROR of an earlier change of access is over, any other is not."""
    changes = [base.changed(work, access=json.dumps(work.args['access']))]
    if base.instance(work).error_code == FAILED:
        changes += [base.changed(work, error_code=None), base.fault_cleared(work)]
    return changes


def failed(work: Work, code: str, text: str, detail: str) -> Sequence[Change]:
    """The instance is shown in ERROR, with the reason. A reason it was in ERROR for before is worse, and stays."""
    if base.instance(work).error_code not in (None, FAILED):
        return []
    return [base.changed(work, error_code=FAILED), base.fault(work, text, detail)]


FLOW = Flow(kind='instance_update_access', version=1, title='Changing who may connect',
            resource_type='instance', steps=(access.RulesSet(), access.PublicAddressSet()),
            load=instances.get, succeeded=succeeded, failed=failed, cancellable=True)
