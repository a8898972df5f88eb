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

"""Writes of the conductor on each supported database engine: only newer reports count, in any order
of arrival.
"""

import concurrent.futures
import datetime
import itertools
import random
import uuid

from oslo_config import cfg
import pytest
from sqlalchemy import select

from tests.e2e import database_servers
from trove.db import (command_results, heartbeats, instances, operations, replay_marks,
                      service_statuses, session, tables)

CONF = cfg.CONF
NOW = datetime.datetime(2031, 4, 2, 8, 15, 0, 123456)

pytestmark = pytest.mark.e2e


@pytest.fixture(scope='module', params=database_servers.ENGINES)
def database(request, tmp_path_factory):
    with database_servers.configured(request.param, tmp_path_factory.mktemp('server'), pool_size=8):
        tables.metadata.create_all(session.engine())
        yield session


def new_instance():
    identifier = str(uuid.uuid4())
    session.write(
        instances.create, {
            'id': identifier,
            'name': 'a',
            'tenant_id': 'p',
            'flavor_id': 'f',
            'ram': 1,
            'vcpus': 1,
            'server_id_number': 1
        }, NOW)
    return identifier


def report(instance_id, boot, seq, status='healthy', **values):
    return {
        'instance_id': instance_id,
        'status': status,
        'reason': None,
        'updated_at': NOW,
        'boot_id': boot,
        'seq': seq,
        'agent_version': None,
        'engine_version': None,
        'volume_total': seq,
        'volume_used': None,
        'facts': {},
        **values
    }


def status(instance_id):
    statement = select(heartbeats.STATUSES).where(heartbeats.STATUSES.c.instance_id == instance_id)
    return session.read(lambda connection: connection.execute(statement).one())


MARKS = [('00000001.00000001', 5), ('00000001.00000001', 6), ('00000001.00000002', 1),
         ('00000002.00000001', 1)]


@pytest.mark.parametrize('first, second', list(itertools.product(MARKS, MARKS)))
def test_only_a_newer_report_replaces_the_stored_one_and_does_so_completely(
        database, first, second):
    instance_id = new_instance()
    session.write(heartbeats.save, [report(instance_id, *first, status='running')])
    session.write(heartbeats.save, [report(instance_id, *second, status='crashed')])
    newest = max(first, second) if first != second else first
    row = status(instance_id)
    assert (row.boot_id, row.seq, row.volume_total) == (*newest, newest[1])
    assert row.status == ('crashed' if second > first else 'running')


def test_each_row_of_a_statement_is_compared_separately(database):
    ids = [new_instance() for _ in range(6)]
    session.write(heartbeats.save,
                  [report(instance_id, '00000001.00000001', 5) for instance_id in ids])
    session.write(service_statuses.set_status, ids[5], 'deleted', NOW)
    session.write(heartbeats.save, [report(instance_id, '00000001.00000001', 3 + number, 'crashed')
                                    for number, instance_id in enumerate(ids)])
    assert [status(instance_id).status for instance_id in ids] == [
        'healthy', 'healthy', 'healthy', 'crashed', 'crashed', 'deleted']


def test_all_columns_are_read_back_unchanged(database):
    instance_id = new_instance()
    session.write(heartbeats.save, [
        report(instance_id, '00000001.00000001', 2 ** 62, reason="it's 🐬 \"gone\" \\",
               volume_total=2 ** 62, volume_used=0, engine_version='10.11', agent_version='1',
               facts={'pending_restart': ['ä']})
    ])
    row = status(instance_id)
    assert (row.reason, row.volume_total, row.volume_used, row.seq, row.updated_at) == (
        "it's 🐬 \"gone\" \\", 2 ** 62, 0, 2 ** 62, NOW)


@pytest.mark.parametrize('first, second', list(itertools.product(MARKS, MARKS)))
def test_marks_only_move_forward(database, first, second):
    instance_id = str(uuid.uuid4())
    for mark in (first, second):
        session.write(replay_marks.save, {
            (instance_id, 'Heartbeat'): mark,
            (instance_id, 'Other'): first
        })
    assert session.read(replay_marks.load, [instance_id]) == {
        (instance_id, 'Heartbeat'): max(first, second), (instance_id, 'Other'): first}


def test_many_conductors_at_once_end_with_the_newest(database):
    ids = [new_instance() for _ in range(5)]
    batches = [[report(instance_id, f'00000001.{start:08d}', seq) for instance_id in sorted(ids)]
               for start in range(1, 5) for seq in range(1, 11)]
    random.shuffle(batches)

    def save(batch):
        session.write(heartbeats.save, batch)
        session.write(
            replay_marks.save,
            {(row['instance_id'], 'Heartbeat'): (row['boot_id'], row['seq'])
             for row in batch})
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(save, batches))
    for instance_id in ids:
        assert (status(instance_id).boot_id, status(instance_id).seq) == ('00000001.00000004', 10)
    assert set(session.read(replay_marks.load, ids).values()) == {('00000001.00000004', 10)}


def test_first_result_of_a_command_stays(database):
    instance_id = new_instance()
    operation = session.write(operations.create, kind='test', resource_type='instance',
                              resource_id=instance_id, now=NOW, deadline=60, project_id='p')
    command = str(uuid.uuid4())
    row = {
        'command_id': command,
        'instance_id': instance_id,
        'operation_id': operation,
        'kind': 'Prepare',
        'outcome': 'done',
        'step': None,
        'error_code': None,
        'message': None,
        'data': {
            'a': '\x00'
        },
        'received': NOW
    }
    for outcome in ('done', 'failed'):
        session.write(command_results.add, [{**row, 'outcome': outcome},
                                            {**row, 'command_id': str(uuid.uuid4())}])
    assert session.read(command_results.get, command).outcome == 'done'
    assert session.read(command_results.open_operations, [instance_id]) == {instance_id: operation}
    assert len(session.read(command_results.known, [operation])[operation]) == 3


def test_senders(database):
    instance_id = new_instance()
    rows = session.read(heartbeats.senders, [instance_id, str(uuid.uuid4())])
    assert [(row.id, row.encrypted_key, bool(row.deleted), row.boot_epoch) for row in rows] == [
        (instance_id, None, False, 1)]
    assert session.read(heartbeats.senders, []) == []
