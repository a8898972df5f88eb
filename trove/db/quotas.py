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

"""Quotas and usage of projects.

``consume`` is one conditional UPDATE in the transaction that creates the resource, so that parallel
requests never exceed the limit together.
"""

import json
import uuid
from datetime import datetime
from typing import Any, Final, NamedTuple

from oslo_config import cfg
from oslo_db import exception as db_exception
from sqlalchemy import Connection, and_, insert, select, true, update

from trove.common import exception
from trove.db.rows import OperationRow
from trove.db.tables.quotas import Quota, QuotaUsage

CONF = cfg.CONF
QUOTAS = Quota.__table__
USAGES = QuotaUsage.__table__

#: Fact of an operation: its reservation from the quota now belongs to its resource.
SETTLED: Final = 'quota_settled'

#: resource -> option with the operator's default limit
DEFAULTS = {
    'instances': 'max_instances_per_tenant',
    'ram': 'max_ram_per_tenant',
    'volumes': 'max_volumes_per_tenant',
    'backups': 'max_backups_per_tenant',
}


def limits(connection: Connection, tenant_id: str) -> dict[str, int]:
    """Return resource -> limit of the project; -1 is unlimited."""
    found = {resource: CONF[option] for resource, option in DEFAULTS.items()}
    rows = connection.execute(
        select(QUOTAS.c.resource, QUOTAS.c.hard_limit).where(QUOTAS.c.tenant_id == tenant_id))
    found.update({row.resource: row.hard_limit for row in rows if row.resource in found})
    return found


def usages(connection: Connection, tenant_id: str) -> dict[str, int]:
    """Return resource -> amount in use by the project."""
    found = dict.fromkeys(DEFAULTS, 0)
    rows = connection.execute(
        select(USAGES.c.resource, USAGES.c.in_use).where(USAGES.c.tenant_id == tenant_id))
    found.update({row.resource: row.in_use for row in rows if row.resource in found})
    return found


class Usage(NamedTuple):
    """Usage and limit of one resource of a project."""

    tenant_id: str
    resource: str
    in_use: int
    hard_limit: int
    updated: datetime


def all_usages(connection: Connection) -> list[Usage]:
    """Return the usage of every project, by project and resource."""
    joined = USAGES.outerjoin(QUOTAS, and_(QUOTAS.c.tenant_id == USAGES.c.tenant_id,
                                           QUOTAS.c.resource == USAGES.c.resource))
    rows = connection.execute(
        select(USAGES.c.tenant_id, USAGES.c.resource, USAGES.c.in_use, USAGES.c.updated,
               QUOTAS.c.hard_limit).select_from(joined).order_by(USAGES.c.tenant_id,
                                                                 USAGES.c.resource))
    return [
        Usage(row.tenant_id, row.resource, row.in_use,
              CONF[DEFAULTS[row.resource]] if row.hard_limit is None else row.hard_limit,
              row.updated) for row in rows if row.resource in DEFAULTS
    ]


def set_limit(connection: Connection, tenant_id: str, resource: str, limit: int,
              now: datetime) -> None:
    """Override the limit of one resource of a project."""
    changed = connection.execute(
        update(QUOTAS).where(QUOTAS.c.tenant_id == tenant_id, QUOTAS.c.resource == resource)
        .values(hard_limit=limit, updated=now))
    if not changed.rowcount:
        connection.execute(
            insert(QUOTAS).values(id=str(uuid.uuid4()), tenant_id=tenant_id, resource=resource,
                                  hard_limit=limit, created=now, updated=now))


def consume(connection: Connection, tenant_id: str, deltas: dict[str, int], now: datetime) -> None:
    """Consume amounts of a project's quotas: all, or none if the caller rolls back.

    :raises trove.common.exception.QuotaExceeded: the message names every exceeded resource.
    """
    allowed = limits(connection, tenant_id)
    exceeded = []
    # Sorted: requests that lock several rows lock them in the same order.
    for resource, delta in sorted(deltas.items()):
        if delta and not _add(connection, tenant_id, resource, delta, allowed[resource], now):
            exceeded.append(resource)
    if exceeded:
        raise exception.QuotaExceeded(exceeded)


def _add(connection: Connection, tenant_id: str, resource: str, delta: int, limit: int,
         now: datetime) -> bool:
    _ensure_row(connection, tenant_id, resource, now)
    fits = true() if limit < 0 else USAGES.c.in_use + USAGES.c.reserved + delta <= limit
    changed = connection.execute(
        update(USAGES).where(USAGES.c.tenant_id == tenant_id, USAGES.c.resource == resource, fits)
        .values(in_use=USAGES.c.in_use + delta, updated=now))
    return changed.rowcount == 1


def _ensure_row(connection: Connection, tenant_id: str, resource: str, now: datetime) -> None:
    known = connection.execute(select(USAGES.c.id).where(USAGES.c.tenant_id == tenant_id,
                                                         USAGES.c.resource == resource)).first()
    if known is not None:
        return
    try:
        with connection.begin_nested():
            connection.execute(
                insert(USAGES).values(id=str(uuid.uuid4()), tenant_id=tenant_id, resource=resource,
                                      in_use=0, reserved=0, created=now, updated=now))
    except db_exception.DBDuplicateEntry:
        # Another request inserted the row first; the UPDATE that follows waits for its transaction.
        return


def give_back(connection: Connection, operation: OperationRow, facts: dict[str, Any],
              now: datetime) -> None:
    """Return the reservation of an operation that ends without success.

    The argument ``quota`` (resource -> amount) names the reservation. It belongs to the operation
    until the step that enlarges the resource records the fact ``quota_settled``.

    :param facts: current facts of the operation.
    """
    held = json.loads(operation.args).get('quota')
    if held and operation.project_id and not facts.get(SETTLED):
        release(connection, operation.project_id, held, now)


def release(connection: Connection, tenant_id: str, deltas: dict[str, int], now: datetime) -> None:
    """Return amounts. Called once per resource, in the transaction that deletes it."""
    for resource, delta in sorted(deltas.items()):
        connection.execute(
            update(USAGES).where(USAGES.c.tenant_id == tenant_id, USAGES.c.resource == resource)
            .values(in_use=USAGES.c.in_use - delta, updated=now))
