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

"""Operation journal: open, read, claim, save and close operations, and record their steps.

Every write on behalf of an operation names its claim. A write with an outdated claim raises
:class:`trove.common.exception.ClaimLost` and so rolls the caller's transaction back.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from oslo_db import exception as db_exception
from sqlalchemy import Connection, Row, and_, bindparam, case, func, insert, or_, select, update

from trove.common import errors, exception, notification
from trove.common.states import OperationState
from trove.db import notifications, quotas
from trove.db.rows import OperationRow, OperationStepRow
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
    """Insert an operation in the caller's transaction and return its id.

    The unique index on open operations locks the resource.

    :param deadline: seconds after which the operation must have ended.
    :param args: arguments of the request, without secrets.
    :param secrets: sealed secret arguments.
    :param client_address: address of the client, if not that of the request being served.
    :raises trove.common.exception.Unprocessable: code ``operation_in_progress``: an operation is
        open on the resource.
    """
    operation_id = operation_id or new_id()
    holder = _abandoned_holder(connection, resource_type, resource_id, now)
    client_address = client_address or notification.client_address()
    facts = notifications.emit_start(connection, kind=kind, resource_type=resource_type,
                                     resource_id=resource_id, project_id=project_id,
                                     request_id=request_id,
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
            f'{resource_type.capitalize()} {resource_id} is not currently available for an action '
            f'to be performed (another operation is running on it).',
            code='operation_in_progress') from None
    return operation_id


def abandon(connection: Connection, resource_type: str, resource_id: str,
            now: datetime) -> OperationRow | None:
    """Close the open operation of a resource without its runner.

    The new claim fences the runner, which cannot write any more. Its last cloud call may still take
    effect, so owner and lease stay on the closed row. The next operation on the resource waits
    until the runner has stopped (:func:`release_abandoned`) or the lease has expired.

    :returns: the former row, or None if no operation was open.
    """
    row = open_of(connection, resource_type, resource_id)
    if row is None:
        return None
    changed = connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == row.id, OPERATIONS.c.active == 1).values(
            active=None, state=OperationState.CANCELLED, claim=OPERATIONS.c.claim + 1,
            cancel_wanted=False, successor=None, secrets=None, finished=now, updated=now,
            error_code='reset',
            error_text=errors.CODES['reset'].sentence))
    if not changed.rowcount:
        return None
    quotas.give_back(connection, row, json.loads(row.facts), now)
    notifications.emit_end(connection, row, OperationState.CANCELLED, 'reset',
                           errors.CODES['reset'].sentence, now)
    return row


def _abandoned_holder(connection: Connection, resource_type: str, resource_id: str,
                      now: datetime) -> Row | None:
    """Return (owner, lease_until) of a runner that may still work on an abandoned operation.

    Index: ix_operations_resource.
    """
    return connection.execute(
        select(OPERATIONS.c.owner, OPERATIONS.c.lease_until).where(
            OPERATIONS.c.resource_id == resource_id, OPERATIONS.c.resource_type == resource_type,
            OPERATIONS.c.active.is_(None), OPERATIONS.c.owner.is_not(None), OPERATIONS.c.lease_until
            > now).order_by(OPERATIONS.c.lease_until.desc()).limit(1)).first()


def release_abandoned(connection: Connection, operation_id: str, owner: str,
                      now: datetime) -> str | None:
    """Release an abandoned operation after its runner has stopped, and start its follower.

    :returns: id of the operation that waited for the runner, if any.
    """
    row = get(connection, operation_id)
    if row is None or row.active is not None or row.owner != owner:
        return None
    connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == operation_id,
                                 OPERATIONS.c.active.is_(None)).values(
                                     owner=None, lease_until=None))
    follower = open_of(connection, row.resource_type, row.resource_id)
    # A follower with an owner and without a claim waits for that owner.
    if follower is None or follower.claim != 0 or follower.owner != owner:
        return None
    connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == follower.id, OPERATIONS.c.claim == 0,
                                 OPERATIONS.c.active == 1).values(owner=None, lease_until=None,
                                                                  due_at=now))
    return follower.id


def remove_again(connection: Connection, late: OperationRow, remover: str, is_gone: bool,
                 now: datetime,
                 deadline: int) -> str | None:
    """Repeat the removal of a resource, of which a late runner may have created a part.

    :param late: operation of the late runner.
    :param is_gone: the removal has ended; otherwise the open removal gets a successor.
    :returns: id of the opened operation, if any.
    """
    removal: dict[str, Any] = {
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
        return create(connection, now=now, **removal) if is_gone else None
    if row.kind == remover:
        connection.execute(
            update(OPERATIONS).where(OPERATIONS.c.id == row.id, OPERATIONS.c.active == 1,
                                     OPERATIONS.c.successor.is_(None)).values(
                                         successor=json.dumps(removal), updated=now))
    return None


def request_cancel(connection: Connection, resource_type: str, resource_id: str,
                   successor: dict[str, Any], now: datetime) -> OperationRow | None:
    """Request that the open operation of a resource is reverted and followed by ``successor``.

    :param successor: keyword arguments of :func:`create`, JSON values only.
    :returns: the former row of the open operation, or None if no operation is open.
    """
    row = open_of(connection, resource_type, resource_id)
    if row is None or row.kind == successor['kind']:
        return row
    successor = {**successor, 'client_address': notification.client_address()}
    changed = connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == row.id, OPERATIONS.c.active == 1).values(
            cancel_wanted=True, successor=json.dumps(successor), due_at=_sooner(now), nudged_at=now,
            updated=now))
    # The operation may have closed between the two statements.
    return row if changed.rowcount else None


def cancel(connection: Connection, operation_id: str, now: datetime) -> bool:
    """Request that an operation is reverted; return False if it has ended or is being reverted.
    """
    changed = connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == operation_id, OPERATIONS.c.active == 1,
                                 OPERATIONS.c.state == OperationState.RUNNING)
        .values(cancel_wanted=True, due_at=_sooner(now), nudged_at=now, updated=now))
    return bool(changed.rowcount)


def run_now(connection: Connection, operation_id: str, now: datetime) -> bool:
    """Make a waiting operation due now; return False if it has ended.
    """
    changed = connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == operation_id, OPERATIONS.c.active == 1)
        .values(due_at=_sooner(now), nudged_at=now))
    return bool(changed.rowcount)


# --- reading -------------------------------------------------------------------------------------

def get(connection: Connection, operation_id: str) -> OperationRow | None:
    return cast(OperationRow | None, connection.execute(_BY_ID, {'id': operation_id}).first())


def open_of(connection: Connection, resource_type: str, resource_id: str) -> OperationRow | None:
    """Return the open operation of a resource, if any. Index: uq_operations_open."""
    return cast(OperationRow | None, connection.execute(_OPEN_OF, {
        'resource_type': resource_type,
        'resource_id': resource_id
    }).first())


def of_resource(connection: Connection, resource_id: str, limit: int,
                marker: str | None = None) -> Sequence[OperationRow]:
    """Return operations of a resource, newest first. Index: ix_operations_resource.

    :param marker: id of the last row of the previous page.
    """
    statement = (select(OPERATIONS).where(OPERATIONS.c.resource_id == resource_id)
                 .order_by(OPERATIONS.c.created.desc(), OPERATIONS.c.id.desc()).limit(limit))
    if marker is not None:
        last = select(OPERATIONS.c.created).where(OPERATIONS.c.id == marker).scalar_subquery()
        statement = statement.where(
            or_(OPERATIONS.c.created < last,
                and_(OPERATIONS.c.created == last, OPERATIONS.c.id < marker)))
    return cast(Sequence[OperationRow], connection.execute(statement).all())


def children(connection: Connection, operation_id: str) -> Sequence[OperationRow]:
    """Return the operations opened by an operation, by resource. Index:
    ix_operations_parent_id.
    """
    statement = (select(OPERATIONS).where(OPERATIONS.c.parent_id == operation_id)
                 .order_by(OPERATIONS.c.resource_id, OPERATIONS.c.created))
    return cast(Sequence[OperationRow], connection.execute(statement).all())


def steps_of(connection: Connection, operation_id: str) -> Sequence[OperationStepRow]:
    """Return the attempts of an operation in the order of their start."""
    rows = connection.execute(_STEPS_OF, {'id': operation_id}).all()
    return cast(Sequence[OperationStepRow], rows)


def due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return ids of due operations without an owner, longest due first. Index: ix_operations_due.
    """
    statement = (select(OPERATIONS.c.id)
                 .where(OPERATIONS.c.active == 1, OPERATIONS.c.due_at <= now,
                        or_(OPERATIONS.c.owner.is_(None), OPERATIONS.c.lease_until < now))
                 .order_by(OPERATIONS.c.due_at).limit(limit))
    return list(connection.execute(statement).scalars())


# --- running -------------------------------------------------------------------------------------


def take(connection: Connection, operation_id: str, owner: str, now: datetime,
         lease: int) -> OperationRow | None:
    """Claim a due operation without an owner.

    :returns: the row with the new claim, or None if the operation is not due or has an owner.
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
    """Update columns of a claimed operation.

    :raises trove.common.exception.ClaimLost: a newer claim exists, or the operation is closed.
    """
    changed = connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == operation_id, OPERATIONS.c.claim == claim,
                                 OPERATIONS.c.active == 1).values(updated=now, **values))
    if changed.rowcount != 1:
        raise exception.ClaimLost(operation_id)


def renew(connection: Connection, operation_id: str, claim: int, now: datetime, lease: int) -> None:
    """Renew the lease of a claimed operation; an outdated claim changes nothing."""
    connection.execute(
        update(OPERATIONS).where(
            OPERATIONS.c.id == operation_id, OPERATIONS.c.claim == claim,
            OPERATIONS.c.owner.is_not(None)).values(lease_until=now + timedelta(seconds=lease)))


def release(connection: Connection, operation_id: str, claim: int, now: datetime,
            seconds: float) -> datetime:
    """Release a claimed operation until ``seconds`` from now, or until now after a report.

    A report sets ``nudged_at`` and the start of a step clears it, so that clocks of two hosts are
    never compared.

    :returns: the time at which the operation is due.
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
    """Make the open operations of some resources due now, after a report they may wait for.

    :returns: ids of the operations to wake.
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
    """Return ``now``, or the due time if earlier: the reporter's clock may be ahead of the
    runner's.
    """
    return case((OPERATIONS.c.due_at < now, OPERATIONS.c.due_at), else_=now)


def begin_step(connection: Connection, operation_id: str, name: str, attempt: int, now: datetime,
               last: OperationStepRow | None = None) -> int:
    """Record a new attempt, in the transaction that proves the claim, and return its ``seq``.

    :param last: row of :func:`last_step`, None if no attempt exists.
    """
    seq = 1 + (last.seq if last is not None else 0)
    connection.execute(
        insert(STEPS).values(operation_id=operation_id, seq=seq, name=name, attempt=attempt,
                             started=now, runs=0, busy_ms=0, late_ms=0))
    return seq


def last_step(connection: Connection, operation_id: str) -> OperationStepRow | None:
    """Return the newest attempt of an operation."""
    statement = (select(STEPS).where(STEPS.c.operation_id == operation_id)
                              .order_by(STEPS.c.seq.desc()).limit(1))
    return cast(OperationStepRow | None, connection.execute(statement).first())


def account_step(connection: Connection, operation_id: str, seq: int, *, outcome: str | None,
                 busy_ms: int, late_ms: int, ended: datetime | None,
                 note: str | None = None) -> None:
    """Count one run of an attempt; close the attempt if ``ended`` is given."""
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
    """Close the open attempts of an operation."""
    connection.execute(
        update(STEPS).where(STEPS.c.operation_id == operation_id,
                            STEPS.c.ended.is_(None)).values(outcome=word, ended=now))


def count_open(connection: Connection) -> list[Row]:
    """Return (kind, number, creation time of the oldest) of open operations."""
    return list(connection.execute(
        select(OPERATIONS.c.kind, func.count(), func.min(OPERATIONS.c.created))
        .where(OPERATIONS.c.active == 1).group_by(OPERATIONS.c.kind)))


def open_versions(connection: Connection) -> list[Row]:
    """Return (kind, flow_version, number) of open operations that have started.
    """
    return list(connection.execute(
        select(OPERATIONS.c.kind, OPERATIONS.c.flow_version, func.count().label('number'))
        .where(OPERATIONS.c.active == 1, OPERATIONS.c.flow_version > 0)
        .group_by(OPERATIONS.c.kind, OPERATIONS.c.flow_version)))
