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

"""The OpenAPI document: valid, complete, and what a stranger who only has the document is answered."""

import json
import re

import pytest
import schemathesis
import webob
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import CHECKS, load_all_checks

from tests.functional.api import contract, tokens, worlds
from tests.functional.api.stories import WORDS
from trove.common import deploy, openapi
from trove.common.api import ROUTES
from trove.common.serializers import xml

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


def test_every_call_has_a_name_of_its_own_and_says_what_it_does():
    names = [operation['operationId'] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(operation['summary'] for _, _, operation in OPERATIONS)


@pytest.mark.parametrize('route', ROUTES, ids=lambda route: f'{route.method} {route.path}')
def test_a_route_says_what_it_takes_and_gives(route):
    assert (route.takes is not None) == (route.method in ('POST', 'PUT', 'PATCH'))
    assert route.gives is not None or route.method != 'GET' or route.status in (204, 404, 501)
    assert set(route.query) <= openapi.QUERY.keys()
    for schema in [route.takes.schema if route.takes else None, route.gives]:
        # Without one wrapper key XML needs to know what the whole is called.
        if schema and 'anyOf' not in schema and 'xml' not in schema:
            wrappers = [key for key in schema['properties'] if key != 'links' and not key.endswith('_links')]
            assert len(wrappers) == 1, wrappers
    if route.gives and route.root:
        assert xml.dump({'a': 1}, route.root)


# --- a stranger with the document ------------------------------------------------------------------

load_all_checks()
_CHECKS = [CHECKS.get_one(name) for name in (
    'status_code_conformance', 'content_type_conformance', 'response_headers_conformance',
    'response_schema_conformance')]

_KNOWN = {'project_id': tokens.DEMO, 'target_project_id': tokens.DEMO, 'instance_id': WORDS['orders'], 'user': 'app',
          'name': 'shop', 'datastore': 'mariadb', 'version': WORDS['version'], 'flavor': '10'}
#: What would leave nothing to ask about.
_DESTRUCTIVE = {'instance_delete', 'instance_action', 'mgmt_instances_action', 'mgmt_datastore_versions_change'}


class Served:
    """The application, and its document where strangers find it."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        if environ['PATH_INFO'] != '/openapi.json':
            return self.application(environ, start_response)
        return webob.Response(json_body=DOCUMENT)(environ, start_response)


@pytest.fixture
def strangers(edge):
    for name in ('get', 'post', 'put', 'delete', 'mgmt_post'):
        edge.conf.set_override(f'http_{name}_rate', 0)
    worlds.orders(edge)
    worlds.failed(edge)
    worlds.history(edge)
    return schemathesis.openapi.from_wsgi('/openapi.json', Served(deploy.application()))


def test_a_stranger_is_answered_as_the_document_says(strangers):
    """A few requests for each call, made of the document alone; ids of things that exist are given half the time."""
    for found in strangers.get_all_operations():
        operation = found.ok()
        by_id = dict(_KNOWN)
        if operation.definition.raw['operationId'] in _DESTRUCTIVE:
            by_id |= {'instance_id': WORDS['failed'], 'version': WORDS['old-version']}

        @settings(max_examples=5, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(), st.booleans(), st.sampled_from(['application/json', 'application/xml']))
        def ask(case, is_known, accept):
            is_admin = '/mgmt/' in operation.path
            for name in re.findall(r'{(\w+)}', operation.path):
                # Half of the time, but the project always: the rest is refused before anybody reads it.
                if name == 'project_id' or is_known:
                    case.path_parameters[name] = by_id.get(name, WORDS['nobody'])
            if is_admin:
                case.path_parameters['project_id'] = tokens.ADMIN
            response = case.call(headers={'X-Auth-Token': 'admin' if is_admin else 'demo', 'Accept': accept})
            assert response.status_code < 500 or response.status_code == 501, response.text
            case.validate_response(response, checks=_CHECKS)

        ask()
