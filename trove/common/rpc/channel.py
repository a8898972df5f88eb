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

"""Guest's end of the guest bus: seals reports, and opens only new messages addressed to it.

The control plane's end is :class:`trove.guestagent.api.GuestAPI` (calls and casts) and
:mod:`trove.conductor.ingest` (reports).
"""

import collections
import itertools
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from trove.common import errors
from trove.common import exception
from trove.common.rpc import envelope
from trove.common.rpc import keys

LOG = logging.getLogger(__name__)

#: Function (kind, body) that returns the result of a call, None for a cast.
Handler = Callable[[str, dict[str, Any]], dict[str, Any] | None]


def boot_id(epoch: int, starts: int) -> str:
    """Return the name of an agent's run; names sort as text in the order of the runs.

    :param epoch: number of times the control plane has built this guest.
    :param starts: number of starts of the agent since, counted on its disk.
    """
    return f'{epoch:08d}.{starts:08d}'


class ReplayWindow:
    """Accepted messages per sender, in bounded space.

    Messages of one sender may overtake each other, because it has several connections. So the
    newest ``width`` numbers are stored one by one, and older ones are refused.
    """

    def __init__(self, senders: int = 256, width: int = 1024) -> None:
        self._senders = senders
        self._width = width
        self._seen: collections.OrderedDict[str, tuple[int, set[int]]] = collections.OrderedDict()
        self._lock = threading.Lock()

    def accept(self, sender: str, seq: int) -> bool:
        """Return True at the first call for a (sender, seq), else False."""
        with self._lock:
            highest, seen = self._seen.pop(sender, (0, set()))
            fresh = seq not in seen and seq > highest - self._width
            if fresh:
                seen.add(seq)
                if seq > highest:
                    highest = seq
                    if len(seen) > 2 * self._width:
                        seen = {number for number in seen if number > highest - self._width}
            self._seen[sender] = (highest, seen)
            while len(self._seen) > self._senders:
                self._seen.popitem(last=False)
            return fresh


class GuestChannel:
    """Channel that seals messages of a guest and opens messages to it.

    :param key: the instance key (not the seal key).
    :param boot: this run of the agent, see :func:`boot_id`.
    """

    def __init__(self, instance_id: str, key: bytes, boot: str) -> None:
        self.instance_id = instance_id
        self.boot_id = boot
        self._key = keys.seal_key(key)
        self._numbers = itertools.count(1)
        self._window = ReplayWindow()

    def seal(self, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a sealed report for the conductor."""
        return self._seal(kind, body, about='')

    def _seal(self, kind: str, body: Mapping[str, Any], about: str) -> dict[str, Any]:
        header = envelope.Header(instance_id=self.instance_id, direction=envelope.UP, kind=kind,
                                 boot_id=self.boot_id, seq=next(self._numbers), about=about)
        return envelope.seal(self._key, header, body)

    def open(self, wire: Any) -> tuple[envelope.Header, dict[str, Any]]:
        """Open a message of the control plane.

        :raises envelope.EnvelopeError: the message must be ignored.
        """
        header, body = envelope.open(self._key, wire)
        if header.instance_id != self.instance_id or header.direction != envelope.DOWN:
            raise envelope.Misdirected('the message is for another instance or direction')
        if header.to_boot not in ('', self.boot_id):
            raise envelope.Misdirected('the message is for another run of this agent')
        if not self._window.accept(header.boot_id, header.seq):
            raise envelope.Replayed('the message was taken before')
        return header, body

    def result(self, header: envelope.Header, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sealed reply to a call."""
        return self._seal(envelope.REPLY, {'result': dict(result)}, header.reference)

    def error(self, header: envelope.Header, code: str, message: str) -> dict[str, Any]:
        """Return the sealed reply to a call that failed."""
        return self._seal(envelope.REPLY, {'error': {
            'code': code,
            'message': message
        }}, header.reference)


class GuestEndpoint:
    """RPC endpoint of a guest with the one method ``deliver``.

    :param handle: handles opened messages, from several threads. It raises
        :class:`trove.common.exception.TroveError` with a guest code, or ValueError for an invalid
        value.
    """

    def __init__(self, channel: GuestChannel, handle: Handler) -> None:
        self._channel = channel
        self._handle = handle

    def deliver(self, context: Any, envelope: Any) -> dict[str, Any] | None:
        """Open a message, handle it and return the sealed reply; None if it is not authentic."""
        return _deliver(self._channel, self._handle, envelope)


def _deliver(channel: GuestChannel, handle: Handler, wire: Any) -> dict[str, Any] | None:
    try:
        header, body = channel.open(wire)
    except envelope.Misdirected as refused:
        LOG.warning('Instance %s: message refused: %s', channel.instance_id, refused)
        return _stale_boot(channel, wire)
    except envelope.EnvelopeError as refused:
        LOG.warning('Instance %s: message refused: %s', channel.instance_id, refused)
        return None
    try:
        return channel.result(header, handle(header.kind, body) or {})
    except exception.TroveError as failure:
        LOG.info('Instance %s: %s failed: %s (%s)', channel.instance_id, header.kind,
                 failure.message, failure.code)
        return channel.error(header, failure.code, failure.message)
    except ValueError as failure:
        LOG.warning('Instance %s: %s is invalid: %s', channel.instance_id, header.kind, failure)
        return channel.error(header, 'guest_invalid_message', str(failure))
    except Exception:
        LOG.exception('Instance %s: %s failed', channel.instance_id, header.kind)
        return channel.error(header, 'guest_error', errors.CODES['guest_error'].sentence)


def _stale_boot(channel: GuestChannel, wire: Any) -> dict[str, Any] | None:
    """Return the reply for a message to a former run of the agent, so the caller need not time out.
    """
    header = envelope.read_header(wire)
    if header.instance_id != channel.instance_id or header.direction != envelope.DOWN:
        return None
    return channel.error(header, 'guest_stale_boot', errors.CODES['guest_stale_boot'].sentence)
