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

"""Quota usage counted from the rows, beside what is booked.

What a project uses is the sum over its live instances and backups, and what operations that make an instance larger
hold until the instance is larger. Booked usage is always changed with the rows; counting again shows and mends what
somebody has changed by hand.
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
    """Booked usage that is not what the rows say."""

    tenant_id: str
    resource: str
    booked: int
    counted: int


def projects(connection: Connection) -> list[str]:
    """Every project that has or had something."""
    found: set[str] = set()
    for table in (USAGES, INSTANCES, BACKUPS):
        found.update(connection.execute(select(table.c.tenant_id).distinct()).scalars())
    return sorted(found)


def differences(connection: Connection, tenant_id: str, *, lock: bool) -> list[Difference]:
    """Where the booked usage of a project is wrong.

    :param lock: keep the booked usage as it is until the transaction ends, so that nothing changes in between.
    """
    statement = select(USAGES.c.resource, USAGES.c.in_use).where(USAGES.c.tenant_id == tenant_id)
    # The lock comes first: rows of a transaction that has booked and not ended are not seen, and it waits for us,
    # or we have waited for it.
    booked = {row.resource: row.in_use
              for row in connection.execute(statement.with_for_update() if lock else statement)}
    counted = _counted(connection, tenant_id)
    return [Difference(tenant_id, resource, booked.get(resource, 0), counted[resource])
            for resource in DEFAULTS if booked.get(resource, 0) != counted[resource]]


def mend(connection: Connection, found: Iterable[Difference], now: datetime) -> None:
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
