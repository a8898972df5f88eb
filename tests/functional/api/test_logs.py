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

"""Logs at the HTTP edge: the object store that is not there, refuses or fails, and the end of the
work waited for.
"""

import threading
import time

import pytest

from tests.functional.api import worlds
from tests.functional.api.stories import WORDS
from tests.functional.api.tokens import DEMO
from trove.db import operations, session

PATH = f'/instances/{WORDS["orders"]}/log'
PUBLISH = {'name': 'general', 'publish': 1}


@pytest.fixture
def logs(edge):
    worlds.orders(edge)
    worlds.logs(edge)
    return edge


def opened():
    return len(session.read(operations.count_open))


@pytest.mark.parametrize(('method', 'body'), [('GET', None), ('POST', {
    'name': 'general'
}), ('POST', PUBLISH)])
def test_a_cloud_without_an_object_store(logs, method, body):
    logs.conf.set_override('swift_service_type', 'nothing-of-the-kind')
    response = logs.ask(method, PATH, body)
    assert response.status_int == 501
    assert 'no object store' in response.json['notImplemented']['message']
    assert opened() == 0


def test_an_object_store_that_refuses_the_caller(logs):
    logs.cloud.app.cloud.faults.request('object', 'HEAD', DEMO, mode='status', status=403)
    response = logs.ask('POST', PATH, PUBLISH)
    assert response.status_int == 401
    assert 'denies access' in response.json['unauthorized']['message']
    assert opened() == 0


def test_an_object_store_that_does_not_answer(logs):
    logs.cloud.app.cloud.faults.request('object', 'HEAD', DEMO, mode='before', times=10)
    response = logs.ask('POST', PATH, PUBLISH)
    assert response.status_int == 500
    assert 'object store' in response.json['serverError']['message']
    assert opened() == 0


def test_reading_calls_no_cloud(logs):
    before = len(logs.cloud.requests)
    assert logs.ask('GET', PATH).status_int == 200
    assert logs.ask('POST', PATH, {'name': 'general'}).status_int == 200
    assert logs.cloud.requests[before:] == []


def test_publishing_what_is_off_switches_it_on_first(logs):
    assert logs.ask('POST', PATH, {
        'name': 'general',
        'disable': 1
    }).json['log']['status'] == 'Disabled'
    assert logs.ask('POST', PATH, PUBLISH).json['log']['status'] == 'Ready'


def test_but_not_what_is_switched_off_by_the_same_request(logs):
    response = logs.ask('POST', PATH, {**PUBLISH, 'disable': 1})
    assert response.json['log']['status'] == 'Disabled'
    assert opened() == 1


@pytest.mark.parametrize(('state', 'code', 'text', 'status', 'fault'), [
    ('failed', 'guest_log_failed', 'The log general could not be stored.', 400, 'badRequest'),
    ('failed', 'object_store_failed', 'The object store service did not answer.', 500,
     'serverError'),
    ('cancelled', 'cancelled', 'The work on the log was cancelled.', 422, 'unprocessableEntity'),
])
def test_the_end_of_the_work_is_what_is_answered(logs, monkeypatch, state, code, text, status,
                                                 fault):
    logs.conf.set_override('guest_log_wait', 5)
    monkeypatch.setattr(threading.Event, 'wait', lambda event, seconds: end(state, code, text))
    response = logs.ask('POST', PATH, PUBLISH)
    assert response.status_int == status
    assert response.json[fault]['message'] == text


def test_work_that_takes_longer_goes_on(logs, monkeypatch):
    logs.conf.set_override('guest_log_wait', 1)
    now = [0.0]
    monkeypatch.setattr(time, 'monotonic', lambda: now[0])
    monkeypatch.setattr(threading.Event, 'wait',
                        lambda event, seconds: now.__setitem__(0, now[0] + seconds))
    response = logs.ask('POST', PATH, PUBLISH)
    assert response.status_int == 200
    assert response.headers['X-Trove-Operation-Id']
    assert response.json['log']['status'] == 'Ready'
    assert opened() == 1


def end(state, code, text):
    with session.writer() as connection:
        connection.execute(operations.OPERATIONS.update().values(active=None, state=state,
                                                                 error_code=code, error_text=text))
