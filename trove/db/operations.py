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

"""The statements of the operation journal.

Whoever writes on behalf of an operation names the claim it holds; :class:`trove.common.exception.ClaimLost` says that
somebody else holds a newer one, and rolls the caller's transaction back.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from oslo_db import exception as db_exception
from sqlalchemy import Connection, Row, and_, bindparam, case, func, insert, or_, select, update

from trove.common import errors, exception, notification
from trove.common.states import OperationState
from trove.db import notifications, quotas
from trove.db.tables.operations import Operation, OperationStep

OPERATIONS = Operation.__table__
STEPS = OperationStep.__table__

_BY_ID = select(OPERATIONS).where(OPERATIONS.c.id == bindparam('id'))
_OPEN_OF = select(OPERATIONS).where(
    OPERATIONS.c.resource_type == bindparam('resource_type'),
    OPERATIONS.c.resource_id == bindparam('resource_id'), OPERATIONS.c.active == 1)
_STEPS_OF = select(STEPS).where(STEPS.c.operation_id == bindparam('id')).order_by(STEPS.c.seq)


def new_id() -> str:
    return str(uuid.uuid4())


# --- opening -------------------------------------------------------------------------------------


def create(connection: Connection, *, kind: str, resource_type: str, resource_id: str,
           now: datetime, deadline: int, project_id: str | None, args: dict[str, Any] | None = None,
           secrets: str | None = None, request_id: str | None = None, actor: str | None = None,
           parent_id: str | None = None, operation_id: str | None = None,
           client_address: str | None = None) -> str:
    """Record an operation in the caller's transaction; the unique index on open operations is the resource's lock.

    :param deadline: seconds after which it must have ended.
    :param args: what was asked for; never a secret.
    :param secrets: what was asked for that is secret, sealed.
    :param client_address: where it was asked for, when that was not in the request that is being served.
    :returns: its id.
    :raises trove.common.exception.Unprocessable: code ``operation_in_progress`` when one is open on the resource.
    """
    operation_id = operation_id or new_id()
    holder = _abandoned_holder(connection, resource_type, resource_id, now)
    client_address = client_address or notification.client_address()
    facts = notifications.emit_start(connection, kind=kind, resource_type=resource_type,
                                     resource_id=resource_id, project_id=project_id, request_id=request_id,
                                     client_address=client_address, args=args or {}, now=now)
    try:
        connection.execute(
            insert(OPERATIONS).values(
                id=operation_id, project_id=project_id, resource_type=resource_type,
                resource_id=resource_id, parent_id=parent_id, kind=kind, flow_version=0, steps='[]',
                state=OperationState.RUNNING, position=0, attempt=0, failures=0, args=json.dumps(
                    args
                    or {}), secrets=secrets, facts=json.dumps(facts), active=1, claim=0, due_at=now,
                client_address=client_address, deadline=now + timedelta(seconds=deadline),
                cancel_wanted=False, request_id=request_id, actor=actor, created=now, updated=now,
                owner=holder and holder.owner, lease_until=holder and holder.lease_until))
    except db_exception.DBDuplicateEntry:
        raise exception.Unprocessable(
            f'{resource_type.capitalize()} {resource_id} is not currently available for an action to be performed '
            f'(another operation is running on it).', code='operation_in_progress') from None
    return operation_id


def abandon(connection: Connection, resource_type: str, resource_id: str,
            now: datetime) -> Row | None:
    """Close the open operation of a resource from outside, whatever it is doing.

    The new claim fences its runner: nothing that one still does can be written. What it has just asked of the cloud
    may yet be carried out, so owner and lease stay on the closed row, and whatever is opened next on the resource
    waits until the runner has noticed (:func:`release_abandoned`) or its lease has run out.

    :returns: the operation as it was, or None when none was open.
    """
    row = open_of(connection, resource_type, resource_id)
    if row is None:
        return None
    changed = connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == row.id, OPERATIONS.c.active == 1).values(
            active=None, state=OperationState.CANCELLED, claim=OPERATIONS.c.claim + 1,
            cancel_wanted=False, successor=None, secrets=None, finished=now, updated=now,
            error_code='reset',
            error_text='The operation was given up: the status of its resource was reset.'))
    if not changed.rowcount:
        return None
    quotas.give_back(connection, row, json.loads(row.facts), now)
    notifications.emit_end(connection, row, OperationState.CANCELLED, 'reset',
                           errors.CODES['reset'].sentence, now)
    return row


def _abandoned_holder(connection: Connection, resource_type: str, resource_id: str,
                      now: datetime) -> Row | None:
    """(owner, lease_until) of a runner that may still be at work on a resource for an operation that was abandoned.

    Index: ix_operations_resource.
    """
    return connection.execute(
        select(OPERATIONS.c.owner, OPERATIONS.c.lease_until).where(
            OPERATIONS.c.resource_id == resource_id, OPERATIONS.c.resource_type == resource_type,
            OPERATIONS.c.active.is_(None), OPERATIONS.c.owner.is_not(None), OPERATIONS.c.lease_until
            > now).order_by(OPERATIONS.c.lease_until.desc()).limit(1)).first()


def release_abandoned(connection: Connection, operation_id: str, owner: str, now: datetime) -> str | None:
    """A runner that lost its claim has stopped working: what waits for that may begin.

    :returns: id of the operation that waited, if any.
    """
    row = get(connection, operation_id)
    if row is None or row.active is not None or row.owner != owner:
        return None
    connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == operation_id,
                                 OPERATIONS.c.active.is_(None)).values(
                                     owner=None, lease_until=None))
    follower = open_of(connection, row.resource_type, row.resource_id)
    # Never taken and yet owned: that owner is the one it waits for.
    if follower is None or follower.claim != 0 or follower.owner != owner:
        return None
    connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == follower.id, OPERATIONS.c.claim == 0,
                                 OPERATIONS.c.active == 1).values(owner=None, lease_until=None,
                                                                  due_at=now))
    return follower.id


def remove_again(connection: Connection, late: Row, remover: str, is_gone: bool, now: datetime,
                 deadline: int) -> str | None:
    """Have a resource removed once more, because something may have been made for it after its removal had looked.

    :param late: the operation whose runner was late.
    :param is_gone: the removal has ended; otherwise one that is open is followed by another.
    :returns: id of the operation that was opened now, if any.
    """
    wanted: dict[str, Any] = {
        'kind': remover,
        'resource_type': late.resource_type,
        'resource_id': late.resource_id,
        'deadline': deadline,
        'project_id': late.project_id,
        'request_id': late.request_id,
        'actor': late.actor
    }
    row = open_of(connection, late.resource_type, late.resource_id)
    if row is None:
        return create(connection, now=now, **wanted) if is_gone else None
    if row.kind == remover:
        connection.execute(
            update(OPERATIONS).where(OPERATIONS.c.id == row.id, OPERATIONS.c.active == 1,
                                     OPERATIONS.c.successor.is_(None)).values(
                                         successor=json.dumps(wanted), updated=now))
    return None


def request_cancel(connection: Connection, resource_type: str, resource_id: str,
                   successor: dict[str, Any], now: datetime) -> Row | None:
    """Ask the open operation of a resource to give way to ``successor``.

    :param successor: keyword arguments of :func:`create` for the operation that follows, JSON-able.
    :returns: the open operation as it was, or None when there is none.
    """
    row = open_of(connection, resource_type, resource_id)
    if row is None or row.kind == successor['kind']:
        return row
    successor = {**successor, 'client_address': notification.client_address()}
    changed = connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == row.id, OPERATIONS.c.active == 1).values(
            cancel_wanted=True, successor=json.dumps(successor), due_at=_sooner(now), nudged_at=now,
            updated=now))
    # It may have closed between the two statements; then there is nothing to cancel.
    return row if changed.rowcount else None


def cancel(connection: Connection, operation_id: str, now: datetime) -> bool:
    """Ask an operation to turn back. :returns: False when it has ended, or is turning back already."""
    changed = connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == operation_id, OPERATIONS.c.active == 1,
                                 OPERATIONS.c.state == OperationState.RUNNING)
        .values(cancel_wanted=True, due_at=_sooner(now), nudged_at=now, updated=now))
    return bool(changed.rowcount)


def run_now(connection: Connection, operation_id: str, now: datetime) -> bool:
    """Have an open operation looked at now instead of when its pause is over. :returns: whether it is open."""
    changed = connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == operation_id, OPERATIONS.c.active == 1)
        .values(due_at=_sooner(now), nudged_at=now))
    return bool(changed.rowcount)


# --- reading -------------------------------------------------------------------------------------

def get(connection: Connection, operation_id: str) -> Row | None:
    return connection.execute(_BY_ID, {'id': operation_id}).first()


def open_of(connection: Connection, resource_type: str, resource_id: str) -> Row | None:
    """The open operation of a resource, if any. Index: uq_operations_open."""
    return connection.execute(_OPEN_OF, {
        'resource_type': resource_type,
        'resource_id': resource_id
    }).first()


def of_resource(connection: Connection, resource_id: str, limit: int,
                marker: str | None = None) -> Sequence[Row]:
    """Operations of a resource, newest first. Index: ix_operations_resource.

    :param marker: id of the last row of the page before.
    """
    statement = (select(OPERATIONS).where(OPERATIONS.c.resource_id == resource_id)
                 .order_by(OPERATIONS.c.created.desc(), OPERATIONS.c.id.desc()).limit(limit))
    if marker is not None:
        last = select(OPERATIONS.c.created).where(OPERATIONS.c.id == marker).scalar_subquery()
        statement = statement.where(
            or_(OPERATIONS.c.created < last,
                and_(OPERATIONS.c.created == last, OPERATIONS.c.id < marker)))
    return connection.execute(statement).all()


def children(connection: Connection, operation_id: str) -> Sequence[Row]:
    """The operations that an operation has opened, in the order of their resources. Index: ix_operations_parent_id."""
    return connection.execute(select(OPERATIONS).where(OPERATIONS.c.parent_id == operation_id)
                              .order_by(OPERATIONS.c.resource_id, OPERATIONS.c.created)).all()


def steps_of(connection: Connection, operation_id: str) -> Sequence[Row]:
    """The attempts of an operation in the order they began."""
    return connection.execute(_STEPS_OF, {'id': operation_id}).all()


def due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Ids of operations somebody should take, longest due first. Index: ix_operations_due."""
    statement = (select(OPERATIONS.c.id)
                 .where(OPERATIONS.c.active == 1, OPERATIONS.c.due_at <= now,
                        or_(OPERATIONS.c.owner.is_(None), OPERATIONS.c.lease_until < now))
                 .order_by(OPERATIONS.c.due_at).limit(limit))
    return list(connection.execute(statement).scalars())


# --- running -------------------------------------------------------------------------------------


def take(connection: Connection, operation_id: str, owner: str, now: datetime,
         lease: int) -> Row | None:
    """Claim an operation that is due and nobody's.

    :returns: the row with the new claim, or None when there is nothing to take.
    """
    changed = connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == operation_id, OPERATIONS.c.active == 1,
                                 OPERATIONS.c.due_at <= now,
                                 or_(OPERATIONS.c.owner.is_(None), OPERATIONS.c.lease_until
                                     < now)).values(owner=owner, claim=OPERATIONS.c.claim + 1,
                                                    lease_until=now + timedelta(seconds=lease)))
    return get(connection, operation_id) if changed.rowcount else None


def save(connection: Connection, operation_id: str, claim: int, now: datetime,
         **values: Any) -> None:
    """Change columns of an operation one holds.

    :raises trove.common.exception.ClaimLost: when a newer claim exists or the operation is closed.
    """
    changed = connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == operation_id, OPERATIONS.c.claim == claim,
                                 OPERATIONS.c.active == 1).values(updated=now, **values))
    if changed.rowcount != 1:
        raise exception.ClaimLost(operation_id)


def renew(connection: Connection, operation_id: str, claim: int, now: datetime, lease: int) -> None:
    """Prolong the lease of an operation one is working on; a lost claim is left alone."""
    connection.execute(
        update(OPERATIONS).where(
            OPERATIONS.c.id == operation_id, OPERATIONS.c.claim == claim,
            OPERATIONS.c.owner.is_not(None)).values(lease_until=now + timedelta(seconds=lease)))


def release(connection: Connection, operation_id: str, claim: int, now: datetime,
            seconds: float) -> datetime:
    """Let an operation go until ``seconds`` from now, or until at once if something was reported meanwhile.

    A report marks the row and the begin of a step takes the mark away, so that no two hosts' clocks are compared.

    :returns: when it is due, unless a report makes that sooner.
    :raises trove.common.exception.ClaimLost: as :func:`save`.
    """
    reported = or_(OPERATIONS.c.nudged_at.is_not(None), OPERATIONS.c.cancel_wanted)
    save(connection, operation_id, claim, now, owner=None, lease_until=None,
         due_at=case((reported, now), else_=now + timedelta(seconds=seconds)))
    due_at = connection.execute(select(
        OPERATIONS.c.due_at).where(OPERATIONS.c.id == operation_id)).scalar()
    return due_at or now


def make_due(connection: Connection, resource_type: str, resource_ids: Sequence[str],
             now: datetime) -> list[str]:
    """Something happened that the open operations of these resources may be waiting for.

    :returns: ids of the operations that became due and should be woken.
    """
    if not resource_ids:
        return []
    open_ones = and_(OPERATIONS.c.resource_type == resource_type,
                     OPERATIONS.c.resource_id.in_(resource_ids), OPERATIONS.c.active == 1)
    ids = list(connection.execute(select(OPERATIONS.c.id).where(open_ones)).scalars())
    if ids:
        connection.execute(
            update(OPERATIONS).where(OPERATIONS.c.id.in_(ids), OPERATIONS.c.active == 1).values(
                due_at=_sooner(now), nudged_at=now))
    return ids


def _sooner(now: datetime) -> Any:
    """``now``, unless the operation is due before: the clock of whoever reports may be ahead of its runner's."""
    return case((OPERATIONS.c.due_at < now, OPERATIONS.c.due_at), else_=now)


def begin_step(connection: Connection, operation_id: str, name: str, attempt: int, now: datetime,
               last: Row | None = None) -> int:
    """Write down what is about to be tried, in the transaction that proves the claim.

    :param last: the newest attempt so far, as :func:`last_step` gives it; None: there is none.
    :returns: ``seq`` of the attempt.
    """
    seq = 1 + (last.seq if last is not None else 0)
    connection.execute(
        insert(STEPS).values(operation_id=operation_id, seq=seq, name=name, attempt=attempt,
                             started=now, runs=0, busy_ms=0, late_ms=0))
    return seq


def last_step(connection: Connection, operation_id: str) -> Row | None:
    """The newest attempt of an operation."""
    return connection.execute(select(STEPS).where(STEPS.c.operation_id == operation_id)
                              .order_by(STEPS.c.seq.desc()).limit(1)).first()


def account_step(connection: Connection, operation_id: str, seq: int, *, outcome: str | None,
                 busy_ms: int, late_ms: int, ended: datetime | None,
                 note: str | None = None) -> None:
    """Add one run to an attempt, and close it when ``ended`` is given."""
    values: dict[str, Any] = {
        'outcome': outcome,
        'ended': ended,
        'runs': STEPS.c.runs + 1,
        'busy_ms': STEPS.c.busy_ms + busy_ms,
        'late_ms': STEPS.c.late_ms + late_ms
    }
    if note:
        values['note'] = note[:1024]
    connection.execute(update(STEPS).where(STEPS.c.operation_id == operation_id, STEPS.c.seq == seq)
                       .values(**values))


def end_attempts(connection: Connection, operation_id: str, word: str, now: datetime) -> None:
    """Close the attempts of an operation that nobody will go on with."""
    connection.execute(
        update(STEPS).where(STEPS.c.operation_id == operation_id,
                            STEPS.c.ended.is_(None)).values(outcome=word, ended=now))


def count_open(connection: Connection) -> list[Row]:
    """Open operations by kind: (kind, count, oldest)."""
    return list(connection.execute(
        select(OPERATIONS.c.kind, func.count(), func.min(OPERATIONS.c.created))
        .where(OPERATIONS.c.active == 1).group_by(OPERATIONS.c.kind)))


def open_versions(connection: Connection) -> list[Row]:
    """Open operations that have begun, by kind and version of their flow: (kind, flow_version, number)."""
    return list(connection.execute(
        select(OPERATIONS.c.kind, OPERATIONS.c.flow_version, func.count().label('number'))
        .where(OPERATIONS.c.active == 1, OPERATIONS.c.flow_version > 0)
        .group_by(OPERATIONS.c.kind, OPERATIONS.c.flow_version)))
