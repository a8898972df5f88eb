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

"""Instances compared with the cloud: those to compare, and the drift that was found."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, func, or_, select, update

from trove.common.kinds import ResourceType
from trove.db import events
from trove.db.tables.instances import Instance, InstanceAddress
from trove.db.tables.operations import Operation

ADDRESSES = InstanceAddress.__table__
INSTANCES = Instance.__table__
OPERATIONS = Operation.__table__

#: Ids in one statement.
_BATCH = 500

#: Condition: an operation is open on the instance.
BUSY = (select(OPERATIONS.c.id).where(OPERATIONS.c.resource_type == ResourceType.INSTANCE,
                                      OPERATIONS.c.resource_id == INSTANCES.c.id,
                                      OPERATIONS.c.active == 1).exists())


def regions(connection: Connection, include_deleted: bool = False) -> list[str | None]:
    """Return the regions of instances."""
    statement = select(INSTANCES.c.region_id).distinct()
    if not include_deleted:
        statement = statement.where(INSTANCES.c.deleted.is_(False))
    return list(connection.execute(statement).scalars())


def projects(connection: Connection, region: str | None) -> list[str]:
    """Return the projects that have or had instances in a region."""
    return list(
        connection.execute(
            select(
                INSTANCES.c.tenant_id).where(INSTANCES.c.region_id == region).distinct().order_by(
                    INSTANCES.c.tenant_id)).scalars())


def alive(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Return the ids that belong to live instances, or to instances with an open operation."""
    found: set[str] = set()
    for begin in range(0, len(ids), _BATCH):
        part = list(ids[begin:begin + _BATCH])
        found.update(connection.execute(select(INSTANCES.c.id).where(
            INSTANCES.c.id.in_(part), or_(INSTANCES.c.deleted.is_(False), BUSY))).scalars())
    return found


def idle(connection: Connection, region: str | None) -> Sequence[Row]:
    """Return the instances of a region with a server and no open operation. Reads the whole table.
    """
    return connection.execute(
        select(INSTANCES.c.id, INSTANCES.c.name, INSTANCES.c.tenant_id,
               INSTANCES.c.compute_instance_id, INSTANCES.c.volume_id, INSTANCES.c.server_status,
               INSTANCES.c.drift, INSTANCES.c.updated).where(
                   INSTANCES.c.deleted.is_(False), INSTANCES.c.region_id == region,
                   INSTANCES.c.compute_instance_id.is_not(None),
                   ~BUSY).order_by(INSTANCES.c.id)).all()


def ports(connection: Connection, region: str | None) -> dict[str, set[str]]:
    """Return instance id -> ids of its ports, for the instances of a region."""
    found: dict[str, set[str]] = {}
    rows = connection.execute(
        select(ADDRESSES.c.instance_id, ADDRESSES.c.port_id).join(
            INSTANCES, INSTANCES.c.id == ADDRESSES.c.instance_id).where(
                INSTANCES.c.region_id == region, INSTANCES.c.deleted.is_(False),
                ADDRESSES.c.port_id.is_not(None), ADDRESSES.c.kind != 'public').distinct())
    for row in rows:
        found.setdefault(row.instance_id, set()).add(row.port_id)
    return found


def record(connection: Connection, row: Row, now: datetime, *, server_status: str,
           drift: str | None,
           changes: Sequence[tuple[str, str]]) -> bool:
    """Store the state of an instance, unless it has changed since its row was read.

    :param row: row of :func:`idle`.
    :param changes: (type, sentence) of the events to add.
    :returns: False if the instance has changed meanwhile.
    """
    changed = connection.execute(
        update(INSTANCES).where(INSTANCES.c.id == row.id, INSTANCES.c.deleted.is_(False),
                                INSTANCES.c.updated == row.updated,
                                INSTANCES.c.compute_instance_id == row.compute_instance_id,
                                ~BUSY).values(server_status=server_status, drift=drift,
                                              updated=now))
    if not changed.rowcount:
        return False
    for type_, text in changes:
        events.add(connection, resource_type=ResourceType.INSTANCE, resource_id=row.id, type=type_,
                   text=text,
                   now=now, project_id=row.tenant_id)
    return True


def counts(connection: Connection) -> list[tuple[str, int]]:
    """Return (drift, number of live instances). Reads the whole table."""
    rows = connection.execute(select(INSTANCES.c.drift, func.count()).where(
        INSTANCES.c.deleted.is_(False), INSTANCES.c.drift.is_not(None)).group_by(INSTANCES.c.drift))
    return [(row[0], row[1]) for row in rows]
