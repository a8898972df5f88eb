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

"""Quota usage recounted from the rows and compared with the booked usage.

A project uses the sum over its live instances and backups, and what open resizes have reserved.
Booked usage changes in the same transaction as the rows. A recount finds and repairs changes that
were made by hand.
"""

import json
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, case, func, insert, select, update

from trove.db.quotas import DEFAULTS, SETTLED
from trove.db.tables.backups import Backup
from trove.db.tables.instances import Instance
from trove.db.tables.operations import Operation
from trove.db.tables.quotas import QuotaUsage

BACKUPS = Backup.__table__
INSTANCES = Instance.__table__
OPERATIONS = Operation.__table__
USAGES = QuotaUsage.__table__


class Difference(NamedTuple):
    """Booked usage that differs from the rows."""

    tenant_id: str
    resource: str
    booked: int
    counted: int


def projects(connection: Connection) -> list[str]:
    """Return every project that has or had instances, backups or booked usage."""
    found: set[str] = set()
    for table in (USAGES, INSTANCES, BACKUPS):
        found.update(connection.execute(select(table.c.tenant_id).distinct()).scalars())
    return sorted(found)


def differences(connection: Connection, tenant_id: str, *, lock: bool) -> list[Difference]:
    """Return the wrong booked usages of a project.

    :param lock: lock the booked usage until the transaction ends.
    """
    statement = select(USAGES.c.resource, USAGES.c.in_use).where(USAGES.c.tenant_id == tenant_id)
    # Lock first: a transaction that books either ended before, and its rows are seen, or waits.
    booked = {row.resource: row.in_use
              for row in connection.execute(statement.with_for_update() if lock else statement)}
    counted = _counted(connection, tenant_id)
    return [Difference(tenant_id, resource, booked.get(resource, 0), counted[resource])
            for resource in DEFAULTS if booked.get(resource, 0) != counted[resource]]


def repair(connection: Connection, found: Iterable[Difference], now: datetime) -> None:
    """Book what was counted, in the transaction of :func:`differences` with its lock."""
    for item in found:
        changed = connection.execute(
            update(USAGES).where(USAGES.c.tenant_id == item.tenant_id,
                                 USAGES.c.resource == item.resource).values(
                                     in_use=item.counted, updated=now))
        if not changed.rowcount:
            connection.execute(
                insert(USAGES).values(id=str(uuid.uuid4()), tenant_id=item.tenant_id,
                                      resource=item.resource, in_use=item.counted, reserved=0,
                                      created=now, updated=now))


def _counted(connection: Connection, tenant_id: str) -> dict[str, int]:
    volumes = func.sum(
        case((INSTANCES.c.volume_support, func.coalesce(INSTANCES.c.volume_size, 0)), else_=0))
    row = connection.execute(
        select(func.count(), func.sum(INSTANCES.c.ram), volumes)
        .where(INSTANCES.c.tenant_id == tenant_id, INSTANCES.c.deleted.is_(False))).one()
    counted = {'instances': int(row[0]), 'ram': int(row[1] or 0), 'volumes': int(row[2] or 0)}
    counted['backups'] = connection.execute(
        select(func.count()).where(BACKUPS.c.tenant_id == tenant_id,
                                   BACKUPS.c.deleted.is_(False))).scalar_one()
    held = connection.execute(
        select(OPERATIONS.c.args, OPERATIONS.c.facts)
        .where(OPERATIONS.c.project_id == tenant_id, OPERATIONS.c.active == 1))
    for operation in held:
        quota = json.loads(operation.args).get('quota')
        if quota and not json.loads(operation.facts).get(SETTLED):
            for resource, amount in quota.items():
                counted[resource] = counted.get(resource, 0) + amount
    return counted
