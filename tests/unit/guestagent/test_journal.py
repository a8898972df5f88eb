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

import os
import stat

import pytest

from trove.common.rpc import messages
from trove.guestagent import journal

KEY = b'\x01' * 32


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / 'commands.json')


def restart(number):
    return messages.Restart(command_id=f'c-{number}', operation_id='o', deadline=5)


def result(number, outcome='done'):
    return messages.CommandResult(command_id=f'c-{number}', kind='Restart', outcome=outcome)


def test_what_began_is_found_again_until_it_ends(path):
    journal.Journal(path, KEY).begin(restart(1))
    again = journal.Journal(path, KEY)
    assert again.unfinished() == [restart(1)] and again.result('c-1') is None
    again.end(result(1))
    assert journal.Journal(path, KEY).unfinished() == []
    assert journal.Journal(path, KEY).result('c-1') == result(1)


def test_passwords_are_not_readable(path):
    command = messages.Prepare(command_id='c', datastore_version='1', mount_point='/m', memory_mb=1,
                               users=[{'name': 'u', 'password': 'canary'}], root_password='canary')
    journal.Journal(path, KEY).begin(command)
    with open(path) as stream:
        assert 'canary' not in stream.read()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert journal.Journal(path, KEY).unfinished() == [command]


def test_another_key_opens_nothing(path):
    journal.Journal(path, KEY).begin(restart(1))
    assert journal.Journal(path, b'\x02' * 32).unfinished() == []


def test_a_sealed_command_cannot_become_another_kind(path):
    journal.Journal(path, KEY).begin(restart(1))
    with open(path) as stream:
        text = stream.read()
    with open(path, 'w') as stream:
        stream.write(text.replace('"Restart"', '"StopDatabase"'))
    assert journal.Journal(path, KEY).unfinished() == []


def test_results_oldest_first_and_bounded(path):
    book = journal.Journal(path, KEY)
    for number in range(journal.MOST + 5):
        book.end(result(number))
    assert [found.command_id
            for found in book.results(2)] == [f'c-{journal.MOST + 3}', f'c-{journal.MOST + 4}']
    assert book.result('c-0') is None and book.result('c-5') is not None


def test_what_runs_is_never_forgotten(path):
    book = journal.Journal(path, KEY)
    book.begin(restart(0))
    for number in range(1, journal.MOST + 5):
        book.end(result(number))
    assert book.unfinished() == [restart(0)]


def test_results_of_short_commands(path):
    book = journal.Journal(path, KEY)
    book.record_result('a', {})
    book.record_result('s', {'password': 'canary'}, secret=True)
    assert book.recorded_result('a') == {} and book.recorded_result('s') == {
        'password': 'canary'
    } and book.recorded_result('x') is None
    again = journal.Journal(path, KEY)
    assert again.recorded_result('a') == {} and again.recorded_result('s') is None
    assert again.results(5) == []
