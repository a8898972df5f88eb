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

"""Options of a configuration group in the guest: taken, waiting, refused, reverted, drifted."""

import uuid

import pytest

from tests.functional.guestagent.conftest import prepare
from tests.functional.simulated_guest import SimulatedGuest
from trove.common.rpc import messages

STATIC = 'back_log'


@pytest.fixture
def unit(prepared):
    return prepared.machine.unit('memory')


def execute(prepared, api, conductor, command):
    """Send a long command, let the guest run it, and return its result."""
    api.cast(command)
    prepared.step()
    return next(body for body in reversed(conductor.of('CommandResult'))
                if body['command_id'] == command.command_id)


@pytest.fixture
def apply(prepared, api, conductor):
    def apply(**options):
        return execute(prepared, api, conductor, messages.ApplyConfiguration(
            command_id=str(uuid.uuid4()), operation_id='attach-1', deadline=60, options=options))
    return apply


@pytest.fixture
def restart(prepared, api, conductor):
    def restart():
        return execute(
            prepared, api, conductor,
            messages.Restart(command_id=str(uuid.uuid4()), operation_id='restart-1', deadline=60))
    return restart


def user_file(prepared):
    path = prepared.machine.root / 'etc/memory/71-user.cnf'
    return prepared.engine.parse_options(path.read_text()) if path.exists() else None


def test_dynamic_options_are_in_force_at_once(prepared, apply, conductor, unit):
    starts = unit.starts
    result = apply(max_connections=250, long_query_time=0.5, event_scheduler=True, sql_mode='ANSI')
    assert result['outcome'] == 'done'
    assert result['data'] == {
        'taken': ['event_scheduler', 'long_query_time', 'max_connections', 'sql_mode'],
        'waiting': [],
        'adjusted': {}
    }
    running = prepared.engine.running
    assert {
        name: running[name]
        for name in result['data']['taken']
    } == {
        'max_connections': '250',
        'long_query_time': '0.5',
        'event_scheduler': 'ON',
        'sql_mode': 'ANSI'
    }
    assert conductor.last['pending_restart'] == [] and unit.starts == starts


def test_static_options_wait_while_the_others_are_taken(prepared, apply, restart, conductor):
    result = apply(max_connections=250, back_log=90)
    assert result['data']['taken'] == ['max_connections'] and result['data']['waiting'] == [STATIC]
    assert prepared.engine.running[
        'max_connections'] == '250' and STATIC not in prepared.engine.running
    assert conductor.last['pending_restart'] == [STATIC]
    assert restart()['outcome'] == 'done'
    assert conductor.last['pending_restart'] == [] and prepared.engine.running[STATIC] == '90'


def test_a_waiting_option_that_is_removed_no_longer_waits(apply, conductor):
    apply(back_log=90)
    assert apply()['data']['waiting'] == []
    assert conductor.last['pending_restart'] == []


def test_options_that_go_give_way_to_the_template_and_the_engine(prepared, apply):
    apply(max_connections=250, wait_timeout=60)
    result = apply()
    assert result['data']['taken'] == ['max_connections', 'wait_timeout']
    assert prepared.engine.running[
        'max_connections'] == '100' and 'wait_timeout' not in prepared.engine.running
    assert user_file(prepared) is None


def test_what_the_engine_refuses_changes_nothing(prepared, apply, conductor):
    apply(max_connections=250)
    prepared.engine.refuses['sql_mode'] = 'no such mode'
    result = apply(max_connections=300, sql_mode='NONSENSE', wait_timeout=60)
    assert result['outcome'] == 'failed' and result['error_code'] == 'guest_configuration_refused'
    assert result['message'] == 'The engine refuses sql_mode: no such mode'
    assert user_file(prepared) == {'max_connections': '250'}
    assert prepared.engine.running[
        'max_connections'] == '250' and 'wait_timeout' not in prepared.engine.running
    assert conductor.last['pending_restart'] == [] == conductor.last['drift']


def test_what_the_check_refuses_changes_nothing(prepared, apply, conductor):
    prepared.engine.bad_option = 'plugin_load_add'
    result = apply(plugin_load_add='x', max_connections=300)
    assert result['error_code'] == 'guest_configuration_refused' and 'plugin_load_add' in result[
        'message']
    assert user_file(prepared) is None and prepared.engine.running['max_connections'] == '100'
    assert conductor.last['pending_restart'] == []


def test_what_cannot_be_written_is_refused(prepared, apply):
    result = apply(init_connect='SET @a = 1\nuser = root')
    assert result['error_code'] == 'guest_configuration_refused'
    assert user_file(prepared) is None


def test_an_engine_that_hangs_keeps_what_it_has(prepared, apply):
    prepared.engine.hangs = True
    result = apply(max_connections=300)
    assert result['error_code'] == 'guest_engine_unavailable'
    assert user_file(prepared) is None


def test_a_stopped_engine_takes_them_when_it_starts(prepared, apply, unit, conductor):
    prepared.agent._manager.lifecycle.stop()
    result = apply(max_connections=300, back_log=90)
    assert result['outcome'] == 'done' and result['data']['waiting'] == [STATIC, 'max_connections']
    prepared.agent._manager.lifecycle.start()
    prepared.step()
    assert prepared.engine.running['max_connections'] == '300' and conductor.last[
        'pending_restart'] == []


def test_rounded_values_are_reported_and_are_no_drift(prepared, apply, conductor, now):
    prepared.engine.cuts['max_connections'] = '100000'
    result = apply(max_connections=999999)
    assert result['data']['adjusted'] == {'max_connections': '100000'}
    now[0] += 60
    prepared.step()
    assert conductor.last['drift'] == []


def test_values_changed_by_others_are_reported(prepared, apply, restart, conductor, now):
    apply(max_connections=250)
    prepared.engine.running['max_connections'] = '7'
    now[0] += 60
    prepared.step()
    assert conductor.last['drift'] == ['max_connections'
                                       ] and conductor.last['pending_restart'] == []
    restart()
    assert conductor.last['drift'] == []


def test_options_on_their_way_are_no_drift(prepared, apply):
    """One thread checks for drift while another has written files the engine has not read yet."""
    engine, seen = prepared.engine, []
    check = engine.validate_configuration
    engine.validate_configuration = lambda place: (seen.append(prepared.agent._manager.user_options.
                                                               drifted()), check(place))
    assert apply(max_connections=250)['outcome'] == 'done'
    assert seen == [[]]


def test_a_restart_by_others_is_noticed(prepared, apply, conductor, unit):
    """After a crash systemd restarts the engine, and the waiting options are in force."""
    apply(back_log=90)
    unit.crash()
    unit.start(60)
    prepared.step()
    assert conductor.last['pending_restart'] == []


def test_starting_what_runs_makes_nothing_true(prepared, apply, conductor):
    apply(back_log=90)
    prepared.agent._manager.lifecycle.start()
    prepared.step()
    assert conductor.last['pending_restart'] == [STATIC]


def test_after_a_reboot_nothing_waits(prepared, apply, conductor):
    apply(back_log=90)
    prepared.reboot()
    prepared.step()
    assert conductor.last['service_status'] == 'healthy' and conductor.last['pending_restart'] == []


# --- options the engine does not start with -------------------------------------------------------

def assert_reverted(prepared, conductor):
    """Check that the engine runs with the last good options, and that the report explains it."""
    assert prepared.machine.unit('memory').active == 'active'
    assert conductor.last['service_status'] == 'healthy'
    assert user_file(prepared) == {
        'max_connections': '250'
    } and prepared.engine.running['max_connections'] == '250'
    assert conductor.last['pending_restart'] == [STATIC] and '= 7' in conductor.last['rejection']


@pytest.fixture
def broken(prepared, apply):
    apply(max_connections=250)
    prepared.engine.deadly = (STATIC, '7')
    assert apply(max_connections=250, back_log=7)['outcome'] == 'done'


def test_a_restart_that_fails_for_them_reverts_them(prepared, broken, restart, apply, conductor):
    result = restart()
    assert (result['outcome'], result['error_code']) == ('failed', 'guest_configuration_taken_back')
    assert_reverted(prepared, conductor)
    assert restart(
    )['error_code'] == 'guest_configuration_taken_back', 'each restart tries the requested options'
    assert_reverted(prepared, conductor)
    prepared.engine.deadly = ('', '')
    assert restart()['outcome'] == 'done'
    assert conductor.last['pending_restart'] == [] and conductor.last['rejection'] == ''
    assert prepared.engine.running[STATIC] == '7'


def test_a_check_that_fails_for_them_does_not_stop_the_engine(prepared, broken, restart, unit,
                                                              conductor):
    prepared.engine.bad_option = STATIC
    starts = unit.starts
    assert restart()['error_code'] == 'guest_configuration_taken_back'
    assert unit.starts == starts
    assert user_file(prepared) == {'max_connections': '250'}
    assert conductor.last['pending_restart'] == [STATIC] and STATIC in conductor.last['rejection']


def test_other_values_end_the_rejection(prepared, broken, restart, apply, conductor):
    restart()
    result = apply(max_connections=250, back_log=80)
    assert result['data'] == {'taken': [], 'waiting': [STATIC], 'adjusted': {}}
    assert conductor.last['rejection'] == ''
    assert restart()['outcome'] == 'done'
    assert prepared.engine.running[STATIC] == '80'


def test_a_reboot_that_fails_for_them_reverts_them(prepared, broken, conductor):
    prepared.reboot()
    prepared.step()
    assert_reverted(prepared, conductor)


def test_a_crash_that_fails_for_them_reverts_them(prepared, broken, unit, conductor):
    unit.active, unit.result = 'failed', 'exit-code'
    prepared.step()
    prepared.step()
    assert_reverted(prepared, conductor)


def test_a_loop_of_restarts_by_systemd_reverts_them(prepared, broken, unit, conductor):
    """systemd never gives up, so the unit never stays failed."""
    unit.crash()
    for restarts in range(1, 5):
        unit.active, unit.restarts = 'activating', restarts
        prepared.step()
        prepared.step()
        if unit.active == 'active':
            break
    assert restarts == 3, 'systemd has its tries first'
    assert_reverted(prepared, conductor)


def test_when_something_else_keeps_it_down_they_stay(prepared, broken, restart, unit, conductor):
    unit.refuses = 'no space left'
    assert restart()['error_code'] == 'guest_restart_failed'
    assert user_file(prepared) == {'max_connections': '250', STATIC: '7'}
    prepared.engine.deadly = ('', '')
    unit.refuses = ''
    assert restart()['outcome'] == 'done'
    assert conductor.last['pending_restart'] == []


# --- at the first start ---------------------------------------------------------------------------

def begin(guest, api, conductor, **options):
    guest.start()
    api.cast(prepare(options=options))
    guest.step()
    return conductor.of('CommandResult')[-1]


def test_a_new_server_comes_up_with_them(guest, api, conductor):
    assert begin(guest, api, conductor, back_log=90, max_connections=250)['outcome'] == 'done'
    assert guest.engine.running[STATIC] == '90' and guest.engine.running['max_connections'] == '250'
    assert conductor.last['pending_restart'] == []


@pytest.mark.parametrize('kind', ['refused by the check', 'not started with'])
def test_a_new_server_comes_up_without_those_that_cannot_be(guest, api, conductor, kind):
    if kind == 'not started with':
        guest.engine.deadly = (STATIC, '7')
    else:
        guest.engine.bad_option = STATIC
    assert begin(guest, api, conductor, back_log=7)['outcome'] == 'done'
    assert conductor.last['service_status'] == 'healthy'
    assert conductor.last['pending_restart'] == [STATIC] and STATIC in conductor.last['rejection']
    assert isinstance(guest, SimulatedGuest) and user_file(guest) is None
