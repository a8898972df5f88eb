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

"""Purge, recount, and orphans."""

import datetime

import pytest
from sqlalchemy import func, select, update

from trove.cloud import clouds
from trove.cmd import housekeeping
from trove.db import configurations, instances, purge, quotas, recount, session, tables
from trove.taskmanager.orphans import Search

TABLES = tables.metadata.tables
#: Tables with a column ``instance_id`` and rows that outlive the instance, with the reason.
KEPT = {'backups': 'a backup is kept until its user deletes it'}


def sizes():
    with session.reader() as connection:
        return {
            name: number
            for name, table in TABLES.items()
            if (number := connection.execute(select(func.count()).select_from(table)).scalar_one())
        }


# --- purge ---------------------------------------------------------------------------------------

def test_every_table_is_accounted_for():
    subjects = {subject.table: subject for subject in purge.SUBJECTS}
    assert {name for name, table in TABLES.items() if 'deleted_at' in table.c} == {
        *subjects, 'root_enabled_history'}
    for name, table in TABLES.items():
        if 'instance_id' in table.c and name not in KEPT:
            assert (
                name,
                'instance_id') in subjects['instances'].children, f'{name} stays after its instance'
        for key in table.foreign_keys:
            owner = subjects.get(key.column.table.name)
            if owner is not None:
                assert (name, key.parent.name) in (*owner.children,
                                                   *owner.needed_by), f'{name}.{key.parent.name}'


@pytest.fixture
def long_gone(world):
    """An instance deleted forty days ago, one deleted just now, and one that lives."""
    made = {}
    for name in ('old', 'new', 'alive'):
        made[name] = world.create(
            name=name, users=[{
                'name': 'u',
                'password': 'Pw-12345678',
                'host': '%',
                'databases': []
            }], root_password='Pw-root-1234')
        world.settle()
    world.delete(made['old'])
    world.settle()
    world.clock.advance(40 * 86400)
    world.tick()
    world.delete(made['new'])
    world.settle()
    return made


def ids_in(table, column):
    with session.reader() as connection:
        return set(connection.execute(select(TABLES[table].c[column])).scalars())


def test_a_row_deleted_long_ago_goes_with_its_dependent_rows(world, long_gone, capsys):
    housekeeping.purge('30', '100', True)
    assert 'instances                   1' in capsys.readouterr().out
    before = sizes()
    housekeeping.purge('30', '100', False)
    assert 'instances: 1 of 1' in capsys.readouterr().out
    for table, column in (('instances', 'id'), ('operations', 'resource_id'), ('events',
                                                                               'resource_id'),
                          ('service_statuses', 'instance_id'), ('root_enabled_history', 'id')):
        left = ids_in(table, column)
        assert long_gone['old'] not in left and {long_gone['new'], long_gone['alive']
                                                 } <= left, table
    assert ids_in('operation_steps', 'operation_id') == ids_in('operations', 'id')
    assert sizes()['operation_steps'] < before['operation_steps']
    housekeeping.purge('30', '100', False)
    assert 'Nothing to purge' in capsys.readouterr().out
    assert world.status(long_gone['alive']) == 'ACTIVE'


def test_zero_days_and_small_batches(world, long_gone, capsys):
    for number in range(3):
        instance_id = world.create(name=f'n{number}')
        world.delete(instance_id)
        world.settle()
    world.clock.advance(1)
    housekeeping.purge('0', '2', False)
    output = capsys.readouterr().out
    assert 'instances: 2 of 5' in output and 'instances: 5 of 5' in output
    assert ids_in('instances', 'id') == {long_gone['alive']}


def test_a_row_with_an_open_operation_stays(world, long_gone):
    world.clock.advance(1)
    with session.writer() as connection:
        from trove.db import operations
        operations.create(connection, kind='instance_delete', resource_type='instance',
                          resource_id=long_gone['old'], now=world.clock(), deadline=60,
                          project_id='demo')
    housekeeping.purge('30', '100', False)
    assert long_gone['old'] in ids_in('instances', 'id')


def test_a_group_goes_with_its_values(world, long_gone):
    group = session.write(configurations.create, name='g', description=None, tenant_id='demo',
                          version_id=world.row(long_gone['alive']).datastore_version_id,
                          new={'max_connections': 5}, now=world.clock())
    session.write(configurations.mark_deleted, group, world.clock() - datetime.timedelta(days=31))
    housekeeping.purge('30', '100', False)
    assert group not in ids_in('configurations', 'id') and 'configuration_parameters' not in sizes()


@pytest.mark.parametrize(('days', 'batch'), [('x', '1'), ('-1', '1'), ('1', '0')])
def test_numbers_that_are_none_are_refused(world, days, batch):
    with pytest.raises(housekeeping.CommandError, match='must be a number'):
        housekeeping.purge(days, batch, True)


# --- quota ---------------------------------------------------------------------------------------

def test_booked_usage_matches_the_rows_at_every_moment(world):
    def check():
        assert session.read(recount.differences, 'demo', lock=False) == []

    check()
    instance_id = world.create()
    check()
    world.settle()
    check()
    world.resize_volume(instance_id, 5)
    check()
    world.run(lambda: check() or not world.row(instance_id).operation_kind)
    world.resize_flavor(instance_id, 'f-large')
    world.run(lambda: check() or not world.row(instance_id).operation_kind)
    world.machines.silent = True
    world.conf.set_override('usage_timeout', 60)
    failing = world.create()
    world.settle()
    check()
    for one in (failing, instance_id):
        world.delete(one)
    world.run(lambda: check() or world.status(instance_id) == world.status(failing) == '404')
    assert set(world.usage().values()) == {0}


def test_usage_that_was_changed_by_hand_is_reported_and_repaired(world, capsys):
    world.create()
    with session.writer() as connection:
        connection.execute(
            update(quotas.USAGES).where(quotas.USAGES.c.resource == 'volumes').values(in_use=77))
        connection.execute(quotas.USAGES.delete().where(quotas.USAGES.c.resource == 'ram'))
    housekeeping.quota_recount(None, True)
    output = capsys.readouterr().out
    assert 'volumes' in output and '77' in output and 'Nothing was changed' in output
    assert world.usage()['volumes'] == 77
    housekeeping.quota_recount('demo', False)
    assert '2 were corrected' in capsys.readouterr().out
    assert (world.usage()['volumes'], world.usage()['ram']) == (2, 1024)
    housekeeping.quota_recount(None, False)
    assert 'The stored usage is correct' in capsys.readouterr().out


# --- orphans -------------------------------------------------------------------------------------

@pytest.fixture
def search(world):
    return Search(world.conf, lambda region: clouds.service_cloud(world.conf, region), world.broker)


def test_nothing_is_an_orphan_in_good_order(world, search):
    instance_id = world.create(locality='affinity', access={'is_public': True})
    assert search.orphans() == []
    world.settle()
    assert search.orphans() == [] and search.losses() == []
    world.delete(instance_id)
    world.tick()
    assert search.orphans() == []
    world.settle()
    assert search.orphans() == []


def test_everything_of_a_lost_row_is_found_and_deleted(world, search, capsys):
    kept = world.create(name='kept')
    lost = world.create(name='lost', locality='affinity', access={'is_public': True})
    world.settle()
    session.write(instances.mark_deleted, lost, world.clock())
    found = search.orphans()
    assert {item.instance_id for item in found} == {lost}
    assert sorted(item.kind for item in found) == sorted([
        'server', 'port', 'port', 'floating IP', 'volume', 'security group', 'server group',
        'broker'
    ])
    # This cloud does not act while the command waits, so the command is repeated until it has.
    for _try in range(6):
        for item in search.orphans():
            try:
                search.delete(item)
            except Exception as error:
                assert getattr(error, 'retriable', False), error
        world.cloud.advance()
    assert search.orphans() == []
    assert world.status(kept) == 'ACTIVE' and world.broker.guests == {kept
                                                                      } and search.losses() == []


def test_what_an_instance_has_lost(world, search):
    instance_id = world.create(name='poor')
    world.settle()
    world.cloud.remove('volume', world.row(instance_id).volume_id)
    assert [(item.instance_id, item.name, item.drift) for item in search.losses()] == [
        (instance_id, 'poor', 'volume_missing')]


def test_names_that_only_look_like_ours_are_nobodys_orphans(world, search):
    cloud = clouds.service_cloud(world.conf, 'RegionOne')
    cloud.volume.ensure_volume('trove-of-the-operator', size=1, made_by='')
    cloud.firewall.ensure_group('trove_sg-of-the-operator', frozenset())
    assert search.orphans() == []


def test_a_report_has_columns():
    assert housekeeping.table(('A', 'Long'), [('1', 2), ('333', 4)]) == 'A    Long\n1    2\n333  4'
