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
"""Simultaneous requests: quotas apply, the later of two changes is refused, nothing is lost.

The same statements are raced on MariaDB and PostgreSQL in tests/e2e/servers/test_databases.py; here
it is requests.
"""

import concurrent.futures

from tests.functional.api import tokens, worlds
from tests.functional.api.stories import WORDS

ORDERS = f'/instances/{WORDS["orders"]}'


def at_once(ask, number):
    """The answers to ``ask(0)`` to ``ask(number - 1)``."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(ask, range(number)))


def used(edge):
    return {
        row['resource']: row['in_use']
        for row in edge.ask('GET', f'/mgmt/quotas/{tokens.DEMO}').json['quotas']
    }


def test_fifty_creates_against_a_quota_of_ten_make_ten(edge):
    def create(number):
        return edge.ask('POST', '/instances', {'instance': {
            'name': f'n{number}', 'flavorRef': '10', 'volume': {'size': 1}}})
    answers = at_once(create, 50)
    made = [answer.json['instance']['id'] for answer in answers if answer.status_int == 200]
    refused = [answer for answer in answers if answer.status_int == 413]
    assert (len(made), len(refused)) == (10, 40), {answer.status for answer in answers}
    assert all("['instances']" in answer.json['overLimit']['message'] for answer in refused)
    assert {row['id'] for row in edge.ask('GET', '/instances').json['instances']} == set(made)
    assert used(edge) == {'instances': 10, 'ram': 10 * 1024, 'volumes': 10, 'backups': 0}
    assert edge.ask('GET', '/limits').json['limits'][0]['max_instances'] == 10


def test_of_many_actions_on_an_instance_one_is_accepted(edge):
    worlds.orders(edge)
    bodies = ({'restart': {}}, {'resize': {'volume': {'size': 3}}}, {'resize': {'flavorRef': 'm2'}})
    answers = at_once(lambda number: edge.ask('POST', f'{ORDERS}/action', bodies[number % 3]), 12)
    assert sorted(answer.status_int
                  for answer in answers) == [202] + [422] * 11, [answer.text for answer in answers]
    assert len(edge.ask('GET', f'{ORDERS}/operations').json['operations']) == 1
    held = used(edge)
    assert held['volumes'] in (2, 3) and held['ram'] in (1024, 2048)


def test_many_deletes_are_one(edge):
    worlds.orders(edge)
    answers = at_once(lambda _number: edge.ask('DELETE', ORDERS), 8)
    assert {answer.status_int for answer in answers} == {202}
    assert len({answer.headers['X-Trove-Operation-Id'] for answer in answers}) == 1


def test_of_many_backups_of_an_instance_one_is_made(edge):
    worlds.orders(edge)
    answers = at_once(lambda number: edge.ask('POST', '/backups', {'backup': {
        'name': f'b{number}', 'instance': WORDS['orders']}}), 8)
    assert sorted(answer.status_int for answer in answers) == [202] + [422] * 7
    assert len(edge.ask('GET', '/backups').json['backups']) == used(edge)['backups'] == 1


def test_changes_of_a_group_do_not_mix(edge):
    """Each change is whole: of several that replace all values the group has those of one."""
    worlds.parameters(edge)
    worlds.groups(edge)
    group = f'/configurations/{WORDS["group"]}'
    edits = [{'max_connections': number, 'sql_mode': str(number)} for number in range(1, 9)]
    answers = at_once(
        lambda number: edge.ask('PUT', group, {'configuration': {
            'values': edits[number]
        }}), 8)
    assert {answer.status_int for answer in answers} == {202}
    assert edge.ask('GET', group).json['configuration']['values'] in edits
