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
"""Files and command line of PostgreSQL: values are read as written, and add nothing else."""

import shlex

import pytest

from trove.guestagent.datastore.engine import Place
from trove.guestagent.datastore.postgres import access, options
from trove.guestagent.datastore.postgres.engine import DESCRIPTION

PLACE = Place(mount_point='/var/lib/postgresql', data_directory='/var/lib/postgresql/data/pgdata',
              state_directory='/var/lib/postgresql/trove')


@pytest.mark.parametrize('value', [
    '1', '64MB', "it's", 'back\\slash', '# no comment', "'", "\\'", '', 'a=b', ' blanks ',
    '%m [%p] ', '$libdir', 'ü', "''''", '\\'
])
def test_what_is_written_is_what_is_read(value):
    assert options.parse(options.render({
        'some_option': value,
        'other': 'x'
    })) == {
        'some_option': value,
        'other': 'x'
    }


@pytest.mark.parametrize('name, value', [('a', 'x\ny = 1'), ('a', 'x\0'), ('a\nb', 'x'),
                                         ('a b', 'x'), ("a'", 'x'), ('', 'x'), ('a', '\r'),
                                         ('1a', 'x'), ('a=b', 'x')])
def test_what_would_be_another_option_is_refused(name, value):
    with pytest.raises(ValueError, match='cannot be written'):
        options.render({name: value})


def test_files_are_read_as_the_server_reads_them():
    assert options.parse("""
# a comment
Work_Mem = 4MB   # tail
shared_buffers '16MB'
plain value
search_path='a, b'
quoted = 'it''s \\'so\\' \\101\\n' # tail
include_dir = 'conf.d'
include 'x'
custom.option = on
broken = 'no end
= nothing
""") == {'work_mem': '4MB', 'shared_buffers': '16MB', 'plain': 'value', 'search_path': 'a, b',
         'quoted': "it's 'so' A\n", 'custom.option': 'on'}


def test_what_must_hold_stands_on_the_command_line():
    fixed = options.fixed(PLACE, '/etc/postgresql/15/main')
    assert {
        'archive_command', 'archive_mode', 'archive_library', 'archive_cleanup_command',
        'recovery_end_command', 'shared_preload_libraries', 'session_preload_libraries',
        'dynamic_library_path', 'listen_addresses', 'port', 'hba_file', 'ident_file', 'config_file',
        'unix_socket_directories', 'password_encryption', 'ssl_passphrase_command',
        'allow_system_table_mods', 'logging_collector'
    } <= fixed.keys()


def test_systemd_starts_exactly_that():
    """systemd quotes like a shell, except for specifiers and variables."""
    reset, line = DESCRIPTION.unit_settings
    assert reset == 'ExecStart='
    words = shlex.split(line.removeprefix('ExecStart='))
    assert [word.replace('%%', '%').replace('$$', '$') for word in words] == options.command_line(
        '/usr/lib/postgresql/15/bin/postgres', PLACE.data_directory,
        options.fixed(PLACE, '/etc/postgresql/15/main'))
    assert '%' not in line.replace('%%', '') and '$' not in line.replace('$$', '')


@pytest.mark.parametrize('argument', ['two words', 'a"b', 'a\\b', '%p', '$HOME', "it's"])
def test_arguments_reach_the_program_unchanged(argument):
    (word,) = shlex.split(options.unit_line([argument]))
    assert word.replace('%%', '%').replace('$$', '$') == argument


def test_an_argument_cannot_end_its_line():
    with pytest.raises(ValueError):
        options.unit_line(['a\nUser=root'])


def test_the_agents_line_comes_before_all_that_take_a_password():
    rules = access.rules().splitlines()
    first_password = next(index for index, rule in enumerate(rules) if 'scram' in rule)
    assert all('scram' not in rule for rule in rules[:first_password])
    for kind in ('local', 'host'):
        of_kind = [rule for rule in rules if rule.startswith(f'{kind} all')]
        named = [index for index, rule in enumerate(of_kind) if access.AGENT in rule]
        everybody = [index for index, rule in enumerate(of_kind) if rule.split()[2] == 'all']
        assert named and max(named) < min(everybody)
    assert not any('trust' in rule or rule.endswith(('md5', 'password')) for rule in rules)
