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

"""Networks that may connect to an instance."""

from typing import Any

from oslo_config import cfg

from trove.common.kinds import OperationKind
from trove.db.rows import InstanceRow
from trove.instance import models, validation
from trove.instance.models import Also, Recorded

CONF = cfg.CONF


def update(context: Any, row: InstanceRow, access: dict[str, Any],
           also: Also = models.nothing_else) -> Recorded:
    """Record new access rules. A key that is missing resets its rule: not public, all networks.

    :raises trove.common.exception.BadRequest: an allowed network is malformed.
    :raises trove.common.exception.Unprocessable: another operation is open.
    """
    validation.check_access(access)
    requested = {
        'is_public': access.get('is_public', False),
        'allowed_cidrs': access.get('allowed_cidrs', [])
    }
    return models.record(context, row, OperationKind.INSTANCE_UPDATE_ACCESS, CONF.access_timeout,
                         args={'access': requested}, also=also)
