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

"""Notifications about operations and requests, stored in the outbox with the rows they describe.

No function stores anything when notifications are disabled. :mod:`trove.common.notification` builds
the messages.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
import contextlib
from datetime import datetime
from typing import Any

from oslo_config import cfg
from sqlalchemy import Connection, and_, select

from trove.common import exception, notification
from trove.common.kinds import OperationKind, ResourceType
from trove.common.states import OperationState
from trove.db import instances, outbox, session
from trove.db.rows import InstanceRow, OperationRow
from trove.db.tables.datastores import Flavor
from trove.db.tables.instances import Instance
from trove.db.tables.operations import Operation

CONF = cfg.CONF
FLAVORS = Flavor.__table__
INSTANCES = Instance.__table__
OPERATIONS = Operation.__table__

#: Fact of an operation: usage of its instance at the time of the request.
USAGE_BEFORE = 'usage_before'
#: Kinds with former values in their usage event.
_WITH_USAGE_BEFORE = (OperationKind.INSTANCE_DELETE, OperationKind.INSTANCE_RESIZE_FLAVOR,
                      OperationKind.INSTANCE_RESIZE_VOLUME)


def emit_start(connection: Connection, *, kind: str, resource_type: str, resource_id: str,
               project_id: str | None, request_id: str | None, client_address: str | None,
               args: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Emit the start of an operation.

    :returns: facts the operation must keep for its usage event.
    """
    if not notification.enabled(CONF):
        return {}
    row = instances.get(connection, resource_id) if resource_type == ResourceType.INSTANCE else None
    outbox.add(connection, [
        notification.of_phase(CONF, kind, notification.START, server_type='api',
                              tenant_id=project_id, request_id=request_id, client_ip=client_address,
                              **notification.about(kind, resource_type, resource_id, args, row))
    ], now)
    if row is None or kind not in _WITH_USAGE_BEFORE:
        return {}
    return {USAGE_BEFORE: _usage(connection, row)}


def emit_end(connection: Connection, operation: OperationRow, state: str, code: str | None,
             text: str | None,
             now: datetime) -> None:
    """Emit the end of an operation and its usage event; its resource rows are already updated."""
    if not notification.enabled(CONF):
        return
    phase = notification.END if state == OperationState.SUCCEEDED else notification.ERROR
    failure = {} if phase == notification.END else {'message': text or '', 'exception': code or ''}
    messages = [notification.of_phase(
        CONF, operation.kind, phase, server_type='taskmanager', tenant_id=operation.project_id,
        request_id=operation.request_id, client_ip=operation.client_address,
        **{f'{operation.resource_type}_id': operation.resource_id}, **failure)]
    if phase == notification.END and operation.kind in notification.USAGE_EVENTS:
        row = instances.get(connection, operation.resource_id, include_deleted=True)
        before = json.loads(operation.facts).get(USAGE_BEFORE, {})
        usage = notification.usage_event(CONF, operation.kind, _usage(connection, row), before,
                                         now) if row else None
        messages += [usage] if usage else []
    outbox.add(connection, messages, now)


def emit(connection: Connection, event: str, phase: str, *, tenant_id: str | None,
         request_id: str | None, now: datetime, **more: Any) -> None:
    """Emit a phase of an event of the API.

    :param more: further fields of the payload.
    """
    if notification.enabled(CONF):
        outbox.add(connection, [notification.of_phase(
            CONF, event, phase, server_type='api', tenant_id=tenant_id, request_id=request_id,
            client_ip=notification.client_address(), **more)], now)


@contextlib.contextmanager
def wrap(event: str | None, *, tenant_id: str | None, request_id: str | None,
         **more: Any) -> Iterator[None]:
    """Emit start and end, or start and error, of the request served in the block.

    :param event: None emits nothing.
    """
    if event is None or not notification.enabled(CONF):
        yield
        return
    common = {'tenant_id': tenant_id, 'request_id': request_id, **more}
    session.write(emit, event, notification.START, now=session.utcnow(), **common)
    try:
        yield
    except exception.TroveError as error:
        session.write(emit, event, notification.ERROR, now=session.utcnow(), **common,
                      message=error.message, exception=error.code)
        raise
    except Exception:
        session.write(emit, event, notification.ERROR, now=session.utcnow(), **common,
                      message='An unexpected error happened.', exception='internal')
        raise
    session.write(emit, event, notification.END, now=session.utcnow(), **common)


def emit_exists(connection: Connection, begins: datetime, ends: datetime, after: str, limit: int,
                now: datetime) -> str | None:
    """Emit ``trove.instance.exists`` for a page of the instances that existed in an audit period.

    :param after: id of the last instance of the former page, empty for the first page.
    :returns: id of the last instance, None if no page follows.
    """
    rows = instances.created_before(connection, ends, after, limit)
    if not rows:
        return None
    usages = _usages(connection, rows)
    outbox.add(connection,
               [notification.exists(CONF, usages[row.id], begins, ends) for row in rows], now)
    return rows[-1].id if len(rows) == limit else None


def _usage(connection: Connection, row: InstanceRow) -> dict[str, Any]:
    return _usages(connection, [row])[row.id]


def _usages(connection: Connection, rows: Sequence[InstanceRow]) -> dict[str, dict[str, Any]]:
    """Return usage fields by instance id, with two statements for any number of rows."""
    flavors = {(row.region, row.id): row.name for row in connection.execute(
        select(FLAVORS.c.region, FLAVORS.c.id, FLAVORS.c.name)
        .where(FLAVORS.c.id.in_(sorted({row.flavor_id for row in rows}))))}
    launched = {
        row.resource_id: row.finished
        for row in connection.execute(
            select(OPERATIONS.c.resource_id, OPERATIONS.c.finished).where(
                and_(OPERATIONS.c.resource_id.in_([row.id for row in rows]), OPERATIONS.c.kind ==
                     OperationKind.INSTANCE_CREATE,
                     OPERATIONS.c.state == OperationState.SUCCEEDED)))
    }
    return {
        row.id: notification.usage(CONF, row, flavor_name=flavors.get(
            (row.region_id, row.flavor_id)), launched=launched.get(row.id))
        for row in rows
    }
