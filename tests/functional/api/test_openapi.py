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

"""The OpenAPI document: valid, complete, and what a stranger who only has the document is answered.
"""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from tests.functional.api import contract, places
from trove.common.http import deploy, openapi
from trove.common.api import ROUTES
from trove.common.http.serializers import xml

DOCUMENT = contract.document()
OPERATIONS = [(path, method, operation) for path, methods in DOCUMENT['paths'].items()
              for method, operation in methods.items()]


def test_it_is_valid():
    errors = list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors())
    assert not errors, errors[:3]
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


def test_every_route_is_there():
    assert {(path, method) for path, method, _ in OPERATIONS} == {
        ('/', 'get'), ('/v1.0/', 'get'), ('/healthcheck', 'get'),
        *((f'/v1.0{route.path}', route.method.lower()) for route in ROUTES)}


def test_every_call_has_a_name_of_its_own_and_a_summary():
    names = [operation['operationId'] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(operation['summary'] for _, _, operation in OPERATIONS)


@pytest.mark.parametrize('route', ROUTES, ids=lambda route: f'{route.method} {route.path}')
def test_a_route_names_its_schemas(route):
    assert (route.request_schema is not None) == (route.method in ('POST', 'PUT', 'PATCH'))
    assert route.response_schema is not None or route.method != 'GET' or route.status in (204, 404,
                                                                                          501)
    assert set(route.query) <= openapi.QUERY.keys()
    for schema in [
            route.request_schema.schema if route.request_schema else None, route.response_schema
    ]:
        # Without one wrapper key XML needs to know what the whole is called.
        if schema and 'anyOf' not in schema and 'xml' not in schema:
            wrappers = [
                key for key in schema['properties'] if key != 'links' and not key.endswith('_links')
            ]
            assert len(wrappers) == 1, wrappers
    if route.response_schema and route.root:
        assert xml.dump({'a': 1}, route.root)


# --- a stranger with the document ----------------------------------------------------------------

load_all_checks()
_CHECKS = [CHECKS.get_one(name) for name in (
    'status_code_conformance', 'content_type_conformance', 'response_headers_conformance',
    'response_schema_conformance')]

#: (what is made of the document, whether its ids are of things that exist, requests)
_WAYS = ((GenerationMode.POSITIVE, True, 3), (GenerationMode.POSITIVE, False, 1),
         (GenerationMode.NEGATIVE, True, 3))
_ACCEPTED = st.sampled_from(['application/json', 'application/xml'])
_IDS = [(path, method.upper())
        for path, method, _operation in OPERATIONS
        if path.startswith('/v1.0/{')]


@pytest.mark.parametrize('path, method', _IDS,
                         ids=lambda value: str(value).removeprefix('/v1.0/{project_id}'))
def test_a_stranger_gets_documented_responses(edge, path, method):
    """A few requests for each call, made of the document alone, good ones and bad ones, in a world
    that has it all.
    """
    places.fill(edge)
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.app = deploy.application()
    operation = schema[path][method]
    token, known, seen = places.token_of(method, path), places.segments_of(method, path), set()

    def ask(case, accept):
        case.path_parameters.update(known if is_known else {'project_id': known['project_id']})
        response = case.call(headers={'X-Auth-Token': token, 'Accept': accept})
        assert response.status_code < 500 or response.status_code == 501, response.text
        case.validate_response(response, checks=_CHECKS)
        seen.add(response.status_code)

    for mode, is_known, requests in _WAYS:
        bounds = settings(max_examples=requests, deadline=None, derandomize=True, database=None,
                          phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        bounds(given(operation.as_strategy(generation_mode=mode), _ACCEPTED)(ask))()
    if method == 'GET':
        # Generated values of filters are rarely valid, so one request has none.
        is_known = True
        ask(operation.Case(path_parameters=dict(known)), 'application/json')
    # A request that needs only an id must have succeeded.
    if method in ('GET', 'DELETE') and int(min(operation.definition.raw['responses'])) < 400:
        assert min(seen) < 400, seen
