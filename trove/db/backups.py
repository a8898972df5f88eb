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

"""Backups: list, create, reports of guests, fail and delete."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, insert, select, true, update

from trove.common import errors
from trove.common.listing import Order, Window
from trove.db import listing, quotas
from trove.db.tables.backups import Backup
from trove.db.tables.datastores import Datastore, DatastoreVersion

BACKUPS = Backup.__table__
VERSIONS = DatastoreVersion.__table__
DATASTORES = Datastore.__table__

#: States that a guest may change; the others are final or set by the control plane.
UNFINISHED = ('NEW', 'BUILDING', 'SAVING')
#: States from which an instance can be restored.
USABLE = ('COMPLETED', 'RESTORED')
STATES = (*UNFINISHED, *USABLE, 'FAILED', 'DELETE_FAILED')

#: Sort keys of lists.
SORT_KEYS = ('created', 'name', 'updated', 'size')

_SHOWN = (select(*BACKUPS.c, VERSIONS.c.name.label('version_name'),
                 VERSIONS.c.manager.label('manager'), DATASTORES.c.name.label('datastore_name'),
                 DATASTORES.c.id.label('datastore_id')).select_from(
                     BACKUPS.outerjoin(VERSIONS,
                                       VERSIONS.c.id == BACKUPS.c.datastore_version_id).outerjoin(
                                           DATASTORES,
                                           DATASTORES.c.id == VERSIONS.c.datastore_id)).where(
                                               BACKUPS.c.deleted.is_(False)))


class Filters(NamedTuple):
    """Filters and order of a list of backups; by default, last changed first.
    """

    #: owner; None for all projects
    tenant_id: str | None = None
    instance_id: str | None = None
    datastore_id: str | None = None
    status: str | None = None
    name: str | None = None
    window: Window = Window()
    order: Order = Order()


# --- reading -------------------------------------------------------------------------------------

def get(connection: Connection, backup_id: str) -> Row | None:
    """Return a live backup with the names of its datastore and version. Index: primary key."""
    return connection.execute(_SHOWN.where(BACKUPS.c.id == backup_id)).first()


def page(connection: Connection, filters: Filters, *, limit: int, offset: int = 0) -> Sequence[Row]:
    """Return a page of live backups. Index: ix_backups_tenant_page, or ix_backups_instance_id."""
    columns = {
        'tenant_id': filters.tenant_id,
        'instance_id': filters.instance_id,
        'state': filters.status,
        'name': filters.name
    }
    conditions = [
        BACKUPS.c[column] == value for column, value in columns.items() if value is not None
    ]
    if filters.datastore_id is not None:
        conditions.append(DATASTORES.c.id == filters.datastore_id)
    conditions += listing.within(BACKUPS, filters.window)
    if filters.order.key is None:
        order = [BACKUPS.c.updated.desc(), BACKUPS.c.id.desc()]
    else:
        order = listing.directed(listing.columns(BACKUPS, filters.order), filters.order.descending)
    return connection.execute(
        _SHOWN.where(*conditions).order_by(*order).offset(offset).limit(limit)).all()


def newest(connection: Connection, instance_id: str) -> Row | None:
    """Return the newest completed backup of an instance. Index: ix_backups_instance_id."""
    return connection.execute(
        _SHOWN.where(BACKUPS.c.instance_id == instance_id, BACKUPS.c.state == 'COMPLETED').order_by(
            BACKUPS.c.updated.desc(), BACKUPS.c.id.desc()).limit(1)).first()


def with_increments(connection: Connection, backup_id: str) -> list[Row]:
    """Return a live backup and the increments based on it, each after its parent. Index:
    ix_backups_parent_id.
    """
    found = [row for row in [get(connection, backup_id)] if row is not None]
    parents = [row.id for row in found]
    while parents:
        rows = connection.execute(
            _SHOWN.where(BACKUPS.c.parent_id.in_(parents)).order_by(BACKUPS.c.id)).all()
        known = {row.id for row in found}
        fresh = [row for row in rows if row.id not in known]
        found += fresh
        parents = [row.id for row in fresh]
    return found


# --- writing -------------------------------------------------------------------------------------

def create(connection: Connection, values: Mapping[str, Any], now: datetime) -> None:
    """Insert a backup and consume the quota of its project.

    :raises trove.common.exception.QuotaExceeded: the quota of backups is used up.
    """
    quotas.consume(connection, values['tenant_id'], {'backups': 1}, now)
    connection.execute(insert(BACKUPS).values(**values, created=now, updated=now))


def fail(connection: Connection, backup_id: str, code: str, text: str, now: datetime) -> None:
    """Set an unfinished backup to FAILED, with the reason."""
    connection.execute(
        update(BACKUPS).where(BACKUPS.c.id == backup_id,
                              BACKUPS.c.deleted.is_(False), BACKUPS.c.state.in_(UNFINISHED)).values(
                                  state='FAILED', error_code=code, error_text=text[:1024],
                                  updated=now))


def delete_failed(connection: Connection, backup_id: str, code: str, text: str,
                  now: datetime) -> None:
    """Set a backup to DELETE_FAILED: part of it is left, and it can be deleted again."""
    connection.execute(
        update(BACKUPS).where(BACKUPS.c.id == backup_id, BACKUPS.c.deleted.is_(False)).values(
            state='DELETE_FAILED', error_code=code, error_text=text[:1024], updated=now))


def mark_deleted(connection: Connection, backup_id: str, now: datetime) -> None:
    """Mark a backup deleted and return its quota once."""
    row = connection.execute(
        select(BACKUPS.c.tenant_id).where(BACKUPS.c.id == backup_id,
                                          BACKUPS.c.deleted.is_(False)).with_for_update()).first()
    if row is None:
        return
    connection.execute(
        update(BACKUPS).where(BACKUPS.c.id == backup_id).values(
            deleted=true(), deleted_at=now, updated=now, datastore_version_id=None))
    quotas.release(connection, row.tenant_id, {'backups': 1}, now)


def report(connection: Connection, instance_id: str, backup_id: str, now: datetime,
           values: Mapping[str, Any]) -> bool:
    """Store a guest's report on one of its backups. Index: primary key.

    :param values: state and any of size, checksum, location, backup_type.
    :returns: False if the instance has no such unfinished backup.
    """
    changed = connection.execute(
        update(BACKUPS).where(BACKUPS.c.id == backup_id, BACKUPS.c.instance_id == instance_id,
                              BACKUPS.c.deleted.is_(False),
                              BACKUPS.c.state.in_(UNFINISHED)).values(updated=now, **values))
    return bool(changed.rowcount)


def fail_running(connection: Connection, instance_id: str, now: datetime,
                 code: str = 'reset') -> int:
    """Set the unfinished backups of an instance to FAILED.

    :param code: error code.
    :returns: the number of backups.
    """
    return connection.execute(
        update(BACKUPS).where(BACKUPS.c.instance_id == instance_id, BACKUPS.c.deleted.is_(False),
                              BACKUPS.c.state.in_(UNFINISHED)).values(
                                  state='FAILED', error_code=code,
                                  error_text=errors.CODES[code].sentence, updated=now)).rowcount
