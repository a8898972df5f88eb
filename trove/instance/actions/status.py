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

"""Reset of an instance's status; cancel and retry of its operations.

Cancel and retry need two policy rules: their own, and the rule of the request that recorded the
operation.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from trove.common import exception, notification, states
from trove.common.kinds import OperationKind
from trove.common.rpc import clients
from trove.db import (backups, events, instances, notifications, operations, service_statuses,
                      session)
from trove.db.rows import InstanceRow, OperationRow
from trove.db.session import Connection
from trove.instance import models
from trove.instance.actions import access, configuration, image, power, resize
from trove.instance.models import RESOURCE, Recorded


class Original(NamedTuple):
    """Request that records operations of one kind.

    :ivar rule: policy rule of the request.
    :ivar again: (context, instance, args of the operation) -> another operation like it, or None if
        there is nothing left to do; None for a kind that cannot be recorded again.
    :ivar admin: only administrators can make the request.
    """
    rule: str
    again: Callable[[Any, InstanceRow, dict[str, Any]], Recorded | None] | None
    admin: bool = False


def _detach_again(context: Any, row: InstanceRow, configuration_id: str) -> Recorded | None:
    """Detach the same group; do nothing if it is detached by now, even if another one is attached.
    """
    if row.configuration_id != configuration_id:
        return None
    return configuration.detach(context, row)


def _by_admin(again: Callable[[Any, InstanceRow, dict[str, Any]], Recorded]) -> Original:
    return Original('mgmt:instance:action', again, admin=True)


#: kind of operation -> the request that records it
ORIGINALS: dict[str, Original] = {
    # Passwords of users are erased when the operation ends.
    OperationKind.INSTANCE_CREATE: Original('instance:create', None),
    OperationKind.INSTANCE_DELETE: Original(
        'instance:delete', lambda context, row, _args: models.delete(context, row)),
    OperationKind.INSTANCE_RESTART: Original(
        'instance:restart', lambda context, row, _args: power.restart(context, row)),
    OperationKind.INSTANCE_RESIZE_VOLUME: Original(
        'instance:resize_volume',
        lambda context, row, args: resize.volume(context, row, args['size'])),
    OperationKind.INSTANCE_RESIZE_FLAVOR: Original(
        'instance:resize_flavor',
        lambda context, row, args: resize.flavor(context, row, args['flavor']['id'])),
    OperationKind.INSTANCE_UPDATE_ACCESS: Original(
        'instance:update',
        lambda context, row, args: access.update(context, row, args['access'])),
    OperationKind.INSTANCE_UPGRADE: Original(
        'instance:update',
        lambda context, row, args: image.upgrade(context, row, args['version']['id'])),
    OperationKind.INSTANCE_ATTACH_CONFIGURATION: Original(
        'instance:update',
        lambda context, row, args: configuration.attach(context, row, args['configuration_id'])),
    OperationKind.INSTANCE_DETACH_CONFIGURATION: Original(
        'instance:update',
        lambda context, row, args: _detach_again(context, row, args['configuration_id'])),
    OperationKind.INSTANCE_REBOOT: _by_admin(
        lambda context, row, _args: power.reboot(context, row)),
    OperationKind.INSTANCE_STOP: _by_admin(lambda context, row, _args: power.stop(context, row)),
    OperationKind.INSTANCE_START: _by_admin(lambda context, row, _args: power.start(context, row)),
    OperationKind.INSTANCE_REBUILD: _by_admin(
        lambda context, row, args: image.rebuild(context, row, args['image_id'])),
    OperationKind.INSTANCE_MIGRATE: _by_admin(
        lambda context, row, args: image.migrate(context, row, args['host'], live=False)),
    OperationKind.INSTANCE_MIGRATE_LIVE: _by_admin(
        lambda context, row, args: image.migrate(context, row, args['host'], live=True)),
}


def original_of(operation: OperationRow) -> Original:
    """Return the request that recorded an operation.

    :raises trove.common.exception.Conflict: operations of this kind can be neither cancelled nor
        retried.
    """
    original = ORIGINALS.get(operation.kind)
    if original is None:
        raise _conflict(operation, f'operations of kind {operation.kind} can neither be cancelled '
                                   f'nor retried')
    return original


def _conflict(operation: OperationRow, why: str) -> exception.Conflict:
    return exception.Conflict(f'Operation {operation.id}: {why}.')


def cancel(_context: Any, operation: OperationRow) -> Recorded:
    """Request that an open operation is reverted. One that is in its last steps may still succeed.

    :raises trove.common.exception.Conflict: the operation has ended, is being reverted, or cannot
        be cancelled.
    """
    if not operation.active:
        raise _conflict(operation, f'it has ended ({operation.state}) and cannot be cancelled')
    if operation.kind not in states.CANCELLABLE:
        raise _conflict(operation, f'operations of kind {operation.kind} cannot be cancelled, '
                                   f'because they cannot be reverted')
    if not session.write(
            lambda connection: operations.cancel(connection, operation.id, session.utcnow())):
        raise _conflict(operation, 'it is being reverted already')
    clients.wake_taskmanager(operation.id)
    return Recorded(operation.id, operation.resource_id)


def retry(context: Any, operation: OperationRow) -> Recorded:
    """Run a waiting operation now; record another one like an operation that failed or was
    cancelled.

    :raises trove.common.exception.Conflict: the operation has succeeded, cannot be recorded again,
        or nothing is left to do.
    """
    if operation.active and session.write(
            lambda connection: operations.run_now(connection, operation.id, session.utcnow())):
        clients.wake_taskmanager(operation.id)
        return Recorded(operation.id, operation.resource_id)
    if operation.state == states.OperationState.SUCCEEDED:
        raise _conflict(operation, 'it has succeeded; there is nothing to retry')
    again = original_of(operation).again
    if again is None:
        raise _conflict(operation, f'operations of kind {operation.kind} cannot be retried; send '
                                   f'the original request again')
    instance = models.find(context, operation.resource_id)
    recorded = again(context, instance, json.loads(operation.args))
    if recorded is None:
        raise _conflict(operation, 'the instance already is as the operation would leave it')
    return recorded


def reset(context: Any, row: InstanceRow, *, forget_service: bool = True) -> str | None:
    """Abandon the open operation of an instance and clear its error, so that another action is
    accepted.

    Nothing in the cloud changes: a delete finds everything by name.

    :param forget_service: also clear the last report of the guest, until it reports again.
    :returns: id of the abandoned operation, if any.
    """
    def write(connection: Connection) -> str | None:
        now = session.utcnow()
        models.require_present(connection, row.id)
        abandoned = operations.abandon(connection, RESOURCE, row.id, now)
        instances.change(connection, row.id, now, error_code=None, desired_version_id=None)
        if forget_service:
            service_statuses.reset(connection, row.id)
        failed = backups.fail_running(connection, row.id, now)
        effects = [f'{abandoned.kind} was abandoned' if abandoned else 'no operation was open']
        if failed:
            effects.append(f'{failed} running backups were set to failed')
        events.add(connection, resource_type=RESOURCE, resource_id=row.id, type='instance.reset',
                   text=f'The status was reset: {", ".join(effects)}.', now=now,
                   project_id=row.tenant_id, operation_id=abandoned.id if abandoned else None,
                   actor=context.user_id, request_id=context.request_id)
        for phase in (notification.START, notification.END):
            notifications.emit(connection, 'instance_reset_status', phase, tenant_id=row.tenant_id,
                               now=now, request_id=context.request_id, instance_id=row.id)
        return abandoned.id if abandoned else None

    return session.write(write)
