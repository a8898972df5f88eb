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

"""Commands of ``openstack database`` that this project brings along, over the edge."""

import pytest
from osc_lib.exceptions import CommandError

from tests.functional.api import worlds
from tests.functional.api.shell import COMMANDS, OWN_COMMANDS, Openstack, Staff
from tests.functional.api.stories import WORDS
from trove.client.osc import waiting

ORDERS = WORDS['orders']


@pytest.fixture
def shell(edge, monkeypatch):
    """Return a shell; while it waits the task manager and the guests work."""
    worlds.orders(edge)
    worlds.logs(edge)
    staff = Staff(edge)
    monkeypatch.setattr(waiting.Waiting, 'pause', staticmethod(lambda _seconds: staff.work()))
    return Openstack(edge, 'demo', {**COMMANDS, **OWN_COMMANDS})


def test_every_own_command_is_installed_and_can_be_loaded():
    assert len(OWN_COMMANDS) == 18
    for point in OWN_COMMANDS.values():
        assert point.load().__doc__


def test_a_command_that_waits_returns_when_the_operation_has_ended(shell, capsys):
    assert shell('database instance restart', 'orders', '--wait') is None
    [operation] = shell('database operation list', 'orders', '--limit', '1')
    assert (operation['Kind'], operation['State']) == ('instance_restart', 'succeeded')
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith('instance_restart 0/') and lines[-1].endswith(' succeeded')
    assert shell('database instance show', 'orders')['status'] == 'ACTIVE'


def test_a_command_that_does_not_wait_returns_at_once(shell):
    shell('database instance restart', 'orders')
    [operation] = shell('database operation list', 'orders', '--limit', '1')
    assert operation['State'] == 'running'


def test_an_operation_that_fails_fails_the_command_with_its_reason(shell):
    # Nova of this world does not know the server of the instance.
    with pytest.raises(CommandError,
                       match='instance_resize_volume.* failed: The compute service could not show'):
        shell('database instance resize volume', 'orders', '9', '--wait')


def test_a_command_gives_up_waiting_and_names_the_operation(shell, monkeypatch):
    monkeypatch.setattr(waiting.Waiting, 'pause', staticmethod(lambda _seconds: None))
    moments = iter(range(100))
    with pytest.raises(CommandError, match='still runs after 5 s. Follow it with "openstack'):
        with waiting.recorded_operations(shell.database) as found:
            shell('database instance restart', 'orders')
        waiting.follow(shell.database, found[0], 5, sleep=lambda _seconds: None,
                       clock=lambda: next(moments))


def test_operations_and_events_are_listed_and_shown(shell):
    shell('database instance restart', 'orders', '--wait')
    [row] = shell('database operation list', ORDERS, '--limit', '1')
    shown = shell('database operation show', row['ID'])
    assert (shown['kind'], shown['state']) == ('instance_restart', 'succeeded')
    assert shown['error'] is None
    assert shown['steps'].count('\n') + 1 == shown['steps_total']
    events = shell('database event list', 'orders')
    assert {event['Operation ID'] for event in events} >= {row['ID']}
    assert all(event['Text'] and event['Time'] for event in events)


def test_lists_reach_beyond_one_page(shell):
    for _turn in range(3):
        shell('database instance restart', 'orders', '--wait')
    assert len(shell('database operation list', 'orders', '--limit', '2')) == 2
    everything = shell('database operation list', 'orders', '--limit', '1000')
    assert len({row['ID'] for row in everything}) == len(everything) >= 3


def test_an_operation_is_cancelled_and_requested_again(shell, edge):
    shell('database instance resize volume', 'orders', '9')
    [row] = shell('database operation list', 'orders', '--limit', '1')
    cancelled = shell('database operation cancel', row['ID'], '--wait')
    assert cancelled['state'] == 'cancelled'
    again = shell('database operation retry', row['ID'])
    assert (again['state'], again['kind']) == ('running', 'instance_resize_volume')
    assert again['id'] != row['ID']


def test_access_is_shown_and_set(shell):
    shown = shell('database instance access show', 'orders')
    assert shown['id'] == ORDERS and 'private' in shown['addresses']
    changed = shell('database instance access set', 'orders', '--allowed-cidr', '10.0.0.0/8',
                    '--wait')
    assert changed['allowed_cidrs'] == '10.0.0.0/8'
    with pytest.raises(CommandError, match='Nothing to change'):
        shell('database instance access set', 'orders')


def test_an_unknown_instance_is_named(shell):
    with pytest.raises(CommandError, match='nowhere'):
        shell('database event list', 'nowhere')


def test_a_bar_is_drawn_on_a_terminal():
    class Terminal(list):
        write = list.append
        flush = staticmethod(lambda: None)
        isatty = staticmethod(lambda: True)

    terminal = Terminal()
    progress = waiting.Progress(terminal, clock=lambda: 7.0)
    progress.show({'kind': 'instance_create', 'state': 'running', 'step': 'EnsureVolume',
                   'position': 3, 'steps_total': 10})
    progress.close()
    assert ''.join(terminal) == ('\r\x1b[K[#########.....................] '
                                 'instance_create 3/10 EnsureVolume  0 s\n')
