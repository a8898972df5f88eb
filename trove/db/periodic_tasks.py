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

"""Leases of periodic tasks: the process that runs a task, and the time it is due again."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, insert, or_, select, update
from oslo_db import exception as db_exception

from trove.common import exception
from trove.db.tables.periodic_tasks import PeriodicTask

TASKS = PeriodicTask.__table__


def take(connection: Connection, name: str, owner: str, now: datetime, lease: int) -> Row | None:
    """Claim a task that is due and has no owner.

    :param lease: seconds after which another process may take over.
    :returns: the row with the new claim, or None when the task is not due or has an owner.
    """
    changed = connection.execute(
        update(TASKS)
        .where(TASKS.c.name == name, TASKS.c.due_at <= now,
               or_(TASKS.c.owner.is_(None), TASKS.c.lease_until < now))
        .values(owner=owner, claim=TASKS.c.claim + 1, lease_until=now + timedelta(seconds=lease)))
    if not changed.rowcount and not _create(connection, name, owner, now, lease):
        return None
    return connection.execute(select(TASKS).where(TASKS.c.name == name)).one()


def _create(connection: Connection, name: str, owner: str, now: datetime, lease: int) -> bool:
    """Create the row of a task that never ran. Return False if the row exists."""
    if connection.execute(select(TASKS.c.name).where(TASKS.c.name == name)).first() is not None:
        return False
    try:
        with connection.begin_nested():
            connection.execute(insert(TASKS).values(name=name, owner=owner, claim=1, due_at=now,
                                                    lease_until=now + timedelta(seconds=lease)))
    except db_exception.DBDuplicateEntry:
        return False
    return True


def is_due(connection: Connection, name: str, now: datetime) -> bool:
    """Return whether :func:`take` may succeed. Reads only, so frequent polling is cheap."""
    row = connection.execute(select(TASKS.c.due_at, TASKS.c.owner, TASKS.c.lease_until)
                             .where(TASKS.c.name == name)).first()
    return row is None or (row.due_at <= now and (row.owner is None or row.lease_until < now))


def renew(connection: Connection, name: str, claim: int, now: datetime, lease: int,
          done_until: datetime | None = None) -> None:
    """Renew the lease in the caller's transaction.

    :param done_until: end of the time span that is processed when the transaction commits.
    :raises trove.common.exception.ClaimLost: another process has taken over.
    """
    values = {'done_until': done_until} if done_until is not None else {}
    _save(connection, name, claim, lease_until=now + timedelta(seconds=lease), **values)


def release(connection: Connection, name: str, claim: int, due_at: datetime) -> None:
    """Release the lease until the task is due again.

    :raises trove.common.exception.ClaimLost: another process has taken over.
    """
    _save(connection, name, claim, owner=None, lease_until=None, due_at=due_at)


def _save(connection: Connection, name: str, claim: int, **values: object) -> None:
    changed = connection.execute(
        update(TASKS).where(TASKS.c.name == name, TASKS.c.claim == claim,
                            TASKS.c.owner.is_not(None)).values(**values))
    if changed.rowcount != 1:
        raise exception.ClaimLost(name)
