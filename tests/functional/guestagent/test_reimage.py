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

"""Release of the data by one machine and their use by the next, interrupted after any step."""

import dataclasses
import os
import uuid

import pytest

from tests.functional.guestagent.conftest import ID, KEY, VOLUME
from tests.functional.simulated_guest import SimulatedGuest
from trove.common.rpc import messages

STEPS = ('volume', 'directories', 'data', 'convert', 'config', 'start', 'upgrade', 'finish')


def hand_over(**changes):
    return messages.HandOver(**{
        'command_id': str(uuid.uuid4()),
        'operation_id': 'upgrade-1',
        'deadline': 600,
        **changes
    })


def take_over(**changes):
    return messages.TakeOver(
        **{
            'command_id': str(uuid.uuid4()),
            'operation_id': 'upgrade-1',
            'deadline': 600,
            'datastore_version': '2.0',
            'mount_point': '/var/lib/mysql',
            'config_contents': '[mysqld]\nmax_connections = 200\n',
            'device': {
                'volume_id': VOLUME,
                'device_path': '/dev/vdb'
            },
            **changes
        })


@pytest.fixture
def handed(prepared, api, conductor):
    api.cast(hand_over(version='2.0'))
    prepared.step()
    assert conductor.of('CommandResult')[-1]['outcome'] == 'done'
    prepared.kill()
    return prepared


@pytest.fixture
def fresh(bus, handed, tmp_path, now):
    """Return a machine of the next version with the same volume and a new root disk."""
    made = SimulatedGuest(bus, ID, KEY, tmp_path / 'fresh', volumes=handed.machine.volumes,
                          boot_epoch=2, clock=lambda: now[0])
    made.engine.version = '2.0'
    return made


def result(conductor):
    return conductor.of('CommandResult')[-1]


def base_file(guest):
    return open(guest.machine.path('/etc/memory/70-base.cnf')).read()


def test_the_volume_is_released_in_order(handed):
    assert handed.machine.mounted == {} and handed.machine.unit('memory').active == 'inactive'
    kept = handed.machine.volumes[VOLUME].directory / 'trove/configuration'
    assert (kept / '1.0/70-base.cnf').read_text() == base_file(handed)
    assert oct(os.stat(kept / '1.0').st_mode
               & 0o777) == '0o700', 'what tenants may not see, their engine may not'


def test_handed_over_twice_is_once(prepared, api, conductor):
    for _ in (1, 2):
        api.cast(hand_over())
        prepared.step()
        assert result(conductor)['outcome'] == 'done'
    assert prepared.machine.mounted == {}


def test_a_refusal_stops_nothing(prepared, api, conductor):
    prepared.engine.refuses_upgrade = 'Not with prepared transactions.'
    api.cast(hand_over(version='2.0'))
    prepared.step()
    assert result(conductor)['error_code'] == 'guest_upgrade_refused'
    assert prepared.machine.unit('memory').active == 'active'
    api.cast(hand_over())
    prepared.step()
    assert result(conductor)['outcome'] == 'done', 'the same version needs no leave'


def test_data_are_taken_over_with_their_users(fresh, api, conductor):
    fresh.start()
    assert conductor.last['service_status'] == 'building'
    api.cast(take_over())
    fresh.step()
    reported = result(conductor)
    assert (reported['outcome'], reported['operation_id'],
            reported['data']['upgraded']) == ('done', 'upgrade-1', True), reported
    assert reported['data']['engine']['version'] == '2.0-memory'
    assert conductor.last['service_status'] == 'healthy'
    data = fresh.machine.volumes[VOLUME]
    assert data.initialised == 1 and set(data.databases) == {'shop'} and set(
        data.users) == {('app', '%')}
    assert 'max_connections = 200' in base_file(fresh)


def test_the_administrator_whom_the_tenant_has_enabled_stays(fresh, api, conductor):
    data = fresh.machine.volumes[VOLUME]
    data.root_password = 'enabled by the tenant'
    fresh.start()
    api.cast(take_over())
    fresh.step()
    assert result(conductor)['outcome'] == 'done'
    assert data.root_password == 'enabled by the tenant'


def test_back_with_what_was_there(fresh, api, conductor, handed):
    fresh.engine.version = '1.0'
    fresh.start()
    api.cast(take_over(datastore_version='1.0', restore=True, upgrade=False))
    fresh.step()
    assert result(conductor)['outcome'] == 'done' and base_file(fresh) == base_file(handed)


def test_a_version_that_was_never_here_is_rendered(fresh, api, conductor):
    fresh.start()
    api.cast(take_over(datastore_version='9', restore=True))
    fresh.step()
    assert result(conductor)['outcome'] == 'done' and 'max_connections = 200' in base_file(fresh)


def test_options_of_the_group_come_along(fresh, api, conductor):
    fresh.start()
    api.cast(take_over(options={'max_connections': 7}))
    fresh.step()
    assert result(conductor)['outcome'] == 'done'
    assert fresh.agent._manager.configuration.options()['max_connections'] == '7'


def test_a_blank_volume_stays_blank(fresh, api, conductor):
    fresh.machine.volumes[VOLUME] = None
    fresh.start()
    api.cast(take_over())
    fresh.step()
    assert result(conductor)['error_code'] == 'guest_prepare_volume'
    assert fresh.machine.volumes[VOLUME] is None


def test_a_file_system_without_data_stays_without(fresh, api, conductor):
    fresh.machine.volumes[VOLUME].initialised = 0
    fresh.start()
    api.cast(take_over())
    fresh.step()
    assert result(conductor)['error_code'] == 'guest_prepare_data'
    assert fresh.machine.volumes[VOLUME].initialised == 0
    api.cast(messages.ReleaseVolume(command_id=str(uuid.uuid4()), operation_id='upgrade-1'))
    fresh.step()
    assert result(
        conductor)['outcome'] == 'done' and fresh.machine.mounted == {}, 'the next one may have it'


@pytest.mark.parametrize('step', STEPS)
def test_an_agent_that_dies_in_it_goes_on(fresh, api, conductor, step):
    fresh.start()
    plan = fresh.agent._manager._takeover
    before = dict(plan._steps)[step]

    def die(message):
        before(message)
        raise KeyboardInterrupt

    plan._steps = tuple((name, die if name == step else action) for name, action in plan._steps)
    api.cast(take_over())
    with pytest.raises(KeyboardInterrupt):
        fresh.step()
    fresh.kill()
    fresh.start()
    fresh.step()
    assert result(conductor)['outcome'] == 'done', result(conductor)
    data = fresh.machine.volumes[VOLUME]
    assert data.initialised == 1 and set(data.databases) == {'shop'}
    assert fresh.machine.unit('memory').active == 'active'


@pytest.mark.parametrize('operation_id', ['', 'upgrade-1'])
def test_a_command_of_tomorrow_is_answered_where_somebody_waits(prepared, api, conductor,
                                                                operation_id):
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Tomorrow(messages.Command):
        KIND = 'Tomorrow'

    before = len(conductor.of('CommandResult'))
    api.cast(Tomorrow(command_id='c-1', operation_id=operation_id))
    reported = conductor.of('CommandResult')[before:]
    if not operation_id:
        assert reported == []
        return
    assert [(one['command_id'], one['operation_id'], one['outcome'], one['error_code'])
            for one in reported] == [('c-1', 'upgrade-1', 'failed', 'guest_unknown_command')]
    assert 'Tomorrow' in reported[0]['message'] and '1.0.0' in reported[0]['message']
