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

"""The schedule of operations: due times, wake-ups from outside, and a pool of threads.

At most one thread of this process advances an operation. The claim keeps out other processes.
"""

import heapq
import queue
import threading
from collections.abc import Callable
from datetime import datetime

from oslo_log import log as logging

LOG = logging.getLogger(__name__)


class Scheduler:
    """A pool of threads that calls ``advance(operation id)`` when an operation is due.

    :param clock: function that returns UTC now without zone.
    :param workers: number of threads.
    """

    def __init__(self, advance: Callable[[str], bool], clock: Callable[[], datetime],
                 workers: int) -> None:
        self._advance = advance
        self._clock = clock
        self._ready: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._later: list[tuple[datetime, str]] = []
        #: Operation -> its valid entry in the heap above; other entries are ignored.
        self._planned: dict[str, datetime] = {}
        self._queued: set[str] = set()
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f'operations-{number}', daemon=True)
            for number in range(workers)
        ]
        self._threads.append(
            threading.Thread(target=self._watch, name='operations-due', daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Start nothing more, and wait for the running steps."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for _thread in self._threads:
            self._ready.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def now(self, operation_id: str) -> None:
        """Advance an operation as soon as a thread is free; again if it is being advanced."""
        with self._changed:
            if self._stopping or operation_id in self._queued:
                return
            if operation_id in self._running:
                self._again.add(operation_id)
                return
            self._queued.add(operation_id)
        self._ready.put(operation_id)

    def later(self, operation_id: str, when: datetime) -> None:
        """Advance an operation at its due time, or earlier if that is already planned."""
        with self._changed:
            planned = self._planned.get(operation_id)
            if planned is not None and planned <= when:
                return
            self._planned[operation_id] = when
            heapq.heappush(self._later, (when, operation_id))
            self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                timeout = None
                if self._later:
                    timeout = (self._later[0][0] - self._clock()).total_seconds()
                if timeout is None or timeout > 0:
                    self._changed.wait(timeout)
                    continue
                when, operation_id = heapq.heappop(self._later)
                if self._planned.get(operation_id) != when:
                    continue
                del self._planned[operation_id]
            self.now(operation_id)

    def _work(self) -> None:
        while True:
            operation_id = self._ready.get()
            if operation_id is None:
                return
            with self._changed:
                self._queued.discard(operation_id)
                if self._stopping:
                    continue
                self._running.add(operation_id)
            try:
                self._advance(operation_id)
            except Exception:
                # Usually the database is unavailable. When the lease expires, the sweep finds the
                # operation.
                LOG.exception('Operation %s could not be advanced', operation_id)
            finally:
                self._ended(operation_id)

    def _ended(self, operation_id: str) -> None:
        with self._changed:
            self._running.discard(operation_id)
            again = operation_id in self._again
            self._again.discard(operation_id)
        if again:
            self.now(operation_id)
