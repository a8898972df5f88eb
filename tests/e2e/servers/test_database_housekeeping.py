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

"""Periodic tasks and housekeeping on each supported database engine."""

import concurrent.futures
import datetime
import time
import uuid

import pytest
from oslo_config import cfg
from oslo_db import exception as db_exception
from sqlalchemy import text, update

from tests.e2e import database_servers
from trove.common import exception, notification
from trove.db import (heartbeats, instance_drift, instances, migration, operations, outbox,
                      periodic_tasks, purge, quotas, recount, service_statuses, session)

CONF = cfg.CONF
NOW = datetime.datetime(2031, 4, 2, 8, 15, 0, 123456)
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope='module', params=database_servers.ENGINES)
def engine(request, tmp_path_factory):
    """Return the name of an engine that has the schema of Trove."""
    with database_servers.configured(request.param, tmp_path_factory.mktemp('server'),
                                     pool_size=16):
        migration.sync()
        yield session.engine().dialect.name


def make(project, **values):
    instance_id = str(uuid.uuid4())
    session.write(
        instances.create, {
            'id': instance_id,
            'name': 'a',
            'tenant_id': project,
            'flavor_id': 'm1',
            'ram': 1024,
            'vcpus': 1,
            'volume_size': 2,
            'server_id_number': 1,
            'region_id': 'R',
            'compute_instance_id': instance_id,
            'server_status': 'ACTIVE',
            **values
        }, NOW)
    return instance_id


def test_a_periodic_task_is_taken_by_one_of_many_that_try_at_once(engine):
    name = uuid.uuid4().hex

    def take(number):
        return session.write(periodic_tasks.take, name, f'tm-{number}', NOW, 60)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        first = [row for row in pool.map(take, range(8)) if row is not None]
    assert len(first) == 1 and first[0].claim == 1
    session.write(periodic_tasks.release, name, 1, NOW + DAY)
    assert take(1) is None and not session.read(periodic_tasks.is_due, name, NOW) and session.read(
        periodic_tasks.is_due, name, NOW + DAY)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        second = [row for row in pool.map(lambda number: session.write(
            periodic_tasks.take, name, f'tm-{number}', NOW + DAY, 60), range(8)) if row is not None]
    assert len(second) == 1 and second[0].claim == 2
    with pytest.raises(exception.ClaimLost):
        session.write(periodic_tasks.renew, name, 1, NOW, 60)
    session.write(periodic_tasks.renew, name, 2, NOW, 60, NOW)
    assert session.write(periodic_tasks.take, name, 'x', NOW + 2 * DAY, 60).done_until == NOW


def test_notifications_are_kept_complete_and_in_order(engine):
    notices = [
        notification.NotificationMessage('dbaas.test', 'api.x', {
            'text': 'ü 😀',
            'number': number
        }) for number in range(5)
    ]
    session.write(outbox.add, notices, NOW)
    rows = session.read(outbox.first, 100)
    assert [row.id for row in rows] == [notice.id
                                        for notice in notices] and '\\ud83d' in rows[0].payload
    session.write(outbox.sent, [row.seq for row in rows[:4]])
    assert session.read(outbox.backlog) == (1, NOW)
    session.write(outbox.sent, [rows[4].seq])
    assert session.read(outbox.backlog) == (0, None)


def test_only_unchanged_instances_are_recorded(engine):
    instance_id = make('p-watch')
    row = next(row for row in session.read(instance_drift.idle, 'R') if row.id == instance_id)
    assert session.write(instance_drift.record, row, NOW + DAY, server_status='SHUTOFF', drift=None,
                         changes=[('instance.x', 'X.')])
    assert not session.write(instance_drift.record, row, NOW + DAY, server_status='ACTIVE',
                             drift=None, changes=[])
    row = next(row for row in session.read(instance_drift.idle, 'R') if row.id == instance_id)
    assert (row.server_status, row.updated) == ('SHUTOFF', NOW + DAY)
    session.write(operations.create, kind='k', resource_type='instance', resource_id=instance_id,
                  now=NOW, deadline=9, project_id='p')
    assert not session.write(instance_drift.record, row, NOW, server_status='ACTIVE', drift=None,
                             changes=[])
    assert instance_id not in {row.id for row in session.read(instance_drift.idle, 'R')}
    assert session.read(instance_drift.alive, [instance_id, 'nobody']) == {instance_id}
    assert session.read(heartbeats.ages, NOW)['+Inf'] == 0


def test_guests_stop_reporting_and_report_again(engine):
    instance_id = make('p-silent')

    def report(moment):
        session.write(lambda connection: connection.execute(
            update(service_statuses.STATUSES).where(service_statuses.STATUSES.c.instance_id ==
                                                    instance_id).values(
                                                        updated_at=moment, status='healthy')))

    report(NOW)
    assert session.write(heartbeats.mark_silent, NOW + datetime.timedelta(seconds=90), 90) == 0
    assert session.write(heartbeats.mark_silent, NOW + datetime.timedelta(seconds=91), 90) == 1
    report(NOW + DAY)
    assert session.write(heartbeats.mark_silent, NOW + DAY, 90) == 1
    assert session.read(instances.get, instance_id).unreachable_since is None


def test_purge_in_batches(engine):
    project = uuid.uuid4().hex
    ids = [make(project) for _number in range(7)]
    for instance_id in ids:
        session.write(operations.create, kind='k', resource_type='instance',
                      resource_id=instance_id, now=NOW, deadline=9, project_id=project)
        session.write(operations.abandon, 'instance', instance_id, NOW)
        session.write(instances.mark_deleted, instance_id, NOW)
    subject = purge.SUBJECTS[0]
    found = session.read(purge.candidates, subject, NOW + DAY, 5)
    assert len(found) == 5 and session.read(purge.count, subject, NOW + DAY) >= 7
    assert session.read(purge.count, subject, NOW) == 0
    while batch := session.read(purge.candidates, subject, NOW + DAY, 5):
        session.write(purge.purge, subject, batch)
    assert all(
        session.read(instances.get, instance_id, include_deleted=True) is None
        for instance_id in ids)
    for other in purge.SUBJECTS[1:]:
        session.write(purge.purge, other, session.read(purge.candidates, other, NOW + DAY, 5))


def test_a_recount_while_others_consume(engine):
    project = uuid.uuid4().hex
    CONF.set_override('max_instances_per_tenant', -1)

    def create(_number):
        def write(connection):
            quotas.consume(connection, project, {'instances': 1, 'ram': 1024, 'volumes': 2}, NOW)
            instances.create(
                connection, {
                    'id': str(uuid.uuid4()),
                    'name': 'a',
                    'tenant_id': project,
                    'flavor_id': 'm1',
                    'ram': 1024,
                    'vcpus': 1,
                    'volume_size': 2,
                    'server_id_number': 1
                }, NOW)
        session.write(write)

    def count(_number):
        def write(connection):
            found = recount.differences(connection, project, lock=True)
            recount.repair(connection, found, NOW)
            return found
        return session.write(write)

    create(0)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = [pool.submit(create, number) for number in range(15)]
        counted = [pool.submit(count, number) for number in range(15)]
        assert [job.result() for job in counted] == [[]] * 15
        for job in made:
            job.result()
    assert session.read(quotas.usages, project)['instances'] == 16
    assert session.read(recount.differences, project, lock=False) == []
    CONF.clear_override('max_instances_per_tenant')


def test_a_database_that_does_not_respond_times_out(tmp_path):
    """MySQL's and MariaDB's client;

    PostgreSQL's only gives up a silent network, which is not at hand here.
    """
    with database_servers.configured('mariadb', tmp_path, pool_size=4):
        migration.sync()
        session.dispose()
        CONF.set_override('database_answer_timeout', 1)
        begun = time.monotonic()
        try:
            with pytest.raises(db_exception.DBConnectionError), session.writer() as connection:
                connection.execute(text('SELECT SLEEP(30)'))
            assert time.monotonic() - begun < 10
            assert session.read(quotas.usages, 'p')['instances'] == 0
        finally:
            CONF.clear_override('database_answer_timeout')
