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

"""Buses of a functional test: queues in this process, delivered in the sender's thread.

Messages wait for a receiver, and pass through JSON, so that no objects are shared.
"""

import collections
import json
from collections.abc import Callable
from typing import Any

from trove.common.rpc import drivers, transport


class MemoryBus:
    """Bus like :class:`trove.common.rpc.transport.Bus`; messages to a topic without a server wait.

    :param seconds: the broker's clock.
    """

    def __init__(self, seconds: Callable[[], float] = lambda: 0.0) -> None:
        self.seconds = seconds
        self._servers: dict[str, 'MemoryServer'] = {}
        self._waiting: dict[str, collections.deque] = collections.defaultdict(collections.deque)
        #: True while the broker is away: senders get BusAway.
        self.broken = False
        #: (topic, method, payload) of every accepted message.
        self.taken: list[tuple[str, str, dict[str, Any]]] = []

    def cast(self, topic: str, exchange: str | None, method: str, payload: dict[str, Any],
             keep: float | None = None) -> None:
        self._take(topic, method, payload)
        context = {drivers.ORIGIN: exchange or ''}
        until = None if keep is None else self.seconds() + keep
        self._waiting[topic].append((context, method, json.dumps(payload), until))
        self._deliver(topic)

    def call(self, topic: str, exchange: str | None, method: str, payload: dict[str, Any],
             timeout: float) -> Any:
        self._take(topic, method, payload)
        if topic not in self._servers:
            raise transport.BusTimeout(f'nobody serves {topic}')
        answer = self._servers[topic].invoke({drivers.ORIGIN: exchange or ''}, method,
                                             json.dumps(payload))
        return json.loads(json.dumps(answer))

    def server(self, topic: str, server: str, endpoints: list[Any],
               exchange: str | None = None) -> 'MemoryServer':
        return MemoryServer(self, topic, endpoints)

    def close(self) -> None:
        self._servers.clear()

    def _take(self, topic: str, method: str, payload: dict[str, Any]) -> None:
        if self.broken:
            raise transport.BusAway('the broker is away')
        self.taken.append((topic, method, payload))

    def _deliver(self, topic: str) -> None:
        while topic in self._servers and self._waiting[topic]:
            self._servers[topic].invoke(*self._waiting[topic].popleft())


class MemoryServer:
    """RPC server with start, stop and wait."""

    def __init__(self, bus: MemoryBus, topic: str, endpoints: list[Any]) -> None:
        self._bus = bus
        self._topic = topic
        self._endpoints = endpoints

    def start(self) -> None:
        self._bus._servers[self._topic] = self
        self._bus._deliver(self._topic)

    def stop(self) -> None:
        self._bus._servers.pop(self._topic, None)

    def wait(self) -> None:
        """Do nothing: no thread is left."""

    def invoke(self, context: dict[str, Any], method: str, payload: str,
               until: float | None = None) -> Any:
        """Deliver a message.

        :param until: time of the broker after which it drops the message.
        """
        if until is not None and self._bus.seconds() > until:
            return None
        for endpoint in self._endpoints:
            if hasattr(endpoint, method):
                return getattr(endpoint, method)(context, **json.loads(payload))
        raise transport.BusError(f'nobody answers {method}')
