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

"""Modules, backups and their lists on the engines of production, which are stricter than SQLite."""

import concurrent.futures
import datetime
import itertools
import uuid

import pytest

from tests.e2e import database_servers
from tests.e2e.servers.test_databases import NOW, instance_row
from trove.common import exception, states
from trove.common.listing import Order, Window
from trove.db import (backup_strategies, backups, configurations, datastores, instance_filters,
                      instance_pages, instances, migration, modules, quotas, session)


@pytest.fixture(scope='module', params=database_servers.ENGINES)
def database(request, tmp_path_factory):
    """Return an engine with the schema of the migrations."""
    with database_servers.configured(request.param, tmp_path_factory.mktemp('server'),
                                     pool_size=16):
        migration.sync()
        yield session


def module_row(name, tenant_id=None, **values):
    return {
        'id': str(uuid.uuid4()),
        'name': name,
        'type': 'ping',
        'contents': 'v1:x:y',
        'md5': 32 * 'a',
        'tenant_id': tenant_id,
        'datastore_id': None,
        'datastore_version_id': None,
        **values
    }


def test_of_two_equal_modules_created_at_once_one_exists(database):
    def make(_number):
        try:
            session.write(modules.create, module_row('alike'), NOW)
        except exception.BadRequest:
            return 0
        return 1

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(16))) == 1
    [found] = session.read(modules.listed, None, name='alike')
    session.write(modules.mark_deleted, found.id, NOW)
    assert make(0) == 1, 'the name is free again'


def test_large_contents_are_kept(database):
    row = module_row('large', contents='v1:' + 'x' * 2_000_000)
    session.write(modules.create, row, NOW)
    assert session.read(modules.contents, row['id']) == row['contents']


def test_strategies_set_at_once_become_one(database):
    project = uuid.uuid4().hex

    def put(number):
        session.write(backup_strategies.put, project, '', 'swift', f'c{number}', NOW)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(8)))
    assert len(session.read(backup_strategies.of_project, project)) == 1


def test_an_instance_has_a_module_once(database):
    project = uuid.uuid4().hex
    instance, module = instance_row(project), module_row(f'once-{project}', project)
    session.write(instances.create, instance, NOW)
    session.write(modules.create, module, NOW)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda number: session.write(modules.link, instance['id'], module['id'],
                                             f'{number:032x}', NOW), range(8)))
    assert session.read(modules.count_instances, module['id']) == 1
    [counted] = session.read(modules.counts, module['id'], project, False)
    assert (counted.number, counted.oldest) == (1, NOW)
    session.write(instances.mark_deleted, instance['id'], NOW)
    assert session.read(modules.count_instances, module['id']) == 0


@pytest.mark.parametrize(
    'order',
    [Order(), *itertools.starmap(Order, itertools.product(backups.SORT_KEYS, (False, True)))])
def test_pages_of_backups_contain_every_row_once(database, order):
    project = uuid.uuid4().hex
    for number in range(7):
        session.write(
            backups.create, {
                'id': str(uuid.uuid4()),
                'name': f'b{number // 3}',
                'tenant_id': project,
                'state': 'COMPLETED',
                'size': None if number == 3 else number // 2
            }, NOW + datetime.timedelta(seconds=number // 2))
    filters = backups.Filters(tenant_id=project, order=order)
    seen = [
        row.id
        for offset in (0, 3, 6)
        for row in session.read(backups.page, filters, limit=3, offset=offset)
    ]
    assert len(set(seen)) == len(seen) == 7
    window = backups.Filters(
        tenant_id=project, window=Window(created_after=NOW + datetime.timedelta(seconds=1),
                                         created_before=NOW + datetime.timedelta(seconds=2)))
    assert len(session.read(backups.page, window, limit=10)) == 4


def test_a_backup_returns_its_quota_once(database):
    project, backup_id = uuid.uuid4().hex, str(uuid.uuid4())
    session.write(backups.create, {
        'id': backup_id,
        'name': 'b',
        'tenant_id': project,
        'state': 'FAILED'
    }, NOW)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _number: session.write(backups.mark_deleted, backup_id, NOW),
                      range(4)))
    assert session.read(quotas.usages, project)['backups'] == 0


@pytest.mark.parametrize('status', states.SHOWN)
def test_instances_are_filtered_by_any_status(database, status):
    project = uuid.uuid4().hex
    for number, row in enumerate(({
            'server_status': 'ACTIVE'
    }, {
            'server_status': None
    }, {
            'error_code': 'reset'
    }, {
            'server_status': 'ACTIVE',
            'restart_required': True
    })):
        session.write(instances.create, instance_row(project, name=f'n{number}', **row), NOW)
    filters = instance_filters.Filters(status=status)
    found = session.read(instance_pages.page, project, limit=10, filters=filters).rows
    assert [row.name for row in found] == {'ACTIVE': ['n0'], 'SHUTDOWN': ['n1'], 'ERROR': ['n2'],
                                           'RESTART_REQUIRED': ['n3']}.get(status, [])


@pytest.mark.parametrize('key', configurations.SORT_KEYS)
def test_pages_of_groups_contain_every_row_once(database, key):
    project, version = uuid.uuid4().hex, str(uuid.uuid4())
    with session.writer() as connection:
        datastore = datastores.ensure_datastore(connection, 'mariadb')
        connection.execute(datastores.VERSIONS.insert().values(
            id=version, datastore_id=datastore, name=version, version='1', manager='mariadb',
            active=True, registry_ext='', repl_strategy=''))
        for number in range(5):
            connection.execute(configurations.CONFIGURATIONS.insert().values(
                id=str(uuid.uuid4()), name=f'g{number // 2}', tenant_id=project, created=NOW,
                updated=NOW, datastore_version_id=version))
    marker, seen = None, []
    while page := session.read(configurations.page,
                               configurations.Filters(tenant_id=project, order=Order(key)), limit=2,
                               marker=marker):
        seen += [row.id for row in page]
        marker = page[-1].id
    assert len(set(seen)) == len(seen) == 5
