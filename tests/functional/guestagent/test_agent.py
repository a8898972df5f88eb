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

"""The agent over the in-memory engine: commands run once, reports are true, and nothing is lost when it dies."""

import uuid

import pytest

from tests.functional.memory_bus import MemoryBus
from tests.functional.simulated_guest import SimulatedGuest
from trove.common import exception
from trove.common.rpc import envelope, keys, messages
from trove.guestagent.api import GuestAPI
from trove.guestagent.datastore.service import HEAL_PAUSE

ID = '6e3f0a52-6cbb-4f0f-9e6b-0d4b7b6d3a11'
KEY = b'\x07' * 32
VOLUME = 'c0ffee00-0000-4000-8000-000000000001'
USER = {'name': 'app', 'password': 'canary-user', 'host': '%', 'databases': [{'name': 'shop'}]}


class Conductor:
    """Takes reports as the control plane's end would: opened, and in order."""

    def __init__(self, bus: MemoryBus) -> None:
        self.reports: list[tuple[str, str, dict]] = []
        bus.server('trove-conductor', 'test', [self]).start()

    def deliver(self, context, envelope):
        header, body = _open(envelope)
        messages.UP[header.kind].from_wire(body)
        self.reports.append((header.kind, header.boot_id, body))

    def of(self, kind):
        return [body for found, _, body in self.reports if found == kind]

    @property
    def last(self):
        return self.of('Heartbeat')[-1]


def _open(wire):
    return envelope.open(keys.seal_key(KEY), wire)


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def bus():
    return MemoryBus()


@pytest.fixture
def conductor(bus):
    return Conductor(bus)


@pytest.fixture
def guest(bus, conductor, tmp_path, now):
    return SimulatedGuest(bus, ID, KEY, tmp_path / 'guest', volumes={VOLUME: None}, clock=lambda: now[0])


@pytest.fixture
def api(bus):
    return GuestAPI(bus, ID, KEY)


def prepare(**changes):
    values = {'command_id': str(uuid.uuid4()), 'operation_id': 'create-1', 'deadline': 600,
              'datastore_version': '1.0', 'mount_point': '/var/lib/mysql', 'memory_mb': 1024,
              'config_contents': '[mysqld]\nmax_connections = 100\n', 'new_volume': True,
              'device': {'volume_id': VOLUME, 'device_path': '/dev/vdb'},
              'databases': [{'name': 'shop', 'character_set': None, 'collate': None}], 'users': [USER],
              'root_password': None}
    return messages.Prepare(**{**values, **changes})


@pytest.fixture
def prepared(guest, api):
    guest.start()
    api.cast(prepare())
    guest.step()
    return guest


def test_it_reports_right_after_its_start(guest, conductor):
    guest.start()
    assert conductor.last['service_status'] == 'building'
    assert conductor.last['reason'] == 'waiting to be prepared'
    assert conductor.last['boot_id'] == '00000001.00000001'
    assert conductor.last['volume'] == {} and conductor.last['results'] == []


def test_prepare(guest, api, conductor):
    guest.start()
    command = prepare(root_password='canary-root')
    api.cast(command)
    guest.agent.tick()
    assert conductor.last['service_status'] == 'building' and 'preparing' in conductor.last['reason']
    guest.step()
    [result] = conductor.of('CommandResult')
    assert (result['command_id'], result['operation_id'], result['outcome'], result['step']) == (
        command.command_id, 'create-1', 'done', 'finish')
    assert conductor.last['service_status'] == 'healthy'
    assert conductor.last['engine'] == {'version': '1.0-memory', 'uptime': 7}
    assert conductor.last['volume']['total'] > conductor.last['volume']['available'] > 0
    assert conductor.last['results'] == [result]
    data = guest.engine.data
    assert data.secured and data.root_password == 'canary-root' and list(data.users) == [('app', '%')]
    assert 'ConditionPathIsMountPoint=/var/lib/mysql' in guest.machine.unit('memory').drop_ins['10-trove']
    assert guest.machine.unit('memory').enabled()


def test_no_secret_on_the_guests_disk(guest, api):
    guest.start()
    api.cast(prepare(root_password='canary-root'))

    def content():
        return b''.join(path.read_bytes() for path in guest.machine.root.rglob('*') if path.is_file())

    assert b'Prepare' in content() and b'canary' not in content()
    guest.step()
    api.call(messages.EnableRoot(command_id='root-1', password='canary-enable'), 5)
    assert b'canary' not in content()


def test_a_repeated_prepare_is_answered_and_not_repeated(prepared, api, conductor, bus):
    [first] = conductor.of('CommandResult')
    starts = prepared.machine.unit('memory').starts
    api.cast(prepare(command_id=first['command_id']))
    prepared.step()
    assert conductor.of('CommandResult') == [first, first]
    assert prepared.machine.unit('memory').starts == starts
    prepared.kill()
    prepared.start()
    api.cast(prepare(command_id=first['command_id']))
    prepared.step()
    assert conductor.of('CommandResult') == [first, first, first]


def test_a_delivery_while_it_runs_is_ignored(guest, api, conductor):
    guest.start()
    command = prepare()
    api.cast(command)
    api.cast(command)
    guest.step()
    assert len(conductor.of('CommandResult')) == 1


def test_a_second_long_command_is_refused_not_queued(guest, api, conductor):
    guest.start()
    api.cast(prepare())
    api.cast(messages.Restart(command_id='restart-1'))
    [refused] = conductor.of('CommandResult')
    assert (refused['command_id'], refused['error_code']) == ('restart-1', 'guest_busy')
    assert 'still doing Prepare' in refused['message']
    guest.step()
    api.cast(messages.Restart(command_id='restart-1'))
    guest.step()
    assert conductor.of('CommandResult')[-1]['outcome'] == 'done'


@pytest.mark.parametrize('step', ['volume', 'init', 'start', 'objects', 'finish'])
def test_an_agent_that_dies_in_prepare_goes_on(guest, api, conductor, step):
    class Killed(BaseException):
        pass

    guest.start()
    command = prepare()
    api.cast(command)
    attempt = guest.agent._manager.preparation._attempt

    def die(name, *rest):
        if name == step:
            raise Killed
        attempt(name, *rest)

    guest.agent._manager.preparation._attempt = die
    with pytest.raises(Killed):
        guest.step()
    guest.kill()
    assert conductor.of('CommandResult') == []
    guest.start()
    guest.step()
    [result] = conductor.of('CommandResult')
    assert (result['command_id'], result['outcome']) == (command.command_id, 'done')
    assert guest.engine.data.initialised == 1
    assert conductor.last['service_status'] == 'healthy' and conductor.last['boot_id'] == '00000001.00000002'


@pytest.mark.parametrize('trouble, step, words', [
    (lambda guest: guest.machine.volumes.clear(), 'volume', 'No device'),
    (lambda guest: setattr(guest.engine, 'bad_option', 'max_connections'), 'config', 'max_connections'),
    (lambda guest: setattr(guest.machine.unit('memory'), 'refuses', 'no memory left'), 'start', 'no memory left'),
])
def test_a_failed_step_is_named_and_a_new_prepare_resumes(guest, api, conductor, trouble, step, words):
    guest.start()
    trouble(guest)
    api.cast(prepare())
    guest.step()
    [result] = conductor.of('CommandResult')
    assert (result['outcome'], result['step'], result['error_code']) == ('failed', step, f'guest_prepare_{step}')
    assert words in result['message']
    assert conductor.last['service_status'] == 'failed to spawn' and words in conductor.last['reason']
    guest.machine.volumes.setdefault(VOLUME, None)
    guest.engine.bad_option = guest.machine.unit('memory').refuses = ''
    api.cast(prepare())
    guest.step()
    assert conductor.of('CommandResult')[-1]['outcome'] == 'done'
    assert conductor.last['service_status'] == 'healthy'


def test_objects_that_cannot_be_made_are_named(guest, api, conductor):
    guest.start()
    api.cast(prepare(users=[{**USER, 'name': 'os_admin'}, USER], databases=[{'name': 'x' * 65}]))
    guest.step()
    [result] = conductor.of('CommandResult')
    assert result['error_code'] == 'guest_prepare_objects'
    assert "'os_admin'" in result['message'] and 'x' * 65 in result['message']
    assert list(guest.engine.data.users) == [('app', '%')]


def test_an_old_volume_is_never_formatted(guest, api, conductor):
    guest.start()
    api.cast(prepare(new_volume=False))
    guest.step()
    assert conductor.of('CommandResult')[0]['error_code'] == 'guest_prepare_volume'
    assert guest.machine.volumes[VOLUME] is None


def test_a_rebuilt_server_keeps_the_data(prepared, api, bus, conductor, tmp_path):
    api.call(messages.DeleteUser(name='app'), 5)
    prepared.kill()
    rebuilt = SimulatedGuest(bus, ID, KEY, tmp_path / 'rebuilt', volumes=prepared.machine.volumes, boot_epoch=2)
    rebuilt.start()
    api.cast(prepare(new_volume=False))
    rebuilt.step()
    assert conductor.last['service_status'] == 'healthy' and conductor.last['boot_id'] == '00000002.00000001'
    assert rebuilt.engine.data.initialised == 1
    assert rebuilt.engine.data.users == {} and 'shop' in rebuilt.engine.data.databases


def test_reports_when_due_and_when_something_changed(prepared, conductor, now):
    count = len(conductor.of('Heartbeat'))
    prepared.step()
    assert len(conductor.of('Heartbeat')) == count
    now[0] += 29
    prepared.step()
    assert len(conductor.of('Heartbeat')) == count
    now[0] += 2
    prepared.step()
    assert len(conductor.of('Heartbeat')) == count + 1
    prepared.machine.unit('memory').crash()
    prepared.step()
    assert conductor.last['service_status'] == 'crashed' and len(conductor.of('Heartbeat')) == count + 2


def test_a_hanging_engine_is_running_for_a_while_then_crashed(prepared, conductor):
    prepared.engine.hangs = True
    seen = []
    for _ in range(5):
        prepared.step()
        seen.append(conductor.last['service_status'])
    assert seen == ['running', 'running', 'running', 'crashed', 'crashed']
    prepared.engine.hangs = False
    prepared.step()
    assert conductor.last['service_status'] == 'healthy'


def test_an_engine_out_of_connections_is_not_crashed(prepared, conductor):
    prepared.engine.full = True
    for _ in range(9):
        prepared.step()
    assert conductor.last['service_status'] == 'running' and '1040' in conductor.last['reason']


def test_a_locked_out_agent_repairs_that_but_not_all_the_time(prepared, conductor, now):
    prepared.engine.locked = True
    prepared.step()
    prepared.step()
    prepared.step()
    assert conductor.last['service_status'] == 'healthy'
    assert prepared.machine.unit('memory').environment == [('MEMORY_OPTS', '--init')]
    prepared.engine.locked = True
    for _ in range(3):
        prepared.step()
    assert conductor.last['service_status'] == 'running'
    assert len(prepared.machine.unit('memory').environment) == 1
    now[0] += HEAL_PAUSE
    for _ in range(3):
        prepared.step()
    assert conductor.last['service_status'] == 'healthy'


def test_a_restart_repairs_a_lock_out_at_once(prepared, api, conductor):
    prepared.engine.locked = True
    api.cast(messages.Restart(command_id='restart-1'))
    prepared.step()
    assert conductor.last['service_status'] == 'healthy'


def test_a_restart_with_a_broken_configuration_stops_nothing(prepared, api, conductor):
    prepared.engine.bad_option = 'max_connections'
    starts = prepared.machine.unit('memory').starts
    api.cast(messages.Restart(command_id='restart-1'))
    prepared.step()
    assert conductor.of('CommandResult')[-1]['error_code'] == 'guest_restart_failed'
    assert prepared.machine.unit('memory').starts == starts
    assert conductor.last['service_status'] == 'healthy'


def test_stopped_stays_stopped_until_the_machine_starts_anew(prepared, api, conductor):
    api.cast(messages.StopDatabase(command_id='stop-1'))
    prepared.step()
    assert conductor.last['service_status'] == 'shutdown' and conductor.last['reason'] == ''
    prepared.kill()
    prepared.start()
    assert conductor.last['service_status'] == 'shutdown'
    prepared.reboot()
    assert conductor.last['service_status'] == 'healthy'


def test_stopped_for_good_survives_the_machine(prepared, api, conductor):
    api.cast(messages.StopDatabase(command_id='stop-1', do_not_start_on_reboot=True))
    prepared.step()
    prepared.reboot()
    assert conductor.last['service_status'] == 'shutdown'
    api.cast(messages.Restart(command_id='restart-1'))
    prepared.step()
    prepared.reboot()
    assert conductor.last['service_status'] == 'healthy'


def test_a_machine_whose_volume_is_gone_says_so(prepared, conductor):
    kept = prepared.machine.volumes.pop(VOLUME)
    prepared.reboot()
    assert conductor.last['service_status'] == 'shutdown'
    assert conductor.last['reason'] == 'the data volume is not mounted' and conductor.last['volume'] == {}
    assert prepared.machine.unit('memory').active == 'inactive'
    prepared.machine.volumes[VOLUME] = kept
    prepared.reboot()
    assert conductor.last['service_status'] == 'healthy'


def test_a_broker_that_is_away_loses_no_result(prepared, api, bus, conductor):
    api.cast(messages.Restart(command_id='restart-1'))
    bus.broken = True
    prepared.step()
    bus.broken = False
    assert [result['kind'] for result in conductor.of('CommandResult')] == ['Prepare']
    prepared.step()
    assert [result['command_id'] for result in conductor.last['results']][-1] == 'restart-1'


# --- short commands ----------------------------------------------------------------------------------

def refused(api, message):
    with pytest.raises(exception.GuestError) as failure:
        api.call(message, 5)
    return failure.value.code


def test_nothing_but_ping_before_it_is_prepared(guest, api):
    guest.start()
    assert api.call(messages.Ping(), 5) == {'boot_id': '00000001.00000001', 'agent_version': '1.0.0'}
    assert refused(api, messages.ListUsers()) == 'guest_not_prepared'


def test_paging(prepared, api):
    api.call(messages.CreateDatabases(databases=[{'name': name} for name in 'cab']), 5)
    first = api.call(messages.ListDatabases(limit=2), 5)
    assert [found['name'] for found in first['databases']] == ['a', 'b'] and first['next_marker'] == 'b'
    second = api.call(messages.ListDatabases(limit=2, marker='b'), 5)
    assert [found['name'] for found in second['databases']] == ['c', 'shop'] and second['next_marker'] is None
    again = api.call(messages.ListDatabases(marker='c', include_marker=True), 5)
    assert [found['name'] for found in again['databases']] == ['c', 'shop']


def test_nothing_is_made_when_one_of_several_is_refused(prepared, api):
    assert refused(api, messages.CreateDatabases(
        databases=[{'name': 'new'}, {'name': 'shop'}])) == 'guest_exists_database'
    assert refused(api, messages.CreateDatabases(
        databases=[{'name': 'twice'}, {'name': 'twice'}])) == 'guest_exists_database'
    assert refused(api, messages.CreateUsers(users=[
        {'name': 'new', 'password': 'x'}, {'name': 'root', 'password': 'x'}])) == 'guest_reserved_name'
    assert refused(api, messages.CreateUsers(users=[{'name': 'new'}])) == 'guest_invalid_password'
    assert refused(api, messages.ChangePasswords(users=[
        {'name': 'app', 'password': 'changed'}, {'name': 'nobody', 'password': 'x'}])) == 'guest_not_found_user'
    assert list(prepared.engine.data.databases) == ['shop']
    assert prepared.engine.data.users == {('app', '%'): {'password': 'canary-user', 'databases': {'shop'}}}


def test_users_and_grants(prepared, api):
    api.call(messages.CreateUsers(users=[{'name': 'b', 'password': 'x', 'host': '10.0.%', 'databases': []}]), 5)
    assert [user['name'] for user in api.call(messages.ListUsers(), 5)['users']] == ['app', 'b']
    assert api.call(messages.GetUser(name='b', host='10.0.%'), 5) == {
        'user': {'name': 'b', 'host': '10.0.%', 'databases': []}}
    assert api.call(messages.GetUser(name='b'), 5) == {'user': None}
    api.call(messages.GrantAccess(name='b', host='10.0.%', databases=['shop', 'other']), 5)
    api.call(messages.RevokeAccess(name='b', host='10.0.%', database='shop'), 5)
    assert api.call(messages.ListAccess(name='b', host='10.0.%'), 5) == {'databases': [{'name': 'other'}]}
    api.call(messages.UpdateUser(name='b', host='10.0.%', changes={'name': 'c', 'host': '%', 'password': 'y'}), 5)
    assert prepared.engine.data.users['c', '%'] == {'password': 'y', 'databases': {'other'}}
    assert refused(api, messages.UpdateUser(name='c', changes={'name': 'app'})) == 'guest_exists_user'
    assert refused(api, messages.UpdateUser(name='c', changes={'name': 'root'})) == 'guest_reserved_name'
    api.call(messages.DeleteUser(name='c'), 5)
    assert refused(api, messages.DeleteUser(name='c')) == 'guest_not_found_user'
    api.call(messages.DeleteDatabase(name='shop'), 5)
    assert refused(api, messages.DeleteDatabase(name='shop')) == 'guest_not_found_database'


def test_root(prepared, api):
    made = api.call(messages.EnableRoot(), 5)['user']
    assert made['name'] == 'root' and len(made['password']) == 36 and made['password'].isalnum()
    assert prepared.engine.data.root_password == made['password']
    assert api.call(messages.EnableRoot(password='mine'), 5)['user']['password'] == 'mine'
    api.call(messages.DisableRoot(), 5)
    assert prepared.engine.data.root_password is None


def test_a_repeated_short_command_gets_the_same_answer(prepared, api):
    create = messages.CreateUsers(command_id='create-users', users=[{'name': 'b', 'password': 'x'}])
    assert api.call(create, 5) == api.call(create, 5) == {}
    prepared.kill()
    prepared.start()
    assert api.call(create, 5) == {}
    root = messages.EnableRoot(command_id='enable-root')
    assert api.call(root, 5) == api.call(root, 5)


def test_what_an_engine_cannot_do_is_refused(bus, conductor, tmp_path, api):
    guest = SimulatedGuest(bus, ID, KEY, tmp_path / 'other', volumes={VOLUME: None})
    able = guest.engine.description
    object.__setattr__(guest.engine, 'description', type(able)(**{
        **{name: getattr(able, name) for name in able.__dataclass_fields__}, 'capabilities': frozenset({'root'})}))
    guest.start()
    api.cast(prepare(databases=[], users=[]))
    guest.step()
    assert refused(api, messages.ListDatabases()) == 'guest_not_supported'
    assert api.call(messages.DisableRoot(), 5) == {}


def test_unusable_commands(prepared, api):
    class Tomorrow(messages.Command):
        KIND = 'Tomorrow'

    assert refused(api, Tomorrow()) == 'guest_unknown_command'
    with pytest.raises(exception.GuestError) as failure:
        api.call(messages.DeleteDatabase(name=''), 5)
    assert failure.value.code == 'guest_invalid_message' and 'name' in failure.value.message
