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

"""Every way in which a body can be wrong, on every route that takes one: the named refusal, and
nothing is changed.
"""

import json
import re

import pytest
import webob

from tests.functional.api import tokens, worlds
from tests.functional.api.stories import WORDS
from trove.common.http.request import MAX_BODY
from trove.common.api import ROUTES
from trove.db import session, tables

TAKERS = [route for route in ROUTES if route.request_schema]
#: Segments of objects that exist.
KNOWN = {
    'instance_id': WORDS['orders'],
    'user': 'app',
    'name': 'max_connections',
    'configuration_id': WORDS['group'],
    'module_id': WORDS['module'],
    'version': WORDS['version'],
    'target_project_id': tokens.DEMO,
    'operation_id': 'aaaaaaaa-0000-4000-8000-000000000002'
}
JSON, XML = 'application/json', 'application/xml'
DEEP = '<a>' * 40 + '</a>' * 40
WIDE = '<a>' + '<b/>' * 100_001 + '</a>'
BOMB = '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><a>&c;</a>'
FETCH = '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'

#: Request: content type, data, status, words of the refusal.
FORMS = {
    'a list': (JSON, b'[]', 400, 'must be a JSON object'),
    'a text': (JSON, b'"a"', 400, 'must be a JSON object'),
    'a number': (JSON, b'1', 400, 'must be a JSON object'),
    'null': (JSON, b'null', 400, 'must be a JSON object'),
    'half an object': (JSON, b'{"a": ', 400, 'not well-formed JSON'),
    'no text': (JSON, b'{"a": "\xff"}', 400, 'not valid Unicode'),
    'half a character': (JSON, b'{"a": "\\ud800"}', 400, 'not valid Unicode'),
    'a null character': (JSON, b'{"a": "\\u0000"}', 400, 'null character'),
    'other characters than UTF-8': (JSON, '{"a": "\\u0000"}'.encode('utf-16'), 400,
                                    'send it as UTF-8'),
    'no number': (JSON, b'{"a": NaN}', 400, 'not well-formed JSON'),
    'a number without end': (JSON, b'{"a": 1e999}', 400, 'not well-formed JSON'),
    'too many brackets': (JSON, b'[' * 100_000, 400, 'not well-formed JSON'),
    'half a document': (XML, b'<a>', 400, 'not well-formed XML'),
    'no document': (XML, b'a', 400, 'not well-formed XML'),
    'a document of other characters': (XML, b'<a>\xff</a>', 400, 'not valid UTF-8'),
    'a document of many levels': (XML, DEEP.encode(), 400, 'deep'),
    'a document of many elements': (XML, WIDE.encode(), 400, 'elements'),
    'a document with entities': (XML, BOMB.encode(), 400, 'document type'),
    'a document that fetches': (XML, FETCH.encode(), 400, 'document type'),
    'another type': ('text/plain', b'{"a": 1}', 415, 'Content type'),
    'a form': ('application/x-www-form-urlencoded', b'a=1', 415, 'Content type'),
}


def rows():
    with session.reader() as connection:
        return {
            table.name: connection.execute(table.select()).all()
            for table in tables.metadata.sorted_tables
        }


def place(route):
    project = tokens.ADMIN if '/mgmt/' in route.path else tokens.DEMO
    return '/v1.0' + re.sub(r'{(\w+)}', lambda found: {'project_id': project, **KNOWN}.get(
        found.group(1), WORDS['nobody']), route.path)


def send(edge, route, content_type, data, **headers):
    request = webob.Request.blank(place(route), method=route.method, body=data)
    request.headers['X-Auth-Token'] = 'admin' if '/mgmt/' in route.path else 'demo'
    if content_type:
        request.headers['Content-Type'] = content_type
    request.headers.update(headers)
    return request.get_response(edge.application)


def message_of(response):
    [fault] = response.json.values()
    assert fault['code'] == response.status_int
    return fault['message']


@pytest.fixture
def served(edge):
    for made in (worlds.orders, worlds.parameters, worlds.groups, worlds.some_modules,
                 worlds.history):
        made(edge)
    return edge


@pytest.mark.parametrize('route', TAKERS, ids=lambda route: f'{route.method} {route.path}')
def test_what_is_no_body_is_refused_by_its_name(served, route):
    before = rows()
    for name, (content_type, data, status, words) in FORMS.items():
        response = send(served, route, content_type, data)
        assert response.status_int == status, f'{name}: {response}'
        assert re.search(words, message_of(response)), f'{name}: {message_of(response)}'
    assert rows() == before


def optional(route):
    """Return whether a call accepts no body, because everything in it has a default."""
    schema = route.request_schema.schema
    return not schema.get('required') and 'anyOf' not in schema


@pytest.mark.parametrize('route', [route for route in TAKERS if not optional(route)],
                         ids=lambda route: f'{route.method} {route.path}')
def test_what_is_missing_is_refused(served, route):
    before = rows()
    wrapper = next(iter(route.request_schema.schema.get('required', ())), None)
    wrong = [b'', b'{}', b'{"colour": {}}', b'{"": null}']
    if wrapper:
        wrong += [json.dumps({wrapper: value}).encode() for value in (7, 'a', True)]
    for data in wrong:
        response = send(served, route, JSON, data)
        assert response.status_int == 400, f'{data}: {response}'
        assert message_of(response)
    assert rows() == before


def test_a_body_has_an_end(served):
    for route in TAKERS[:2]:
        response = send(served, route, JSON, b' ' * (MAX_BODY + 1))
        assert response.status_int == 413
        assert message_of(response) == f'The body is larger than {MAX_BODY} bytes.'
        assert 'Retry-After' not in response.headers, 'clients do not survive it elsewhere'


def test_a_body_without_a_type_is_json(served):
    [route] = [route for route in TAKERS if route.path.endswith('/backup_strategies')]
    assert send(served, route, '',
                b'{"backup_strategy": {"swift_container": "a"}}').status_int == 202
    assert send(served, route, 'application/json; charset=utf-8',
                b'{"backup_strategy": {"swift_container": "b"}}').status_int == 202


@pytest.mark.parametrize('length', ['many', '-1', '1e3'])
def test_a_length_is_a_number(served, length):
    response = send(served, TAKERS[0], JSON, b'{}', **{'Content-Length': length})
    assert response.status_int == 400, response
