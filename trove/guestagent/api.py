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
"""RPC client of one guest, used by the control plane; it accepts only sealed replies."""

import itertools
import uuid
from typing import Any

from trove.common import errors
from trove.common import exception
from trove.common.rpc import envelope
from trove.common.rpc import keys
from trove.common.rpc import messages
from trove.common.rpc import topology
from trove.common.rpc import transport

#: Seconds the broker keeps a command for an unreachable guest. The sender repeats a command if it
#: still needs the result; an abandoned command must not run when the guest comes back later.
KEPT = 60

_AWAY = 'The message broker is unreachable, the database server was not contacted. Try again later.'

#: Sender id of this process run; with the sequence number it makes each message unique.
_PROCESS = uuid.uuid4().hex
_numbers = itertools.count(1)


class GuestAPI:
    """Client of one guest.

    :param bus: the guest bus.
    :param key: the instance key (not the seal key).
    :param boot_id: run of the agent that may take the messages, "" for any. A command that must not
        reach a restarted guest names it.
    """

    def __init__(self, bus: transport.Bus, instance_id: str, key: bytes, boot_id: str = '') -> None:
        self._bus = bus
        self.instance_id = instance_id
        self._key = keys.seal_key(key)
        self._boot_id = boot_id or ''

    def cast(self, message: messages.Command) -> None:
        """Send a command; the guest reports its result to the conductor.

        The broker drops the command if the guest does not take it within :data:`KEPT`.

        :raises exception.BrokerError: the broker refused the command. Sending it again is safe
            because the command id stays the same.
        """
        header, wire = self._seal(message)
        try:
            self._cast(wire, min(KEPT, message.deadline or KEPT))
        except transport.BusError as failure:
            raise exception.BrokerError(detail=f'{header.kind}: {failure}') from failure

    def call(self, message: messages.Command, timeout: float) -> dict[str, Any]:
        """Send a command and return its result, in the shape the message class documents.

        :param timeout: seconds.
        :raises exception.GuestError: with the guest's error code and message.
        :raises exception.GuestTimeout: no reply in time; the guest may still run the command.
        :raises exception.BrokerError: the broker is unreachable, the command was not sent.
        """
        header, wire = self._seal(message)
        try:
            reply = self._call(wire, timeout)
        except transport.BusTimeout as late:
            raise exception.GuestTimeout(detail=f'{header.kind}: {late}') from late
        except transport.BusAway as failure:
            raise exception.BrokerError(_AWAY, detail=f'{header.kind}: {failure}') from failure
        except transport.BusError as failure:
            raise exception.GuestError(detail=f'{header.kind}: {failure}') from failure
        return self._open(header, reply)

    def _cast(self, wire: dict[str, Any], keep: float) -> None:
        self._bus.cast(topology.queue(self.instance_id), topology.in_exchange(self.instance_id),
                       'deliver', {'envelope': wire}, keep)

    def _call(self, wire: dict[str, Any], timeout: float) -> Any:
        return self._bus.call(topology.queue(self.instance_id),
                              topology.in_exchange(self.instance_id), 'deliver',
                              {'envelope': wire}, timeout)

    def _seal(self, message: messages.Command) -> tuple[envelope.Header, dict[str, Any]]:
        header = envelope.Header(instance_id=self.instance_id, direction=envelope.DOWN,
                                 kind=message.KIND, boot_id=_PROCESS, seq=next(_numbers),
                                 to_boot=self._boot_id)
        return header, envelope.seal(self._key, header, message.to_wire())

    def _open(self, request: envelope.Header, reply: Any) -> dict[str, Any]:
        try:
            header, body = envelope.open(self._key, reply)
        except envelope.EnvelopeError as refused:
            raise exception.GuestError(
                detail=f'{request.kind}: the reply is not authentic: {refused}') from refused
        if (header.instance_id, header.direction, header.kind, header.about) != (
                self.instance_id, envelope.UP, envelope.REPLY, request.reference):
            raise exception.GuestError(
                detail=f'{request.kind}: the reply belongs to another command')
        failure = body.get('error')
        if isinstance(failure, dict):
            raise guest_failure(failure)
        result = body.get('result')
        if not isinstance(result, dict):
            raise exception.GuestError(detail=f'{request.kind}: the reply has no result')
        return result


def guest_failure(failure: dict[str, Any]) -> exception.GuestError:
    """Return the exception for an error reported by a guest.

    The code must be a known guest code, the message is cut to 1000 characters.
    """
    code = failure.get('code')
    if not isinstance(code, str) or code not in errors.CODES or errors.CODES[code].area != 'guest':
        code = 'guest_error'
    message = failure.get('message')
    if not isinstance(message, str) or not message:
        message = errors.CODES[code].sentence
    return exception.GuestError(message[:1000], code=code)
