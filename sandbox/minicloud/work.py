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

"""Background jobs: recorded with the change that needs them, run by threads.

A job is a record, written in the transaction of the request that needs it, so it is never lost. A
new process runs the unfinished jobs of the former one again, so every job must be repeatable. Jobs
with the same object run one after the other. Jobs that only share an object (a network of many
servers) run side by side.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from minicloud.faults import FaultPlan
from minicloud.hypervisor import HypervisorError
from minicloud.state import Record, State, Transaction

LOG = logging.getLogger(__name__)


class Kind(NamedTuple):
    """Implementation of one kind of job, and of the record of its failure."""

    run: Callable[..., None]
    #: ``failed(cloud, message, **args)``
    failed: Callable[..., None]


KINDS: dict[str, Kind] = {}


def job(kind: str, failed: Callable[..., None]) -> Callable[[Callable[..., None]],
                                                            Callable[..., None]]:
    """Register ``function(cloud, **args)`` as the implementation of this kind of job."""
    def register(function: Callable[..., None]) -> Callable[..., None]:
        KINDS[kind] = Kind(function, failed)
        return function
    return register


def submit(tx: Transaction, kind: str, args: dict[str, Any], alone: Iterable[str] = (),
           shared: Iterable[str] = ()) -> None:
    """Record a job; it starts after the transaction is committed.

    ``alone`` names the objects that no other job may use meanwhile, ``shared`` those that no other
    job may change.
    """
    number = tx.count('job')
    tx.put('job', {'id': f'{number:012d}', 'kind': kind, 'args': args,
                   'alone': sorted(set(alone)), 'shared': sorted(set(shared))})


class Work:
    """Runner of the jobs of one cloud.

    Modes: ``threads`` (a pool, started by :meth:`start`), ``inline`` (within the request, before
    its response), ``manual`` (only in :meth:`advance`).
    """

    def __init__(self, state: State, faults: FaultPlan, cloud: Any, mode: str = 'threads',
                 workers: int = 8):
        """Create the runner.

        :param cloud: first argument of every job; the runner itself does not use it.
        """
        if mode not in ('threads', 'inline', 'manual'):
            raise ValueError(f'no such mode of work: {mode}')
        self._state = state
        self._faults = faults
        self._cloud = cloud
        self._mode = mode
        self._workers = workers
        self._threads: list[threading.Thread] = []
        self._running: set[str] = set()
        self._changed = threading.Condition()
        self._stopping = False
        #: Grows with every notification, so that none is missed during the search for jobs.
        self._generation = 0

    def start(self) -> None:
        """Start the pool, if the mode has one."""
        if self._mode != 'threads' or self._threads:
            return
        self._threads = [
            threading.Thread(target=self._serve, name=f'work-{number}', daemon=True)
            for number in range(self._workers)]
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 30.0) -> None:
        """Start no further jobs and wait for the running ones; the others stay recorded.

        A job that takes longer than ``timeout`` seconds is abandoned and repeated later.
        """
        with self._changed:
            self._stopping = True
        self._notify()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def kick(self) -> None:
        """Notify the runner that jobs may have been recorded."""
        if self._mode == 'inline':
            self.advance()
        else:
            self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._generation += 1
            self._changed.notify_all()

    def advance(self, limit: int | None = None) -> int:
        """Run recorded jobs in this thread, at most ``limit``, and return their number."""
        done = 0
        while (limit is None or done < limit) and (record := self._take()) is not None:
            self._do(record)
            done += 1
        return done

    def idle(self, timeout: float = 30.0) -> bool:
        """Wait until no job is left; return False after the timeout."""
        with self._changed:
            return self._changed.wait_for(self._nothing_left, timeout)

    def _nothing_left(self) -> bool:
        with self._state.transaction() as tx:
            return not tx.list('job')

    def _take(self) -> Record | None:
        """Claim the first job that no earlier one blocks."""
        with self._state.transaction() as tx:
            alone: set[str] = set()
            shared: set[str] = set()
            for record in tx.list('job'):
                wants_alone, wants_shared = set(record['alone']), set(record['shared'])
                free = (record['id'] not in self._running
                        and not wants_alone & (alone | shared) and not wants_shared & alone)
                if free:
                    self._running.add(record['id'])
                    return record
                alone |= wants_alone
                shared |= wants_shared
        return None

    def _do(self, record: Record) -> None:
        kind = KINDS[record['kind']]
        args = record['args']
        try:
            try:
                message = self._faults.of_work(record['kind'])
                if message is not None:
                    raise HypervisorError(message)
                kind.run(self._cloud, **args)
            except HypervisorError as error:
                LOG.warning('%s %s failed: %s', record['kind'], args, error)
                kind.failed(self._cloud, str(error), **args)
            except Exception as error:
                LOG.exception('%s %s failed unexpectedly', record['kind'], args)
                kind.failed(self._cloud, f'{type(error).__name__}: {error}', **args)
        except Exception:
            # Recording the failure failed as well. The job must still end; otherwise everything
            # queued behind it would wait for ever.
            LOG.exception('%s %s: the failure could not be recorded', record['kind'], args)
        with self._state.transaction() as tx:
            tx.remove('job', record['id'])
            self._running.discard(record['id'])
        self._notify()

    def _serve(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                seen = self._generation
            record = self._take()
            if record is not None:
                self._do(record)
                continue
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._generation != seen)
