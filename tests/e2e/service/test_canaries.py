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

"""Passwords and keys are where they must be and nowhere else.

Runs last: the other tests have left their traces.
"""

import subprocess

import pytest

from tests.e2e.service.running import new_password, report
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_the_search_would_find_a_password_on_a_command_line(service, canaries):
    planted = new_password()
    service.passwords.add(planted)
    with subprocess.Popen(['sh', '-c', 'read line', planted], stdin=subprocess.PIPE) as child:
        found = wait_for('the password is found', lambda: {
            text for text in canaries.found if f'process {child.pid},' in text}, 30)
        child.stdin.close()
    service.passwords.discard(planted)
    canaries.found -= found


def test_no_secret_was_on_a_command_line_or_in_the_journal(canaries):
    report(f'{canaries.looks} looks at {canaries.lines} command lines')
    assert canaries.running(), 'the search has ended before the tests'
    assert canaries.looks > 0 and canaries.lines > canaries.looks
    assert sorted(canaries.found) == []


def test_no_secret_is_in_a_log_file(canaries):
    secrets, places, found = canaries.secrets(), [], set()
    for place, text in canaries.logs():
        places.append(place)
        found |= canaries.in_text(text, place, secrets)
    for service in ('trove-api', 'trove-taskmanager', 'trove-conductor', 'rabbitmq', 'keystone',
                    'minicloud'):
        assert [place for place in places
                if place.endswith(f'/{service}.log')], f'no log of {service}'
    assert sorted(found) == []


def test_no_secret_is_in_the_logs_of_a_machine(service, shop, canaries):
    secrets, found, length = canaries.secrets(), set(), 0
    for place, text in canaries.inside(service.server(shop.id)):
        length += len(text)
        found |= canaries.in_text(text, place, secrets)
    assert length > 1000, 'the machine has logged nothing'
    assert sorted(found) == []


def test_no_secret_is_in_the_database_of_the_service(service, canaries):
    secrets, found, tables = canaries.secrets(), set(), []
    for table, text in service.tables():
        tables.append(table)
        found |= canaries.in_text(text, f'the table {table}', secrets)
    assert {'instances', 'operations', 'operation_steps', 'events'} <= set(tables)
    assert sorted(found) == []
