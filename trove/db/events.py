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

"""Events of resources, as sentences for their users."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, insert, select

from trove.db.rows import EventRow
from trove.db.tables.operations import Event

EVENTS = Event.__table__


def add(connection: Connection, *, resource_type: str, resource_id: str, type: str, text: str,
        now: datetime, project_id: str | None = None, operation_id: str | None = None,
        actor: str | None = None, request_id: str | None = None) -> None:
    connection.execute(
        insert(EVENTS).values(id=str(uuid.uuid4()), resource_type=resource_type,
                              resource_id=resource_id, project_id=project_id,
                              operation_id=operation_id, time=now, type=type, text=text[:1024],
                              actor=actor, request_id=request_id))


def of_resource(connection: Connection, resource_id: str, limit: int,
                marker: str | None = None) -> Sequence[EventRow]:
    """Return events of a resource, newest first. Index: ix_events_resource.

    :param marker: id of the last row of the previous page.
    """
    statement = (select(EVENTS).where(EVENTS.c.resource_id == resource_id)
                 .order_by(EVENTS.c.seq.desc()).limit(limit))
    if marker is not None:
        last = select(EVENTS.c.seq).where(EVENTS.c.id == marker).scalar_subquery()
        statement = statement.where(EVENTS.c.seq < last)
    return cast(Sequence[EventRow], connection.execute(statement).all())
