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

"""The door to a guest, used by the control plane. It only sends, and trusts no answer that is not sealed."""

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

#: Seconds for which the broker keeps a command for a guest that is out of reach. Whoever still waits for its result
#: sends it again before that; one that was given up must not be done by a guest that comes back later.
KEPT = 60

_AWAY = 'The message bus is away, so the database server was not asked. Try again in a moment.'

#: Names this run of this process towards guests; with the number it makes each message unique.
_PROCESS = uuid.uuid4().hex
_numbers = itertools.count(1)


class GuestAPI:
    """Speaks to one guest.

    :param bus: the guest bus.
    :param key: the instance key (not the seal key).
    :param boot_id: the run of the agent these messages are meant for, "" for any. A command that must not reach a
        guest that was restarted in between names it.
    """

    def __init__(self, bus: transport.Bus, instance_id: str, key: bytes, boot_id: str = '') -> None:
        self._bus = bus
        self.instance_id = instance_id
        self._key = keys.seal_key(key)
        self._boot_id = boot_id or ''

    def cast(self, message: messages.Command) -> None:
        """Send a command whose result comes back through the conductor, if the guest takes it within :data:`KEPT`.

        :raises exception.BrokerError: the broker did not take it; sending again is safe, the command id is the same.
        """
        header, wire = self._seal(message)
        try:
            self._bus.cast(topology.queue(self.instance_id), topology.in_exchange(self.instance_id),
                           'deliver', {'envelope': wire}, min(KEPT, message.deadline or KEPT))
        except transport.BusError as failure:
            raise exception.BrokerError(detail=f'{header.kind}: {failure}') from failure

    def call(self, message: messages.Command, timeout: float) -> dict[str, Any]:
        """Send a command and wait for its answer.

        :param timeout: seconds.
        :returns: the result; its shape stands with the message class.
        :raises exception.GuestError: with the guest's code and sentence.
        :raises exception.GuestTimeout: no answer in time. The guest may still do it.
        :raises exception.BrokerError: nobody could be asked just now.
        """
        header, wire = self._seal(message)
        try:
            answer = self._bus.call(topology.queue(self.instance_id),
                                    topology.in_exchange(self.instance_id), 'deliver',
                                    {'envelope': wire}, timeout)
        except transport.BusTimeout as late:
            raise exception.GuestTimeout(detail=f'{header.kind}: {late}') from late
        except transport.BusAway as failure:
            raise exception.BrokerError(_AWAY, detail=f'{header.kind}: {failure}') from failure
        except transport.BusError as failure:
            raise exception.GuestError(detail=f'{header.kind}: {failure}') from failure
        return self._open(header, answer)

    def _seal(self, message: messages.Command) -> tuple[envelope.Header, dict[str, Any]]:
        header = envelope.Header(instance_id=self.instance_id, direction=envelope.DOWN,
                                 kind=message.KIND, boot_id=_PROCESS, seq=next(_numbers),
                                 to_boot=self._boot_id)
        return header, envelope.seal(self._key, header, message.to_wire())

    def _open(self, question: envelope.Header, answer: Any) -> dict[str, Any]:
        try:
            header, body = envelope.open(self._key, answer)
        except envelope.EnvelopeError as refused:
            raise exception.GuestError(
                detail=f'{question.kind}: the answer cannot be trusted: {refused}') from refused
        if (header.instance_id, header.direction, header.kind, header.about) != (
                self.instance_id, envelope.UP, envelope.REPLY, question.reference):
            raise exception.GuestError(detail=f'{question.kind}: the answer is to something else')
        failure = body.get('error')
        if isinstance(failure, dict):
            raise guest_failure(failure)
        result = body.get('result')
        if not isinstance(result, dict):
            raise exception.GuestError(detail=f'{question.kind}: the answer has no result')
        return result


def guest_failure(failure: dict[str, Any]) -> exception.GuestError:
    """The exception for a failure a guest names, bounded: its code must be one of ours, its sentence short."""
    code = failure.get('code')
    if not isinstance(code, str) or code not in errors.CODES or errors.CODES[code].area != 'guest':
        code = 'guest_error'
    message = failure.get('message')
    if not isinstance(message, str) or not message:
        message = errors.CODES[code].sentence
    return exception.GuestError(message[:1000], code=code)
