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
"""Configuration files of PostgreSQL for each size of machine, and its parameter rules."""

import fnmatch
import json
import pathlib

import pytest

from trove.cmd import manage
from trove.common import template
from trove.guestagent.datastore.engine import Place
from trove.guestagent.datastore.postgres import options, values

ROOT = pathlib.Path(__file__).parents[3]
GOLDEN = ROOT / 'tests' / 'data' / 'templates'
SIZES = (512, 1024, 2048, 4096, 16384, 262144)
PATH = ROOT / 'trove' / 'templates' / 'postgresql' / 'validation-rules.json'
RULES = {rule['name']: rule for rule in json.loads(PATH.read_text())['configuration-parameters']}
#: Options with which a tenant could read, write, run, reach or break something.
FORBIDDEN = ('archive_*', 'restore_command', 'recovery_*', '*_preload_libraries', '*_command',
             '*_library', 'dynamic_library_path', 'data_directory', 'hba_file', 'ident_file',
             'config_file', 'external_pid_file', 'extension_destdir', 'listen_addresses', 'port',
             'unix_socket_*', 'ssl*', 'log_directory', 'log_filename', 'log_destination',
             'primary_*', 'synchronous_standby_names', 'wal_level', 'fsync', 'full_page_writes',
             'krb_*', 'password_encryption', 'superuser_reserved_connections', 'jit*', 'allow_*',
             'zero_damaged_pages', 'ignore_*', 'role', 'session_*', 'db_user_namespace',
             'hot_standby*', 'logging_collector', 'lc_messages')


def rendered(ram: int) -> str:
    flavor = {'ram': ram, 'vcpus': max(1, ram // 4096)}
    return template.render('postgresql', '15', flavor, 77, template_path='')


def megabytes(text: str) -> int:
    found = values.number(text, 'MB')
    assert found is not None
    return int(found)


@pytest.mark.parametrize('ram', SIZES)
def test_the_configuration_is_as_recorded(ram):
    assert rendered(ram) == (GOLDEN / f'postgresql-15-{ram}.conf').read_text()


@pytest.mark.parametrize('ram', SIZES)
def test_it_fits_its_memory(ram):
    found = options.parse(rendered(ram))
    shared, cache = megabytes(found['shared_buffers']), megabytes(found['effective_cache_size'])
    each, connections = megabytes(found['work_mem']), int(found['max_connections'])
    assert shared <= ram // 4 and shared < cache <= ram * 6 // 10
    assert each >= 4 and 60 <= connections <= 1000
    assert megabytes(found['maintenance_work_mem']) <= min(1024, ram // 16)
    # All sessions sort at once: a quarter of the memory, if that leaves four megabytes each.
    assert each == 4 or each * connections <= ram // 4
    # Sessions are processes: a few megabytes each, in addition to shared memory.
    assert shared + connections * 3 < ram


@pytest.mark.parametrize('ram', SIZES)
def test_the_template_sets_no_fixed_option(ram):
    place = Place(mount_point='/m', data_directory='/m/d', state_directory='/m/t')
    assert not options.parse(rendered(ram)).keys() & options.fixed(place, '/etc/x').keys()


def test_the_rules_can_be_loaded():
    loaded = manage._read_rules(str(PATH))
    assert len(loaded) == len(RULES) > 150
    assert all(len(rule['name']) <= 128 and len(rule['max_size'] or '') <= 40 for rule in loaded)


@pytest.mark.parametrize('pattern', FORBIDDEN)
def test_no_option_of_the_service_can_be_set(pattern):
    assert fnmatch.filter(RULES, pattern) == []


def test_no_option_of_the_command_line_can_be_set():
    place = Place(mount_point='/m', data_directory='/m/d', state_directory='/m/t')
    assert not RULES.keys() & options.fixed(place, '/etc/x').keys()


@pytest.mark.parametrize(('name', 'expected'), [
    ('max_connections', {'type': 'integer', 'restart_required': True, 'min': 1, 'max': 262143}),
    ('shared_buffers', {'type': 'string', 'restart_required': True}),
    ('work_mem', {'type': 'string', 'restart_required': False}),
    ('autovacuum', {'type': 'boolean', 'restart_required': False}),
    ('random_page_cost', {'type': 'float', 'restart_required': False, 'min': 0.0,
                          'max': 1.79769e+308}),
    ('synchronous_commit', {'type': 'string', 'restart_required': False}),
    ('max_worker_processes', {'type': 'integer', 'restart_required': True, 'min': 0,
                              'max': 262143}),
    ('timezone', {'type': 'string', 'restart_required': False})])
def test_rules_of_common_options(name, expected):
    assert RULES[name] == {'name': name, **expected}


def test_only_numbers_have_bounds():
    for rule in RULES.values():
        assert ({'min', 'max'} <= rule.keys()) == (rule['type'] in ('integer', 'float')), rule
