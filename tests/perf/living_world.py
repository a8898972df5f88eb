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

"""World of the functional tests in which every part runs in its own thread, by the real clock.

One process runs the task managers, the conductor, the agents of all guests and the stand-in of the
cloud, so what is measured here is more than a control plane of its own would have to do.
"""

import functools
import pathlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.functional import world as worlds
from tests.functional.memory_bus import MemoryBus
from trove.common.process.service import Timer
from trove.db import operations, session
from trove.taskmanager.manager import Manager

#: Seconds between two looks of the cloud and of the guests for work.
PAUSE = 0.05
#: Idle agents check their engine once in this number of looks, which makes once a second.
IDLE_LOOKS = 20


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Busy(MemoryBus):
    """A bus in memory on which several threads send."""

    def _deliver(self, topic: str) -> None:
        while topic in self._servers:
            try:
                message = self._waiting[topic].popleft()
            except IndexError:
                return
            self._servers[topic].invoke(*message)


class TaskManagersEndpoint:
    """RPC endpoint shared by all task managers; messages are distributed in turn."""

    def __init__(self) -> None:
        self.managers: list[Manager] = []
        self._turn = 0

    def wake(self, context: Any, operation_id: str) -> None:
        self._turn += 1
        if self.managers:
            self.managers[self._turn % len(self.managers)].wake(context, operation_id)


class LivingWorld:
    """:param taskmanagers: number of task managers."""

    def __init__(self, conf: Any, directory: pathlib.Path, taskmanagers: int = 1) -> None:
        worlds.MemoryBus = Busy  # type: ignore[misc]
        try:
            self.world = worlds.World(conf, _now, directory)
        finally:
            worlds.MemoryBus = MemoryBus  # type: ignore[misc]
        self.endpoint = TaskManagersEndpoint()
        self._look = 0
        self.world.control.server(conf.taskmanager_queue, 'here', [self.endpoint]).start()
        #: Number of step runs that each task manager has recorded.
        self.shares = [0] * taskmanagers
        for number in range(taskmanagers):
            manager = Manager(self.world.runner.tools, f'host:{number}')
            manager.runner.on_step = functools.partial(self._count, number)
            self.endpoint.managers.append(manager)
        self._timers = [
            Timer('cloud', PAUSE, self.world.cloud.advance),
            Timer('guests', PAUSE, self._guests)
        ]
        for manager in self.endpoint.managers:
            self._timers += [Timer('sweep', conf.taskmanager.sweep_interval, manager.sweep),
                             Timer('leases', conf.taskmanager.lease_time / 3, manager.renew_leases)]

    def _count(self, number: int, *_run: Any) -> None:
        self.shares[number] += 1

    def _guests(self) -> None:
        self._look += 1
        for number, guest in enumerate(list(self.world.machines.guests.values())):
            if guest.waiting or (self._look + number) % IDLE_LOOKS == 0:
                guest.step()

    def start(self) -> None:
        self.world.conductor.start()
        for manager in self.endpoint.managers:
            manager.start()
        for timer in self._timers:
            timer.start()

    def stop(self) -> None:
        for timer in self._timers:
            timer.stop()
        for timer in self._timers:
            timer.wait(10)
        for manager in self.endpoint.managers:
            manager.stop()
        self.world.conductor.stop()
        self.world.close()

    def open_operations(self) -> int:
        return sum(row[1] for row in session.read(operations.count_open))


def wait_until(condition: Callable[[], bool], seconds: float, what: Callable[[], str]) -> float:
    """Return the seconds until the condition was met.

        :param what: the condition in words, for the failure message.
        """
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, what()
        time.sleep(0.5)
    return time.monotonic() - begun
