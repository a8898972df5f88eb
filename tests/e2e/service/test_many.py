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

"""Several creates at once, and creates that cannot be."""

import concurrent.futures
import time

import pytest
from control import rest
from control.rest import RestError

from tests.e2e.service.running import SERVING, factor, new_password, report, unique
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(500)]
AT_ONCE = 5
#: With five at work each waits for the others; what is much slower waits for a lock or a lease.
OWN_SHARE_SECONDS = 10.0


def test_five_creates_at_once(service, holdings):
    before = holdings.settled()
    passwords = [new_password() for _ in range(AT_ONCE)]
    begun = time.monotonic()

    def create(password: str) -> str:
        return service.create(unique('five'), databases=[{'name': 'app'}], users=[
            {'name': 'app', 'password': password, 'databases': [{'name': 'app'}]}])

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        made = dict(zip(pool.map(create, passwords), passwords, strict=True))
    report(f'{AT_ONCE} creates were answered after {time.monotonic() - begun:.2f} s')

    def active() -> bool:
        shown = {
            row['id']: row['status']
            for row in service.trove('GET', '/instances')['instances']
        }
        assert 'ERROR' not in [shown[instance_id] for instance_id in made], list(
            map(service.story, made))
        return all(shown[instance_id] in SERVING for instance_id in made)
    wait_for(f'{AT_ONCE} instances are ACTIVE', active, 240 * factor(), interval=0.3,
             state=lambda: list(map(service.story, made)))
    took = time.monotonic() - begun
    steps = [service.operation(instance_id, 'instance_create')['steps'] for instance_id in made]
    own = [sum(step['busy_ms'] + step['late_ms'] for step in theirs) / 1000 for theirs in steps]
    report(f'five at once: all ACTIVE after {took:.1f} s; the control plane for each: '
           + ', '.join(f'{seconds:.2f} s' for seconds in own))
    # They do not get into each other's way: not in the database, not in the cloud, not at the
    # broker.
    assert {step['outcome']
            for theirs in steps
            for step in theirs} == {'done'}, list(map(service.story, made))
    assert max(own) < OWN_SHARE_SECONDS * factor(), list(map(service.story, made))
    addresses = {
        service.address(service.show(instance_id)): password
        for instance_id, password in made.items()
    }
    assert len(addresses) == AT_ONCE
    names = {service.query(address, 'app', password, 'SELECT @@hostname', 'app')[0]
             for address, password in addresses.items()}
    assert len(names) == AT_ONCE
    for instance_id in made:
        service.delete(instance_id)
    for instance_id in made:
        service.wait_gone(instance_id)
    holdings.assert_as_before(before)


#: Wrong field of a create, and the words of the error that must name it.
WRONG = {
    'no name': ({
        'name': None
    }, 'name'),
    'an empty name': ({
        'name': ''
    }, 'name'),
    'a name that is too long': ({
        'name': 'a' * 300
    }, 'name'),
    'an unknown flavor': ({
        'flavorRef': '4711'
    }, 'flavorRef'),
    'no flavor': ({
        'flavorRef': None
    }, 'flavorRef'),
    'no volume': ({
        'volume': None
    }, 'volume'),
    'a volume of nothing': ({
        'volume': {
            'size': 0
        }
    }, 'size'),
    'a volume above the maximum': ({
        'volume': {
            'size': 51
        }
    }, 'size'),
    'an unknown volume type': ({
        'volume': {
            'size': 1,
            'type': 'gold'
        }
    }, 'type'),
    'an unknown datastore': ({
        'datastore': {
            'type': 'oracle',
            'version': '1'
        }
    }, 'Datastore'),
    'an unknown version': ({
        'datastore': {
            'type': 'mariadb',
            'version': '5.5'
        }
    }, 'version'),
    'an unknown network': ({
        'nics': [{
            'net-id': '00000000-0000-4000-8000-000000000000'
        }]
    }, 'nics.*network_id'),
    'no network at all': ({
        'nics': [{}]
    }, 'nics'),
    'an unknown subnet': ({
        'nics': [{
            'subnet-id': '00000000-0000-4000-8000-000000000000'
        }]
    }, 'subnet'),
    'nics that are text': ({
        'nics': 'private'
    }, 'nics'),
    'an unknown zone': ({
        'availability_zone': 'moon'
    }, 'availability_zone'),
    'a reserved database': ({
        'databases': [{
            'name': 'mysql'
        }]
    }, 'databases'),
    'a database twice': ({
        'databases': [{
            'name': 'aa'
        }, {
            'name': 'aa'
        }]
    }, 'databases'),
    'an unknown character set': ({
        'databases': [{
            'name': 'aa',
            'character_set': 'klingon'
        }]
    }, 'character_set'),
    'a collation of another set': ({
        'databases': [{
            'name': 'aa',
            'character_set': 'utf8mb4',
            'collate': 'latin1_german1_ci'
        }]
    }, 'collat'),
    'a reserved user': ({
        'users': [{
            'name': 'root',
            'password': 'Secret-123456'
        }]
    }, 'users'),
    'a user without a password': ({
        'users': [{
            'name': 'a'
        }]
    }, 'password'),
    'a user of a database there is not': ({
        'users': [{
            'name': 'a',
            'password': 'Secret-123456',
            'databases': [{
                'name': 'b'
            }]
        }]
    }, 'databases'),
    'a user of no host': ({
        'users': [{
            'name': 'a',
            'password': 'Secret-123456',
            'host': 'not a host'
        }]
    }, 'host'),
    'an unknown locality': ({
        'locality': 'near'
    }, 'locality'),
    'an access that is none': ({
        'access': {
            'is_public': 'perhaps'
        }
    }, 'is_public'),
    'a network range that is none': ({
        'access': {
            'allowed_cidrs': ['here']
        }
    }, 'allowed_cidrs'),
    'an unknown region': ({
        'region_name': 'Atlantis'
    }, 'region'),
}


@pytest.fixture(scope='module')
def stock(service, holdings):
    """Return the resources before any refusal."""
    return holdings.settled()


@pytest.mark.parametrize('what', WRONG)
def test_every_wrong_field_is_named(service, stock, what):
    change, word = WRONG[what]
    expected = {**service.body(unique('wrong'))['instance'], **change}
    body = {'instance': {name: value for name, value in expected.items() if value is not None}}
    with pytest.raises(RestError, match=word) as refused:
        service.own(service.trove('POST', '/instances', body)['instance']['id'])
    assert 400 <= refused.value.status < 500, str(refused.value)


@pytest.mark.parametrize('resource', ['instances', 'volumes', 'ram'])
def test_a_full_quota_is_413(service, stock, resource):
    before = service.limits()
    service.set_limits({resource: service.usage()[resource]})
    try:
        with pytest.raises(RestError) as refused:
            service.own(
                service.trove('POST', '/instances', service.body(unique('full')))['instance']['id'])
    finally:
        service.set_limits(before)
    assert refused.value.status == 413
    assert resource in str(refused.value)


def test_a_quota_for_one_lets_one_of_many_pass(service, stock):
    """Requests that come at the same time cannot pass a limit together."""
    before = service.limits()
    service.set_limits({'instances': service.usage()['instances'] + 1})

    def create(number: int) -> str | int:
        try:
            return service.create(unique(f'race{number}'))
        except RestError as error:
            return error.status
    try:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(create, range(AT_ONCE)))
    finally:
        service.set_limits(before)
    made = [answer for answer in answers if isinstance(answer, str)]
    assert len(made) == 1 and answers.count(413) == AT_ONCE - 1, answers
    service.delete(made[0])
    service.wait_gone(made[0])


def test_a_create_without_a_token_is_refused(service, stock):
    with pytest.raises(RestError) as refused:
        rest.request('POST', f'{service.session("demo").endpoint("database")}/instances',
                     service.body(unique('stranger')), headers={'X-Auth-Token': 'nonsense'})
    assert refused.value.status == 401


def test_nothing_was_left_by_what_was_refused(service, holdings, stock):
    holdings.assert_as_before(stock)
    rows = service.rows(
        "SELECT id FROM instances WHERE deleted = 0 AND (name LIKE 'e2e-wrong%' "
        "OR name LIKE 'e2e-full%' OR name LIKE 'e2e-race%' OR name LIKE 'e2e-stranger%')")
    assert rows == []
