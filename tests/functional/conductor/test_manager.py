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

"""Conductor over a real database: effects of reports, refusals, and costs."""

import dataclasses
import json
import uuid

import pytest
from sqlalchemy import event, select

from tests.functional import memory_bus
from trove.common.rpc import channel, drivers, keys, messages
from trove.conductor import api as conductor_api
from trove.conductor import manager as conductor
from trove.db import command_results, instances, operations, replay_marks, service_statuses, session
from trove.db.tables.backups import Backup
from trove.taskmanager import api as taskmanager_api

BACKUPS = Backup.__table__


class TaskManager:
    def __init__(self):
        self.woken = []

    def wake(self, context, operation_id):
        self.woken.append(operation_id)


class Guest:
    """A row with a key, and the guest's end of the bus."""

    def __init__(self, conf, bus, now, epoch=1):
        self.id, self.key = str(uuid.uuid4()), keys.new_instance_key()
        values = {
            'id': self.id,
            'name': 'x',
            'tenant_id': 't',
            'flavor_id': 'f',
            'ram': 1,
            'vcpus': 1,
            'server_id_number': 1,
            'boot_epoch': epoch,
            'encrypted_key': keys.KeyRing.from_conf(conf).seal(self.id, self.key)
        }
        session.write(instances.create, values, now)
        self.bus = bus
        self.channel = channel.GuestChannel(self.id, self.key, channel.boot_id(epoch, 1))
        self.reports = conductor_api.ConductorAPI(bus, self.channel)

    def send(self, wire, exchange=None):
        self.bus.cast('trove-conductor', exchange or f'g.{self.id}.out', 'deliver',
                      {'envelope': wire})

    @property
    def row(self):
        statement = select(service_statuses.STATUSES).where(
            service_statuses.STATUSES.c.instance_id == self.id)
        return session.read(lambda connection: connection.execute(statement).one())


@pytest.fixture
def bus():
    return memory_bus.MemoryBus()


@pytest.fixture
def taskmanager(bus):
    made = TaskManager()
    bus.server('taskmanager', 'h', [made]).start()
    return made


@pytest.fixture
def manager(conf, database, bus, taskmanager, clock):
    made = conductor.Manager(conf, taskmanager_api.TaskManagerAPI(bus), clock)
    bus.server('trove-conductor', 'h', [made]).start()
    return made


@pytest.fixture
def guest(conf, manager, bus, clock):
    return Guest(conf, bus, clock.time)


def _operation(guest, clock):
    return session.write(operations.create, kind='instance_restart', resource_type='instance',
                         resource_id=guest.id, now=clock.time.replace(year=2032), deadline=60,
                         project_id='t')


HEALTHY = messages.Heartbeat(service_status='healthy', agent_version='7', volume={
    'total': 9,
    'used': 4
}, engine={
    'version': '10.11.6',
    'uptime': 3
}, pending_restart=['x'])


def test_heartbeat_is_written(manager, guest, clock):
    guest.reports.heartbeat(HEALTHY)
    assert manager.flush() == 1
    row = guest.row
    assert (row.status, row.agent_version, row.volume_total, row.volume_used,
            row.engine_version) == ('healthy', '7', 9, 4, '10.11.6')
    assert row.updated_at == clock.time
    assert json.loads(row.facts) == {'engine_uptime': 3, 'pending_restart': ['x']}
    assert manager.stats()['accepted'] == 1


def test_later_batch_replaces_the_earlier_one(manager, guest):
    guest.reports.heartbeat(HEALTHY)
    manager.flush()
    guest.reports.heartbeat(messages.Heartbeat(service_status='crashed', reason='signal 9'))
    manager.flush()
    row = guest.row
    assert (row.status, row.reason, row.seq, row.volume_total) == ('crashed', 'signal 9', 2, None)


def test_restarted_agent_with_small_numbers_is_newer(manager, guest):
    for _ in range(5):
        guest.reports.heartbeat(HEALTHY)
    manager.flush()
    restarted = channel.GuestChannel(guest.id, guest.key, channel.boot_id(1, 2))
    guest.send(restarted.seal('Heartbeat', messages.Heartbeat(service_status='crashed').to_wire()))
    manager.flush()
    assert (guest.row.status, guest.row.boot_id, guest.row.seq) == ('crashed', '00000001.00000002',
                                                                    1)


def test_replay_across_batches_changes_nothing(manager, guest):
    old = guest.channel.seal('Heartbeat', messages.Heartbeat(service_status='crashed').to_wire())
    guest.send(old)
    guest.reports.heartbeat(HEALTHY)
    manager.flush()
    before = guest.row
    guest.send(old)
    assert manager.flush() == 0
    assert guest.row == before
    assert manager.stats()['stale'] == 1


def test_two_conductors_cannot_move_a_status_back(conf, manager, guest, bus, clock):
    """Each has judged its report before the other has written."""
    other = conductor.Manager(conf, taskmanager_api.TaskManagerAPI(bus), clock)
    old = guest.channel.seal('Heartbeat', messages.Heartbeat(service_status='crashed').to_wire())
    new = guest.channel.seal('Heartbeat', HEALTHY.to_wire())
    judged = []
    for process, wire in ((manager, old), (other, new)):
        process.deliver({drivers.ORIGIN: f'g.{guest.id}.out'}, wire)
        judged.append(session.read(process._verify, [process._waiting.popleft()]))
    other._write(*judged[1])
    manager._write(*judged[0])
    assert guest.row.status == 'healthy'
    assert session.read(replay_marks.load, [guest.id]) == {
        (guest.id, 'Heartbeat'): ('00000001.00000001', 2)
    }


def test_report_verified_before_the_delete_does_not_bring_the_instance_back(manager, guest, clock):
    guest.reports.heartbeat(HEALTHY)
    judged = session.read(manager._verify, [manager._waiting.popleft()])
    session.write(service_statuses.set_status, guest.id, 'deleted', clock.time)
    manager._write(*judged)
    assert guest.row.status == 'deleted'


@pytest.mark.parametrize('spoil, reason', [
    (lambda guest, other: guest.send({'service_status': 'healthy'}), 'unsealed'),
    (lambda guest, other: guest.send(guest.channel.seal('Heartbeat', HEALTHY.to_wire()), 'amq.topic'
                                     ), 'forged_sender'),
    (lambda guest, other: guest.send(other.channel.seal('Heartbeat', HEALTHY.to_wire())),
     'forged_sender'),
    (lambda guest, other: guest.send(
        channel.GuestChannel(guest.id, other.key, channel.boot_id(1, 1)).seal(
            'Heartbeat', HEALTHY.to_wire())), 'forged'),
    (lambda guest, other: guest.send(guest.channel.seal('Heartbeat', {'service_status': 'deleted'})
                                     ), 'out_of_bounds'),
    (lambda guest, other: guest.send(guest.channel.seal('Nonsense', {})), 'unknown_kind'),
    (lambda guest, other: guest.send(
        channel.GuestChannel(guest.id, guest.key, channel.boot_id(2, 1)).seal(
            'Heartbeat', HEALTHY.to_wire())), 'out_of_bounds'),
    (lambda guest, other: guest.send(7), 'malformed'),
])
def test_what_is_refused_changes_nothing_and_is_counted(conf, manager, guest, bus, clock, spoil,
                                                        reason):
    other = Guest(conf, bus, clock.time)
    before = guest.row, other.row
    spoil(guest, other)
    assert manager.flush() == 0
    assert (guest.row, other.row) == before
    assert session.read(replay_marks.load, [guest.id, other.id]) == {}
    assert {name: count for name, count in manager.stats().items() if count} == {reason: 1}


def test_unknown_and_deleted_instances(conf, manager, guest, bus, clock):
    gone = Guest(conf, bus, clock.time)
    session.write(instances.mark_deleted, gone.id, clock.time)
    gone.reports.heartbeat(HEALTHY)
    stranger = channel.GuestChannel(str(uuid.uuid4()), b'x' * 32, channel.boot_id(1, 1))
    guest.send(stranger.seal('Heartbeat', HEALTHY.to_wire()), f'g.{stranger.instance_id}.out')
    assert manager.flush() == 0
    assert gone.row.status == 'deleted'
    assert (manager.stats()['deleted'], manager.stats()['unknown_instance']) == (1, 1)


def test_result_is_stored_and_its_operation_woken(manager, guest, taskmanager, clock):
    operation = _operation(guest, clock)
    guest.reports.command_result(
        messages.CommandResult(command_id='c', operation_id=operation, kind='Restart',
                               outcome='done', data={'took': 3}))
    manager.flush()
    stored = session.read(command_results.get, 'c')
    assert (stored.instance_id, stored.operation_id, stored.outcome, json.loads(stored.data)) == (
        guest.id, operation, 'done', {'took': 3})
    assert taskmanager.woken == [operation]
    assert session.read(operations.get, operation).due_at == clock.time


def test_heartbeat_wakes_the_open_operation_of_its_own_instance_only(conf, manager, guest, bus,
                                                                     taskmanager, clock):
    other = Guest(conf, bus, clock.time)
    mine, theirs = _operation(guest, clock), _operation(other, clock)
    guest.reports.heartbeat(HEALTHY)
    manager.flush()
    assert taskmanager.woken == [mine]
    assert session.read(operations.get, theirs).due_at > clock.time


def test_result_repeated_in_heartbeats_is_stored_once(manager, guest, clock):
    operation = _operation(guest, clock)
    result = messages.CommandResult(command_id='c', operation_id=operation, kind='Restart',
                                    outcome='done')
    for _ in range(3):
        guest.reports.heartbeat(messages.Heartbeat(service_status='healthy', results=[result]))
        manager.flush()
        clock.time = clock.time.replace(minute=clock.time.minute + 1)
    assert session.read(command_results.get, 'c').received.minute == 15
    assert manager.stats()['unasked'] == 0


def test_result_for_the_operation_of_another_is_not_stored(conf, manager, guest, bus, taskmanager,
                                                           clock):
    other = Guest(conf, bus, clock.time)
    operation = _operation(other, clock)
    guest.reports.command_result(
        messages.CommandResult(command_id='c', operation_id=operation, kind='Restart',
                               outcome='done'))
    manager.flush()
    assert session.read(command_results.get, 'c') is None
    assert taskmanager.woken == []


def test_old_results_are_purged(manager, guest, clock):
    operation = _operation(guest, clock)
    guest.reports.command_result(
        messages.CommandResult(command_id='c', operation_id=operation, kind='Restart',
                               outcome='done'))
    manager.flush()
    manager.purge()
    assert session.read(command_results.get, 'c') is not None
    clock.time = clock.time.replace(month=5)
    manager.purge()
    assert session.read(command_results.get, 'c') is None


def _backup(guest, clock, state='BUILDING'):
    identifier = str(uuid.uuid4())
    session.write(lambda connection: connection.execute(BACKUPS.insert().values(
        id=identifier, name='b', tenant_id='t', state=state, instance_id=guest.id, created=clock.
        time, updated=clock.time, deleted=False)))
    return identifier


def _backup_row(identifier):
    return session.read(lambda connection: connection.execute(
        select(BACKUPS).where(BACKUPS.c.id == identifier)).one())


def test_backup_of_the_sender_is_updated(manager, guest, clock):
    backup = _backup(guest, clock)
    guest.reports.update_backup(
        messages.UpdateBackup(backup_id=backup, state='COMPLETED', size=1.5, checksum='c'))
    manager.flush()
    assert (_backup_row(backup).state, _backup_row(backup).size) == ('COMPLETED', 1.5)


@pytest.mark.parametrize('state', ['COMPLETED', 'FAILED', 'DELETE_FAILED'])
def test_finished_backup_stays_as_it_is(manager, guest, clock, state):
    backup = _backup(guest, clock, state)
    guest.reports.update_backup(messages.UpdateBackup(backup_id=backup, state='SAVING'))
    manager.flush()
    assert _backup_row(backup).state == state
    assert manager.stats()['unasked'] == 1


def test_backup_of_another_stays_as_it_is(conf, manager, guest, bus, clock):
    backup = _backup(Guest(conf, bus, clock.time), clock)
    guest.reports.update_backup(messages.UpdateBackup(backup_id=backup, state='FAILED'))
    manager.flush()
    assert _backup_row(backup).state == 'BUILDING'
    assert manager.stats()['unasked'] == 1


def test_flood_of_one_guest_does_not_cost_the_others(conf, manager, guest, bus, clock):
    other = Guest(conf, bus, clock.time)
    for _ in range(conductor.MAX_WAITING_PER_GUEST + 20):
        guest.reports.heartbeat(HEALTHY)
    other.reports.heartbeat(HEALTHY)
    assert manager.flush() == conductor.MAX_WAITING_PER_GUEST + 1
    assert other.row.status == 'healthy'
    assert manager.stats()['flood'] == 20
    guest.reports.heartbeat(HEALTHY)
    assert manager.flush() == 1


def test_full_memory_drops_and_counts(conf, manager, guest):
    conf.set_override('queue_size', 100, 'conductor')
    for _ in range(3):
        for number in range(50):
            manager.deliver({drivers.ORIGIN: f'g.{uuid.UUID(int=number)}.out'}, {})
    assert manager.stats()['overload'] == 50


def test_database_that_refuses_one_report_keeps_the_others(conf, manager, guest, bus, clock):
    other = Guest(conf, bus, clock.time)
    guest.reports.heartbeat(HEALTHY)
    other.reports.heartbeat(HEALTHY)
    engine = session.engine()

    def refuse(connection, cursor, statement, parameters, context, executemany):
        if 'service_statuses' in statement and guest.id in str(parameters):
            raise ValueError('refused')
    event.listen(engine, 'before_cursor_execute', refuse)
    manager.flush()
    event.remove(engine, 'before_cursor_execute', refuse)
    assert (guest.row.status, other.row.status) == ('new', 'healthy')
    assert (manager.stats()['failed'], manager.stats()['accepted']) == (1, 1)


def _statements(action):
    found = []

    def note(connection, cursor, statement, *rest):
        found.append(statement.split()[0])
    engines = [session.engine('read'), session.engine()]
    for engine in engines:
        event.listen(engine, 'before_cursor_execute', note)
    action()
    for engine in engines:
        event.remove(engine, 'before_cursor_execute', note)
    return [word for word in found if word != 'BEGIN']


@pytest.mark.parametrize('guests', [1, 40])
def test_heartbeats_cost_the_same_statements_however_many(conf, manager, bus, clock, guests):
    for guest in [Guest(conf, bus, clock.time) for _ in range(guests)]:
        guest.reports.heartbeat(dataclasses.replace(HEALTHY, pending_restart=[]))
    assert _statements(manager.flush) == ['SELECT', 'SELECT', 'INSERT', 'INSERT', 'SELECT']


def test_running_conductor_writes_by_itself_and_empties_what_waits_when_it_stops(manager, guest):
    manager.start()
    for _ in range(20):
        guest.reports.heartbeat(HEALTHY)
    manager.stop()
    assert guest.row.seq == 20


def test_summary_names_what_was_refused(manager, guest, caplog):
    guest.send({'service_status': 'healthy'})
    manager.flush()
    manager.log_refused()
    assert 'unsealed' in caplog.text and guest.id in caplog.text
    caplog.clear()
    manager.log_refused()
    assert caplog.text == ''


def test_key_that_does_not_open_is_logged(conf, manager, bus, clock, caplog):
    guest = Guest(conf, bus, clock.time)
    session.write(instances.change, guest.id, clock.time, encrypted_key='v1:00000000:AAAA')
    guest.reports.heartbeat(HEALTHY)
    assert manager.flush() == 0
    assert guest.id in caplog.text


def test_marks_of_a_deleted_instance_can_be_forgotten(manager, guest):
    guest.reports.heartbeat(HEALTHY)
    manager.flush()
    session.write(replay_marks.forget, guest.id)
    assert session.read(replay_marks.load, [guest.id]) == {}
    assert session.read(command_results.known, []) == {}
