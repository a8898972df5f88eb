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

"""Operation that applies a module again to the instances that have it."""

from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from trove.common.kinds import OperationKind
from trove.common.rpc import clients
from trove.db import operations, session
from trove.db.session import Connection, Row
from trove.module.models import RESOURCE

CONF = cfg.CONF

#: Seconds of the deadline, for any number of instances.
DEADLINE = 24 * 3600


def reapply(context: Any, row: Row, requested: Mapping[str, Any]) -> str:
    """Record an operation that applies a module again to its instances.

    Instances with the present contents are left out unless ``force`` is given. Only administrators
    can exceed the operator's rate, or reach instances of other projects.

    :returns: id of the operation.
    :raises trove.common.exception.Unprocessable: such an operation is open already.
    """
    size = requested.get('batch_size') or CONF.module_reapply_max_batch_size
    pause = requested.get('batch_delay', CONF.module_reapply_min_batch_delay)
    if not context.is_admin:
        size = min(size, CONF.module_reapply_max_batch_size)
        pause = max(pause, CONF.module_reapply_min_batch_delay)
    args = {
        'md5': requested.get('md5', '').lower() or None,
        'include_clustered': bool(requested.get('include_clustered')),
        'batch_size': size,
        'batch_delay': pause,
        'force': bool(requested.get('force')),
        'tenant_id': None if context.is_admin else context.project_id
    }

    def write(connection: Connection) -> str:
        return operations.create(connection, kind=OperationKind.MODULE_REAPPLY,
                                 resource_type=RESOURCE,
                                 resource_id=row.id, now=session.utcnow(), deadline=DEADLINE,
                                 project_id=context.project_id, args=args,
                                 request_id=context.request_id, actor=context.user_id)

    operation_id = session.write(write)
    clients.wake_taskmanager(operation_id)
    return operation_id
