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

import pathlib

import pytest
from control.settings import PORT_OFFSETS, Settings, SettingsError
from minicloud.machines import layout

REPOSITORY = pathlib.Path('/repository')


def settings(**environment: str) -> Settings:
    named = {f'TROVE_SANDBOX_{name}': value for name, value in environment.items()}
    return Settings.from_environment(named, REPOSITORY)


def test_defaults():
    made = settings()
    assert str(made.directory) == '/var/lib/trove-sandbox'
    assert made.port('minicloud') == 18774 and made.port('keystone') == 18750 and made.port(
        'trove-api') == 18779
    assert str(made.subnet('management')) == '172.24.0.0/24'
    assert made.host_address('private') == '172.24.1.1'
    assert made.venv == made.directory / 'venv'


def test_every_setting_can_be_changed():
    made = settings(DIR='/srv/other', PORT_BASE='21000', NET='10.9', VENV='/opt/venv')
    assert made.port('rabbitmq') == 21072
    assert str(made.subnet('public')) == '10.9.2.0/24'
    assert made.program('python') == '/opt/venv/bin/python'
    assert made.url('keystone', '/v3') == 'http://127.0.0.1:21050/v3'


def test_services_for_guests_listen_on_the_management_network():
    made = settings(NET='10.9')
    assert made.url('swift', '/v1') == 'http://10.9.0.1:18780/v1'
    assert made.url('minicloud') == 'http://127.0.0.1:18774'


def test_empty_values_are_ignored():
    assert settings(DIR='', PORT_BASE='', NET='', VENV='') == settings()


def test_two_sandboxes_share_nothing_on_the_host():
    one, other = settings(DIR='/srv/one'), settings(DIR='/srv/other')
    names = [
        made.bridge(which) for made in (one, other) for which in ('management', 'private', 'public')
    ]
    assert len(set(names)) == 6
    assert all(len(name) <= 15 for name in names)


def test_the_prefix_is_that_of_the_machines():
    assert settings(DIR='/srv/one').prefix == layout.prefix_of('/srv/one')


def test_no_two_services_share_a_port():
    assert len(set(PORT_OFFSETS.values())) == len(PORT_OFFSETS)


@pytest.mark.parametrize(('name', 'value'), [
    ('DIR', 'relative/path'), ('PORT_BASE', 'many'), ('PORT_BASE', '80'), ('PORT_BASE', '65500'),
    ('NET', '172'), ('NET', '172.300'), ('NET', '8.8'), ('NET', '172.24.0')])
def test_invalid_values_are_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=f'TROVE_SANDBOX_{name}'):
        settings(**{name: value})
