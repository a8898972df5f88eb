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

"""Comparison of the URL table with the contract's index, in both directions."""

import inspect
import pathlib
import re
from urllib import parse

import pytest

from tests.functional.api import endpoints, stories
from trove import versions
from trove.common import exception, policies
from trove.common.http import openapi
from trove.common.api import ROUTES
from trove.common.http.mapper import RouteMapper

REFERENCE = pathlib.Path(__file__).parents[3] / 'api-ref/source'
PAGES = '\n'.join(page.read_text() for page in sorted(REFERENCE.glob('*.inc')))
RULES = {rule.name: rule for rule in policies.list_rules()}
IDS = [f'{route.method} {route.path}' for route in ROUTES]
ROWS = endpoints.endpoints()
BY_PLACE = {(route.method, endpoints.shape(f'/v1.0{route.path}')): route for route in ROUTES}

#: Outside of the URL table, because they need no token.
PUBLIC = {
    ('GET', '/'): versions.INDEX,
    ('GET', '/v1.0/'): versions.SHOW,
    ('GET', '/healthcheck'): None
}

#: No engine here makes clusters: the calls on one never find it.
WITHOUT_CLUSTERS = {
    'K2': 501,
    'K3': 404,
    'K4': 404,
    'K5': 404,
    'K6': 404,
    'R4': 404,
    'R5': 404,
    'A10': 404,
    'A11': 404
}

#: Responses of this service beyond the contract, by which clients follow work.
ADDITIONS = {'GET /{project_id}/instances/{instance_id}/operations',
             'GET /{project_id}/instances/{instance_id}/events',
             'GET /{project_id}/operations/{operation_id}',
             'POST /{project_id}/operations/{operation_id}/action'}


def covered() -> tuple[set[str], set[tuple[str, str]]]:
    """Which lines of the table the stories ask for; and which (line, key of the body) pairs."""
    router, found, keys = RouteMapper(ROUTES), set(), set()
    for name in stories.names():
        story = stories.load(stories.DIRECTORY / f'{name}.yaml')
        for (method, url), test in zip(stories.requests(story), story['tests'], strict=True):
            path = re.sub('/{2,}', '/', parse.unquote(url.partition('?')[0]))
            if not path.startswith('/v1.0/'):
                continue
            try:
                route = router.match(method, path.removeprefix('/v1.0')).route
            except exception.NotFound:
                continue
            found.add(f'{route.method} {route.path}')
            keys |= {(f'{route.method} {route.path}', key) for key in named(test.get('data'))}
    return found, keys


def named(data: object) -> set[str]:
    """Keys of a body, and those inside them after a dot."""
    if not isinstance(data, dict):
        return set()
    return set(data) | {
        f'{key}.{inner}'
        for key, value in data.items() if isinstance(value, dict) for inner in value
    }


STORIES, COVERED_KEYS = covered()


@pytest.mark.parametrize('route', ROUTES, ids=IDS)
def test_a_route_is_whole(route):
    """Controller, policy rule, schema, story, and a place in the API reference."""
    named_in_path = [name for name in re.findall(r'{(\w+)}', route.path) if name != 'project_id']
    body = ['body'] if route.request_schema else []
    action = ['action'] if route.actions else []
    parameters = list(inspect.signature(route.handler).parameters)
    assert parameters == ['request', *named_in_path, *body, *action]
    assert route.rules or route.actions, 'a rule is enforced before the body is read'
    assert set(route.all_rules) <= RULES.keys()
    assert route.admin == ('/mgmt/' in route.path and 'quota:show' not in route.rules)
    has_body = route.method in ('POST', 'PUT', 'PATCH')
    assert (route.request_schema is not None) == has_body, 'the schema of its bodies'
    assert (route.response_schema is not None or route.method != 'GET'
            or route.status in (204, 404, 501))
    assert set(route.query) <= openapi.QUERY.keys()
    assert f'{route.method} {route.path}' in STORIES, 'no story covers it'
    assert re.search(
        rf'^\.\. rest_method:: {route.method} {re.escape("/v1.0" + route.path)}$', PAGES,
        re.MULTILINE), 'api-ref'


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.number)
def test_a_row_of_the_contract_has_its_route(row):
    if row.audience == 'public':
        schema = PUBLIC[(row.method, row.path)]
        assert schema is None or set(schema['properties']) == set(row.gives)
        return
    route = BY_PLACE[row.place]
    assert route.status == WITHOUT_CLUSTERS.get(row.number, row.status)
    assert row.rules <= set(route.all_rules)
    if row.audience == 'adm':
        assert all(RULES[rule].check_str == 'rule:admin' for rule in route.all_rules)
    check_takes(row, route)
    if route.status < 400:
        check_gives(row, route)
    if row.action:
        assert (f'{route.method} {route.path}',
                row.action) in COVERED_KEYS, 'no story covers the action'


def check_takes(row, route):
    if not row.takes:
        # An action without a body is one with an empty object.
        assert route.request_schema is None or row.action
        return
    schema = route.request_schema.schema
    if row.action or row.takes == 'action':
        keys = {key for part in schema.get('anyOf', [schema]) for key in part['properties']}
        assert row.takes == 'action' or row.takes in keys
    elif row.takes in ('flat', 'optional'):
        assert not schema.get('required') or row.takes == 'flat'
    else:
        assert schema['required'] == [row.takes]


def check_gives(row, route):
    if not row.gives:
        assert route.response_schema is None
        return
    if set(row.gives) == {'flat'}:
        assert 'xml' in route.response_schema
        return
    for path, is_always in row.gives.items():
        part = route.response_schema
        for key in path.split('.'):
            assert (key in part['required']) == is_always, key
            part = part['properties'][key]


def test_there_are_no_other_routes():
    assert {f'{route.method} {route.path}' for place, route in BY_PLACE.items()
            if place not in {row.place for row in ROWS}} <= ADDITIONS
    assert len(ROWS) == 108 and len(BY_PLACE) == len(ROUTES)


def test_the_reference_has_no_other_routes():
    listed = {f'{route.method} /v1.0{route.path}' for route in ROUTES}
    written = set(re.findall(r'^\.\. rest_method:: (.+)$', PAGES, re.MULTILINE))
    assert written == listed


def documented_statuses():
    """Return the statuses in the API reference, by route."""
    parts = re.split(r'^\.\. rest_method:: (.+)$', PAGES, flags=re.MULTILINE)
    return {place: {int(status) for status in re.findall(r'^   - (\d{3}): ', text, re.MULTILINE)}
            for place, text in zip(parts[1::2], parts[2::2], strict=True)}


STATUSES = documented_statuses()


@pytest.mark.parametrize('route', ROUTES, ids=IDS)
def test_the_reference_matches_the_document(route):
    """The statuses in the table of a call are those of the OpenAPI document; what any may be stands
    at the top.
    """
    written = STATUSES[f'{route.method} /v1.0{route.path}']
    assert written <= {
        *openapi.refusals(route), route.status, *([204] if 'validate_only' in route.query else [])
    }
    own = {*route.faults, route.status, *([400] if route.request_schema or route.query else [])}
    own |= {401} if '/mgmt/' in route.path and 'quota:show' not in route.rules else {403}
    assert own <= written | {503}


def test_without_a_role_every_route_is_refused(edge):
    """A rule in the table that the controller does not ask would let somebody through here."""
    for route in ROUTES:
        path = re.sub(r'{\w+}', 'x', route.path.removeprefix('/{project_id}'))
        body = {'restart': {}} if path.endswith('/action') else {}
        response = edge.ask(route.method, path, None if route.method == 'GET' else body,
                            token='demo-nobody')
        assert response.status_int in (401, 403), f'{route.method} {path}: {response.text}'
