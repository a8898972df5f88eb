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

"""Sends the notifications that are written down, and writes down those that are due by the clock.

What was sent is deleted afterwards, so a process that dies in between sends it again, with the same id. A broker that
is away only delays: messages wait in the database.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from oslo_config import cfg
from oslo_log import log as logging
import oslo_messaging
from oslo_messaging import transport

from trove.common import notification
from trove.db import notifications, outbox, quotas, session
from trove.db.session import Connection, Row
from trove.taskmanager.periodic import Lease

LOG = logging.getLogger(__name__)

#: Messages sent before they are deleted together.
BATCH = 100
#: Instances told about in one transaction.
PAGE = 200
#: Tries after the first before a message waits for the next turn.
_RETRIES = 1
#: Messages in a row that are not taken before the bus counts as away.
_GIVE_UP = 3


class Sender(Protocol):
    """Sends one message."""

    def send(self, row: Row) -> bool:
        """:param row: of the outbox. :returns: whether everybody it goes to has taken it."""


class Bus:
    """Sends through the drivers of ``[oslo_messaging_notifications]``.

    oslo.messaging logs what it could not send and forgets it. This one stands between its drivers and the transport, to
    hear of it, and to give a message the same id each time it is sent.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        real = oslo_messaging.get_notification_transport(conf)
        self._transport = _Watched(real)
        self._notifier = oslo_messaging.Notifier(self._transport, retry=_RETRIES)

    def send(self, row: Row) -> bool:
        self._transport.begin(row)
        notifier = self._notifier.prepare(publisher_id=row.publisher_id, retry=_RETRIES)
        notifier.info({}, row.event_type, json.loads(row.payload))
        return self._transport.failure is None

    def close(self) -> None:
        """Close the connections."""
        self._transport.cleanup()


class _Watched(transport.NotificationTransport):
    """A transport that remembers whether a message was taken."""

    def __init__(self, real: transport.NotificationTransport) -> None:
        super().__init__(real._driver)
        self.failure: Exception | None = None
        self._row: Row | None = None

    def begin(self, row: Row) -> None:
        """What is sent from now on is this message."""
        self._row, self.failure = row, None

    def _send_notification(self, target: Any, ctxt: Any, message: dict[str, Any], version: float,
                           retry: int | None = None) -> None:
        if self._row is not None:
            message |= {'message_id': self._row.id, 'timestamp': str(self._row.created)}
        try:
            super()._send_notification(target, ctxt, message, version, retry)
        except Exception as failure:
            self.failure = failure
            LOG.debug('a notification was not taken: %s', failure)
            raise


class Notifier:
    """The periodic tasks about notifications.

    :param bus: makes the sender when there is something to send first.
    """

    def __init__(self, conf: cfg.ConfigOpts, clock: Callable[[], datetime],
                 bus: Callable[[cfg.ConfigOpts], Sender] = Bus) -> None:
        self._conf = conf
        self._clock = clock
        self._make_bus = bus
        self._bus: Sender | None = None
        self.stopping: Callable[[], bool] = lambda: False
        self.page = PAGE

    def send(self, lease: Lease) -> None:
        """Send what waits, in the order in which it was written; ends at the first message that is not taken."""
        if self._bus is None:
            self._bus = self._make_bus(self._conf)
        while not self.stopping():
            session.write(lease.renew)
            rows = session.read(outbox.first, BATCH)
            sent = self._send(rows)
            if sent:
                session.write(outbox.sent, sent)
            if len(sent) < len(rows):
                LOG.warning('%d notifications wait, the bus does not take them',
                            session.read(outbox.backlog)[0])
                return
            if len(rows) < BATCH:
                return

    def _send(self, rows: Sequence[Row]) -> list[int]:
        """:returns: the numbers of those that were taken. One that is refused for itself must not hold up the rest."""
        sent: list[int] = []
        failures = 0
        for row in rows:
            if self._bus is not None and self._bus.send(row):
                sent.append(row.seq)
                failures = 0
                continue
            failures += 1
            if failures == _GIVE_UP:
                break
        return sent

    def exists(self, lease: Lease) -> None:
        """Write down ``trove.instance.exists`` for the last audit period that is over, once for each instance."""
        now = self._clock()
        begins, ends = notification.last_period(now, self._conf.exists_notification_interval)
        if lease.done_until is not None and lease.done_until >= ends:
            return
        # All in one transaction with the mark: a period is told wholly or, by whoever comes next, from its beginning.
        session.write(self._exists, lease, begins, ends, now)

    def _exists(self, connection: Connection, lease: Lease, begins: datetime, ends: datetime,
                now: datetime) -> None:
        after: str | None = ''
        while after is not None:
            after = notifications.emit_exists(connection, begins, ends, after, self.page, now)
        lease.renew(connection, ends)

    def quotas(self, lease: Lease) -> None:
        """Write down ``dbaas.quota`` for each project and resource."""
        session.write(self._quotas, lease, self._clock())

    def _quotas(self, connection: Connection, lease: Lease, now: datetime) -> None:
        lease.renew(connection)
        outbox.add(connection, [
            notification.quota(self._conf, row.tenant_id, row.resource, row.in_use, row.hard_limit,
                               row.updated) for row in quotas.all_usages(connection)
        ], now)

    def until_next_period(self) -> float:
        """Seconds until the next audit period is over."""
        interval = self._conf.exists_notification_interval
        ends = notification.last_period(self._clock(), interval)[1] + timedelta(seconds=interval)
        return max(1.0, (ends - self._clock()).total_seconds())
