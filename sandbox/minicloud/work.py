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

"""The background work: jobs recorded with the change that asked for them, done by threads.

A job is a record, written in the transaction of the request that wants it, so it is never
lost: a process that starts finds the jobs its forerunner left and does them again, which every
job must bear. Jobs follow each other where they name the same thing; jobs that only share a
thing (a network many servers use) run side by side.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from minicloud.hypervisor import HypervisorError
from minicloud.state import Record, Transaction

if TYPE_CHECKING:
    from minicloud.cloud import Cloud

LOG = logging.getLogger(__name__)


class Kind(NamedTuple):
    """How one kind of job is done, and what is recorded when it cannot be."""

    run: Callable[..., None]
    #: ``failed(cloud, message, **args)``
    failed: Callable[..., None]


KINDS: dict[str, Kind] = {}


def job(kind: str, failed: Callable[..., None]) -> Callable[[Callable[..., None]],
                                                            Callable[..., None]]:
    """Register ``function(cloud, **args)`` as the way to do jobs of this kind."""
    def register(function: Callable[..., None]) -> Callable[..., None]:
        KINDS[kind] = Kind(function, failed)
        return function
    return register


def submit(tx: Transaction, kind: str, args: dict[str, Any], alone: Iterable[str] = (),
           shared: Iterable[str] = ()) -> None:
    """Record a job; it starts after the transaction is committed.

    ``alone`` names the things only this job may work on, ``shared`` those it needs to stay as
    they are.
    """
    number = tx.count('job')
    tx.put('job', {'id': f'{number:012d}', 'kind': kind, 'args': args,
                   'alone': sorted(set(alone)), 'shared': sorted(set(shared))})


class Work:
    """Does the jobs of one cloud.

    Modes: ``threads`` (a pool, started by :meth:`start`), ``inline`` (within the request that
    asked, before it is answered), ``manual`` (only when :meth:`advance` is called).
    """

    def __init__(self, cloud: 'Cloud', mode: str = 'threads', workers: int = 8):
        if mode not in ('threads', 'inline', 'manual'):
            raise ValueError(f'no such mode of work: {mode}')
        self._cloud = cloud
        self._mode = mode
        self._workers = workers
        self._threads: list[threading.Thread] = []
        self._running: set[str] = set()
        self._changed = threading.Condition()
        self._stopping = False
        #: Grows with every notification, so that none is missed while looking for work.
        self._bell = 0

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
        """Take no further jobs and wait for those under way; the rest stays recorded.

        A job that takes longer than ``timeout`` seconds is left; it is done again later.
        """
        with self._changed:
            self._stopping = True
        self._ring()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def kick(self) -> None:
        """Say that jobs may have been recorded."""
        if self._mode == 'inline':
            self.advance()
        else:
            self._ring()

    def _ring(self) -> None:
        with self._changed:
            self._bell += 1
            self._changed.notify_all()

    def advance(self, limit: int | None = None) -> int:
        """Do recorded jobs in this thread, at most ``limit``, and return how many were done."""
        done = 0
        while (limit is None or done < limit) and (record := self._take()) is not None:
            self._do(record)
            done += 1
        return done

    def idle(self, timeout: float = 30.0) -> bool:
        """Wait until no job is left; return False when that took too long."""
        with self._changed:
            return self._changed.wait_for(self._nothing_left, timeout)

    def _nothing_left(self) -> bool:
        with self._cloud.state.transaction() as tx:
            return not tx.list('job')

    def _take(self) -> Record | None:
        """Claim the first job that no earlier one stands in the way of."""
        with self._cloud.state.transaction() as tx:
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
                message = self._cloud.faults.of_work(record['kind'])
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
            # The record of the failure failed as well: the job must still end, or everything
            # queued behind it would wait for ever.
            LOG.exception('%s %s: the failure could not be recorded', record['kind'], args)
        with self._cloud.state.transaction() as tx:
            tx.remove('job', record['id'])
            self._running.discard(record['id'])
        self._ring()

    def _serve(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                heard = self._bell
            record = self._take()
            if record is not None:
                self._do(record)
                continue
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._bell != heard)
