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

"""Backups: find them, ask whether one may be made or deleted now, and record that it is to be done."""

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
#: Seconds that a backup may take: a large database needs its time.
DEADLINE = 24 * 3600
FULL, INCREMENTAL = 'full', 'incremental'


@dataclasses.dataclass(frozen=True)
class CreateRequest:
    """What a user asked for when making a backup of an instance."""

    name: str
    description: str | None = None
    parent_id: str | None = None
    #: on top of the newest completed backup, if there is one
    incremental: bool = False
    container: str | None = None
    storage_driver: str | None = None


class Recorded(NamedTuple):
    """An operation that was written down, and the backup it is about."""
    operation_id: str
    backup_id: str


# --- finding -------------------------------------------------------------------------------------

def find(context: Any, backup_id: str) -> Row:
    """A live backup of the caller's project; an administrator finds those of others too.

    :raises trove.common.exception.NotFound:
    """
    return policy.owned(context, session.read(backups.get, backup_id), backup_id)


# --- recording -----------------------------------------------------------------------------------

def create(context: Any, row: Row, asked: CreateRequest, *, dry_run: bool = False) -> Recorded:
    """Write down a new backup of an instance, and the operation that makes it.

    The operation is the instance's: whatever else would be done to it has to wait.

    :param row: of the instance.
    :param dry_run: check everything, write nothing.
    :raises trove.common.exception.NotFound: there is no such parent.
    :raises trove.common.exception.BadRequest: the parent is another instance's, or not complete.
    :raises trove.common.exception.Unprocessable: the instance cannot now.
    :raises trove.common.exception.NotSupported: it is a member of a cluster, or its engine has no backups.
    :raises trove.common.exception.QuotaExceeded:
    """
    check_engine(row)
    backup_id = str(uuid.uuid4())
    container = asked.container or session.read(backup_strategies.container, row.tenant_id, row.id)

    def make(connection: Connection, now: datetime.datetime) -> None:
        parent = _parent(connection, context, row, asked)
        backups.create(
            connection, {
                'id': backup_id,
                'name': asked.name,
                'description': asked.description,
                'tenant_id': row.tenant_id,
                'state': 'NEW',
                'instance_id': row.id,
                'parent_id': parent.id if parent else None,
                'backup_type': INCREMENTAL if parent else FULL,
                'datastore_version_id': row.datastore_version_id,
                'storage_driver': asked.storage_driver or CONF.storage_strategy
            }, now)

    args = {'backup_id': backup_id, 'container': container or CONF.backup_swift_container}
    recorded = instance_models.record(context, row, OperationKind.BACKUP_CREATE, DEADLINE,
                                      args=args,
                                      check=instance_models.require_ready, also=make,
                                      dry_run=dry_run)
    return Recorded(recorded.operation_id, backup_id)


def register(context: Any, found: Found, name: str, description: str | None, *,
             dry_run: bool = False) -> str:
    """Write down a backup that lies in the object store already. Nothing is copied, and nothing removed with it.

    :returns: its id.
    :raises trove.common.exception.QuotaExceeded:
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
    """:raises trove.common.exception.NotSupported: no backup can ever be made of this instance."""
    if row.cluster_id is not None:
        raise exception.NotSupported(
            f'Instance {row.id} belongs to a cluster; its members have no backups of their '
            f'own.')
    if row.manager not in CONF or not CONF[row.manager].backup_strategy:
        raise exception.NotSupported(f'Backups are not supported for datastore {row.manager}.')


def _parent(connection: Connection, context: Any, row: Row, asked: CreateRequest) -> Row | None:
    """What the new backup is built on; None for a full one."""
    if asked.parent_id is None:
        return backups.newest(connection, row.id) if asked.incremental else None
    parent = policy.owned(context, backups.get(connection, asked.parent_id), asked.parent_id)
    if parent.instance_id != row.id:
        raise exception.BadRequest(
            f"backup['parent_id'] {parent.id} is a backup of another instance.")
    if parent.state not in backups.USABLE:
        raise exception.BadRequest(
            f"backup['parent_id'] {parent.id} cannot be built on: its status is {parent.state}.")
    return parent


def delete(context: Any, row: Row) -> Recorded:
    """Write down that a backup and all that is built on it are to be deleted.

    :raises trove.common.exception.Unprocessable: one of them is still being made.
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
