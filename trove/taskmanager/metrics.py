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

"""Metrics of a task manager: operations, steps, notifications, and reports of guests."""

from collections.abc import Callable, Iterable
from datetime import datetime

from trove.common.process import metrics
from trove.db import heartbeats as heartbeat_rows
from trove.db import instance_drift, operations, outbox, session

OPERATIONS = metrics.Histogram('trove_operation_seconds',
                               'Duration of operations that ended here, from request to end.',
                               ('kind', 'state'))
STEPS = metrics.Histogram('trove_step_seconds',
                          'Duration of steps that ended here, from start to end.',
                          ('kind', 'step', 'outcome'))
WORK = metrics.Histogram(
    'trove_step_work_seconds', 'Duration of single runs of steps, including calls to the cloud and '
    'to guests, excluding the waits between runs.', ('kind', 'step'))


def register(clock: Callable[[], datetime]) -> None:
    """Register all metrics.

    Gauges read the database at each scrape, so every task manager exports the same values.
    """
    def open_operations() -> Iterable[metrics.Sample]:
        return [((row[0],), row[1]) for row in session.read(operations.count_open)]

    def oldest_operations() -> Iterable[metrics.Sample]:
        return [((row[0],), _age(clock(), row[2])) for row in session.read(operations.count_open)]

    def waiting_notifications() -> Iterable[metrics.Sample]:
        return [((), session.read(outbox.backlog)[0])]

    def heartbeats() -> Iterable[metrics.Sample]:
        found = session.read(heartbeat_rows.ages, clock())
        return [((word,), number) for word, number in found.items()]

    def drifted() -> Iterable[metrics.Sample]:
        return [((word,), number) for word, number in session.read(instance_drift.counts)]

    metrics.REGISTRY.add(
        OPERATIONS, STEPS, WORK,
        metrics.CallbackGauge('trove_open_operations', 'Operations that are open.', ('kind',),
                              open_operations),
        metrics.CallbackGauge('trove_open_operation_oldest_seconds',
                              'Age of the oldest open operation.', ('kind',), oldest_operations),
        metrics.CallbackGauge('trove_notifications_waiting',
                              'Notifications that are recorded but not yet sent.', (),
                              waiting_notifications),
        metrics.CallbackGauge('trove_guests',
                              'Guests by age of their last report: upper bound in seconds.',
                              ('le',), heartbeats),
        metrics.CallbackGauge('trove_drifted_instances',
                              'Instances with missing or changed cloud resources.', ('drift',),
                              drifted))


def observe_step(kind: str, name: str, outcome: str, work: float, elapsed: float | None) -> None:
    """Observe one run of a step.

    :param work: seconds of this run.
    :param elapsed: seconds since the step began; None while it waits.
    """
    WORK.observe(work, kind, name)
    if elapsed is not None:
        STEPS.observe(elapsed, kind, name, outcome)


def _age(now: datetime, since: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
