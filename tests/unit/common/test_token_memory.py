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

from trove.common import token_memory


class Seconds:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


def test_what_is_kept_is_given_until_its_time_has_run_out(seconds):
    recent = token_memory.Recent(seconds)
    recent.set('a', b'x', time=10)
    assert recent.get('a') == b'x'
    seconds.now += 9.9
    assert recent.get('a') == b'x'
    seconds.now += 0.1
    assert recent.get('a') is None
    assert recent.get('b') is None


@pytest.mark.parametrize('time', [0, -1])
def test_no_time_keeps_nothing_and_forgets_what_was(seconds, time):
    recent = token_memory.Recent(seconds)
    recent.set('a', b'x', time=10)
    recent.set('a', b'y', time=time)
    assert recent.get('a') is None


def test_who_was_longest_not_asked_for_goes_first(seconds):
    recent = token_memory.Recent(seconds, most=2)
    recent.set('a', 1, time=10)
    recent.set('b', 2, time=10)
    assert recent.get('a') == 1
    recent.set('c', 3, time=10)
    assert [recent.get(key) for key in 'abc'] == [1, None, 3]


class Check:
    """A token check: the token is the user; ``extra`` is what Keystone says beside."""

    def __init__(self):
        self.asked = []
        self.extra = {}
        self.expires = '2999-01-01T00:00:00.000000Z'

    def __call__(self, application):
        def checked(environ, start_response):
            self.asked.append(environ.get('HTTP_X_AUTH_TOKEN'))
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
def ask(check, seconds):
    """(headers) -> the environment as it is behind the check."""
    behind = []
    remembering = token_memory.Remembering(check, lambda environ, _start: behind.append(environ),
                                           token_memory.Recent(seconds))

    def asked(**headers):
        remembering({f'HTTP_{name}': value for name, value in headers.items()}, None)
        return behind[-1]
    return asked


def test_who_was_let_in_a_moment_ago_is_let_in_again(ask, check, seconds):
    first = ask(X_AUTH_TOKEN='ann')
    again = ask(X_AUTH_TOKEN='ann', ACCEPT='text/html')
    assert first['HTTP_X_USER_ID'] == again['HTTP_X_USER_ID'] == 'ann'
    assert again['HTTP_ACCEPT'] == 'text/html' and again['HTTP_X_IDENTITY_STATUS'] == 'Confirmed'
    assert ask(X_AUTH_TOKEN='bob')['HTTP_X_USER_ID'] == 'bob'
    assert check.asked == ['ann', 'bob']
    seconds.now += token_memory.MOMENT
    ask(X_AUTH_TOKEN='ann')
    assert check.asked == ['ann', 'bob', 'ann']


def test_nobody_tells_who_they_are_themselves(ask, check):
    ask(X_AUTH_TOKEN='ann')
    again = ask(X_AUTH_TOKEN='ann', X_USER_ID='root', X_ROLES='admin', X_PROJECT_ID='p', X_NEW='n',
                OPENSTACK_SYSTEM_SCOPE='all', X_OPENSTACK_REQUEST_ID='req-1')
    assert check.asked == ['ann']
    assert again['HTTP_X_USER_ID'] == 'ann' and again['HTTP_X_OPENSTACK_REQUEST_ID'] == 'req-1'
    assert not {'HTTP_X_ROLES', 'HTTP_X_PROJECT_ID', 'HTTP_X_NEW', 'HTTP_OPENSTACK_SYSTEM_SCOPE'
                } & again.keys()


def test_what_one_caller_says_is_not_told_of_the_next(ask):
    ask(X_AUTH_TOKEN='ann', X_FORWARDED_FOR='192.0.2.7', X_ROLES='admin')
    assert not {'HTTP_X_FORWARDED_FOR', 'HTTP_X_ROLES'} & ask(X_AUTH_TOKEN='ann').keys()


@pytest.mark.parametrize('extra', [
    {'bind': {'kerberos': 'ann'}}, {'application_credential': {'access_rules': []}},
    {'expires_at': '2001-01-01T00:00:00Z'}, {'expires_at': 'soon'}, {'expires_at': None}])
def test_what_must_be_looked_at_again_is_not_remembered(ask, check, extra):
    check.extra = extra
    ask(X_AUTH_TOKEN='ann')
    ask(X_AUTH_TOKEN='ann')
    assert check.asked == ['ann', 'ann']


def test_an_application_credential_without_rules_is_remembered(ask, check):
    check.extra = {'application_credential': {'id': 'a', 'restricted': True}}
    ask(X_AUTH_TOKEN='ann')
    ask(X_AUTH_TOKEN='ann')
    assert check.asked == ['ann']


def test_a_token_is_not_remembered_longer_than_it_lives(ask, check, seconds):
    check.expires = (datetime.datetime.now(datetime.UTC) +
                     datetime.timedelta(seconds=5)).isoformat()
    ask(X_AUTH_TOKEN='ann')
    seconds.now += 4
    ask(X_AUTH_TOKEN='ann')
    assert check.asked == ['ann']
    seconds.now += 2
    ask(X_AUTH_TOKEN='ann')
    assert check.asked == ['ann', 'ann']


def test_a_service_that_asks_for_a_user_is_always_looked_at(ask, check):
    ask(X_AUTH_TOKEN='ann')
    ask(X_AUTH_TOKEN='ann', X_SERVICE_TOKEN='nova')
    ask(X_AUTH_TOKEN='ann', X_SERVICE_TOKEN='nova')
    assert check.asked == ['ann', 'ann', 'ann']


def test_who_was_refused_is_asked_again(seconds):
    refused = []

    def check(application):
        return lambda environ, start: refused.append(environ)

    remembering = token_memory.Remembering(check,
                                           lambda environ, start: pytest.fail('nobody was let in'),
                                           token_memory.Recent(seconds))
    remembering({'HTTP_X_AUTH_TOKEN': 'ann'}, None)
    remembering({'HTTP_X_AUTH_TOKEN': 'ann'}, None)
    remembering({}, None)
    assert len(refused) == 3
