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

"""Verification of guest reports, and the rows they change. Pure: takes and returns data.

A report is accepted if it came through the sender's own exchange, opens under the sender's key,
names the sender, is newer than the last accepted one, and has every field within bounds. Any other
report changes nothing and is counted by reason.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, MutableMapping
from datetime import datetime
from typing import Any

from trove.common.rpc import envelope
from trove.common.rpc import messages
from trove.conductor import options

#: Maximum size of a report's cipher text in bytes.
MAX_REPORT = 64 * 1024
#: Results stored per operation: a flow sends a few commands, a hostile guest could report many.
MAX_RESULTS = 32

_BOOT = re.compile(r'(?P<epoch>\d{8})\.\d{8}')


class Reason:
    """Reasons to refuse a report; also the keys of the conductor's counters."""

    MALFORMED = 'malformed'
    UNSEALED = 'unsealed'
    FORGED = 'forged'
    FORGED_SENDER = 'forged_sender'
    UNKNOWN_INSTANCE = 'unknown_instance'
    DELETED = 'deleted'
    STALE = 'stale'
    UNKNOWN_KIND = 'unknown_kind'
    OUT_OF_BOUNDS = 'out_of_bounds'
    UNASKED = 'unasked'
    FLOOD = 'flood'
    OVERLOAD = 'overload'

    ALL = (MALFORMED, UNSEALED, FORGED, FORGED_SENDER, UNKNOWN_INSTANCE, DELETED, STALE,
           UNKNOWN_KIND, OUT_OF_BOUNDS, UNASKED, FLOOD, OVERLOAD)


class Refused(Exception):
    """Report that must not change anything.

    :param claimed: instance named by the report, if any.
    """

    def __init__(self, reason: str, claimed: str | None = None, detail: str = '') -> None:
        super().__init__(f'{reason}: {detail}' if detail else reason)
        self.reason = reason
        self.claimed = claimed


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """Message as received.

    :param origin: owner of the exchange the message came through; None for other exchanges.
    """
    origin: str | None
    wire: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Sender:
    """Stored facts about the sender of a report.

    :param seal_key: None if the instance has no key.
    """
    seal_key: bytes | None
    deleted: bool
    boot_epoch: int
    known: options.Known = options.Known()


@dataclasses.dataclass(frozen=True, slots=True)
class Accepted:
    """Verified report."""
    instance_id: str
    boot_id: str
    seq: int
    message: messages.Message
    known: options.Known = options.Known()


def claimed_instance(report: Report) -> str:
    """Return the instance named by a report, after the checks that need no key.

    :raises Refused: the report is not sealed, or came through another instance's exchange.
    """
    try:
        header = envelope.read_header(report.wire)
    except envelope.EnvelopeError as problem:
        raise Refused(problem.reason, report.origin, str(problem)) from None
    if report.origin != header.instance_id:
        raise Refused(Reason.FORGED_SENDER, header.instance_id,
                      f'came through the exchange of {report.origin}')
    return header.instance_id


def verify(report: Report, senders: Mapping[str, Sender],
           seen: MutableMapping[tuple[str, str], tuple[str, int]]) -> Accepted:
    """Verify one report.

    :param senders: senders by instance id.
    :param seen: newest accepted report by (instance id, kind); moved forward on success.
    :raises Refused: the report must not change anything.
    """
    instance_id = claimed_instance(report)
    sender = senders.get(instance_id)
    if sender is None:
        raise Refused(Reason.UNKNOWN_INSTANCE, instance_id)
    if sender.deleted:
        raise Refused(Reason.DELETED, instance_id)
    if sender.seal_key is None:
        raise Refused(Reason.FORGED, instance_id, 'the instance has no key')
    try:
        header, body = envelope.open(sender.seal_key, report.wire, max_bytes=MAX_REPORT)
    except envelope.EnvelopeError as problem:
        raise Refused(problem.reason, instance_id, str(problem)) from None
    if header.direction != envelope.UP:
        # The control plane sent it under the same key, the guest reflected it.
        raise Refused(Reason.FORGED, instance_id, 'a message to the guest came back')
    _check_order(header, sender, seen)
    message = _parse(header, body)
    seen[(instance_id, header.kind)] = (header.boot_id, header.seq)
    return Accepted(instance_id, header.boot_id, header.seq, message, sender.known)


def _check_order(header: envelope.Header, sender: Sender,
                 seen: Mapping[tuple[str, str], tuple[str, int]]) -> None:
    boot = _BOOT.fullmatch(header.boot_id)
    if boot is None or int(boot['epoch']) > sender.boot_epoch:
        # With a later epoch, a guest could block the reports of its successor after a rebuild.
        raise Refused(Reason.OUT_OF_BOUNDS, header.instance_id, 'boot_id is not one of this build')
    last = seen.get((header.instance_id, header.kind), ('', 0))
    if int(boot['epoch']) < sender.boot_epoch or (header.boot_id, header.seq) <= last:
        raise Refused(Reason.STALE, header.instance_id, f'{header.kind} {header.reference}')


def _parse(header: envelope.Header, body: dict[str, Any]) -> messages.Message:
    try:
        return messages.parse(messages.UP, header.kind, body)
    except KeyError:
        raise Refused(Reason.UNKNOWN_KIND, header.instance_id, header.kind) from None
    except ValueError as problem:
        raise Refused(Reason.OUT_OF_BOUNDS, header.instance_id, str(problem)) from None


@dataclasses.dataclass
class Changes:
    """Rows that a batch of accepted reports changes.

    :param statuses: rows for :func:`trove.db.heartbeats.save` by instance id.
    :param results: (instance id, result) by command id.
    :param backups: (instance id, report) in order of arrival.
    :param news: changes of the engine's options by instance id.
    :param senders: instances with open operations that may wait for a report.
    """
    statuses: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    results: dict[str, tuple[str, messages.CommandResult]] = dataclasses.field(default_factory=dict)
    backups: list[tuple[str, messages.UpdateBackup]] = dataclasses.field(default_factory=list)
    news: dict[str, options.News] = dataclasses.field(default_factory=dict)
    senders: set[str] = dataclasses.field(default_factory=set)


def changes(accepted: Iterable[Accepted], now: datetime) -> Changes:
    """Return the changes of accepted reports; the newest heartbeat of a guest wins.

    :param accepted: reports in order of arrival.
    :param now: time of the control plane's clock; a guest's clock is never used.
    """
    found = Changes()
    for report in accepted:
        found.senders.add(report.instance_id)
        match report.message:
            case messages.Heartbeat() as heartbeat:
                found.statuses[report.instance_id] = _status_row(report, heartbeat, now)
                _keep_news(found, report, heartbeat)
                for result in heartbeat.results:
                    found.results.setdefault(result.command_id, (report.instance_id, result))
            case messages.CommandResult() as result:
                found.results.setdefault(result.command_id, (report.instance_id, result))
            case messages.UpdateBackup() as backup:
                found.backups.append((report.instance_id, backup))
    return found


def _keep_news(found: Changes, report: Accepted, heartbeat: messages.Heartbeat) -> None:
    news = options.news(heartbeat, report.known)
    if news is not None:
        found.news[report.instance_id] = news
    else:
        # A later report of the batch returned to the stored state.
        found.news.pop(report.instance_id, None)


def _status_row(report: Accepted, heartbeat: messages.Heartbeat, now: datetime) -> dict[str, Any]:
    facts = {
        'volume_available': heartbeat.volume.get('available'),
        'engine_uptime': heartbeat.engine.get('uptime'),
        **options.facts(heartbeat)
    }
    return {
        'instance_id': report.instance_id,
        'status': heartbeat.service_status,
        'reason': heartbeat.reason or None,
        'updated_at': now,
        'boot_id': report.boot_id,
        'seq': report.seq,
        'agent_version': heartbeat.agent_version or None,
        'engine_version': heartbeat.engine.get('version'),
        'volume_total': heartbeat.volume.get('total'),
        'volume_used': heartbeat.volume.get('used'),
        'facts': {
            name: value
            for name, value in facts.items()
            if value not in (None, [], '')
        }
    }


def result_rows(results: Mapping[str, tuple[str, messages.CommandResult]],
                open_operations: Mapping[str, str], known: Mapping[str, set[str]],
                now: datetime) -> tuple[list[dict[str, Any]], int]:
    """Return the results to store: those of the sender's open operation that are not stored yet.

    :param open_operations: operation id by instance id.
    :param known: ids of commands with stored results, by operation id.
    :returns: rows for :func:`trove.db.command_results.add`, and the number of results beyond the
        limit of an operation.
    """
    rows: list[dict[str, Any]] = []
    unrequested = 0
    counts = {operation: len(commands) for operation, commands in known.items()}
    for command_id, (instance_id, result) in results.items():
        operation_id = open_operations.get(instance_id)
        if operation_id is None or result.operation_id != operation_id:
            # Heartbeats repeat the last results long after their operation has ended.
            continue
        if command_id in known.get(operation_id, ()):
            continue
        if counts.get(operation_id, 0) >= MAX_RESULTS:
            unrequested += 1
            continue
        counts[operation_id] = counts.get(operation_id, 0) + 1
        rows.append({
            'command_id': command_id,
            'instance_id': instance_id,
            'operation_id': operation_id,
            'kind': result.kind,
            'outcome': result.outcome,
            'step': result.step or None,
            'error_code': result.error_code or None,
            'message': result.message or None,
            'data': result.data,
            'received': now
        })
    return rows, unrequested
