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

"""A hundred actions on ten instances while any process may die at any moment, and nothing is the
worse for it.

``TROVE_E2E_SEED`` repeats what was done and killed in an earlier run; ``TROVE_E2E_SOAK_ACTIONS``
and ``TROVE_E2E_SOAK_SECONDS`` make it longer.
"""

import collections
import concurrent.futures
import os
import time

import pytest

from tests.e2e.service.running import SERVING, factor, report, log_line
from tests.e2e.service.soak import Database, Killer, plans
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1500)]

INSTANCES = 10
ACTIONS = int(os.environ.get('TROVE_E2E_SOAK_ACTIONS', '100'))
SEED = int(os.environ.get('TROVE_E2E_SEED', '1'))
#: Seconds after which another process takes over the work of a dead one; the service's default is a
#: minute.
LEASE = 10
#: Seconds after which users begin nothing more: a machine that others use too must come to an end
#: as well.
BUDGET = float(os.environ.get('TROVE_E2E_SOAK_SECONDS', '420')) * factor()
#: Of a hundred operations that many may fail, each with its reason and without consequences.
MAY_FAIL = 10


@pytest.fixture(scope='module', autouse=True)
def short_lease(service):
    """A lease that ends soon, so that the test does."""
    with service.taskmanager_with('taskmanager', lease_time=LEASE):
        yield


def test_a_hundred_actions_while_processes_die(service, holdings, canaries):
    before = holdings.settled()
    log_line(f'seed {SEED}')
    databases = [Database(service, number, plan, SEED + number)
                 for number, plan in enumerate(plans(ACTIONS, INSTANCES, SEED))]
    begun = time.monotonic()
    with canaries.paused(), concurrent.futures.ThreadPoolExecutor(INSTANCES) as pool:
        for job in [pool.submit(database.create) for database in databases]:
            job.result()
        created = time.monotonic()
        log_line(f'{INSTANCES} instances exist after {created - begun:.0f} s')
        with Killer(service, holdings.machines, SEED) as killer:
            for job in [pool.submit(database.run, created + BUDGET) for database in databases]:
                job.result()
        worked = time.monotonic()
        assert killer.failure is None, killer.failure
        service.reconnect()
        settle(service, databases)
        settled = time.monotonic()
        for job in [pool.submit(database.check) for database in databases]:
            job.result()
    report_figures(service, databases, killer, created - begun, worked - created, settled - worked)
    exact(service)
    for database in databases:
        service.delete(database.id)
    for database in databases:
        service.wait_gone(database.id, 240)
    holdings.assert_as_before(before, 60)
    exact(service)


def settle(service, databases):
    """Nothing is stuck: all operations end, and every instance serves."""
    def open_operations():
        return service.rows(
            'SELECT resource_id, kind, state, position FROM operations WHERE active = 1')

    wait_for('no operation is open', lambda: not open_operations(), 240 * factor(), interval=0.5,
             state=open_operations)
    for database in databases:
        def serves(instance_id=database.id):
            shown = service.show(instance_id)
            return shown['status'] in (
                *SERVING, 'RESTART_REQUIRED') and shown['operating_status'] in ('HEALTHY', 'ACTIVE',
                                                                                'RESTART_REQUIRED')
        wait_for(f'{database.id} serves', serves, 120 * factor(), interval=0.5,
                 state=lambda instance_id=database.id: service.story(instance_id))
    assert service.rows('SELECT operation_id FROM operation_steps WHERE outcome IS NULL') == []


def exact(service):
    """Check that quotas match the rows and that no resource lacks its counterpart."""
    for words, expected in ((['quota_recount', '--dry-run'], 'The stored usage is correct.'),
                            (['orphans'], 'No resource is without its instance.')):
        output = service.managed(*words)
        assert output.strip().splitlines()[-1] == expected, output


def report_figures(service, databases, killer, creating, working, settling):
    """Show what has happened."""
    outcomes = collections.Counter(outcome for database in databases
                                   for _, outcome, _ in database.done)
    report(
        f'soak, seed {SEED}: {INSTANCES} creates in {creating:.0f} s, {sum(outcomes.values())} of '
        f'{ACTIONS} actions '
        f'in {working:.0f} s, settled after {settling:.0f} s more')
    report('soak, killed: ' +
           ', '.join(f'{name} {number}' for name, number in sorted(killer.deaths.items())))
    report(f'soak, ended by themselves: {dict(killer.ended) or "none"}')
    for action in sorted({name for database in databases for name, _, _ in database.done}):
        took = [
            seconds for database in databases for name, _, seconds in database.done
            if name == action
        ]
        ends = collections.Counter(end for database in databases for name, end, _ in database.done
                                   if name == action)
        report(f'soak, {action}: ' +
               ', '.join(f'{number} {end}' for end, number in sorted(ends.items())) +
               f'; {sum(took) / len(took):.1f} s on average, {max(took):.1f} s at most')
    lost = service.rows(
        "SELECT COUNT(*) AS number FROM operation_steps WHERE outcome = 'lost'")[0].number
    rows = sum(len(database.rows) for database in databases)
    report(
        f'soak: {lost} attempts of steps were lost with their task manager; {rows} rows were '
        f'accepted and found '
        f'again')
    assert sum(outcomes.values()) >= ACTIONS / 4, 'too few actions for a result'
    failed = sum(number for end, number in outcomes.items() if end != 'succeeded')
    assert failed <= MAY_FAIL * ACTIONS / 100, outcomes
