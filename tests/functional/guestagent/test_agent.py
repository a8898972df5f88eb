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

"""Agent on the in-memory engine: commands run once, reports are true, a crash loses nothing."""

import pytest

import pathlib

from tests.functional.guestagent.conftest import ID, KEY, USER, VOLUME, prepare
from tests.functional.simulated_guest import SimulatedGuest
from trove.common.rpc import messages
from trove.guestagent.datastore.lifecycle import REPAIR_PAUSE


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
    assert conductor.last['service_status'] == 'building'
    assert 'preparing' in conductor.last['reason']
    guest.step()
    [result] = conductor.of('CommandResult')
    assert (result['command_id'], result['operation_id'], result['outcome'], result['step']) == (
        command.command_id, 'create-1', 'done', 'finish')
    assert conductor.last['service_status'] == 'healthy'
    assert conductor.last['engine'] == {'version': '1.0-memory', 'uptime': 7}
    assert conductor.last['volume']['total'] > conductor.last['volume']['available'] > 0
    assert conductor.last['results'] == [result]
    data = guest.engine.data
    assert data.secured and data.root_password == 'canary-root' and list(
        data.users) == [('app', '%')]
    assert 'ConditionPathIsMountPoint=/var/lib/mysql' in guest.machine.unit(
        'memory').drop_ins['10-trove']
    assert guest.machine.unit('memory').enabled()


def test_a_disk_that_cannot_be_written_does_not_keep_the_agent_busy(prepared, api, conductor):
    api.cast(messages.Restart(command_id='restart-1', operation_id='restart'))
    directory = pathlib.Path(prepared.machine.state_file('commands.json')).parent
    directory.rename(f'{directory}.away')
    prepared.step()
    pathlib.Path(f'{directory}.away').rename(directory)
    assert conductor.of('CommandResult')[-1]['command_id'] == 'restart-1'
    api.cast(messages.Restart(command_id='restart-2', operation_id='restart'))
    prepared.step()
    result = conductor.of('CommandResult')[-1]
    assert (result['command_id'], result['outcome']) == ('restart-2', 'done')


def test_no_secret_on_the_guests_disk(guest, api):
    guest.start()
    api.cast(prepare(root_password='canary-root'))

    def content():
        return b''.join(path.read_bytes()
                        for path in guest.machine.root.rglob('*')
                        if path.is_file())

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
    assert 'busy with Prepare' in refused['message']
    guest.step()
    api.cast(messages.Restart(command_id='restart-1'))
    guest.step()
    assert conductor.of('CommandResult')[-1]['outcome'] == 'done'


def test_a_long_command_that_cannot_be_used_is_reported(guest, api, conductor):
    guest.start()
    api.cast(prepare(command_id='wrong-1', mount_point='relative'))
    guest.step()
    [result] = conductor.of('CommandResult')
    assert (result['command_id'], result['error_code']) == ('wrong-1', 'guest_invalid_message')
    assert 'mount_point' in result['message']
    assert conductor.last['results'] == []


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
    assert conductor.last['service_status'] == 'healthy' and conductor.last[
        'boot_id'] == '00000001.00000002'


@pytest.mark.parametrize('trouble, step, words', [
    (lambda guest: guest.machine.volumes.clear(), 'volume', 'No device'),
    (lambda guest: setattr(guest.engine, 'bad_option', 'max_connections'), 'config',
     'max_connections'),
    (lambda guest: setattr(guest.machine.unit('memory'), 'refuses', 'no memory left'), 'start',
     'no memory left'),
])
def test_a_failed_step_is_named_and_a_new_prepare_resumes(guest, api, conductor, trouble, step,
                                                          words):
    guest.start()
    trouble(guest)
    api.cast(prepare())
    guest.step()
    [result] = conductor.of('CommandResult')
    assert (result['outcome'], result['step'], result['error_code']) == ('failed', step,
                                                                         f'guest_prepare_{step}')
    assert words in result['message']
    assert conductor.last['service_status'] == 'failed to spawn' and words in conductor.last[
        'reason']
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
    assert result['outcome'] == 'done'
    first, second = result['data']['problems']
    assert 'x' * 65 in first and "'os_admin'" in second
    assert list(guest.engine.data.users) == [('app', '%')]
    assert conductor.last['service_status'] == 'healthy'


def test_a_rebuilt_server_does_not_repeat_old_problems(guest, api, conductor):
    guest.start()
    api.cast(prepare(databases=[{'name': 'x' * 65}]))
    guest.step()
    guest.machine.reboot()
    (guest.machine.root / 'state/prepare.json').unlink()
    api.cast(prepare(databases=[{'name': 'x' * 65}], new_volume=False, operation_id='rebuild-1'))
    guest.step()
    result = conductor.of('CommandResult')[-1]
    assert (result['outcome'], result['data']['problems']) == ('done', [])


def test_an_old_volume_is_never_formatted(guest, api, conductor):
    guest.start()
    api.cast(prepare(new_volume=False))
    guest.step()
    assert conductor.of('CommandResult')[0]['error_code'] == 'guest_prepare_volume'
    assert guest.machine.volumes[VOLUME] is None


def test_a_rebuilt_server_keeps_the_data(prepared, api, bus, conductor, tmp_path):
    api.call(messages.DeleteUser(name='app'), 5)
    prepared.kill()
    rebuilt = SimulatedGuest(bus, ID, KEY, tmp_path / 'rebuilt', volumes=prepared.machine.volumes,
                             boot_epoch=2)
    rebuilt.start()
    api.cast(prepare(new_volume=False))
    rebuilt.step()
    assert conductor.last['service_status'] == 'healthy' and conductor.last[
        'boot_id'] == '00000002.00000001'
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
    assert conductor.last['service_status'] == 'crashed' and len(
        conductor.of('Heartbeat')) == count + 2


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


def test_a_locked_out_agent_restores_its_account_with_pauses(prepared, conductor, now):
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
    now[0] += REPAIR_PAUSE
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


def test_a_machine_without_its_volume_reports_that(prepared, conductor):
    kept = prepared.machine.volumes.pop(VOLUME)
    prepared.reboot()
    assert conductor.last['service_status'] == 'shutdown'
    assert conductor.last['reason'] == 'the data volume is not mounted' and conductor.last[
        'volume'] == {}
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
