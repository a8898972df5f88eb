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

"""Notifications, received by a real listener on oslo.messaging's bus in memory."""

import json
import queue

import oslo_messaging
import pytest
from oslo_messaging._drivers import impl_fake

from tests.functional.world import VERSION_ID
from trove.backup import models as backup_models
from trove.common import exception
from trove.common.rpc import messages
from trove.configuration import models as configuration_models
from trove.db import backups, datastores, instances, notifications, outbox, periodic_tasks, session
from trove.extensions import serving
from trove.taskmanager.notifier import Bus, Notifier
from trove.taskmanager.periodic import PeriodicTasks

#: Fields that the meters of Ceilometer read, by its list of events.
METERED = {
    'instance_type', 'user_id', 'instance_id', 'instance_type_id', 'launched_at', 'instance_name',
    'state', 'nova_instance_id', 'service_id', 'created_at', 'region'
}
METERED_MORE = METERED | {
    'name', 'availability_zone', 'instance_size', 'volume_size', 'nova_volume_id'
}
BASE = {'tenant_id', 'client_ip', 'server_ip', 'server_type', 'request_id'}
PASSWORD = 'Canary-5ecret-of-a-user'


class Listener:
    """Listener on the notification bus, such as Ceilometer or a program of the operator."""

    def __init__(self, conf):
        self.heard = queue.Queue()
        self._transport = oslo_messaging.get_notification_transport(conf)
        self._server = oslo_messaging.get_notification_listener(
            self._transport, [oslo_messaging.Target(topic='notifications')], [self],
            executor='threading')
        self._server.start()

    def info(self, context, publisher_id, event_type, payload, metadata):
        self.heard.put((event_type, publisher_id, payload, metadata))

    def take(self, number):
        """Return the next messages; fail if fewer arrive."""
        return [self.heard.get(timeout=10) for _ in range(number)]

    def close(self):
        self._server.stop()
        self._server.wait()
        self._transport.cleanup()


@pytest.fixture
def listened(conf):
    """Switch notifications on, to a bus in memory."""
    impl_fake.FakeExchangeManager._exchanges.clear()
    conf.set_override('driver', ['messagingv2'], 'oslo_messaging_notifications')
    conf.set_override('transport_url', 'fake://', 'oslo_messaging_notifications')
    conf.set_override('host', '10.0.0.7')
    yield conf
    impl_fake.FakeExchangeManager._exchanges.clear()


@pytest.fixture
def listener(listened):
    made = Listener(listened)
    yield made
    made.close()


def waiting():
    return session.read(outbox.first, 1000)


def types():
    return [row.event_type for row in waiting()]


def payload(event_type):
    return [json.loads(row.payload) for row in waiting() if row.event_type == event_type][-1]


def manager(world, bus=Bus, name='one'):
    notifier = Notifier(world.conf, world.clock, bus)
    return notifier, PeriodicTasks(name, world.clock)


def send(world, bus=Bus, name='one'):
    notifier, tasks = manager(world, bus, name)
    return tasks.run('notifications', 0, notifier.send)


def test_a_create_emits_the_events_that_meters_know(listened, world, listener):
    instance_id = world.create(
        users=[{
            'name': 'app',
            'password': PASSWORD,
            'host': '%',
            'databases': []
        }], databases=[{
            'name': 'shop',
            'character_set': None,
            'collate': None
        }], root_password='Canary-of-root')
    world.settle()
    assert send(world)
    start, end, usage = listener.take(3)
    assert [item[0] for item in (start, end, usage)] == [
        'dbaas.instance_create.start', 'dbaas.instance_create.end', 'trove.instance.create']
    assert [item[1] for item in (start, end, usage)
            ] == ['api.10.0.0.7', 'taskmanager.10.0.0.7', '10.0.0.7']
    assert set(start[2]) > BASE and start[2]['databases'] == [
        'shop'
    ] and start[2]['instance_id'] == instance_id
    assert set(end[2]) == BASE | {'instance_id'}
    row = world.row(instance_id)
    assert set(usage[2]) >= METERED_MORE
    assert usage[2]['nova_instance_id'] == row.compute_instance_id and usage[2][
        'nova_volume_id'] == row.volume_id
    assert usage[2]['service_id'] == '7a4f82cc-10d2-4bc6-aadc-d9aacc2a3cb5'
    assert (usage[2]['state'], usage[2]['instance_size'], usage[2]['volume_size']) == ('active',
                                                                                       1024, 2)
    assert waiting() == []


def test_the_whole_life_emits_events(listened, world):
    instance_id = world.create()
    world.settle()
    server, volume = world.row(instance_id).compute_instance_id, world.row(instance_id).volume_id
    for ask in (lambda: world.resize_volume(instance_id, 5),
                lambda: world.resize_flavor(instance_id, 'f-large'),
                lambda: world.restart(instance_id), lambda: world.delete(instance_id)):
        ask()
        world.settle()
    known = types()
    for event in ('instance_create', 'instance_resize_volume', 'instance_resize_instance',
                  'instance_restart', 'instance_delete'):
        assert known.count(f'dbaas.{event}.start') == known.count(f'dbaas.{event}.end') == 1, known
    assert [word for word in known if word.startswith('trove.')] == [
        'trove.instance.create', 'trove.instance.modify_volume', 'trove.instance.modify_flavor',
        'trove.instance.delete']
    assert payload('dbaas.instance_resize_volume.start')['new_size'] == 5
    assert payload('dbaas.instance_resize_instance.start')['new_flavor_id'] == 'f-large'
    grown, resized, gone = (payload(f'trove.instance.{word}')
                            for word in ('modify_volume', 'modify_flavor', 'delete'))
    assert (grown['old_volume_size'], grown['volume_size']) == (2, 5) and grown['modify_at']
    assert (resized['old_instance_size'], resized['instance_size']) == (1024, 4096)
    assert (gone['nova_instance_id'], gone['nova_volume_id'], gone['service_id']
            is not None) == (server, volume, True)
    assert set(gone) >= METERED_MORE | {'deleted_at'}


def test_a_failure_has_its_reason(listened, world):
    world.conf.set_override('usage_timeout', 120)
    world.machines.silent = True
    world.create()
    world.settle()
    failed = payload('dbaas.instance_create.error')
    assert failed['exception'] == 'guest_silent' and 'did not report' in failed['message']
    assert 'trove.instance.create' not in types()


def test_a_delete_in_the_middle_of_a_create(listened, world):
    instance_id = world.create()
    world.tick()
    world.delete(instance_id)
    world.settle()
    assert types() == [
        'dbaas.instance_create.start', 'dbaas.instance_create.error', 'dbaas.instance_delete.start',
        'dbaas.instance_delete.end', 'trove.instance.delete'
    ]


def test_a_reset_emits_events(listened, world):
    instance_id = world.create()
    world.reset(instance_id)
    assert types() == ['dbaas.instance_create.start', 'dbaas.instance_create.error',
                       'dbaas.instance_reset_status.start', 'dbaas.instance_reset_status.end']


def test_nothing_is_written_where_nobody_listens(world):
    instance_id = world.create()
    world.settle()
    world.delete(instance_id)
    world.settle()
    assert waiting() == []


def test_events_of_users_have_no_passwords(listened, world):
    instance_id = world.create(users=[{
        'name': 'first',
        'password': PASSWORD,
        'host': '%',
        'databases': []
    }])
    world.settle()
    row = world.row(instance_id)
    serving.call(row, messages.CreateUsers(users=[{'name': 'app', 'password': PASSWORD, 'host': '%',
                                                  'databases': []}]), names=['app'])
    serving.call(
        row,
        messages.ChangePasswords(users=[{
            'name': 'app',
            'host': '%',
            'password': PASSWORD + '2'
        }]), names=['app'])
    with pytest.raises(Exception, match='nobody'):
        serving.call(row, messages.DeleteUser(name='nobody', host='%'), names=['nobody'])
    assert types()[-6:] == [
        'dbaas.user_create.start', 'dbaas.user_create.end', 'dbaas.user_change_password.start',
        'dbaas.user_change_password.end', 'dbaas.user_delete.start', 'dbaas.user_delete.error'
    ]
    assert payload('dbaas.user_create.start')['users'] == ['app']
    everything = ' '.join(row.payload for row in waiting())
    key = world.keys.open(instance_id, row.encrypted_key)
    for secret in (PASSWORD, row.encrypted_key, key.hex()):
        assert secret not in everything


def test_backups_emit_events(listened, world):
    instance_id = world.create()
    world.settle()
    made = backup_models.create(world.context, world.row(instance_id),
                                backup_models.CreateRequest(name='nightly'))
    world.settle()
    backup_models.delete(world.context, session.read(backups.get, made.backup_id))
    world.settle()
    # No datastore of this release supports backups, so the first one fails.
    assert types()[-4:] == [
        'dbaas.backup_create.start', 'dbaas.backup_create.error', 'dbaas.backup_delete.start',
        'dbaas.backup_delete.end'
    ]
    begun, failed = payload('dbaas.backup_create.start'), payload('dbaas.backup_create.error')
    assert (begun['instance_id'], begun['backup_id']) == (instance_id, made.backup_id)
    assert (failed['instance_id'], failed['exception']) == (instance_id,
                                                            'not_supported_by_datastore')
    assert payload('dbaas.backup_delete.end')['backup_id'] == made.backup_id


def test_groups_emit_events(listened, world):
    session.write(datastores.replace_parameters, VERSION_ID, [{
        'name': 'max_connections',
        'data_type': 'integer',
        'restart_required': False,
        'max_size': '9',
        'min_size': '1'
    }])
    group = configuration_models.create(world.context, configuration_models.CreateRequest(
        name='tuned', description=None, values={'max_connections': 3}))
    configuration_models.edit(world.context, group, {'max_connections': 4})
    configuration_models.replace(world.context, group, {}, {'name': 'other'})
    configuration_models.delete(world.context, group)
    with pytest.raises(exception.NotFound):
        configuration_models.delete(world.context, group)
    assert types() == [
        f'dbaas.configuration_{word}' for word in ('create.start', 'create.end', 'edit.start',
                                                   'edit.end', 'update.start', 'update.end',
                                                   'delete.start', 'delete.end', 'delete.start',
                                                   'delete.error')
    ]
    assert payload('dbaas.configuration_edit.end')['configuration_id'] == group


class Flaky:
    """Bus that accepts no message or some, and records the accepted ones."""

    def __init__(self, takes):
        self.takes = takes
        self.taken = []

    def send(self, row):
        if self.takes <= 0:
            return False
        self.takes -= 1
        self.taken.append(row.id)
        return True


def test_a_bus_that_is_away_only_delays(listened, world):
    world.create()
    world.settle()
    bus = Flaky(1)
    send(world, lambda conf: bus)
    assert len(bus.taken) == 1 and len(waiting()) == 2
    bus.takes = 9
    send(world, lambda conf: bus)
    assert len(bus.taken) == 3 and waiting() == []


def test_the_real_bus_reports_a_failed_send(listened, world, monkeypatch):
    world.create()
    real = Bus(world.conf)
    row = waiting()[0]
    assert real.send(row)

    def away(*args, **options):
        raise oslo_messaging.MessageDeliveryFailure('the broker is away')
    monkeypatch.setattr(real._transport._driver, 'send_notification', away)
    assert not real.send(row)
    monkeypatch.undo()
    assert real.send(row)
    real.close()


def test_a_crash_after_sending_repeats_the_message_with_the_same_id(listened, world, listener):
    world.create()
    notifier, tasks = manager(world)

    class Doomed(Bus):
        def send(self, row):
            super().send(row)
            raise KeyboardInterrupt
    notifier = Notifier(world.conf, world.clock, Doomed)
    with pytest.raises(KeyboardInterrupt):
        tasks.run('notifications', 0, notifier.send)
    assert not send(world, name='two'), 'the dead one still has the lease'
    world.clock.advance(61)
    assert send(world, name='two')
    first, second = listener.take(2)
    assert first[0] == second[0] == 'dbaas.instance_create.start'
    assert first[3]['message_id'] == second[3]['message_id']
    assert first[3]['timestamp'] == second[3]['timestamp']


def test_exists_is_emitted_once_per_period_by_one_process(listened, world):
    instance_id = world.create()
    world.settle()
    session.write(outbox.sent, [row.seq for row in waiting()])
    world.clock.advance(3600)
    (notifier, tasks), (other, others) = manager(world), manager(world, name='two')
    for _turn in range(2):
        tasks.run('exists', 0, notifier.exists)
        others.run('exists', 0, other.exists)
    assert types() == ['trove.instance.exists']
    found = payload('trove.instance.exists')
    assert set(found) >= METERED | {'display_name', 'audit_period_beginning', 'audit_period_ending'}
    assert (found['instance_id'], found['audit_period_beginning'],
            found['audit_period_ending']) == (instance_id, '2031-04-02T08:00:00Z',
                                              '2031-04-02T09:00:00Z')
    assert 0 < notifier.until_next_period() <= 3600
    world.clock.advance(3600)
    others.run('exists', 0, other.exists)
    tasks.run('exists', 0, notifier.exists)
    assert types() == ['trove.instance.exists'] * 2


def test_a_period_of_many_instances_is_emitted_in_pages(listened, world):
    for number in range(5):
        world.create(name=f'n{number}')
    session.write(outbox.sent, [row.seq for row in waiting()])
    world.clock.advance(3600)
    notifier, tasks = manager(world)
    notifier.page = 2
    assert tasks.run('exists', 0, notifier.exists)
    assert len({json.loads(row.payload)['instance_id'] for row in waiting()}) == len(waiting()) == 5


def test_quotas_are_emitted(listened, world):
    world.create()
    session.write(outbox.sent, [row.seq for row in waiting()])
    notifier, tasks = manager(world)
    assert tasks.run('quotas', 60, notifier.quotas)
    assert not tasks.run('quotas', 60, notifier.quotas)
    emitted = {json.loads(row.payload)['resource']: json.loads(row.payload) for row in waiting()}
    assert set(types()) == {
        'dbaas.quota'
    } and emitted['instances']['in_use'] == 1 and emitted['instances']['limit'] == 10


def test_a_rolled_back_transaction_emits_nothing(listened, world):
    with pytest.raises(RuntimeError), session.writer() as connection:
        notifications.emit(connection, 'instance_restart', 'start', tenant_id='p', request_id='r',
                           now=world.clock())
        raise RuntimeError
    assert waiting() == []


def test_a_process_that_lost_the_lease_cannot_write(world):
    taken = session.write(periodic_tasks.take, 'd', 'one', world.clock(), 10)
    world.clock.advance(11)
    assert session.write(periodic_tasks.take, 'd', 'two', world.clock(),
                         10).claim == taken.claim + 1
    with pytest.raises(exception.ClaimLost):
        session.write(periodic_tasks.renew, 'd', taken.claim, world.clock(), 10)


def test_usage_of_an_instance_matches_its_row(world):
    instance_id = world.create()
    world.settle()
    with session.reader() as connection:
        usage = notifications._usage(connection, instances.get(connection, instance_id))
    assert usage['instance_type_id'] == 'f-small' and usage['launched_at'] >= usage['created_at']
