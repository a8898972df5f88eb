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

"""Requests that a guest must answer: with any answer, and without a reachable guest."""

import pytest

from tests.functional.api.stories import WORDS
from trove.common.rpc import channel, topology

ID = WORDS['orders']
ANSWERS = ({
    'user': 0
}, {
    'users': None,
    'databases': 7,
    'user': [],
    'next_marker': 1
}, {
    'users': [{}],
    'databases': [None],
    'user': 'x'
}, {
    'users': [{
        'name': 1
    }],
    'databases': [{
        'name': {}
    }],
    'user': {
        'name': 1
    }
}, {
    'users': [{
        'name': 'a',
        'databases': 3
    }],
    'databases': [{
        'name': 'x' * 10000
    }],
    'user': {
        'name': None
    }
}, {
    'users': [],
    'databases': [],
    'user': {
        'name': 'a',
        'databases': [{}]
    },
    'next_marker': {
        'a': 1
    }
}, {
    'users': [{
        'name': 'a'
    }] * 5000,
    'databases': [{
        'name': 'a'
    }] * 50000,
    'user': {
        'password': ['a']
    }
})


@pytest.mark.parametrize('answer', ANSWERS)
@pytest.mark.parametrize('method,path',
                         (('GET', 'users'), ('GET', 'users/app'), ('GET', 'users/app/databases'),
                          ('GET', 'databases'), ('POST', 'root')))
def test_a_guest_that_somebody_has_taken_over_may_answer_anything(edge, answer, method, path):
    key = edge.instance(ID)
    guest = channel.GuestChannel(ID, key, channel.boot_id(1, 1))
    edge.guests.server(topology.queue(ID), ID,
                       [channel.GuestEndpoint(guest, lambda kind, body: answer)]).start()
    response = edge.ask(method, f'/instances/{ID}/{path}')
    assert response.status_int == 400, response.text
    assert response.json['badRequest']['message'] == 'The guest gave an answer that cannot be used.'


@pytest.mark.parametrize('method,path,body', (('GET', 'users', None), ('POST', 'users', {
    'users': [{
        'name': 'app',
        'password': 'a-good-password'
    }]
}), ('DELETE', 'databases/shop', None), ('POST', 'root', None)))
def test_a_bus_that_is_away_is_no_failure_of_the_guest(edge, method, path, body):
    edge.instance(ID)
    edge.guests.broken = True
    response = edge.ask(method, f'/instances/{ID}/{path}', body)
    assert response.status_int == 503, response.text
    assert 'Try again later' in response.json['serviceUnavailable']['message']
