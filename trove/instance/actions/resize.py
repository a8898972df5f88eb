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

"""Resize: a larger volume, another flavor.

The transaction that records the operation also consumes the quota;
:func:`trove.db.quotas.give_back` returns it when the operation fails.
"""

import datetime
from typing import Any

from oslo_config import cfg
from trove.common.rpc import clients
from trove.db.rows import InstanceRow
from trove.db.session import Connection

from trove.common import exception
from trove.common.kinds import OperationKind
from trove.db import instances, operations, quotas, session
from trove.instance import models, validation
from trove.instance.models import Recorded, RESOURCE

CONF = cfg.CONF

#: Largest value of an integer column.
_MAX_INTEGER = 2 ** 31 - 1


def volume(context: Any, row: InstanceRow, size: int) -> Recorded:
    """Record that the volumes of an instance and of each of its replicas grow, in one transaction.

    :param size: GB.
    :returns: the operation on the instance; the operations on the replicas name it as their parent.
    :raises trove.common.exception.BadRequest: no volume, or the size is not larger than the current
        one.
    :raises trove.common.exception.OverLimit: more than the operator or the quota allows.
    :raises trove.common.exception.Unprocessable: the instance or a replica is busy.
    :raises trove.common.exception.NotSupported: the instance is a member of a cluster.
    """
    models.require_no_cluster(row, context)
    check_size(row, size)
    operation_id = operations.new_id()

    def write(connection: Connection) -> list[str]:
        now = session.utcnow()
        replicas = [
            replica.id for replica in instances.replicas_of(connection, [row.id]).get(row.id, ())
        ]
        recorded = []
        for instance_id in [row.id, *replicas]:
            found = instances.get(connection, instance_id)
            if found is None:
                raise exception.not_found(instance_id)
            if instance_id == row.id:
                check_size(found, size)
            elif found.volume_size is None or found.volume_size >= size:
                continue
            models.require_ready(found, now)
            identity = {'operation_id' if instance_id == row.id else 'parent_id': operation_id}
            recorded.append(_enlarge(connection, context, found, size, now, **identity))
        return recorded

    for recorded_id in session.write(write):
        clients.wake_taskmanager(recorded_id)
    return Recorded(operation_id, row.id)


def check_size(row: InstanceRow, size: int) -> None:
    """Refuse a size that the volume of an instance cannot have; see :func:`volume`."""
    if not row.volume_support or row.volume_size is None:
        raise exception.BadRequest(f'Instance {row.id} has no volume.')
    if size <= row.volume_size:
        raise exception.BadRequest(
            f"resize['volume']['size'] must be larger than the {row.volume_size} GB that the "
            f"volume has now.")
    maximum = CONF.max_accepted_volume_size if CONF.max_accepted_volume_size >= 0 else _MAX_INTEGER
    if size > maximum:
        raise exception.OverLimit(
            f"resize['volume']['size'] {str(size)[:20]} GB is more than the maximum of "
            f"{maximum} GB.")


def flavor(context: Any, row: InstanceRow, flavor_id: str) -> Recorded:
    """Record that an instance gets another flavor.

    :raises trove.common.exception.BadRequest: the instance has the flavor already, or cannot have
        it.
    :raises trove.common.exception.OverLimit: more RAM than the quota allows.
    :raises trove.common.exception.Unprocessable: the instance is busy.
    :raises trove.common.exception.NotSupported: the instance is a member of a cluster, or the
        flavor has an ephemeral disk.
    """
    models.require_no_cluster(row, context)
    models.require_ready(row, session.utcnow())
    new, former = validation.new_flavor(context, row, flavor_id)
    sizes = {
        'flavor': _size(new),
        'former': {
            **_size(former), 'ram': row.ram,
            'vcpus': row.vcpus
        }
    }

    def write(connection: Connection) -> str:
        now = session.utcnow()
        found = instances.get(connection, row.id)
        if found is None:
            raise exception.not_found(row.id)
        models.require_ready(found, now)
        if found.flavor_id != row.flavor_id:
            raise exception.Unprocessable(
                f'Instance {row.id} has been given another flavor just now.')
        held = {'ram': max(0, new.ram - found.ram)}
        quotas.consume(connection, row.tenant_id, held, now)
        # Twice the resize, for the revert; the engine is stopped and started each time.
        deadline = (2 * CONF.resize_time_out + 2 * CONF.restart_timeout + CONF.agent_start_timeout
                    + CONF.state_change_wait_time)
        return operations.create(connection, kind=OperationKind.INSTANCE_RESIZE_FLAVOR,
                                 resource_type=RESOURCE,
                                 resource_id=row.id, now=now, deadline=deadline,
                                 project_id=row.tenant_id, args={
                                     **sizes, 'quota': held
                                 }, request_id=context.request_id, actor=context.user_id)

    operation_id = session.write(write)
    clients.wake_taskmanager(operation_id)
    return Recorded(operation_id, row.id)


def _size(found: Any) -> dict[str, Any]:
    return {'id': found.id, 'name': found.name, 'ram': found.ram, 'vcpus': found.vcpus}


def _enlarge(connection: Connection, context: Any, row: InstanceRow, size: int,
             now: datetime.datetime,
             **more: Any) -> str:
    held = {'volumes': size - (row.volume_size or 0)}
    quotas.consume(connection, row.tenant_id, held, now)
    # Cinder and Nova, two guest commands and the engine's health: each has a limit of its own.
    deadline = (4 * CONF.volume_time_out + CONF.resize_time_out + CONF.restart_timeout
                + CONF.state_change_wait_time)
    return operations.create(connection, kind=OperationKind.INSTANCE_RESIZE_VOLUME,
                             resource_type=RESOURCE,
                             resource_id=row.id, now=now, deadline=deadline,
                             project_id=row.tenant_id, args={
                                 'size': size,
                                 'former_size': row.volume_size,
                                 'quota': held
                             }, request_id=context.request_id, actor=context.user_id, **more)
