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

"""The ends of steps and operations: retriable failures, error texts for the user, and successors.
"""

import dataclasses
import json
import logging
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any


from trove.common import exception
from trove.common.states import OperationState
from trove.db import events, notifications, operations, quotas
from trove.db.session import Connection, Row
from trove.taskmanager.step import Change, Flow, Work


#: Code of an operation cancelled by request. One cancelled by a delete is not reverted.
CANCELLED = 'cancelled_by_request'


@dataclasses.dataclass(frozen=True)
class Closed:
    """An operation that has just ended."""

    work: Work
    state: str
    code: str | None
    text: str


def is_retriable(error: Exception) -> bool:
    """Return whether a retry may succeed.

    Silent guests, unavailable services and unexpected errors are retriable.
    """
    retriable = getattr(error, 'retriable', None)
    if retriable is not None:
        return bool(retriable)
    if isinstance(error, exception.TroveError):
        return isinstance(
            error, (exception.GuestTimeout, exception.BrokerError, exception.ServiceUnavailable))
    return True


def describe(error: Exception) -> tuple[str, str, str]:
    """Return (code, sentence for the user, detail for the operator) of an error that a step raised.
    """
    if isinstance(error, exception.TroveError):
        return error.code, error.message, error.detail
    reference = str(uuid.uuid4())
    return ('internal', f'An unexpected error happened (reference {reference}).',
            f'{reference}: {type(error).__name__}: {error}')


def log_level(error: Exception) -> tuple[int]:
    return (logging.WARNING if isinstance(error, exception.TroveError) else logging.ERROR,)


def started(connection: Connection, flow: Flow, row: Row, now: datetime) -> None:
    """Record the first event of an operation."""
    _event(connection, row, f'{row.kind}.start', f'{flow.title} began.', now)


def changes(flow: Flow, work: Work, state: str, code: str | None, text: str,
            detail: str) -> Sequence[Change]:
    """Return the changes of the resource's rows at the end of an operation."""
    if state == OperationState.SUCCEEDED:
        return flow.succeeded(work)
    if state == OperationState.FAILED:
        return flow.failed(work, code or 'internal', text, detail)
    return flow.cancelled(work) if code == CANCELLED else ()


def close(connection: Connection, flow: Flow, row: Row, state: str, code: str | None, text: str,
          detail: str, changes_: Sequence[Change], now: datetime) -> str | None:
    """Close an operation with its last event, and open its successor.

    :param changes_: row changes of the same transaction.
    :returns: id of the successor, if any.
    :raises trove.common.exception.ClaimLost: see :func:`trove.db.operations.save`.
    """
    operations.save(connection, row.id, row.claim, now, state=state, active=None, owner=None,
                    lease_until=None, finished=now, secrets=None, error_code=code,
                    error_text=text[:1024] or None, error_detail=detail or None)
    for change in changes_:
        change(connection)
    words = {OperationState.SUCCEEDED: ('end', f'{flow.title} succeeded.'),
             OperationState.FAILED: ('error', f'{flow.title} failed: {text}'),
             OperationState.CANCELLED: ('cancelled', f'{flow.title} was cancelled.')}
    suffix, sentence = words[state]
    _event(connection, row, f'{row.kind}.{suffix}', sentence, now)
    notifications.emit_end(connection, row, state, code, text, now)
    return _followed(connection, row.id, now)


def close_unknown(connection: Connection, row: Row, now: datetime) -> str | None:
    """Close an operation of an unknown kind that is cancelled or past its deadline.

    :returns: id of the successor, if any.
    """
    state, code, text = ((OperationState.CANCELLED, 'cancelled', None) if row.cancel_wanted else
                         (OperationState.FAILED, 'internal',
                          f'No task manager supports operations of kind {row.kind}.'))
    operations.save(connection, row.id, row.claim, now, state=state, active=None, owner=None,
                    finished=now, secrets=None, error_code=code, error_text=text)
    notifications.emit_end(connection, row, state, code, text, now)
    return _followed(connection, row.id, now)


def _followed(connection: Connection, operation_id: str, now: datetime) -> str | None:
    """Settle the quota of a closed operation, and open its successor."""
    # Read again inside the transaction: a delete may have been requested since the last read.
    row = operations.get(connection, operation_id)
    if row is not None and row.state != OperationState.SUCCEEDED:
        quotas.give_back(connection, row, json.loads(row.facts), now)
    if row is None or not row.successor:
        return None
    successor: dict[str, Any] = json.loads(row.successor)
    return operations.create(connection, now=now, **successor)


def _event(connection: Connection, row: Row, type_: str, text: str, now: datetime) -> None:
    events.add(connection, resource_type=row.resource_type, resource_id=row.resource_id, type=type_,
               text=text, now=now, project_id=row.project_id, operation_id=row.id, actor=row.actor,
               request_id=row.request_id)
