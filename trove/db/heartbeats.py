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

"""Heartbeats of guests: stored in batches, their silence, and their metrics."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (ColumnElement, Connection, Row, and_, bindparam, case, func,
                        literal_column, or_, select, update)

from trove.common.kinds import ResourceType
from trove.common.states import ServiceStatus as Status
from trove.db import events, upsert
from trove.db.instance_drift import BUSY
from trove.db.tables.instances import Instance, ServiceStatus

INSTANCES = Instance.__table__
STATUSES = ServiceStatus.__table__

_SENDERS = (select(INSTANCES.c.id, INSTANCES.c.encrypted_key, INSTANCES.c.deleted,
                   INSTANCES.c.boot_epoch,
                   INSTANCES.c.restart_required, STATUSES.c.facts).outerjoin(
                       STATUSES, STATUSES.c.instance_id == INSTANCES.c.id).where(
                           INSTANCES.c.id.in_(bindparam('ids', expanding=True))))


def senders(connection: Connection, ids: Sequence[str]) -> Sequence[Row]:
    """Return what judging reports needs: id, encrypted_key, deleted, boot_epoch, restart_required,
    and the facts of the former report. Index: primary key.
    """
    return connection.execute(_SENDERS, {'ids': list(ids)}).all() if ids else []


def newer(stored: Any, arriving: Any) -> ColumnElement[bool]:
    """Return the condition that a report follows the stored one in the guest's own order."""
    return or_(stored.boot_id.is_(None), stored.boot_id < arriving.boot_id,
               and_(stored.boot_id == arriving.boot_id, stored.seq < arriving.seq))


def _newer_and_alive(stored: Any, arriving: Any) -> ColumnElement[bool]:
    # A report judged just before the deletion of its instance must not revive the row.
    return and_(stored.status != literal_column(f"'{Status.DELETED}'"), newer(stored, arriving))


def save(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store reports in one statement. Index: primary key.

    :param rows: at most one per instance: mappings with instance_id, status, reason,
        updated_at, boot_id, seq, agent_version, engine_version, volume_total, volume_used and facts
        (an object).
    """
    upsert.upsert(connection, STATUSES, [dict(row, facts=json.dumps(row['facts'])) for row in rows],
                  _newer_and_alive, guarded_by=('status', 'seq', 'boot_id'))


def mark_silent(connection: Connection, now: datetime, expiry: int) -> int:
    """Record the guests that have become silent, and those that report again.

    A guest is not silent while an operation is open on its instance or its server is off.

    :param expiry: seconds without a report.
    :returns: the number of changed guests. Index: ix_service_statuses_updated_at.
    """
    limit = now - timedelta(seconds=expiry)
    rows = connection.execute(
        select(INSTANCES.c.id, INSTANCES.c.tenant_id,
               STATUSES.c.updated_at, STATUSES.c.unreachable_since).join(
                   STATUSES, STATUSES.c.instance_id == INSTANCES.c.id).where(
                       INSTANCES.c.deleted.is_(False),
                       STATUSES.c.status.not_in((Status.NEW, Status.DELETED)),
                       or_(
                           and_(STATUSES.c.unreachable_since.is_(None), STATUSES.c.updated_at
                                < limit, INSTANCES.c.server_status == 'ACTIVE', ~BUSY),
                           and_(STATUSES.c.unreachable_since.is_not(None), STATUSES.c.updated_at
                                >= limit)))).all()
    return sum(_change_silence(connection, row, now, limit, expiry) for row in rows)


def _change_silence(connection: Connection, row: Row, now: datetime, limit: datetime,
                    expiry: int) -> int:
    was_silent = row.unreachable_since is not None
    # The condition is repeated: a report may have arrived since the row was read.
    still_applies = STATUSES.c.updated_at >= limit if was_silent else STATUSES.c.updated_at < limit
    changed = connection.execute(update(STATUSES).where(STATUSES.c.instance_id == row.id,
                                                        still_applies)
                                 .values(unreachable_since=None if was_silent else now))
    if not changed.rowcount:
        return 0
    text = ('The agent on the database server reports again.' if was_silent else
            f'The agent on the database server has not reported for more than {expiry} seconds.')
    events.add(connection, resource_type=ResourceType.INSTANCE, resource_id=row.id,
               type='instance.reachable' if was_silent else 'instance.unreachable', text=text,
               now=now, project_id=row.tenant_id)
    return 1


#: Upper bounds, in seconds, of the classes of :func:`ages`.
AGES = (30, 60, 90, 300)


def ages(connection: Connection, now: datetime) -> dict[str, int]:
    """Return seconds -> number of live guests with a report at most that old; ``+Inf``: of any age.

    Index: ix_service_statuses_updated_at.
    """
    columns = [
        func.sum(case((STATUSES.c.updated_at >= now - timedelta(seconds=age), 1), else_=0))
        for age in AGES
    ]
    row = connection.execute(
        select(*columns, func.count(STATUSES.c.updated_at)).join(
            INSTANCES,
            INSTANCES.c.id == STATUSES.c.instance_id).where(INSTANCES.c.deleted.is_(False))).one()
    return {word: int(number or 0) for word, number in zip([*map(str, AGES), '+Inf'], row)}


def agent_versions(connection: Connection) -> list[tuple[str, int]]:
    """Return (agent version, number of live instances)."""
    rows = connection.execute(
        select(STATUSES.c.agent_version, func.count())
        .join(INSTANCES, INSTANCES.c.id == STATUSES.c.instance_id)
        .where(INSTANCES.c.deleted.is_(False), STATUSES.c.agent_version.is_not(None))
        .group_by(STATUSES.c.agent_version).order_by(STATUSES.c.agent_version))
    return [(row[0], row[1]) for row in rows]
