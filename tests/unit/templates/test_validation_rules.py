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

"""Parameter rules of MariaDB: they can be loaded, and deny the options of the service."""

import fnmatch
import json
import pathlib

import pytest

from trove.cmd import manage

TEMPLATES = pathlib.Path(__file__).parents[3] / 'trove' / 'templates'
PATH = TEMPLATES / 'mariadb' / 'validation-rules.json'
RULES = {rule['name']: rule for rule in json.loads(PATH.read_text())['configuration-parameters']}

#: Options with which a tenant could read, write, reach or break something.
FORBIDDEN = ('datadir', 'tmpdir', 'socket', 'port', 'bind_address', 'plugin_*', 'secure_file_priv',
             'init_*', 'log_bin*', 'relay_log*', 'server_id', 'gtid_*', 'ssl_*', 'tls_version',
             '*_file', 'log_error', 'read_only', 'skip_*', 'user', 'local_infile', '*_dir',
             'wsrep*', 'slave_*', 'innodb_force_*', '*_now')


def test_the_file_can_be_loaded():
    loaded = manage._read_rules(str(PATH))
    assert len(loaded) == len(RULES) > 300
    assert all(len(rule['name']) <= 128 and len(rule['max_size'] or '') <= 40 for rule in loaded)


@pytest.mark.parametrize('pattern', FORBIDDEN)
def test_no_option_of_the_service_can_be_set(pattern):
    assert fnmatch.filter(RULES, pattern) == []


@pytest.mark.parametrize(('name', 'expected'), [
    ('max_connections', {'type': 'integer', 'restart_required': False, 'min': 10, 'max': 100000}),
    ('innodb_buffer_pool_size', {'type': 'integer', 'restart_required': False, 'min': 2097152,
                                 'max': 18446744073701163008}),
    ('performance_schema', {'type': 'boolean', 'restart_required': True}),
    ('long_query_time', {'type': 'float', 'restart_required': False, 'min': 0.0,
                         'max': 31536000.0}),
    ('sql_mode', {'type': 'string', 'restart_required': False}),
    ('collation_server', {'type': 'string', 'restart_required': False})])
def test_rules_of_common_options(name, expected):
    assert RULES[name] == {'name': name, **expected}


def test_only_numbers_have_bounds():
    for rule in RULES.values():
        assert ({'min', 'max'} <= rule.keys()) == (rule['type'] in ('integer', 'float')), rule
