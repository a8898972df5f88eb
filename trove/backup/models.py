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

"""Backups: lookup, preconditions, and operations that create and delete backups."""

import dataclasses
import datetime
import uuid
from typing import Any, NamedTuple

from oslo_config import cfg

from trove.backup.validation import Found
from trove.common import exception, policy
from trove.common.kinds import OperationKind, ResourceType
from trove.common.rpc import clients
from trove.db import backup_strategies, backups, operations, session
from trove.db.session import Connection, Row
from trove.instance import models as instance_models

CONF = cfg.CONF

RESOURCE = ResourceType.BACKUP
#: Seconds of the deadline of a backup, for a large database.
DEADLINE = 24 * 3600
FULL, INCREMENTAL = 'full', 'incremental'


@dataclasses.dataclass(frozen=True)
class CreateRequest:
    """Request for a backup of an instance."""

    name: str
    description: str | None = None
    parent_id: str | None = None
    #: use the newest completed backup as the parent, if there is one
    incremental: bool = False
    container: str | None = None
    storage_driver: str | None = None


class Recorded(NamedTuple):
    """Recorded operation, and its backup."""
    operation_id: str
    backup_id: str


# --- finding -------------------------------------------------------------------------------------

def find(context: Any, backup_id: str) -> Row:
    """Return a live backup of the caller's project; for an administrator, of any project.

    :raises trove.common.exception.NotFound: no such backup.
    """
    return policy.owned(context, session.read(backups.get, backup_id), backup_id)


# --- recording -----------------------------------------------------------------------------------

def create(context: Any, row: Row, requested: CreateRequest, *, dry_run: bool = False) -> Recorded:
    """Record a new backup of an instance, and the operation that creates it.

    The operation is the instance's, so other operations of the instance have to wait.

    :param row: row of the instance.
    :param dry_run: check everything, write nothing.
    :raises trove.common.exception.NotFound: no such parent.
    :raises trove.common.exception.BadRequest: the parent is another instance's or incomplete.
    :raises trove.common.exception.Unprocessable: the instance is not ready.
    :raises trove.common.exception.NotSupported: the instance is a member of a cluster, or its
        engine has no backups.
    :raises trove.common.exception.QuotaExceeded: the quota of backups is used up.
    """
    check_engine(row)
    backup_id = str(uuid.uuid4())
    container = requested.container or session.read(backup_strategies.container, row.tenant_id,
                                                    row.id)

    def make(connection: Connection, now: datetime.datetime) -> None:
        parent = _parent(connection, context, row, requested)
        backups.create(
            connection, {
                'id': backup_id,
                'name': requested.name,
                'description': requested.description,
                'tenant_id': row.tenant_id,
                'state': 'NEW',
                'instance_id': row.id,
                'parent_id': parent.id if parent else None,
                'backup_type': INCREMENTAL if parent else FULL,
                'datastore_version_id': row.datastore_version_id,
                'storage_driver': requested.storage_driver or CONF.storage_strategy
            }, now)

    args = {'backup_id': backup_id, 'container': container or CONF.backup_swift_container}
    recorded = instance_models.record(context, row, OperationKind.BACKUP_CREATE, DEADLINE,
                                      args=args,
                                      check=instance_models.require_ready, also=make,
                                      dry_run=dry_run)
    return Recorded(recorded.operation_id, backup_id)


def register(context: Any, found: Found, name: str, description: str | None, *,
             dry_run: bool = False) -> str:
    """Record a backup that is in the object store already.

    Nothing is copied, and its deletion removes nothing from the store.

    :returns: id of the backup.
    :raises trove.common.exception.QuotaExceeded: the quota of backups is used up.
    """
    backup_id = str(uuid.uuid4())
    (session.dry_run if dry_run else session.write)(lambda connection: backups.create(
        connection, {
            'id': backup_id,
            'name': name,
            'description': description,
            'tenant_id': context.project_id,
            'state': 'RESTORED',
            'location': found.location,
            'checksum': found.checksum,
            'size': found.size,
            'backup_type': INCREMENTAL if found.is_increment else FULL,
            'datastore_version_id': found.version.id,
            'storage_driver': 'swift'
        }, session.utcnow()))
    return backup_id


def check_engine(row: Row) -> None:
    """Refuse an instance that never has backups.

    :raises trove.common.exception.NotSupported: it is in a cluster, or its engine has no backups.
    """
    if row.cluster_id is not None:
        raise exception.NotSupported(
            f'Instance {row.id} belongs to a cluster; its members have no backups of their '
            f'own.')
    if row.manager not in CONF or not CONF[row.manager].backup_strategy:
        raise exception.NotSupported(f'Backups are not supported for datastore {row.manager}.')


def _parent(connection: Connection, context: Any, row: Row, requested: CreateRequest) -> Row | None:
    """Return the parent of a new backup; None for a full one."""
    if requested.parent_id is None:
        return backups.newest(connection, row.id) if requested.incremental else None
    parent = policy.owned(context, backups.get(connection, requested.parent_id),
                          requested.parent_id)
    if parent.instance_id != row.id:
        raise exception.BadRequest(
            f"backup['parent_id'] {parent.id} is a backup of another instance.")
    if parent.state not in backups.USABLE:
        raise exception.BadRequest(
            f"backup['parent_id'] {parent.id} cannot be built on: its status is {parent.state}.")
    return parent


def delete(context: Any, row: Row) -> Recorded:
    """Record an operation that deletes a backup and all backups that are built on it.

    :raises trove.common.exception.Unprocessable: one of them is still being created.
    """
    def write(connection: Connection) -> str:
        now = session.utcnow()
        chain = backups.with_increments(connection, row.id)
        if not chain:
            raise exception.not_found(row.id)
        for one in chain:
            _require_at_rest(one, now)
        running = operations.open_of(connection, RESOURCE, row.id)
        if running is not None:
            # It is being deleted already.
            return running.id
        return operations.create(connection, kind=OperationKind.BACKUP_DELETE,
                                 resource_type=RESOURCE,
                                 resource_id=row.id, now=now, deadline=CONF.delete_deadline,
                                 project_id=row.tenant_id, request_id=context.request_id,
                                 actor=context.user_id)

    operation_id = session.write(write)
    clients.wake_taskmanager(operation_id)
    return Recorded(operation_id, row.id)


def _require_at_rest(row: Row, now: datetime.datetime) -> None:
    if row.state in backups.UNFINISHED and now - row.updated < datetime.timedelta(
            days=CONF.running_backups_expires):
        raise exception.Unprocessable(
            f'Backup {row.id} cannot be deleted now: its status is {row.state}.')
