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

"""Outbox of notifications: rows stored with the change they describe, deleted once sent.

A crash between sending and deleting repeats a message with the same id; no message is lost.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, delete, func, insert, select

from trove.common.notification import NotificationMessage
from trove.db.tables.notifications import Notification

NOTIFICATIONS = Notification.__table__


def add(connection: Connection, messages: Sequence[NotificationMessage], now: datetime) -> None:
    """Store messages to send after the transaction is committed."""
    if messages:
        connection.execute(insert(NOTIFICATIONS), [
            {'id': message.id, 'event_type': message.event_type,
             'publisher_id': message.publisher_id,
             'payload': json.dumps(message.payload), 'created': now} for message in messages])


def first(connection: Connection, limit: int) -> Sequence[Row]:
    """Return the oldest messages. Index: primary key.

    A message of a transaction that commits late may follow one with a higher number; the next call
    finds it.
    """
    return connection.execute(select(NOTIFICATIONS).order_by(
        NOTIFICATIONS.c.seq).limit(limit)).all()


def sent(connection: Connection, numbers: Sequence[int]) -> None:
    """Delete messages that were sent.

    :param numbers: their ``seq``.
    """
    if numbers:
        connection.execute(delete(NOTIFICATIONS).where(NOTIFICATIONS.c.seq.in_(list(numbers))))


def backlog(connection: Connection) -> tuple[int, datetime | None]:
    """Return the number of waiting messages and the creation time of the oldest."""
    row = connection.execute(select(func.count(), func.min(NOTIFICATIONS.c.created))).one()
    return row[0], row[1]
