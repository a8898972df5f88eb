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

import datetime

import pytest

from trove.common.http import token_cache


class Seconds:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


def test_value_is_returned_until_it_expires(seconds):
    cache = token_cache.TokenCache(seconds)
    cache.set('a', b'x', time=10)
    assert cache.get('a') == b'x'
    seconds.now += 9.9
    assert cache.get('a') == b'x'
    seconds.now += 0.1
    assert cache.get('a') is None
    assert cache.get('b') is None


@pytest.mark.parametrize('time', [0, -1])
def test_zero_time_stores_nothing_and_drops_the_former_value(seconds, time):
    cache = token_cache.TokenCache(seconds)
    cache.set('a', b'x', time=10)
    cache.set('a', b'y', time=time)
    assert cache.get('a') is None


def test_least_recently_used_entry_is_evicted_first(seconds):
    cache = token_cache.TokenCache(seconds, size=2)
    cache.set('a', 1, time=10)
    cache.set('b', 2, time=10)
    assert cache.get('a') == 1
    cache.set('c', 3, time=10)
    assert [cache.get(key) for key in 'abc'] == [1, None, 3]


class Check:
    """Stand-in for auth_token: the token is the user; ``extra`` is added to Keystone's answer."""

    def __init__(self):
        self.validated = []
        self.extra = {}
        self.expires = '2999-01-01T00:00:00.000000Z'

    def __call__(self, application):
        def checked(environ, start_response):
            self.validated.append(environ.get('HTTP_X_AUTH_TOKEN'))
            for name in [
                    name for name in environ if name.startswith('HTTP_X_') and 'TOKEN' not in name
            ]:
                del environ[name]
            environ.update({
                'HTTP_X_IDENTITY_STATUS': 'Confirmed',
                'HTTP_X_USER_ID': environ['HTTP_X_AUTH_TOKEN'],
                'HTTP_X_SERVICE_CATALOG': '[]',
                'keystone.token_info': {
                    'token': {
                        'expires_at': self.expires,
                        **self.extra
                    }
                }
            })
            return application(environ, start_response)
        return checked


@pytest.fixture
def check():
    return Check()


@pytest.fixture
def send(check, seconds):
    """Function from headers to the environment behind the middleware."""
    behind = []
    middleware = token_cache.TokenCacheMiddleware(check,
                                                  lambda environ, _start: behind.append(environ),
                                                  token_cache.TokenCache(seconds))

    def request(**headers):
        middleware({f'HTTP_{name}': value for name, value in headers.items()}, None)
        return behind[-1]
    return request


def test_validated_identity_is_reused_for_identity_ttl(send, check, seconds):
    first = send(X_AUTH_TOKEN='ann')
    again = send(X_AUTH_TOKEN='ann', ACCEPT='text/html')
    assert first['HTTP_X_USER_ID'] == again['HTTP_X_USER_ID'] == 'ann'
    assert again['HTTP_ACCEPT'] == 'text/html' and again['HTTP_X_IDENTITY_STATUS'] == 'Confirmed'
    assert send(X_AUTH_TOKEN='bob')['HTTP_X_USER_ID'] == 'bob'
    assert check.validated == ['ann', 'bob']
    seconds.now += token_cache.IDENTITY_TTL
    send(X_AUTH_TOKEN='ann')
    assert check.validated == ['ann', 'bob', 'ann']


def test_identity_headers_of_a_client_are_dropped(send, check):
    send(X_AUTH_TOKEN='ann')
    again = send(X_AUTH_TOKEN='ann', X_USER_ID='root', X_ROLES='admin', X_PROJECT_ID='p', X_NEW='n',
                 OPENSTACK_SYSTEM_SCOPE='all', X_OPENSTACK_REQUEST_ID='req-1')
    assert check.validated == ['ann']
    assert again['HTTP_X_USER_ID'] == 'ann' and again['HTTP_X_OPENSTACK_REQUEST_ID'] == 'req-1'
    assert not {'HTTP_X_ROLES', 'HTTP_X_PROJECT_ID', 'HTTP_X_NEW', 'HTTP_OPENSTACK_SYSTEM_SCOPE'
                } & again.keys()


def test_headers_of_one_client_do_not_reach_the_next(send):
    send(X_AUTH_TOKEN='ann', X_FORWARDED_FOR='192.0.2.7', X_ROLES='admin')
    assert not {'HTTP_X_FORWARDED_FOR', 'HTTP_X_ROLES'} & send(X_AUTH_TOKEN='ann').keys()


@pytest.mark.parametrize('extra', [
    {'bind': {'kerberos': 'ann'}}, {'application_credential': {'access_rules': []}},
    {'expires_at': '2001-01-01T00:00:00Z'}, {'expires_at': 'soon'}, {'expires_at': None}])
def test_tokens_that_need_validation_every_time_are_not_cached(send, check, extra):
    check.extra = extra
    send(X_AUTH_TOKEN='ann')
    send(X_AUTH_TOKEN='ann')
    assert check.validated == ['ann', 'ann']


def test_application_credential_without_rules_is_cached(send, check):
    check.extra = {'application_credential': {'id': 'a', 'restricted': True}}
    send(X_AUTH_TOKEN='ann')
    send(X_AUTH_TOKEN='ann')
    assert check.validated == ['ann']


def test_identity_is_not_reused_after_its_token_expires(send, check, seconds):
    check.expires = (datetime.datetime.now(datetime.UTC) +
                     datetime.timedelta(seconds=5)).isoformat()
    send(X_AUTH_TOKEN='ann')
    seconds.now += 4
    send(X_AUTH_TOKEN='ann')
    assert check.validated == ['ann']
    seconds.now += 2
    send(X_AUTH_TOKEN='ann')
    assert check.validated == ['ann', 'ann']


def test_service_token_is_validated_every_time(send, check):
    send(X_AUTH_TOKEN='ann')
    send(X_AUTH_TOKEN='ann', X_SERVICE_TOKEN='nova')
    send(X_AUTH_TOKEN='ann', X_SERVICE_TOKEN='nova')
    assert check.validated == ['ann', 'ann', 'ann']


def test_refused_token_is_validated_again(seconds):
    refused = []

    def check(application):
        return lambda environ, start: refused.append(environ)

    middleware = token_cache.TokenCacheMiddleware(check,
                                                  lambda environ,
                                                  start: pytest.fail('a refused token was let in'),
                                                  token_cache.TokenCache(seconds))
    middleware({'HTTP_X_AUTH_TOKEN': 'ann'}, None)
    middleware({'HTTP_X_AUTH_TOKEN': 'ann'}, None)
    middleware({}, None)
    assert len(refused) == 3
