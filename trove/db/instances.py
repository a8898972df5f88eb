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

"""Instances, each read with the columns that its views and preconditions need."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (Connection, FromClause, Row, Select, and_, bindparam, insert, select, true,
                        update)

from trove.common.kinds import ResourceType
from trove.common.states import ServiceStatus as Status
from trove.db import backups, quotas, replay_marks, statements
from trove.db.rows import FullInstanceRow, InstanceRow
from trove.db.tables.backups import Backup
from trove.db.tables.configurations import Configuration
from trove.db.tables.datastores import Datastore, DatastoreVersion
from trove.db.tables.instances import (CommandResult, Instance, InstanceAddress, InstanceFault,
                                       ServiceStatus)
from trove.db.tables.modules import InstanceModule
from trove.db.tables.operations import Operation

INSTANCES = Instance.__table__
ADDRESSES = InstanceAddress.__table__
STATUSES = ServiceStatus.__table__
FAULTS = InstanceFault.__table__
RESULTS = CommandResult.__table__
VERSIONS = DatastoreVersion.__table__
DESIRED = VERSIONS.alias('desired_version')
DATASTORES = Datastore.__table__
OPERATIONS = Operation.__table__
CONFIGURATIONS = Configuration.__table__
BACKUPS = Backup.__table__
MODULES = InstanceModule.__table__

RUNNING_BACKUPS = ('NEW', 'BUILDING', 'SAVING')


def _columns() -> list[Any]:
    """Return the columns of a row; each join adds at most one row to an instance."""
    backup = (select(BACKUPS.c.id).where(BACKUPS.c.instance_id == INSTANCES.c.id,
                                         BACKUPS.c.deleted.is_(False),
                                         BACKUPS.c.state.in_(RUNNING_BACKUPS)).exists())
    replica = INSTANCES.alias('replica')
    follower = (select(replica.c.id).where(replica.c.slave_of_id == INSTANCES.c.id,
                                           replica.c.deleted.is_(False)).exists())
    return [
        *INSTANCES.c,
        VERSIONS.c.name.label('version_name'),
        VERSIONS.c.version.label('version_number'),
        VERSIONS.c.manager.label('manager'),
        VERSIONS.c.image_tags.label('version_image_tags'),
        DESIRED.c.name.label('desired_version_name'),
        DATASTORES.c.name.label('datastore_name'),
        DATASTORES.c.id.label('datastore_id'),
        STATUSES.c.status.label('service_status'),
        STATUSES.c.reason.label('service_reason'),
        STATUSES.c.updated_at.label('service_status_updated'),
        STATUSES.c.unreachable_since,
        STATUSES.c.boot_id,
        STATUSES.c.agent_version,
        STATUSES.c.volume_total,
        STATUSES.c.volume_used,
        STATUSES.c.engine_version,
        OPERATIONS.c.id.label('operation_id'),
        OPERATIONS.c.kind.label('operation_kind'),
        # Without a successor the cancelled operation is only reverted.
        and_(OPERATIONS.c.cancel_wanted,
             OPERATIONS.c.successor.is_not(None)).label('cancel_wanted'),
        FAULTS.c.message.label('fault_message'),
        FAULTS.c.created.label('fault_created'),
        FAULTS.c.details.label('fault_details'),
        CONFIGURATIONS.c.name.label('configuration_name'),
        backup.label('backup_running'),
        follower.label('has_replicas'),
    ]


def with_all_parts(instances: FromClause) -> FromClause:
    """Return ``instances``, joined with the tables of :data:`COLUMNS`."""
    return (instances.outerjoin(
        VERSIONS, VERSIONS.c.id == INSTANCES.c.datastore_version_id).outerjoin(
            DESIRED, DESIRED.c.id == INSTANCES.c.desired_version_id).outerjoin(
                DATASTORES, DATASTORES.c.id == VERSIONS.c.datastore_id).outerjoin(
                    STATUSES, STATUSES.c.instance_id == INSTANCES.c.id).outerjoin(
                        OPERATIONS,
                        and_(OPERATIONS.c.resource_type == ResourceType.INSTANCE,
                             OPERATIONS.c.resource_id == INSTANCES.c.id,
                             OPERATIONS.c.active == 1)).outerjoin(
                                 FAULTS, FAULTS.c.instance_id == INSTANCES.c.id).outerjoin(
                                     CONFIGURATIONS,
                                     CONFIGURATIONS.c.id == INSTANCES.c.configuration_id))


#: Columns of a row, by name.
COLUMNS: dict[str, Any] = {column.name: column for column in _columns()}
_SHOWN = select(*COLUMNS.values()).select_from(with_all_parts(INSTANCES))
_ONE = _SHOWN.add_columns(
    STATUSES.c.facts.label('service_facts')).where(INSTANCES.c.id == bindparam('id'))
_REPLICAS_OF = (select(INSTANCES.c.id, INSTANCES.c.slave_of_id).where(
    INSTANCES.c.slave_of_id.in_(bindparam('ids', expanding=True)),
    INSTANCES.c.deleted.is_(False)).order_by(INSTANCES.c.created, INSTANCES.c.id))


# --- reading -------------------------------------------------------------------------------------

def get(connection: Connection, instance_id: str, *,
        include_deleted: bool = False) -> FullInstanceRow | None:
    """Return an instance with :data:`COLUMNS` and ``service_facts``."""
    row = cast(FullInstanceRow | None, connection.execute(_ONE, {'id': instance_id}).first())
    return row if row is not None and (include_deleted or not row.deleted) else None


def some(connection: Connection, ids: Sequence[str]) -> Sequence[InstanceRow]:
    """Return the live ones among some instances, by id, with :data:`COLUMNS`. Index: primary key.
    """
    statement = _SHOWN.where(INSTANCES.c.id.in_(ids), INSTANCES.c.deleted.is_(False))
    return _all(connection, statement.order_by(INSTANCES.c.id))


def managed_page(connection: Connection, *, offset: int, limit: int, deleted: bool | None = None,
                 tenant_id: str | None = None,
                 include_clustered: bool = False) -> Sequence[InstanceRow]:
    """Return a page of the instances of all projects, last changed first.

    :param deleted: True for deleted instances, False for live ones, None for both.
    :param tenant_id: limit to one project. Index: ix_instances_tenant_page.
    """
    statement = _SHOWN.order_by(INSTANCES.c.updated.desc(),
                                INSTANCES.c.id).offset(offset).limit(limit)
    if deleted is not None:
        statement = statement.where(INSTANCES.c.deleted.is_(deleted))
    if tenant_id is not None:
        statement = statement.where(INSTANCES.c.tenant_id == tenant_id)
    if not include_clustered:
        statement = statement.where(INSTANCES.c.cluster_id.is_(None))
    return _all(connection, statement)


def created_before(connection: Connection, moment: datetime, after: str,
                   limit: int) -> Sequence[InstanceRow]:
    """Return a page of the live instances created before a moment, by id. Index: primary key.

    :param after: id of the last row of the previous page, empty for the first page.
    """
    return _all(
        connection,
        _SHOWN.where(INSTANCES.c.id > after, INSTANCES.c.deleted.is_(False), INSTANCES.c.created
                     < moment).order_by(INSTANCES.c.id).limit(limit))


def _all(connection: Connection, statement: Select) -> Sequence[InstanceRow]:
    return cast(Sequence[InstanceRow], connection.execute(statement).all())


def replicas_of(connection: Connection, ids: Iterable[str]) -> dict[str, list[Row]]:
    """Return source id -> rows (id, slave_of_id) of its replicas. Index: ix_instances_replicas."""
    return statements.grouped(connection.execute(_REPLICAS_OF, {'ids': list(ids)}), 'slave_of_id')


# --- writing -------------------------------------------------------------------------------------

def lock_protection(connection: Connection, instance_id: str) -> bool:
    """Return whether deletion protection is on, locked until the caller's transaction ends."""
    return bool(
        connection.execute(
            select(INSTANCES.c.deletion_protection).where(
                INSTANCES.c.id == instance_id).with_for_update()).scalar())


def create(connection: Connection, values: Mapping[str, Any], now: datetime) -> None:
    """Insert an instance and its first service status.

    :param values: columns of ``instances``; ``access`` as an object or None.
    """
    row = dict(values, created=now, updated=now)
    if row.get('access') is not None:
        row['access'] = json.dumps(row['access'])
    connection.execute(insert(INSTANCES).values(**row))
    connection.execute(insert(STATUSES).values(instance_id=row['id'], status=Status.NEW))


def change(connection: Connection, instance_id: str, now: datetime, **values: Any) -> None:
    """Change columns of an instance."""
    connection.execute(
        update(INSTANCES).where(INSTANCES.c.id == instance_id).values(updated=now, **values))


def mark_deleted(connection: Connection, instance_id: str, now: datetime) -> None:
    """Mark an instance deleted: return its quota once, delete its dependent rows, keep its row."""
    row = connection.execute(select(INSTANCES.c.tenant_id, INSTANCES.c.ram, INSTANCES.c.volume_size,
                                    INSTANCES.c.volume_support)
                             .where(INSTANCES.c.id == instance_id, INSTANCES.c.deleted.is_(False))
                             .with_for_update()).first()
    if row is None:
        return
    connection.execute(
        update(INSTANCES).where(INSTANCES.c.id == instance_id).values(
            deleted=true(), deleted_at=now, updated=now, error_code=None, configuration_id=None,
            slave_of_id=None, cluster_id=None, datastore_version_id=None, encrypted_key=None,
            server_status=None))
    connection.execute(update(STATUSES).where(STATUSES.c.instance_id == instance_id)
                       .values(status=Status.DELETED, reason=None))
    for key in (ADDRESSES.c.id, FAULTS.c.instance_id, RESULTS.c.command_id, MODULES.c.id):
        statements.delete_rows(connection, key, key.table.c.instance_id == instance_id)
    backups.fail_running(connection, instance_id, now, 'instance_missing')
    replay_marks.forget(connection, instance_id)
    quotas.release(connection, row.tenant_id,
                   quota_of(row.ram, row.volume_size if row.volume_support else 0), now)


def quota_of(ram: int, volume_size: int | None) -> dict[str, int]:
    """Return the amounts that one instance consumes of its project's quotas."""
    return {'instances': 1, 'ram': ram, 'volumes': volume_size or 0}
