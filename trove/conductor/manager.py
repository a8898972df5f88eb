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

"""Conductor: receives reports of guests, verifies them in batches and writes each batch.

An idle conductor writes a report at once. Under load, reports gather for
``[conductor] batch_interval`` seconds. One thread verifies the reports in order of arrival.
"""

import collections
import functools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exception

from trove.common.kinds import ResourceType
from trove.common.process import metrics
from trove.common.rpc import drivers
from trove.common.rpc import keys
from trove.common.rpc import screening
from trove.conductor import ingest, options
from trove.db import (backups, command_results, events, heartbeats, instances, operations,
                      replay_marks, session)
from trove.db.session import Connection
from trove.taskmanager import api as taskmanager_api

LOG = logging.getLogger(__name__)

#: Delay until users see what a heartbeat reports.
LAG = metrics.Histogram(
    'trove_report_lag_seconds', 'From the arrival of the first report of a batch until the batch '
    'was written.', bounds=(0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30))
#: Maximum reports of one guest in the queue; more than a few mean a flood.
MAX_WAITING_PER_GUEST = 50
#: Retention of command results; the operations that need them end much earlier.
KEEP_RESULTS = timedelta(days=7)


class Manager:
    """RPC endpoint of ``conductor_queue`` on the guest bus.

    :param taskmanager: RPC client of the task manager.
    :param clock: returns UTC without a time zone.
    """

    def __init__(self, conf: cfg.ConfigOpts, taskmanager: taskmanager_api.TaskManagerAPI,
                 clock: Callable[[], datetime] = session.utcnow) -> None:
        self._options = conf.conductor
        self._taskmanager = taskmanager
        self._clock = clock
        self._ring = keys.KeyRing.from_conf(conf)
        self._seal_key = functools.lru_cache(maxsize=16384)(self._open_key)
        self._waiting: collections.deque[ingest.Report] = collections.deque()
        self._per_guest: collections.Counter[str | None] = collections.Counter()
        self._changed = threading.Condition()
        self._waiting_since = 0.0
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._counters: collections.Counter[str] = collections.Counter()
        self._logged: collections.Counter[str] = collections.Counter()
        self._examples: dict[str, str] = {}

    # --- endpoint --------------------------------------------------------------------------------

    def deliver(self, context: dict[str, Any], envelope: Any) -> None:
        """Queue a report for :meth:`flush`."""
        report = ingest.Report(drivers.origin_instance(context), envelope)
        with self._changed:
            if self._per_guest[report.origin] >= MAX_WAITING_PER_GUEST:
                self._count(ingest.Reason.FLOOD, report.origin)
                return
            if len(self._waiting) >= self._options.queue_size:
                self._count(ingest.Reason.OVERLOAD, report.origin)
                return
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting.append(report)
            self._per_guest[report.origin] += 1
            self._changed.notify()

    # --- start and stop --------------------------------------------------------------------------

    def start(self) -> None:
        """Open the database connections and start the thread that writes reports."""
        try:
            for use in (session.read, session.write):
                use(lambda _connection: None)
        except db_exception.DBConnectionError as problem:
            LOG.error('The database does not answer: %s', problem)
        self._thread = threading.Thread(target=self._run, name='conductor-writer', daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write the queued reports and end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._stopping:
                    self._changed.wait()
                if self._stopping and not self._waiting:
                    return
            began = time.monotonic()
            try:
                self.flush()
            except Exception:
                LOG.exception('A batch of reports failed')
            rest = self._options.batch_interval - (time.monotonic() - began)
            with self._changed:
                if rest > 0 and not self._stopping:
                    # Only stop() ends the wait; reports that arrive meanwhile are gathered.
                    self._changed.wait_for(lambda: self._stopping, rest)

    # --- work ------------------------------------------------------------------------------------

    def flush(self) -> int:
        """Verify and write up to ``batch_size`` reports; return the number of accepted ones."""
        with self._changed:
            since = self._waiting_since
            batch = [
                self._waiting.popleft()
                for _ in range(min(len(self._waiting), self._options.batch_size))
            ]
            for report in batch:
                self._per_guest[report.origin] -= 1
                if not self._per_guest[report.origin]:
                    del self._per_guest[report.origin]
        if not batch:
            return 0
        accepted, marks = session.read(self._verify, batch)
        if accepted:
            self._write(accepted, marks)
        LAG.observe(time.monotonic() - since)
        return len(accepted)

    def _verify(self, connection: Connection,
                batch: Sequence[ingest.Report]) -> tuple[list[ingest.Accepted], replay_marks.Seen]:
        claimed: set[str] = set()
        readable: list[ingest.Report] = []
        for report in batch:
            try:
                claimed.add(ingest.claimed_instance(report))
                readable.append(report)
            except ingest.Refused as refused:
                self._refuse(refused)
        senders = {
            row.id: ingest.Sender(self._seal_key(row.id, row.encrypted_key), row.deleted,
                                  row.boot_epoch, options.Known(row.restart_required, row.facts))
            for row in heartbeats.senders(connection, sorted(claimed))
        }
        seen = replay_marks.load(connection, sorted(senders))
        before = dict(seen)
        accepted: list[ingest.Accepted] = []
        for report in readable:
            try:
                accepted.append(ingest.verify(report, senders, seen))
            except ingest.Refused as refused:
                self._refuse(refused)
        return accepted, {key: mark for key, mark in seen.items() if before.get(key) != mark}

    def _open_key(self, instance_id: str, sealed: str | None) -> bytes | None:
        if not sealed:
            return None
        try:
            return keys.seal_key(self._ring.open(instance_id, sealed))
        except keys.KeySealError as problem:
            LOG.error('Instance %s: cannot open its key, its reports are refused: %s', instance_id,
                      problem)
            return None

    def _write(self, accepted: Sequence[ingest.Accepted], marks: replay_marks.Seen) -> None:
        try:
            due = session.write(self._store, accepted, marks)
        except db_exception.DBConnectionError as problem:
            # Guests repeat reports and results, so there is no need to wait for the database.
            LOG.error('%d reports are dropped, the database does not answer: %s', len(accepted),
                      problem)
            self._count('failed', amount=len(accepted))
            return
        except Exception:
            if len(accepted) == 1:
                LOG.exception('Instance %s: cannot write its report', accepted[0].instance_id)
                self._count('failed', accepted[0].instance_id)
                return
            # A value that the database refuses must not drop the reports of other guests.
            LOG.warning(
                'Cannot write a batch of %d reports together; writing them one by one',
                len(accepted))
            for report in accepted:
                self._write(
                    [report],
                    {(report.instance_id, report.message.KIND): (report.boot_id, report.seq)})
            return
        self._count('accepted', amount=len(accepted))
        for operation_id in due:
            self._taskmanager.wake(operation_id)

    def _store(self, connection: Connection, accepted: Sequence[ingest.Accepted],
               marks: replay_marks.Seen) -> list[str]:
        now = self._clock()
        changes = ingest.changes(accepted, now)
        replay_marks.save(connection, marks)
        heartbeats.save(connection, [row for _, row in sorted(changes.statuses.items())])
        if changes.results:
            self._store_results(connection, changes, now)
        for instance_id, backup in changes.backups:
            self._store_backup(connection, instance_id, backup, now)
        due = operations.make_due(connection, ResourceType.INSTANCE, sorted(changes.senders), now)
        # After the operations, as in task managers: they lock an operation before its instance.
        for instance_id, news in sorted(changes.news.items()):
            self._store_news(connection, instance_id, news, now)
        return due

    @staticmethod
    def _store_news(connection: Connection, instance_id: str, news: options.News,
                    now: datetime) -> None:
        row = instances.get(connection, instance_id)
        if row is None:
            return
        if news.restart_required is not None:
            instances.change(connection, instance_id, now, restart_required=news.restart_required)
        for type_, text in news.events:
            events.add(connection, resource_type=ResourceType.INSTANCE, resource_id=instance_id,
                       type=type_,
                       text=text, now=now, project_id=row.tenant_id)

    def _store_results(self, connection: Connection, changes: ingest.Changes,
                       now: datetime) -> None:
        reporters = sorted({instance_id for instance_id, _ in changes.results.values()})
        open_operations = command_results.open_operations(connection, reporters)
        known = command_results.known(connection, sorted(
            open_operations.values())) if open_operations else {}
        rows, unrequested = ingest.result_rows(changes.results, open_operations, known, now)
        command_results.add(connection, rows)
        if unrequested:
            self._count(ingest.Reason.UNASKED, reporters[0], amount=unrequested)

    def _store_backup(self, connection: Connection, instance_id: str, report: Any,
                      now: datetime) -> None:
        values = {
            name: value
            for name, value in (('state', report.state), ('size', report.size), ('checksum',
                                                                                 report.checksum),
                                ('location', report.location), ('backup_type', report.backup_type))
            if value is not None
        }
        if not backups.report(connection, instance_id, report.backup_id, now, values):
            self._count(ingest.Reason.UNASKED, instance_id)

    def purge(self) -> None:
        """Delete results of commands after their retention."""
        session.write(command_results.purge, self._clock() - KEEP_RESULTS)

    # --- counters --------------------------------------------------------------------------------

    def stats(self) -> dict[str, int]:
        """Return the number of reports by outcome.

        Outcomes are ``accepted``, ``failed`` and the reasons of :class:`ingest.Reason`.
        """
        return {name: self._counters[name] for name in ('accepted', 'failed', *ingest.Reason.ALL)}

    def register_metrics(self) -> None:
        """Register the counters with the metrics of this process."""
        metrics.REGISTRY.add(
            LAG,
            metrics.CallbackCounter(
                'trove_reports_total',
                'Reports of guests: accepted, failed to be written, or refused and why.',
                ('outcome',),
                lambda: [((name,), number) for name, number in self.stats().items()]),
            metrics.CallbackCounter(
                'trove_messages_refused_total', 'Messages dropped before they were decoded.',
                ('reason',),
                lambda: [((name,), number) for name, number in screening.refused().items()]))

    def log_refused(self) -> None:
        """Log the reports refused since the last call, with one example instance per reason."""
        with self._changed:
            new = {name: count - self._logged[name] for name, count in self._counters.items()
                   if count > self._logged[name]}
            self._logged.update(new)
        refused = {name: count for name, count in new.items() if name != 'accepted'}
        if refused:
            LOG.warning('Reports refused: %s (for example from %s)', refused,
                        {name: self._examples.get(name) for name in refused})

    def _refuse(self, refused: ingest.Refused) -> None:
        LOG.debug('Instance %s: report refused: %s', refused.claimed, refused)
        self._count(refused.reason, refused.claimed)

    def _count(self, name: str, instance_id: str | None = None, amount: int = 1) -> None:
        with self._changed:
            self._counters[name] += amount
            if instance_id:
                self._examples[name] = instance_id
