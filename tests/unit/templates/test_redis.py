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

"""Configuration files and parameter rules of Redis and Valkey."""

import fnmatch
import json
import os
import pathlib

import pytest

from trove.cmd import manage
from trove.common import template
from trove.guestagent.datastore.redis import options

ROOT = pathlib.Path(__file__).parents[3]
GOLDEN = ROOT / 'tests' / 'data' / 'templates'
SIZES = (512, 1024, 2048, 4096, 16384, 65536, 262144)
VERSIONS = {'redis': '7.0', 'valkey': '8.0'}
PATHS = {
    manager: ROOT / 'trove' / 'templates' / manager / 'validation-rules.json'
    for manager in VERSIONS
}
RULES = {
    manager: {
        rule['name']: rule
        for rule in json.loads(path.read_text())['configuration-parameters']
    }
    for manager, path in PATHS.items()
}
#: Options with which a tenant could read, write, run, reach or break something.
FORBIDDEN = ('dir', 'dbfilename', 'append*name', 'aclfile', 'unixsocket*', 'pidfile', 'logfile',
             'syslog-*', 'port', 'bind*', 'tls-*', 'protected-mode', 'daemonize', 'supervised',
             'enable-*', 'requirepass', 'master*', 'replica*', 'slave*', 'cluster-*',
             'rename-command', 'loadmodule', 'include', 'user', 'oom-score-adj*', '*cpulist',
             'repl-*', 'primary*', 'dual-channel-*', 'rdbchecksum')


@pytest.fixture(params=VERSIONS)
def manager(request):
    return request.param


def rendered(manager: str, ram: int) -> str:
    return template.render(manager, VERSIONS[manager], {
        'ram': ram,
        'vcpus': 1
    }, 77, template_path='')


@pytest.mark.parametrize('ram', SIZES)
def test_the_configuration_is_as_recorded(manager, ram):
    """TROVE_UPDATE_SAMPLES=1 records new samples; review their difference."""
    recorded = GOLDEN / f'{manager}-{VERSIONS[manager]}-{ram}.conf'
    if os.environ.get('TROVE_UPDATE_SAMPLES'):
        recorded.write_text(rendered(manager, ram))
    assert rendered(manager, ram) == recorded.read_text()


@pytest.mark.parametrize('ram', SIZES)
def test_it_fits_its_memory(manager, ram):
    found = options.parse(rendered(manager, ram))
    memory = options.number(found['maxmemory'])
    # Data that change while they are saved or copied to a replica exist twice.
    assert memory <= 0.65 * ram * 2 ** 20 and ram * 2 ** 20 - memory >= 256 * 2 ** 20
    assert found['maxmemory-policy'] == 'noeviction'
    assert found['appendonly'] == 'yes'
    assert 1000 <= int(found['maxclients']) <= 32000


def test_what_adds_up_is_left_to_the_engine(manager):
    """A tenant's line would be added to the template's line instead of replacing it."""
    assert options.SEVERAL.isdisjoint(options.parse(rendered(manager, 1024)))


def test_what_an_operator_makes_of_one_is_not_for_the_other(tmp_path):
    (tmp_path / 'redis').mkdir()
    (tmp_path / 'redis' / 'config.template').write_text('maxmemory 1mb')
    made = {
        manager: template.render(manager, version, {'ram': 1024}, 1, template_path=str(tmp_path))
        for manager, version in VERSIONS.items()
    }
    assert made == {'redis': 'maxmemory 1mb\n', 'valkey': rendered('valkey', 1024)}


def test_the_rules_can_be_loaded(manager):
    loaded = manage._read_rules(str(PATHS[manager]))
    assert len(loaded) == len(RULES[manager]) > 50
    assert all(len(rule['name']) <= 128 and len(rule['max_size'] or '') <= 40 for rule in loaded)


@pytest.mark.parametrize('pattern', FORBIDDEN)
def test_no_option_of_the_service_can_be_set(manager, pattern):
    assert fnmatch.filter(RULES[manager], pattern) == []


@pytest.mark.parametrize(('name', 'expected'), [
    ('maxmemory', {'type': 'integer', 'restart_required': False, 'min': 0, 'max': 2 ** 63 - 1}),
    ('maxmemory-policy', {'type': 'string', 'restart_required': False}),
    ('appendonly', {'type': 'boolean', 'restart_required': False}),
    ('databases', {'type': 'integer', 'restart_required': True, 'min': 1, 'max': 2 ** 31 - 1}),
    ('io-threads', {'type': 'integer', 'restart_required': True, 'min': 1, 'max': 128}),
    ('save', {'type': 'string', 'restart_required': False})])
def test_rules_of_common_options(manager, name, expected):
    assert RULES[manager][name] == {'name': name, **expected}
