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

"""Guest inside a test: the real agent and manager over the engine in memory, run step by step.

::

    guest = SimulatedGuest(bus, instance_id, key, tmp_path, clock=lambda: now)
    guest.start()            # the machine boots; the first report goes out
    ...                      # the control plane casts a Prepare
    guest.step()             # runs the accepted commands, then polls and reports once
    guest.kill(); guest.start()    # the agent dies and systemd starts it again

Commands reach it through ``bus.server`` under the topic ``guestagent.<instance id>``.
"""

import collections
import pathlib
from collections.abc import Callable
from typing import Any

from tests.functional.memory_engine import MemoryEngine
from tests.functional.memory_machine import MemoryData, MemoryMachine
from trove.common.rpc import channel, messages, topology
from trove.conductor.api import ConductorAPI
from trove.guestagent.agent import Agent, count_start
from trove.guestagent.datastore.manager import Manager
from trove.guestagent.journal import Journal

VERSION = '1.0.0'


class SimulatedGuest:
    """Guest of a test.

    :param bus: an object with cast, call and server
        (:class:`tests.functional.memory_bus.MemoryBus`).
    :param key: the instance key.
    :param root: directory of its root disk.
    :param volumes: volume id -> content, None for a blank one; share the dictionary to carry a
        volume to another guest.
    :param clock: monotonic seconds. Waits inside the agent take no time.
    """

    def __init__(self, bus: Any, instance_id: str, key: bytes, root: pathlib.Path, *,
                 volumes: dict[str, MemoryData | None] | None = None, boot_epoch: int = 1,
                 report_interval: float = 30, clock: Callable[[], float] = lambda: 0.0,
                 conductor_topic: str = 'trove-conductor') -> None:
        self.bus = bus
        self.instance_id = instance_id
        self.boot_epoch = boot_epoch
        self.machine = MemoryMachine(root, volumes)
        self.engine = MemoryEngine(self.machine)
        self._key = key
        self._clock = clock
        self._report_interval = report_interval
        self._topic = conductor_topic
        #: Accepted long commands that have not run yet.
        self.waiting: collections.deque[Callable[[], None]] = collections.deque()
        #: Kinds of commands that an agent of its release knows.
        self.knows = frozenset(messages.DOWN)
        self.agent: Agent | None = None
        self.boot_id = ''
        #: True while the agent cannot reach the broker.
        self.cut_off = False
        self._server: Any = None

    def start(self) -> None:
        """Start the process of the agent, which receives waiting commands and reports."""
        self.boot_id = channel.boot_id(self.boot_epoch,
                                       count_start(self.machine.state_file('boot.json')))
        guest = channel.GuestChannel(self.instance_id, self._key, self.boot_id)
        manager = Manager(self.engine, self.machine, about={
            'boot_id': self.boot_id,
            'agent_version': VERSION
        }, clock=self._clock, sleep=lambda seconds: None)
        self.agent = Agent(manager, Journal(self.machine.state_file('commands.json'), self._key),
                           ConductorAPI(self.bus, guest, self._topic), self.waiting.append,
                           boot_id=self.boot_id, version=VERSION,
                           report_interval=self._report_interval, clock=self._clock)
        self.agent.start()
        self._server = self.bus.server(topology.queue(self.instance_id), self.instance_id,
                                       [channel.GuestEndpoint(guest, self._handle)])
        self._server.start()
        self.agent.tick()

    def _handle(self, kind: str, body: dict[str, Any]) -> dict[str, Any] | None:
        # An older release does not know a newer command.
        return self.agent.handle(kind if kind in self.knows else f'{kind}OfTomorrow', body)

    @property
    def running(self) -> bool:
        return self.agent is not None

    def step(self) -> None:
        """Run the accepted long commands, then poll the engine and send due or changed reports."""
        if self.agent is None or self.cut_off:
            return
        while self.waiting:
            self.waiting.popleft()()
        self.agent.tick()

    def lose_broker(self) -> None:
        """Cut the network between agent and broker."""
        self.cut_off = True
        self._server.stop()

    def find_broker(self) -> None:
        """Restore the network; the agent receives waiting commands."""
        self.cut_off = False
        self._server.start()

    def kill(self) -> None:
        """Kill the process of the agent; its disk stays as it is."""
        if self._server is not None:
            self._server.stop()
        self.waiting.clear()
        self.agent = self._server = None

    def reboot(self) -> None:
        """Restart the machine and its agent."""
        self.kill()
        self.machine.reboot()
        self.start()
