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

"""What periodic looks at the cloud and at heartbeats read and write about many instances at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, and_, case, func, or_, select, update

from trove.common.states import ServiceStatus as Status
from trove.db import events
from trove.db.tables.instances import Instance, InstanceAddress, ServiceStatus
from trove.db.tables.operations import Operation

ADDRESSES = InstanceAddress.__table__
INSTANCES = Instance.__table__
OPERATIONS = Operation.__table__
STATUSES = ServiceStatus.__table__

#: Ids in one statement.
_MANY = 500

_BUSY = (select(OPERATIONS.c.id).where(OPERATIONS.c.resource_type == 'instance',
                                       OPERATIONS.c.resource_id == INSTANCES.c.id,
                                       OPERATIONS.c.active == 1).exists())


def regions(connection: Connection, include_deleted: bool = False) -> list[str | None]:
    """The regions in which there are instances."""
    statement = select(INSTANCES.c.region_id).distinct()
    if not include_deleted:
        statement = statement.where(INSTANCES.c.deleted.is_(False))
    return list(connection.execute(statement).scalars())


def projects(connection: Connection, region: str | None) -> list[str]:
    """The projects that have or had instances in a region."""
    return list(
        connection.execute(
            select(
                INSTANCES.c.tenant_id).where(INSTANCES.c.region_id == region).distinct().order_by(
                    INSTANCES.c.tenant_id)).scalars())


def alive(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Those of these ids that are instances which are there, or that something is still being done to."""
    found: set[str] = set()
    for begin in range(0, len(ids), _MANY):
        part = list(ids[begin:begin + _MANY])
        found.update(connection.execute(select(INSTANCES.c.id).where(
            INSTANCES.c.id.in_(part), or_(INSTANCES.c.deleted.is_(False), _BUSY))).scalars())
    return found


def idle(connection: Connection, region: str | None) -> Sequence[Row]:
    """The instances of a region that have a server and that nothing is being done to. Reads the whole table."""
    return connection.execute(
        select(INSTANCES.c.id, INSTANCES.c.name, INSTANCES.c.tenant_id,
               INSTANCES.c.compute_instance_id, INSTANCES.c.volume_id, INSTANCES.c.server_status,
               INSTANCES.c.drift, INSTANCES.c.updated).where(
                   INSTANCES.c.deleted.is_(False), INSTANCES.c.region_id == region,
                   INSTANCES.c.compute_instance_id.is_not(None),
                   ~_BUSY).order_by(INSTANCES.c.id)).all()


def ports(connection: Connection, region: str | None) -> dict[str, set[str]]:
    """instance id -> the ports it was given, for the instances of a region."""
    found: dict[str, set[str]] = {}
    rows = connection.execute(
        select(ADDRESSES.c.instance_id, ADDRESSES.c.port_id).join(
            INSTANCES, INSTANCES.c.id == ADDRESSES.c.instance_id).where(
                INSTANCES.c.region_id == region, INSTANCES.c.deleted.is_(False),
                ADDRESSES.c.port_id.is_not(None), ADDRESSES.c.kind != 'public').distinct())
    for row in rows:
        found.setdefault(row.instance_id, set()).add(row.port_id)
    return found


def note(connection: Connection, row: Row, now: datetime, *, server_status: str, drift: str | None,
         told: Sequence[tuple[str, str]]) -> bool:
    """Write down how an instance stands, if nobody has done anything to it since it was looked at.

    :param row: of :func:`idle`.
    :param told: (type, sentence) of its events.
    :returns: whether it was written.
    """
    changed = connection.execute(
        update(INSTANCES).where(INSTANCES.c.id == row.id, INSTANCES.c.deleted.is_(False),
                                INSTANCES.c.updated == row.updated,
                                INSTANCES.c.compute_instance_id == row.compute_instance_id,
                                ~_BUSY).values(server_status=server_status, drift=drift,
                                               updated=now))
    if not changed.rowcount:
        return False
    for type_, text in told:
        _event(connection, row.id, row.tenant_id, type_, text, now)
    return True


def silent(connection: Connection, now: datetime, expiry: int) -> int:
    """Write down which guests have not reported for too long, and which report again.

    Guests of instances that something is being done to, or whose server is off, may be silent.

    :param expiry: seconds.
    :returns: how many have changed. Index: ix_service_statuses_updated_at.
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
                                < limit, INSTANCES.c.server_status == 'ACTIVE', ~_BUSY),
                           and_(STATUSES.c.unreachable_since.is_not(None), STATUSES.c.updated_at
                                >= limit)))).all()
    return sum(_heard(connection, row, now, limit, expiry) for row in rows)


def _heard(connection: Connection, row: Row, now: datetime, limit: datetime, expiry: int) -> int:
    was_silent = row.unreachable_since is not None
    # A report may have come since: what is written is what is so now.
    is_so = STATUSES.c.updated_at >= limit if was_silent else STATUSES.c.updated_at < limit
    changed = connection.execute(update(STATUSES).where(STATUSES.c.instance_id == row.id, is_so)
                                 .values(unreachable_since=None if was_silent else now))
    if not changed.rowcount:
        return 0
    text = ('The agent on the database server reports again.' if was_silent else
            f'The agent on the database server has not reported for more than {expiry} seconds.')
    _event(connection, row.id, row.tenant_id,
           'instance.reachable' if was_silent else 'instance.unreachable', text, now)
    return 1


#: Upper bounds, in seconds, of the classes of :func:`heartbeat_ages`.
AGES = (30, 60, 90, 300)


def heartbeat_ages(connection: Connection, now: datetime) -> dict[str, int]:
    """How many live guests have reported at most so many seconds ago; ``+Inf`` is all that ever did.

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
    """Versions of the agents of live instances, and how many have each."""
    rows = connection.execute(
        select(STATUSES.c.agent_version, func.count())
        .join(INSTANCES, INSTANCES.c.id == STATUSES.c.instance_id)
        .where(INSTANCES.c.deleted.is_(False), STATUSES.c.agent_version.is_not(None))
        .group_by(STATUSES.c.agent_version).order_by(STATUSES.c.agent_version))
    return [(row[0], row[1]) for row in rows]


def drifted(connection: Connection) -> list[tuple[str, int]]:
    """How many live instances have drifted, by how. Reads the whole table."""
    rows = connection.execute(select(INSTANCES.c.drift, func.count()).where(
        INSTANCES.c.deleted.is_(False), INSTANCES.c.drift.is_not(None)).group_by(INSTANCES.c.drift))
    return [(row[0], row[1]) for row in rows]


def _event(connection: Connection, instance_id: str, tenant_id: str, type_: str, text: str,
           now: datetime) -> None:
    events.add(connection, resource_type='instance', resource_id=instance_id, type=type_, text=text,
               now=now, project_id=tenant_id)
