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

"""Periodic work of which only one task manager of many does a piece at a time.

A chore is claimed in the database like an operation, with a lease and a fencing number: when its holder dies another
one goes on when the lease has run out, and what the former one writes afterwards is refused.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from oslo_log import log as logging

from trove.common import exception
from trove.db import duties, session
from trove.db.session import Connection

LOG = logging.getLogger(__name__)

#: Seconds a chore may take between two of its writes.
LEASE = 60


class Claim:
    """A chore in our hands.

    :ivar done_until: up to which time it was done before, for chores that go through time piece by piece.
    """

    def __init__(self, name: str, number: int, done_until: datetime | None,
                 clock: Callable[[], datetime]) -> None:
        self.name = name
        self.done_until = done_until
        self._number = number
        self._clock = clock

    def prove(self, connection: Connection, done_until: datetime | None = None) -> None:
        """Make the caller's transaction valid only while the chore is ours.

        :param done_until: up to which time it is done with this transaction.
        :raises trove.common.exception.ClaimLost: it is not.
        """
        duties.hold(connection, self.name, self._number, self._clock(), LEASE, done_until)

    def end(self, connection: Connection, pause: float) -> None:
        """Give the chore back. :param pause: seconds until it is due again."""
        duties.done(connection, self.name, self._number, self._clock() + timedelta(seconds=pause))


class Chores:
    """What one task manager does of the work that all share.

    :param owner: names this process; unique among running processes.
    :param clock: UTC now without zone.
    """

    def __init__(self, owner: str, clock: Callable[[], datetime]) -> None:
        self._owner = owner
        self._clock = clock

    def run(self, name: str, pause: float, work: Callable[[Claim], None]) -> bool:
        """Do a chore if it is due and nobody does it.

        :param pause: seconds from its end until it is due again, also after a failure.
        :param work: does it.
        :returns: whether it was done to its end.
        """
        # Most often it is not due: this costs a read and no write.
        if not session.read(duties.due, name, self._clock()):
            return False
        row = session.write(duties.take, name, self._owner, self._clock(), LEASE)
        if row is None:
            return False
        claim = Claim(name, row.claim, row.done_until, self._clock)
        try:
            work(claim)
        except exception.ClaimLost:
            LOG.warning('Chore %s was taken over by another task manager', name)
            return False
        except exception.TroveError as error:
            LOG.warning('Chore %s failed and is tried again: %s %s', name, error.message,
                        error.detail)
            self._give_back(claim, pause)
            return False
        except Exception:
            self._give_back(claim, pause)
            raise
        return self._give_back(claim, pause)

    @staticmethod
    def _give_back(claim: Claim, pause: float) -> bool:
        try:
            session.write(claim.end, pause)
        except exception.ClaimLost:
            LOG.warning('Chore %s was taken over by another task manager', claim.name)
            return False
        return True
