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

"""Periodic work that one process of many does at a time: who does it, and when it is due again."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, insert, or_, select, update
from oslo_db import exception as db_exception

from trove.common import exception
from trove.db.tables.duties import Duty

DUTIES = Duty.__table__


def take(connection: Connection, name: str, owner: str, now: datetime, lease: int) -> Row | None:
    """Claim work that is due and nobody's.

    :param lease: seconds after which somebody else may do it.
    :returns: the row with the new claim, or None when there is nothing to do.
    """
    changed = connection.execute(
        update(DUTIES)
        .where(DUTIES.c.name == name, DUTIES.c.due_at <= now,
               or_(DUTIES.c.owner.is_(None), DUTIES.c.lease_until < now))
        .values(owner=owner, claim=DUTIES.c.claim + 1, lease_until=now + timedelta(seconds=lease)))
    if not changed.rowcount and not _made(connection, name, owner, now, lease):
        return None
    return connection.execute(select(DUTIES).where(DUTIES.c.name == name)).one()


def _made(connection: Connection, name: str, owner: str, now: datetime, lease: int) -> bool:
    """Whether this was the first time that anybody asked for it."""
    if connection.execute(select(DUTIES.c.name).where(DUTIES.c.name == name)).first() is not None:
        return False
    try:
        with connection.begin_nested():
            connection.execute(insert(DUTIES).values(name=name, owner=owner, claim=1, due_at=now,
                                                     lease_until=now + timedelta(seconds=lease)))
    except db_exception.DBDuplicateEntry:
        return False
    return True


def due(connection: Connection, name: str, now: datetime) -> bool:
    """Whether it is worth trying to take it. Reads only, so that many may ask often."""
    row = connection.execute(select(DUTIES.c.due_at, DUTIES.c.owner, DUTIES.c.lease_until)
                             .where(DUTIES.c.name == name)).first()
    return row is None or (row.due_at <= now and (row.owner is None or row.lease_until < now))


def hold(connection: Connection, name: str, claim: int, now: datetime, lease: int,
         done_until: datetime | None = None) -> None:
    """Prove in the caller's transaction that the work is still ours, and go on with it.

    :param done_until: up to which time it is done when the transaction is committed.
    :raises trove.common.exception.ClaimLost: somebody else has taken it.
    """
    values = {'done_until': done_until} if done_until is not None else {}
    _save(connection, name, claim, lease_until=now + timedelta(seconds=lease), **values)


def done(connection: Connection, name: str, claim: int, due_at: datetime) -> None:
    """Give the work back until it is due again.

    :raises trove.common.exception.ClaimLost: somebody else has taken it.
    """
    _save(connection, name, claim, owner=None, lease_until=None, due_at=due_at)


def _save(connection: Connection, name: str, claim: int, **values: object) -> None:
    changed = connection.execute(
        update(DUTIES).where(DUTIES.c.name == name, DUTIES.c.claim == claim,
                             DUTIES.c.owner.is_not(None)).values(**values))
    if changed.rowcount != 1:
        raise exception.ClaimLost(name)
