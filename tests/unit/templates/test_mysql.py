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

"""Configuration files of MySQL for each size of machine, and its parameter rules."""

import fnmatch
import json
import os
import pathlib

import pytest

from trove.cmd import manage
from trove.common import template
from trove.guestagent.datastore.mysql_common import options

ROOT = pathlib.Path(__file__).parents[3]
GOLDEN = ROOT / 'tests' / 'data' / 'templates'
SIZES = (512, 1024, 2048, 4096, 16384, 65536, 262144)
PATH = ROOT / 'trove' / 'templates' / 'mysql' / 'validation-rules.json'
RULES = {rule['name']: rule for rule in json.loads(PATH.read_text())['configuration-parameters']}
#: Options with which a tenant could read, write, run, reach or break something.
FORBIDDEN = ('datadir', 'tmpdir', 'socket', 'port', 'bind_address', 'admin_*', 'mysqlx*', 'plugin*',
             'secure_file_priv', 'init_*', 'log_bin*', 'relay_log*', 'server_id', 'gtid_*', 'ssl_*',
             'tls_*', '*_file', 'log_error*', 'read_only', 'super_read_only', 'skip_*', 'user',
             'local_infile', '*_dir', 'slave_*', 'replica_*', 'innodb_force_*', '*_now', 'persist*',
             'partial_revokes', 'mandatory_roles', 'authentication_*', 'auth_socket', 'log_raw',
             'lower_case_table_names', 'innodb_doublewrite*', '*_encrypt', 'keyring*',
             'offline_mode', 'require_secure_transport')


def rendered(ram: int) -> str:
    return template.render('mysql', '9.7', {'ram': ram, 'vcpus': 1}, 77, template_path='')


@pytest.mark.parametrize('ram', SIZES)
def test_the_configuration_is_as_recorded(ram):
    """TROVE_UPDATE_SAMPLES=1 records new samples; review their difference."""
    recorded = GOLDEN / f'mysql-9.7-{ram}.cnf'
    if os.environ.get('TROVE_UPDATE_SAMPLES'):
        recorded.write_text(rendered(ram))
    assert rendered(ram) == recorded.read_text()


@pytest.mark.parametrize('ram', SIZES)
def test_it_fits_its_memory(ram):
    found = options.parse(rendered(ram))
    megabytes = {name: int(value[:-1]) for name, value in found.items() if value.endswith('M')}
    # The program itself and its dictionary take about 200 MB, the system and the agent 150.
    assert megabytes['innodb_buffer_pool_size'] + megabytes['innodb_log_buffer_size'] \
        + megabytes['temptable_max_ram'] <= ram - 350
    assert (found['performance_schema'] == 'ON') == (ram >= 2048)
    assert 80 <= int(found['max_connections']) <= 4000
    assert found['server_id'] == '77'


def test_replication_and_point_in_time_recovery_need_no_restart():
    found = options.parse(rendered(1024))
    assert found['log_bin'] == 'mysql-bin'
    assert found['gtid_mode'] == found['enforce_gtid_consistency'] == 'ON'


def test_the_rules_can_be_loaded():
    loaded = manage._read_rules(str(PATH))
    assert len(loaded) == len(RULES) > 200
    assert all(len(rule['name']) <= 128 and len(rule['max_size'] or '') <= 40 for rule in loaded)


@pytest.mark.parametrize('pattern', FORBIDDEN)
def test_no_option_of_the_service_can_be_set(pattern):
    assert fnmatch.filter(RULES, pattern) == []


@pytest.mark.parametrize(('name', 'kind', 'restart'),
                         [('max_connections', 'integer', False),
                          ('innodb_buffer_pool_size', 'integer', False),
                          ('back_log', 'integer', True), ('performance_schema', 'boolean', True),
                          ('long_query_time', 'float', False), ('sql_mode', 'string', False),
                          ('collation_server', 'string', False),
                          ('event_scheduler', 'string', False)])
def test_rules_of_common_options(name, kind, restart):
    assert (RULES[name]['type'], RULES[name]['restart_required']) == (kind, restart)


def test_only_numbers_have_bounds():
    for rule in RULES.values():
        assert ({'min', 'max'} <= rule.keys()) == (rule['type'] in ('integer', 'float')), rule
