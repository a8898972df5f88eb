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
"""Errors that users see while a service behind the API is away: the fact and no more."""

import pytest

from tests.functional.api import worlds
from tests.functional.api.stories import WORDS
from trove.db import session

SENTENCE = 'A service this request needs does not answer; try again later.'


@pytest.fixture
def alone(edge, caplog):
    """The database has gone: nobody listens where it was."""
    worlds.orders(edge)
    session.dispose()
    edge.conf.set_override('connection', 'mysql+pymysql://trove:canary@127.0.0.1:9/trove',
                           'database')
    edge.conf.set_override('max_retries', 0, 'database')
    yield edge
    session.dispose()
    assert 'canary' not in caplog.text and 'Traceback' not in caplog.text


@pytest.mark.parametrize('method, path, body', [('GET', '/instances', None),
                                                ('GET', f'/instances/{WORDS["orders"]}', None),
                                                ('GET', '/flavors', None),
                                                ('DELETE', f'/instances/{WORDS["orders"]}', None),
                                                ('GET', '/limits', None),
                                                ('POST', '/backup_strategies', {
                                                    'backup_strategy': {
                                                        'swift_container': 'ours'
                                                    }
                                                }),
                                                ('POST', '/instances', {
                                                    'instance': {
                                                        'name': 'a',
                                                        'flavorRef': '10',
                                                        'volume': {
                                                            'size': 1
                                                        }
                                                    }
                                                })])
def test_without_the_database_everything_waits(alone, method, path, body):
    for accept in ('application/json', 'application/xml'):
        response = alone.ask(method, path, body, Accept=accept)
        assert response.status_int == 503, response.text
        assert SENTENCE in response.text and 'pymysql' not in response.text
        assert 'Retry-After' not in response.headers, 'clients do not survive it here'
    assert list(alone.ask(method, path, body).json) == ['serviceUnavailable']


def test_what_needs_no_database_is_answered(alone):
    assert alone.ask('GET', '/nonsense').status_int == 404
    assert alone.ask('GET', '/mgmt/instances').status_int == 401
    assert alone.ask('GET', '/instances', token='demo-nobody').status_int == 403
    assert alone.ask('GET', '/clusters').json == {'clusters': []}
