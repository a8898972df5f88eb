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

"""The leaky bucket, with a clock of its own."""

import re

import pytest

from trove.common.http.rate_limits import Limiter, Rate

ANYTHING = re.compile('.*')


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def limiter(clock, *rates):
    return Limiter([Rate(*rate) for rate in rates] or [Rate('GET', 3, '*', ANYTHING)], clock)


def test_as_many_as_allowed_at_once(clock):
    bucket = limiter(clock)
    assert [bucket.take('p', 'GET', '/x') for _ in range(3)] == [None] * 3
    rate, wait = bucket.take('p', 'GET', '/x')
    assert rate.value == 3
    assert wait == pytest.approx(20)


def test_what_is_refused_does_not_count(clock):
    bucket = limiter(clock)
    for _ in range(50):
        bucket.take('p', 'GET', '/x')
    clock.now += 20
    assert bucket.take('p', 'GET', '/x') is None


def test_it_leaks_evenly(clock):
    bucket = limiter(clock)
    taken = 0
    for _ in range(600):
        taken += bucket.take('p', 'GET', '/x') is None
        clock.now += 1
    assert taken == 3 + 30 - 1


def test_projects_have_buckets_of_their_own(clock):
    bucket = limiter(clock)
    for _ in range(4):
        bucket.take('p', 'GET', '/x')
    assert bucket.take('q', 'GET', '/x') is None


def test_verbs_without_a_rate_are_free(clock):
    bucket = limiter(clock)
    assert all(bucket.take('p', 'PATCH', '/x') is None for _ in range(100))


def test_a_request_must_fit_all_rates_that_concern_it(clock):
    bucket = limiter(clock, ('POST', 10, '*', ANYTHING), ('POST', 1, '/mgmt', re.compile('^/mgmt')))
    assert bucket.take('p', 'POST', '/mgmt/x') is None
    assert bucket.take('p', 'POST', '/mgmt/x')[0].uri == '/mgmt'
    assert bucket.take('p', 'POST', '/instances') is None


def test_the_report(clock):
    bucket = limiter(clock)
    clock.now = 1932884100.0
    line, = bucket.report('p')
    assert line == {
        'verb': 'GET',
        'value': 3,
        'remaining': 3,
        'unit': 'MINUTE',
        'uri': '*',
        'regex': '.*',
        'nextAvailable': '2031-04-02T08:15:00Z'
    }
    for _ in range(3):
        bucket.take('p', 'GET', '/x')
    line, = bucket.report('p')
    assert (line['remaining'], line['nextAvailable']) == (0, '2031-04-02T08:15:20Z')


def test_a_clock_that_goes_back_harms_nobody(clock):
    bucket = limiter(clock)
    for _ in range(2):
        bucket.take('p', 'GET', '/x')
    clock.now -= 3600
    assert bucket.take('p', 'GET', '/x') is None


def test_the_longest_silent_are_forgotten(clock):
    bucket = Limiter([Rate('GET', 3, '*', ANYTHING)], clock, max_projects=2)
    for project in ('a', 'a', 'a', 'b', 'a', 'c'):
        bucket.take(project, 'GET', '/x')
    assert [line['remaining'] for line in bucket.report('a')] == [0]
    assert [line['remaining'] for line in bucket.report('b')] == [3]
