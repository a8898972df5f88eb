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

"""Two hundred instances created at once: the time, and the division of work among task managers."""

import os
import statistics
import time

import pytest
from oslo_config import cfg

from tests.e2e import database_servers
from tests.functional import cloud_in_process
from tests.perf import living_world, measuring
from trove.common import cfg as options
from trove.db import operations, session, tables

CONF = cfg.CONF

NUMBER = 200
#: Seconds until all of them are ACTIVE, on two cores with nothing else to do.
SECONDS = 60.0
#: Factor by which a shared machine may be slower; the bar is compared with CPU seconds, too.
PATIENCE = 6

pytestmark = pytest.mark.timeout(900)

_ROOM = {
    **cloud_in_process.DOCUMENT, 'networks': [{
        **network, 'subnets': [{
            **subnet, 'cidr': subnet['cidr'].replace('.0.0/24', '.0.0/16')
        } for subnet in network['subnets']]
    } for network in cloud_in_process.DOCUMENT['networks']],
    'quotas': {
        'compute': {
            'instances': -1,
            'cores': -1,
            'ram': -1
        },
        'network': {
            'security_group': -1,
            'security_group_rule': -1,
            'port': -1
        },
        'volume': {
            'volumes': -1,
            'gigabytes': -1
        }
    }
}


@pytest.fixture(scope='module')
def database(tmp_path_factory):
    with database_servers.configured('mariadb', tmp_path_factory.mktemp('mariadb'), 32):
        tables.metadata.create_all(session.engine())
        yield


@pytest.fixture
def conf(database, monkeypatch):
    options.register(CONF)
    for name, value in {'inst_rpc_key_encr_key': 'performance tests only: 0123456789abcdef',
                        'max_instances_per_tenant': -1, 'max_volumes_per_tenant': -1,
                        'max_ram_per_tenant': -1}.items():
        CONF.set_override(name, value)
    monkeypatch.setattr(cloud_in_process, 'DOCUMENT', _ROOM)
    monkeypatch.setattr(os, 'fsync', lambda descriptor: None)
    with session.writer() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            connection.execute(table.delete())
    return CONF


def rows(table):
    with session.reader() as connection:
        return connection.execute(table.select()).all()


def states():
    found = {}
    for row in rows(operations.OPERATIONS):
        found[row.state] = found.get(row.state, 0) + 1
    return found


def story():
    waiting = {}
    for step in rows(operations.STEPS):
        if step.ended is None:
            waiting[step.name, step.note] = waiting.get((step.name, step.note), 0) + 1
    return f'{states()}, at work: {waiting}'


@pytest.mark.parametrize('taskmanagers', [1, 2])
def test_two_hundred_creates_at_once(conf, tmp_path, figures, taskmanagers):
    living = living_world.LivingWorld(conf, tmp_path, taskmanagers)
    try:
        living.start()
        begun, used = time.monotonic(), time.process_time()
        ids = [living.world.create(name=f'n{number}') for number in range(NUMBER)]
        requested = time.monotonic() - begun
        slow = []

        def all_done():
            slow.append(measuring.slowness())
            return not living.open_operations()
        living_world.wait_until(all_done, SECONDS * PATIENCE, story)
        took, cpu = time.monotonic() - begun, time.process_time() - used
        statuses = {living.world.status(instance_id) for instance_id in ids}
    finally:
        living.stop()
    steps = rows(operations.STEPS)
    busy = sum(step.busy_ms for step in steps) / NUMBER / 1000
    at_rest = cpu / statistics.mean(slow)
    figures.note(
        f'{NUMBER} creates at once, {taskmanagers} task managers',
        f'ACTIVE after {took:.1f} s (requested in {requested:.1f} s); {cpu:.0f} s CPU of everybody '
        f'together, '
        f'{at_rest:.0f} s at rest; each: {len(steps) / NUMBER:.1f} steps, {busy:.2f} s busy; '
        f'runs of steps by each: {living.shares}', f'{SECONDS:.0f} s')
    assert statuses == {'ACTIVE'}, states()
    assert {step.outcome for step in steps} == {'done'}
    assert_no_step_twice(steps)
    assert {row.owner for row in rows(operations.OPERATIONS)} == {None}
    # All of them have worked, each at a fair share.
    assert min(living.shares) > sum(living.shares) / taskmanagers / 4
    # All parts share one busy interpreter: its CPU time is the duration at rest.
    assert min(took, at_rest) <= SECONDS


def assert_no_step_twice(steps):
    """Check that each step of each operation began once, one after the other."""
    by_operation = {}
    for step in sorted(steps, key=lambda step: (step.operation_id, step.seq)):
        by_operation.setdefault(step.operation_id, []).append(step)
    for theirs in by_operation.values():
        assert len({step.name for step in theirs}) == len(theirs)
        for former, following in zip(theirs, theirs[1:], strict=False):
            assert former.ended is not None and former.ended <= following.started, (former,
                                                                                    following)
