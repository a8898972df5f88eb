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

"""Which reports of guests are believed, and what follows from them. Pure: takes rows and data, returns data.

A report counts when it came through the sender's own exchange, opens under the sender's key, names the sender, is
newer than what was acted on before, and has every field within bounds. Anything else changes nothing and is counted
by reason.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, MutableMapping
from datetime import datetime
from typing import Any

from trove.common.rpc import envelope
from trove.common.rpc import messages
from trove.conductor import options

#: Bytes of cipher text a report may have.
MAX_REPORT = 64 * 1024
#: Results kept per operation: a flow sends a few commands, a hostile guest may name many.
MAX_RESULTS = 32

_BOOT = re.compile(r'(?P<epoch>\d{8})\.\d{8}')


class Reason:
    """Why a report is refused; the keys of the conductor's counters."""

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
    """A report that must not change anything.

    :param claimed: the instance it claims to be from, if it says.
    """

    def __init__(self, reason: str, claimed: str | None = None, detail: str = '') -> None:
        super().__init__(f'{reason}: {detail}' if detail else reason)
        self.reason = reason
        self.claimed = claimed


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """One message as it arrived.

    :param origin: the instance whose exchange it came through, None when it came another way.
    """
    origin: str | None
    wire: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Sender:
    """What is known of an instance.

    :param seal_key: None when it has no key.
    """
    seal_key: bytes | None
    deleted: bool
    boot_epoch: int
    known: options.Known = options.Known()


@dataclasses.dataclass(frozen=True, slots=True)
class Accepted:
    instance_id: str
    boot_id: str
    seq: int
    message: messages.Message
    known: options.Known = options.Known()


def claimed_instance(report: Report) -> str:
    """The instance a report claims to be from, after the checks that need no key.

    :raises Refused: it is no sealed report, or came through another instance's exchange.
    """
    try:
        header = envelope.read_header(report.wire)
    except envelope.EnvelopeError as problem:
        raise Refused(problem.reason, report.origin, str(problem)) from None
    if report.origin != header.instance_id:
        raise Refused(Reason.FORGED_SENDER, header.instance_id,
                      f'came through the exchange of {report.origin}')
    return header.instance_id


def judge(report: Report, senders: Mapping[str, Sender],
          seen: MutableMapping[tuple[str, str], tuple[str, int]]) -> Accepted:
    """Decide about one report.

    :param senders: what is known, by instance id.
    :param seen: newest report acted on, by (instance id, kind); moved forward when this one is accepted.
    :raises Refused: it must not change anything.
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
        # Sent by the control plane under the same key, and now reflected.
        raise Refused(Reason.FORGED, instance_id, 'a message to the guest came back')
    _check_order(header, sender, seen)
    message = _parse(header, body)
    seen[(instance_id, header.kind)] = (header.boot_id, header.seq)
    return Accepted(instance_id, header.boot_id, header.seq, message, sender.known)


def _check_order(header: envelope.Header, sender: Sender,
                 seen: Mapping[tuple[str, str], tuple[str, int]]) -> None:
    boot = _BOOT.fullmatch(header.boot_id)
    if boot is None or int(boot['epoch']) > sender.boot_epoch:
        # A guest that could name a later epoch would silence its own successor after a rebuild.
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
    """What a batch of accepted reports asks to write.

    :param statuses: by instance id, rows for :func:`trove.db.heartbeats.save`.
    :param results: by command id, (instance id, result).
    :param backups: (instance id, report) in order of arrival.
    :param news: by instance id, what is new about the options of its engine.
    :param heard_of: instances whose open operations may be waiting for this.
    """
    statuses: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    results: dict[str, tuple[str, messages.CommandResult]] = dataclasses.field(default_factory=dict)
    backups: list[tuple[str, messages.UpdateBackup]] = dataclasses.field(default_factory=list)
    news: dict[str, options.News] = dataclasses.field(default_factory=dict)
    heard_of: set[str] = dataclasses.field(default_factory=set)


def changes(accepted: Iterable[Accepted], now: datetime) -> Changes:
    """Gather what accepted reports ask for; of several heartbeats of one guest the newest counts.

    :param accepted: in order of arrival.
    :param now: the control plane's clock; the guest's own is never used.
    """
    wanted = Changes()
    for report in accepted:
        wanted.heard_of.add(report.instance_id)
        match report.message:
            case messages.Heartbeat() as heartbeat:
                wanted.statuses[report.instance_id] = _status_row(report, heartbeat, now)
                _keep_news(wanted, report, heartbeat)
                for result in heartbeat.results:
                    wanted.results.setdefault(result.command_id, (report.instance_id, result))
            case messages.CommandResult() as result:
                wanted.results.setdefault(result.command_id, (report.instance_id, result))
            case messages.UpdateBackup() as backup:
                wanted.backups.append((report.instance_id, backup))
    return wanted


def _keep_news(wanted: Changes, report: Accepted, heartbeat: messages.Heartbeat) -> None:
    found = options.news(heartbeat, report.known)
    if found is not None:
        wanted.news[report.instance_id] = found
    else:
        # Back to what is known, within one batch.
        wanted.news.pop(report.instance_id, None)


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
    """Which results to store: those of the sender's own open operation, not stored yet, and not too many.

    :param open_operations: instance id -> operation id.
    :param known: operation id -> ids of commands whose results are stored.
    :returns: rows for :func:`trove.db.command_results.add`, and how many nobody asked for.
    """
    rows: list[dict[str, Any]] = []
    unasked = 0
    counts = {operation: len(commands) for operation, commands in known.items()}
    for command_id, (instance_id, result) in results.items():
        operation_id = open_operations.get(instance_id)
        if operation_id is None or result.operation_id != operation_id:
            # Heartbeats repeat the last results long after their operation has closed.
            continue
        if command_id in known.get(operation_id, ()):
            continue
        if counts.get(operation_id, 0) >= MAX_RESULTS:
            unasked += 1
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
    return rows, unasked
