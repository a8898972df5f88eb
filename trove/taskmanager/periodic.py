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

"""Periodic tasks, each run by one task manager of many at a time.

A periodic task is claimed in the database like an operation, with a lease and a fencing number.
When its owner dies, another task manager takes over once the lease has expired, and later writes
of the former owner are refused.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from oslo_log import log as logging

from trove.common import exception
from trove.db import periodic_tasks, session
from trove.db.session import Connection

LOG = logging.getLogger(__name__)

#: Seconds a periodic task may take between two of its writes.
LEASE_SECONDS = 60


class Lease:
    """The lease of a periodic task that this task manager runs.

    :ivar done_until: end of the time span already processed, for tasks that process time in spans.
    """

    def __init__(self, name: str, claim: int, done_until: datetime | None,
                 clock: Callable[[], datetime]) -> None:
        self.name = name
        self.done_until = done_until
        self._claim = claim
        self._clock = clock

    def renew(self, connection: Connection, done_until: datetime | None = None) -> None:
        """Renew the lease in the caller's transaction, which fails if the lease is lost.

        :param done_until: end of the time span that this transaction processes.
        :raises trove.common.exception.ClaimLost: another task manager has taken over.
        """
        periodic_tasks.renew(connection, self.name, self._claim, self._clock(), LEASE_SECONDS,
                             done_until)

    def release(self, connection: Connection, pause: float) -> None:
        """Release the lease.

        :param pause: seconds until the task is due again.
        """
        periodic_tasks.release(connection, self.name, self._claim,
                               self._clock() + timedelta(seconds=pause))


class PeriodicTasks:
    """The periodic tasks of one task manager, shared with all others.

    :param owner: name of this process; unique among running processes.
    :param clock: function that returns UTC now without zone.
    """

    def __init__(self, owner: str, clock: Callable[[], datetime]) -> None:
        self._owner = owner
        self._clock = clock

    def run(self, name: str, pause: float, work: Callable[[Lease], None]) -> bool:
        """Run a periodic task if it is due and no other task manager runs it.

        :param pause: seconds from its end until it is due again, also after a failure.
        :param work: function that does the task's work.
        :returns: whether the work ended without a failure.
        """
        # A task is rarely due: the usual case costs one read and no write.
        if not session.read(periodic_tasks.is_due, name, self._clock()):
            return False
        row = session.write(periodic_tasks.take, name, self._owner, self._clock(), LEASE_SECONDS)
        if row is None:
            return False
        lease = Lease(name, row.claim, row.done_until, self._clock)
        try:
            work(lease)
        except exception.ClaimLost:
            LOG.warning('Periodic task %s was taken over by another task manager', name)
            return False
        except exception.TroveError as error:
            LOG.warning('Periodic task %s failed and will be retried: %s %s', name, error.message,
                        error.detail)
            self._release(lease, pause)
            return False
        except Exception:
            self._release(lease, pause)
            raise
        return self._release(lease, pause)

    @staticmethod
    def _release(lease: Lease, pause: float) -> bool:
        try:
            session.write(lease.release, pause)
        except exception.ClaimLost:
            LOG.warning('Periodic task %s was taken over by another task manager', lease.name)
            return False
        return True
