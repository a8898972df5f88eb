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

"""A thousand waiting operations in one task manager: no thread and little memory each."""

import datetime
import json
import os
import signal
import subprocess
import sys
import uuid

import pytest
from oslo_config import cfg

from tests.e2e import database_servers
from tests.e2e.guest_bus import ROOT
from tests.perf import living_world, measuring
from trove.db import instances, operations, service_statuses, session, tables
from trove.taskmanager import flows

CONF = cfg.CONF

WAITING = 1000
#: Megabytes of memory of the whole process.
MEGABYTES = 200
#: The workers, the timers, the bus, and a few of libraries.
THREADS = 40

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def taskmanager(tmp_path):
    """Yield a task manager process over instances that all wait for a healthy guest."""
    with database_servers.configured('mariadb', tmp_path / 'mariadb', 5):
        tables.metadata.create_all(session.engine())
        wait_at('instance_create', 'Healthy')
        file = tmp_path / 'trove.conf'
        file.write_text('\n'.join(
            ('[DEFAULT]', 'transport_url = fake://', f'log_file = {tmp_path}/taskmanager.log',
             'inst_rpc_key_encr_key = performance tests only: 0123456789abcdef',
             'state_change_wait_time = 100000', '[guest_bus]',
             'transport_url = rabbit://nobody:nothing@127.0.0.1:9/guests', 'provision = false',
             '[service_credentials]', 'auth_url = http://127.0.0.1:9/v3', 'username = trove',
             'password = p', 'project_name = service', '[database]',
             f'connection = {CONF.database.connection}', '')))
        process = subprocess.Popen([
            sys.executable, '-W', 'ignore', '-m', 'trove.cmd.taskmanager', '--config-file',
            str(file)
        ], cwd=ROOT, env={
            **os.environ, 'PYTHONPATH': str(ROOT)
        }, stdin=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def wait_at(kind, step):
    """Create instances with an open operation each that has reached a step."""
    now = session.utcnow()
    flow = flows.registry()[kind]
    ids = [str(uuid.uuid4()) for _ in range(WAITING)]
    with session.writer() as connection:
        connection.execute(instances.INSTANCES.insert(), [{
            'id': instance_id,
            'created': now,
            'updated': now,
            'name': 'n',
            'tenant_id': 't',
            'flavor_id': 'f',
            'ram': 1,
            'vcpus': 1,
            'server_id_number': 1
        } for instance_id in ids])
        connection.execute(service_statuses.STATUSES.insert(), [
            {'instance_id': instance_id, 'status': 'new'} for instance_id in ids])
        connection.execute(operations.OPERATIONS.insert(), [{
            'id': str(uuid.uuid4()),
            'project_id': 't',
            'resource_type': 'instance',
            'resource_id': instance_id,
            'kind': kind,
            'flow_version': flow.version,
            'steps': json.dumps(flow.step_names),
            'state': 'running',
            'position': flow.step_names.index(step),
            'args': '{}',
            'facts': '{}',
            'active': 1,
            'due_at': now,
            'deadline': now + datetime.timedelta(days=1),
            'created': now,
            'updated': now
        } for instance_id in ids])


def rows(table):
    with session.reader() as connection:
        return connection.execute(table.select()).all()


def threads_of(process):
    return len(os.listdir(f'/proc/{process.pid}/task'))


def test_a_thousand_wait(taskmanager, figures):
    def all_wait():
        assert taskmanager.poll() is None
        return sum(step.outcome == 'wait' for step in rows(operations.STEPS)) == WAITING

    took = living_world.wait_until(all_wait, 300,
                                   lambda: f'{len(rows(operations.STEPS))} have begun to wait')
    held = sum(row.owner is not None for row in rows(operations.OPERATIONS))
    memory, threads = measuring.resident_mb(taskmanager.pid), threads_of(taskmanager)
    figures.note(
        f'{WAITING} waits in one task manager',
        f'{memory:.0f} MB, {threads} threads, {held} in hand '
        f'(all were looked at within {took:.0f} s)', f'{MEGABYTES} MB')
    assert {row.state for row in rows(operations.OPERATIONS)} == {'running'}
    assert held <= CONF.taskmanager.workers
    assert threads <= THREADS
    assert memory <= MEGABYTES
