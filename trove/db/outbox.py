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

"""Notifications that are to be sent: written in the transaction of what they tell, deleted when they were sent.

Whoever dies between sending and deleting makes the message come twice, with the same id; never not at all.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, delete, func, insert, select

from trove.common.notification import Notice
from trove.db.tables.notifications import Notification

NOTIFICATIONS = Notification.__table__


def add(connection: Connection, notices: Sequence[Notice], now: datetime) -> None:
    """Write messages that are to be sent when the transaction is committed."""
    if notices:
        connection.execute(insert(NOTIFICATIONS), [
            {'id': notice.id, 'event_type': notice.event_type, 'publisher_id': notice.publisher_id,
             'payload': json.dumps(notice.payload), 'created': now} for notice in notices])


def first(connection: Connection, limit: int) -> Sequence[Row]:
    """The messages that wait longest. Index: primary key.

    A message whose transaction ends late may come after one with a higher number; it is found the next time.
    """
    return connection.execute(select(NOTIFICATIONS).order_by(
        NOTIFICATIONS.c.seq).limit(limit)).all()


def sent(connection: Connection, numbers: Sequence[int]) -> None:
    """Forget messages that were sent. :param numbers: their ``seq``."""
    if numbers:
        connection.execute(delete(NOTIFICATIONS).where(NOTIFICATIONS.c.seq.in_(list(numbers))))


def backlog(connection: Connection) -> tuple[int, datetime | None]:
    """(how many wait, since when the first one does)."""
    row = connection.execute(select(func.count(), func.min(NOTIFICATIONS.c.created))).one()
    return row[0], row[1]
