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

"""The control plane's database on each supported engine: schema, races, pages."""

import concurrent.futures
import datetime
import functools
import itertools
import random
import threading
import time
import uuid

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from oslo_config import cfg

from tests.e2e import database_servers
from trove.common import exception
from trove.common.context import RequestContext
from trove.common.listing import Order
from trove.common.rpc import clients
from trove.configuration import models as configuration_models
from trove.db import (configurations, datastores, events, instance_addresses, instance_filters,
                      instance_pages, instances, migration, operations, quotas, replay_marks,
                      session, tables)
from trove.instance import models as instance_models
from trove.taskmanager.models import Runner
from trove.taskmanager.scheduler import Scheduler
from trove.taskmanager.step import Done, Flow, Step, Tools, Wait

CONF = cfg.CONF
NOW = datetime.datetime(2031, 4, 2, 8, 15, 0, 123456)


@pytest.fixture(scope='module', params=database_servers.ENGINES)
def database(request, tmp_path_factory):
    """Return an engine with the schema of the migrations."""
    with database_servers.configured(request.param, tmp_path_factory.mktemp('server'),
                                     pool_size=16):
        assert migration.sync() == (None, migration.head())
        yield session


def instance_row(project, instance_id=None, **values):
    return {
        'id': instance_id or str(uuid.uuid4()),
        'name': 'a',
        'tenant_id': project,
        'flavor_id': 'm1',
        'ram': 1024,
        'vcpus': 1,
        'volume_size': 2,
        'volume_support': True,
        'server_id_number': 1,
        'boot_epoch': 1,
        'restart_required': False,
        'deletion_protection': False,
        'deleted': False,
        **values
    }


def test_migrations_lead_to_the_declared_schema(database):
    assert migration.sync() == (migration.head(), migration.head())
    with session.engine().connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_any_character_is_kept_with_any_charset_in_the_url(database):
    former = CONF.database.connection
    CONF.set_override('connection', former.replace('charset=utf8mb4', 'charset=utf8'), 'database')
    try:
        row = instance_row('p-words', name='orders ü 😀 \ud55c')
        database.write(instances.create, row, NOW)
        assert database.read(instances.get, row['id']).name == row['name']
        assert database.read(instances.get, '😀') is None
    finally:
        CONF.set_override('connection', former, 'database')


def test_fifty_creates_with_a_quota_of_ten_give_exactly_ten(database):
    project = uuid.uuid4().hex

    def create(_number):
        def work(connection):
            quotas.consume(connection, project, {'instances': 1, 'ram': 1024, 'volumes': 2}, NOW)
            instances.create(connection, instance_row(project), NOW)
        try:
            session.write(work)
            return True
        except exception.QuotaExceeded as refused:
            assert "['instances']" in refused.message
            return False

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        results = list(pool.map(create, range(50)))
    assert results.count(True) == CONF.max_instances_per_tenant == 10
    rows = session.read(instance_pages.page, project, limit=100).rows
    assert len(rows) == 10
    assert session.read(quotas.usages, project) == {
        'instances': 10,
        'ram': 10240,
        'volumes': 20,
        'backups': 0
    }

    for row in rows:
        session.write(instances.mark_deleted, row.id, NOW)
        session.write(instances.mark_deleted, row.id, NOW)
    assert set(session.read(quotas.usages, project).values()) == {0}
    assert session.read(instance_pages.page, project, limit=100).rows == []


def test_an_operation_is_claimed_once(database):
    resource = str(uuid.uuid4())
    operation_id = session.write(operations.create, kind='test', resource_type='instance',
                                 resource_id=resource, now=NOW, deadline=60, project_id='p')
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        takers = list(
            pool.map(lambda name: session.write(operations.take, operation_id, str(name), NOW, 60),
                     range(8)))
    assert sum(row is not None for row in takers) == 1


class Touch(Step):
    """A step that changes the same rows as reports and other steps."""

    def __init__(self, number):
        self.number = number

    @property
    def name(self):
        return f'Touch{self.number}'

    def run(self, work):
        if not work.waited:
            return Wait(0.02, at_most=60, code='guest_silent', reason='a report')
        return Done(facts={self.name: True}, events=[('touched', 'It was touched.')], changes=[
            functools.partial(instances.change, instance_id=work.resource_id, now=session.utcnow(),
                              server_status='ACTIVE'),
            lambda connection: instance_addresses.replace(connection, work.resource_id, [
                {'kind': 'private', 'address': '10.0.0.1', 'family': 4}], ['private'])])


def _deleted(work):
    return [
        lambda connection: instances.mark_deleted(connection, work.resource_id, session.utcnow())
    ]


def test_no_deadlock_reaches_a_runner(database):
    """A failed transaction would delay its operation by a lease."""
    flow = Flow('load', 1, 'Loading', 'instance', tuple(map(Touch, range(4))), load=instances.get,
                succeeded=_deleted, failed=lambda *_why: [])
    tools = Tools(conf=CONF, clock=session.utcnow, cloud=None, broker=None, guest=None, keys=None,
                  read=session.read)
    troubles, ids = [], [str(uuid.uuid4()) for _ in range(32)]

    def recorded(function):
        def call(*args):
            try:
                return function(*args)
            except Exception as error:
                troubles.append(repr(error))
        return call

    runner = Runner({'load': flow}, tools, 'load', later=lambda *due: scheduler.later(*due))
    scheduler = Scheduler(recorded(runner.advance), session.utcnow, 4)

    @recorded
    def report(number):
        beat, some = f'00000001.{number:08d}', sorted(random.Random(number).sample(ids, 12))

        def write(connection):
            replay_marks.save(connection, {(one, 'Heartbeat'): (beat, 1) for one in some})
            return operations.make_due(connection, 'instance', some, session.utcnow())

        for operation_id in database.write(write):
            scheduler.now(operation_id)

    for one in ids:
        database.write(instances.create, instance_row('p-load', one), NOW)
        scheduler.now(
            database.write(operations.create, kind='load', resource_type='instance',
                           resource_id=one, now=session.utcnow(), deadline=600,
                           project_id='p-load'))
    scheduler.start()
    end = time.monotonic() + 60

    def reports(first):
        for number in itertools.count(first, 2):
            report(number)
            recorded(runner.renew_leases)()
            if time.monotonic() > end or not any(
                    database.read(operations.open_of, 'instance', one) for one in ids):
                return

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(reports, (1, 2)))
    scheduler.stop()
    assert time.monotonic() < end, 'operations are stuck'
    assert troubles == []


def test_one_of_many_parallel_requests_gets_the_resource(database):
    resource = str(uuid.uuid4())

    def open_one(_number):
        try:
            return session.write(operations.create, kind='test', resource_type='instance',
                                 resource_id=resource, now=NOW, deadline=60, project_id='p')
        except exception.Unprocessable as refused:
            assert refused.code == 'operation_in_progress'
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        opened = [found for found in pool.map(open_one, range(8)) if found]
    assert len(opened) == 1
    assert session.read(operations.open_of, 'instance', resource).id == opened[0]


class IdleTaskManager:
    """RPC client that wakes no task manager."""

    def wake(self, operation_id):
        """Do nothing."""


@pytest.fixture
def no_taskmanager():
    clients.setup(clients.Clients(keys=None, taskmanager=IdleTaskManager, guest=None))
    yield
    clients.setup(None)


def test_an_instance_is_not_protected_and_deleted_at_the_same_time(database, no_taskmanager):
    """Of a protect and a delete at the same time, the second one is refused."""
    context = RequestContext(user_id='u', project_id='p', overwrite=False)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _round in range(40):
            row = instance_row('p')
            session.write(instances.create, row, NOW)
            found, barrier = session.read(instances.get, row['id']), threading.Barrier(2)

            def started(work, barrier=barrier):
                barrier.wait()
                try:
                    work()
                    return True
                except (exception.Conflict, exception.Unprocessable):
                    return False

            accepted = list(
                pool.map(started, (lambda: instance_models.delete(context, found),
                                   lambda: instance_models.protect(context, found, True))))
            after = session.read(instances.get, row['id'])
            assert (after.operation_kind == 'instance_delete',
                    after.deletion_protection) == tuple(accepted)
            assert sorted(accepted) == [False, True], 'one of the two'


def test_times_keep_their_microseconds_and_events_their_order(database):
    resource = str(uuid.uuid4())
    for number in range(5):
        session.write(events.add, resource_type='instance', resource_id=resource, type=f'e{number}',
                      text='x', now=NOW)
    page = session.read(events.of_resource, resource, 3)
    assert [row.type for row in page] == ['e4', 'e3', 'e2'] and page[0].time == NOW
    rest = session.read(events.of_resource, resource, 3, page[-1].id)
    assert [row.type for row in rest] == ['e1', 'e0']


def test_pages_are_complete_and_disjoint(database):
    project = uuid.uuid4().hex
    ids = sorted(str(uuid.uuid4()) for _number in range(7))
    for instance_id in ids:
        session.write(instances.create, instance_row(project, instance_id), NOW)
    first = session.read(instance_pages.page, project, limit=4).rows
    second = session.read(instance_pages.page, project, limit=4, marker=first[-1].id).rows
    assert [row.id for row in first] + [row.id for row in second] == ids
    assert {row.service_status for row in first} == {'new'}


def test_a_row_of_a_page_is_as_the_database_has_it(database):
    project, instance_id = uuid.uuid4().hex, str(uuid.uuid4())
    name = 'a"b\'c\\\\d 🐬 % {} \n\t é'
    row = dict(instance_row(project, instance_id), name=name, access={'is_public': True})
    session.write(instances.create, row, NOW)
    session.write(instances.create, dict(instance_row(project), slave_of_id=instance_id), NOW)
    operations_of(instance_id)
    address = {
        'kind': 'private',
        'address': '10.0.0.1',
        'family': 4,
        'port_id': None,
        'network_id': 'n',
        'subnet_id': None,
        'mac': None
    }
    session.write(instance_addresses.replace, instance_id,
                  [address, {
                      **address, 'address': '10.0.0.2'
                  }, {
                      **address, 'kind': 'management'
                  }], ['private', 'management'])
    page = session.read(instance_pages.page, project, limit=10, detailed=True)
    assert len(page.rows) == 2
    for row in page.rows:
        known = session.read(instances.get, row.id)
        for column in instance_pages.DETAIL:
            assert getattr(row, column) == getattr(known, column), column
            assert type(getattr(row, column)) is type(getattr(known, column)), column
    own = next(row for row in page.rows if row.id == instance_id)
    assert own.name == name and own.has_replicas is True and own.backup_running is False
    assert page.addresses[instance_id] == [('private', '10.0.0.1', 4, 'n'),
                                           ('private', '10.0.0.2', 4, 'n')]
    assert [[row.slave_of_id for row in rows] for rows in page.replicas.values()] == [[instance_id]]


def operations_of(instance_id):
    """Open an operation."""
    return session.write(operations.create, kind='instance_restart', resource_type='instance',
                         resource_id=instance_id, now=NOW, deadline=60, project_id='p')


@pytest.fixture
def version_id(database):
    """Create a version with ten parameters."""
    def make(connection):
        datastore_id = datastores.ensure_datastore(connection, 'mariadb')
        made = datastores.create_version(
            connection, datastore_id, {
                'name': uuid.uuid4().hex,
                'version': '1',
                'manager': 'mariadb',
                'active': True,
                'registry_ext': '',
                'repl_strategy': ''
            })
        datastores.replace_parameters(connection, made, [{
            'name': f'p{number}',
            'data_type': 'integer',
            'restart_required': False,
            'max_size': '100',
            'min_size': '0'
        } for number in range(10)])
        return made
    return session.write(make)


def new_group(version_id, **values):
    return session.write(configurations.create, name='g', description=None, tenant_id='p',
                         version_id=version_id, new=values, now=NOW)


def test_parallel_changes_of_a_group_lose_nothing(version_id):
    group = new_group(version_id, p0=0)
    context = RequestContext(user_id='u', project_id='p', overwrite=False)

    def change(number):
        configuration_models.edit(context, group, {f'p{number}': number})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(1, 10)))
    assert session.read(configurations.values, group) == {
        f'p{number}': number
        for number in range(10)
    }
    configuration_models.edit(context, group, {'P3': 33})
    found = session.read(configurations.values, group)
    assert (found['P3'], len(found)) == (33, 10)


def test_a_version_is_deleted_with_its_deleted_groups(version_id):
    group = new_group(version_id, p0=0)
    assert session.read(datastores.uses_of_version, version_id)['configurations'] == 1
    session.write(configurations.mark_deleted, group, NOW)
    session.write(datastores.delete_version, version_id)
    assert session.read(datastores.version, version_id) is None


def test_a_runner_that_lost_its_operation_to_a_reset_cannot_write(database):
    resource = str(uuid.uuid4())

    def open_one():
        return session.write(operations.create, kind='test', resource_type='instance',
                             resource_id=resource, now=NOW, deadline=60, project_id='p')

    first = open_one()
    claim = session.write(operations.take, first, 'a', NOW, 60).claim
    assert session.write(operations.abandon, 'instance', resource, NOW).id == first
    with pytest.raises(exception.ClaimLost):
        session.write(operations.save, first, claim, NOW, attempt=1)
    second = open_one()
    assert session.write(operations.take, second, 'b', NOW, 60) is None
    assert second not in session.read(operations.due, NOW, 1000)
    assert session.write(operations.release_abandoned, first, 'a', NOW) == second
    assert session.write(operations.take, second, 'b', NOW, 60).claim == 1


@pytest.mark.parametrize('descending', [False, True])
@pytest.mark.parametrize('key', instance_filters.SORT_KEYS)
def test_sorted_pages_contain_every_row_once(database, key, descending):
    project = uuid.uuid4().hex
    for number in range(7):
        moment = NOW + datetime.timedelta(seconds=number // 2)
        session.write(instances.create, instance_row(project, name=f'n{number // 3}'), moment)
    filters, marker, seen = instance_filters.Filters(order=Order(key, descending)), None, []
    while page := session.read(instance_pages.page, project, limit=2, marker=marker,
                               filters=filters, detailed=True).rows:
        seen += [(getattr(row, key), row.id) for row in page]
        marker = page[-1].id
    assert len(seen) == 7 and seen == sorted(seen, reverse=descending)
