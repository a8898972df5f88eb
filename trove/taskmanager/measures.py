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

"""What a task manager measures: operations, steps, notifications, and how guests report."""

from collections.abc import Callable, Iterable
from datetime import datetime

from trove.common import metrics
from trove.db import operations, outbox, session, watch

OPERATIONS = metrics.Histogram('trove_operation_seconds',
                               'Operations that ended here, from asked for to ended.',
                               ('kind', 'state'))
STEPS = metrics.Histogram('trove_step_seconds', 'Steps that ended here, from begun to ended.',
                          ('kind', 'step', 'outcome'))
WORK = metrics.Histogram(
    'trove_step_work_seconds', 'Runs of steps: the time in our own code, the cloud and guests '
    'included, without the waiting in between.', ('kind', 'step'))


def register(clock: Callable[[], datetime]) -> None:
    """Show all of it. What is in the database is asked for when somebody looks, and the same in each task manager."""
    def open_operations() -> Iterable[metrics.Sample]:
        return [((row[0],), row[1]) for row in session.read(operations.count_open)]

    def oldest_operations() -> Iterable[metrics.Sample]:
        return [((row[0],), _age(clock(), row[2])) for row in session.read(operations.count_open)]

    def waiting_notifications() -> Iterable[metrics.Sample]:
        return [((), session.read(outbox.backlog)[0])]

    def heartbeats() -> Iterable[metrics.Sample]:
        found = session.read(watch.heartbeat_ages, clock())
        return [((word,), number) for word, number in found.items()]

    def drifted() -> Iterable[metrics.Sample]:
        return [((word,), number) for word, number in session.read(watch.drifted)]

    metrics.REGISTRY.add(
        OPERATIONS, STEPS, WORK,
        metrics.Asked('trove_open_operations', 'Operations that are open.', ('kind',),
                      open_operations),
        metrics.Asked('trove_open_operation_oldest_seconds', 'Age of the oldest open operation.',
                      ('kind',), oldest_operations),
        metrics.Asked('trove_notifications_waiting',
                      'Notifications that are written down and not sent.', (),
                      waiting_notifications),
        metrics.Asked('trove_guests',
                      'Guests by how long ago they reported: the upper bound in seconds.', ('le',),
                      heartbeats),
        metrics.Asked('trove_drifted_instances',
                      'Instances whose cloud resources are not as they should be.', ('drift',),
                      drifted))


def step(kind: str, name: str, outcome: str, work: float, elapsed: float | None) -> None:
    """A run of a step. :param elapsed: seconds since the step began; None while it waits."""
    WORK.observe(work, kind, name)
    if elapsed is not None:
        STEPS.observe(elapsed, kind, name, outcome)


def _age(now: datetime, since: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
