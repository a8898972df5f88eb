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

"""Actions that no datastore supports: recorded, failed with a code, and without effect."""

import json

import pytest

from tests.functional.flows.test_crashes import doomed_runner, run_to_death, succeed
from tests.functional.world import NOTHING, ONE_INSTANCE, PROJECT
from trove.backup import models as backup_models
from trove.common import exception
from trove.db import backups, events, instances, operations, session
from trove.instance import models
from trove.instance.actions import replication
from trove.taskmanager import flows

CODE = 'not_supported_by_datastore'


@pytest.fixture
def instance_id(world):
    made = world.create()
    world.settle()
    return made


def as_replica(world, instance_id):
    source = world.create(name='source')
    world.settle()
    session.write(instances.change, instance_id, session.utcnow(), slave_of_id=source)
    return source


def promote(world, instance_id):
    as_replica(world, instance_id)
    return replication.promote(world.context, world.row(instance_id))


def detach(world, instance_id):
    as_replica(world, instance_id)
    return replication.detach(world.context, world.row(instance_id), lambda _connection, _now: None)


def eject(world, instance_id):
    follower = world.create(name='replica')
    world.settle()
    session.write(instances.change, follower, session.utcnow(), slave_of_id=instance_id)
    world.guest(instance_id).kill()
    world.clock.advance(world.conf.agent_heartbeat_expiry + 1)
    return replication.eject(world.context, world.row(instance_id))


def upgrade_agent(world, instance_id):
    return models.record(world.context, world.row(instance_id), 'instance_upgrade_agent', 600,
                         args={'location': 'x'})


def back_up(world, instance_id, **more):
    return backup_models.create(world.context, world.row(instance_id),
                                backup_models.CreateRequest(name='nightly', **more))


REQUESTS = {'instance_promote': promote, 'instance_detach_replica': detach,
            'instance_eject': eject, 'instance_upgrade_agent': upgrade_agent,
            'backup_create': back_up}


@pytest.mark.parametrize('dies', [False, True])
@pytest.mark.parametrize('kind', REQUESTS)
def test_it_ends_with_the_code(world, instance_id, kind, dies):
    before = REQUESTS[kind](world, instance_id)
    if dies:
        [step] = flows.registry()[kind].step_names
        run_to_death(world, doomed_runner(world, kind, step, 'before'))
        succeed(world)
    world.settle()
    operation = session.read(operations.get, before.operation_id)
    assert (operation.kind, operation.state, operation.active,
            operation.error_code) == (kind, 'failed', None, CODE)
    assert 'not supported for datastore mariadb' in operation.error_text
    row = world.row(instance_id)
    assert row.error_code is None and row.deleted is False
    assert f'{kind}.error' in world.events(instance_id)


def test_the_failure_is_shown_at_the_instance(world, instance_id):
    upgrade_agent(world, instance_id)
    world.settle()
    row = world.row(instance_id)
    assert world.status(instance_id) == 'ACTIVE'
    assert row.fault_message == ('Upgrading the agent on a running server is not supported for '
                                 'datastore mariadb.')


# --- backups -------------------------------------------------------------------------------------

def test_a_backup_fails_with_the_reason_and_can_be_deleted(world, instance_id):
    made = back_up(world, instance_id)
    assert world.status(instance_id) == 'BACKUP'
    assert world.usage()['backups'] == 1
    world.settle()
    row = session.read(backups.get, made.backup_id)
    assert (row.state, row.error_code) == ('FAILED', CODE)
    assert row.error_text == 'Backups are not supported for datastore mariadb.'
    assert world.status(instance_id) == 'ACTIVE'
    assert world.holds() == ONE_INSTANCE

    backup_models.delete(world.context, row)
    world.settle()
    assert session.read(backups.get, made.backup_id) is None
    assert world.usage()['backups'] == 0


@pytest.mark.parametrize('moment', ['before', 'after', 'recorded'])
def test_a_successor_ends_a_delete(world, instance_id, moment):
    made = back_up(world, instance_id)
    world.settle()
    backup_models.delete(world.context, session.read(backups.get, made.backup_id))
    [step] = flows.registry()['backup_delete'].step_names
    run_to_death(world, doomed_runner(world, 'backup_delete', step, moment))
    succeed(world)
    assert session.read(backups.get, made.backup_id) is None
    assert world.usage()['backups'] == 0


def test_it_goes_to_the_container_of_its_strategy(world, instance_id):
    made = back_up(world, instance_id, container='mine')
    args = json.loads(session.read(operations.get, made.operation_id).args)
    assert args == {'backup_id': made.backup_id, 'container': 'mine'}


def test_an_engine_without_backups_is_refused_at_once(world, instance_id):
    world.conf.set_override('backup_strategy', '', 'mariadb')
    with pytest.raises(exception.NotSupported, match='not supported for datastore mariadb'):
        back_up(world, instance_id)
    assert world.usage()['backups'] == 0


def test_no_more_than_the_quota(world, instance_id):
    world.conf.set_override('max_backups_per_tenant', 0)
    with pytest.raises(exception.QuotaExceeded, match='backups'):
        back_up(world, instance_id)
    assert session.read(operations.open_of, 'instance', instance_id) is None


def test_a_delete_of_the_instance_ends_its_backup(world, instance_id):
    made = back_up(world, instance_id)
    world.delete(instance_id)
    world.settle()
    assert session.read(backups.get, made.backup_id).state == 'FAILED'
    assert world.holds() == NOTHING


def test_a_reset_ends_its_backup(world, instance_id):
    made = back_up(world, instance_id)
    world.reset(instance_id)
    row = session.read(backups.get, made.backup_id)
    assert (row.state, row.error_code) == ('FAILED', 'reset')


def _stored(world, **values):
    backup_id = f'{len(values):08x}-0000-4000-8000-00000000000{values.pop("number")}'
    with session.writer() as connection:
        backups.create(
            connection, {
                'id': backup_id,
                'name': 'b',
                'tenant_id': PROJECT,
                'backup_type': 'full',
                'storage_driver': 'swift',
                'state': 'COMPLETED',
                **values
            }, world.clock())
    return backup_id


def test_a_delete_includes_the_increments(world):
    first = _stored(world, number=1)
    second = _stored(world, number=2, parent_id=first)
    third = _stored(world, number=3, parent_id=second)
    assert [row.id
            for row in session.read(backups.with_increments, first)] == [first, second, third]
    backup_models.delete(world.context, session.read(backups.get, first))
    world.settle()
    assert [session.read(backups.get, one) for one in (first, second, third)] == [None, None, None]
    assert world.usage()['backups'] == 0
    with session.reader() as connection:
        assert [row.type
                for row in events.of_resource(connection, first, 10)][0] == 'backup_delete.end'
