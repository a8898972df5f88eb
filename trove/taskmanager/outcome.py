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

"""What the ends of steps and operations mean: which failures may pass, what the user is told, what comes next."""

import dataclasses
import json
import logging
import uuid
from datetime import datetime
from typing import Any


from trove.common import exception
from trove.common.states import OperationState
from trove.db import events, operations
from trove.db.session import Connection, Row
from trove.taskmanager.step import Flow, Work


@dataclasses.dataclass(frozen=True)
class Closed:
    """An operation that has just ended, for notifications."""

    work: Work
    state: str
    code: str | None
    text: str


def is_retriable(error: Exception) -> bool:
    """Whether trying again may help. Guests that do not answer, services that are away and surprises may pass."""
    retriable = getattr(error, 'retriable', None)
    if retriable is not None:
        return bool(retriable)
    if isinstance(error, exception.TroveError):
        return isinstance(error, (exception.GuestTimeout, exception.BrokerError, exception.ServiceUnavailable))
    return True


def describe(error: Exception) -> tuple[str, str, str]:
    """(code, sentence for the user, detail for the operator) of whatever a step raised."""
    if isinstance(error, exception.TroveError):
        return error.code, error.message, error.detail
    reference = str(uuid.uuid4())
    return ('internal', f'An unexpected error happened (reference {reference}).',
            f'{reference}: {type(error).__name__}: {error}')


def log_level(error: Exception) -> tuple[int]:
    return (logging.WARNING if isinstance(error, exception.TroveError) else logging.ERROR,)


def started(connection: Connection, flow: Flow, row: Row, now: datetime) -> None:
    """The first event of an operation."""
    _event(connection, row, f'{row.kind}.start', f'{flow.title} began.', now)


def closed(connection: Connection, flow: Flow, row: Row, state: str, text: str, now: datetime) -> str | None:
    """The last event of an operation, and the operation that was asked to follow it.

    :returns: id of the operation that follows, if any.
    """
    words = {OperationState.SUCCEEDED: ('end', f'{flow.title} succeeded.'),
             OperationState.FAILED: ('error', f'{flow.title} failed: {text}'),
             OperationState.CANCELLED: ('cancelled', f'{flow.title} was cancelled.')}
    suffix, sentence = words[state]
    _event(connection, row, f'{row.kind}.{suffix}', sentence, now)
    if not row.successor:
        return None
    successor: dict[str, Any] = json.loads(row.successor)
    return operations.create(connection, now=now, **successor)


def _event(connection: Connection, row: Row, type_: str, text: str, now: datetime) -> None:
    events.add(connection, resource_type=row.resource_type, resource_id=row.resource_id, type=type_, text=text,
               now=now, project_id=row.project_id, operation_id=row.id, actor=row.actor, request_id=row.request_id)
