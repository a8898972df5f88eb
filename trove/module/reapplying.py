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

"""Applying a module again to the instances that have it."""

from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from trove.common.kinds import OperationKind
from trove.common.rpc import clients
from trove.db import operations, session
from trove.db.session import Connection, Row
from trove.module.models import RESOURCE

CONF = cfg.CONF

#: Seconds that applying to any number of instances may take.
DEADLINE = 24 * 3600


def reapply(context: Any, row: Row, asked: Mapping[str, Any]) -> str:
    """Write down that a module is to be applied again.

    Those that have its present contents are left out,
    unless ``force`` is given. Nobody but an administrator goes
    faster than the operator allows, or reaches instances of others.

    :returns: the operation.
    :raises trove.common.exception.Unprocessable: it is being applied already.
    """
    size = asked.get('batch_size') or CONF.module_reapply_max_batch_size
    pause = asked.get('batch_delay', CONF.module_reapply_min_batch_delay)
    if not context.is_admin:
        size = min(size, CONF.module_reapply_max_batch_size)
        pause = max(pause, CONF.module_reapply_min_batch_delay)
    args = {
        'md5': asked.get('md5', '').lower() or None,
        'include_clustered': bool(asked.get('include_clustered')),
        'batch_size': size,
        'batch_delay': pause,
        'force': bool(asked.get('force')),
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
