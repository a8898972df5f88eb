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

"""The sender of recorded notifications, and the recorder of those that are due by the clock.

A notification is deleted after it is sent, so a process that dies in between sends it again, with
the same id. An unavailable broker only delays: notifications wait in the database.
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
#: Instances per query.
PAGE = 200
#: Retries before a message waits for the next run.
_RETRIES = 1
#: Consecutive refused messages after which the bus counts as unavailable.
_GIVE_UP = 3


class Sender(Protocol):
    """A sender of single notifications."""

    def send(self, row: Row) -> bool:
        """Send a notification.

        :param row: of the outbox.
        :returns: whether all its topics accepted it.
        """


class Bus:
    """The drivers of ``[oslo_messaging_notifications]``.

    oslo.messaging logs a failed notification and forgets it. This class wraps the transport of its
    drivers to learn about the failure, and to keep the id of a message that is sent again.
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
    """A transport that records whether a message was accepted."""

    def __init__(self, real: transport.NotificationTransport) -> None:
        super().__init__(real._driver)
        self.failure: Exception | None = None
        self._row: Row | None = None

    def begin(self, row: Row) -> None:
        """Start to send a message."""
        self._row, self.failure = row, None

    def _send_notification(self, target: Any, ctxt: Any, message: dict[str, Any], version: float,
                           retry: int | None = None) -> None:
        if self._row is not None:
            message |= {'message_id': self._row.id, 'timestamp': str(self._row.created)}
        try:
            super()._send_notification(target, ctxt, message, version, retry)
        except Exception as failure:
            self.failure = failure
            LOG.debug('A notification was refused: %s', failure)
            raise


class Notifier:
    """The periodic tasks about notifications.

    :param bus: function that creates the sender at its first use.
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
        """Send the recorded notifications in order, until the bus refuses one."""
        if self._bus is None:
            self._bus = self._make_bus(self._conf)
        while not self.stopping():
            session.write(lease.renew)
            rows = session.read(outbox.first, BATCH)
            sent = self._send(rows)
            if sent:
                session.write(outbox.sent, sent)
            if len(sent) < len(rows):
                LOG.warning('%d notifications are waiting: the bus refuses them',
                            session.read(outbox.backlog)[0])
                return
            if len(rows) < BATCH:
                return

    def _send(self, rows: Sequence[Row]) -> list[int]:
        """Send notifications. One that is refused must not delay the others.

        :returns: the numbers of those that were accepted.
        """
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
        """Record ``trove.instance.exists`` of each instance for the last complete audit period."""
        now = self._clock()
        begins, ends = notification.last_period(now, self._conf.exists_notification_interval)
        if lease.done_until is not None and lease.done_until >= ends:
            return
        # One transaction for the period and its mark: the next process either skips it or repeats
        # all.
        session.write(self._exists, lease, begins, ends, now)

    def _exists(self, connection: Connection, lease: Lease, begins: datetime, ends: datetime,
                now: datetime) -> None:
        after: str | None = ''
        while after is not None:
            after = notifications.emit_exists(connection, begins, ends, after, self.page, now)
        lease.renew(connection, ends)

    def quotas(self, lease: Lease) -> None:
        """Record ``dbaas.quota`` of each project and resource."""
        session.write(self._quotas, lease, self._clock())

    def _quotas(self, connection: Connection, lease: Lease, now: datetime) -> None:
        lease.renew(connection)
        outbox.add(connection, [
            notification.quota(self._conf, row.tenant_id, row.resource, row.in_use, row.hard_limit,
                               row.updated) for row in quotas.all_usages(connection)
        ], now)

    def until_next_period(self) -> float:
        """Return the seconds until the current audit period is complete."""
        interval = self._conf.exists_notification_interval
        ends = notification.last_period(self._clock(), interval)[1] + timedelta(seconds=interval)
        return max(1.0, (ends - self._clock()).total_seconds())
