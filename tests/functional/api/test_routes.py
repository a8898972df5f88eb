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

"""Each line of the URL table has a controller, a policy rule, a story, and a place in the API reference."""

import inspect
import pathlib
import re
from urllib import parse

import pytest

from tests.functional.api import stories
from trove.common import exception, policies
from trove.common.api import ROUTES
from trove.common.router import Router

REFERENCE = pathlib.Path(__file__).parents[3] / 'api-ref/source'
RULES = {rule.name for rule in policies.list_rules()}
IDS = [f'{route.method} {route.path}' for route in ROUTES]


def told() -> set[str]:
    """Which lines of the table the stories ask for."""
    router, found = Router(ROUTES), set()
    for name in stories.names():
        for method, url in stories.requests(stories.load(stories.DIRECTORY / f'{name}.yaml')):
            path = re.sub('/{2,}', '/', parse.unquote(url.partition('?')[0]))
            if not path.startswith('/v1.0/'):
                continue
            try:
                route = router.match(method, path.removeprefix('/v1.0')).route
            except exception.NotFound:
                continue
            found.add(f'{route.method} {route.path}')
    return found


@pytest.mark.parametrize('route', ROUTES, ids=IDS)
def test_the_controller_takes_what_the_path_names(route):
    named = [name for name in re.findall(r'{(\w+)}', route.path) if name != 'project_id']
    assert list(inspect.signature(route.handler).parameters) == ['request', *named]


@pytest.mark.parametrize('route', ROUTES, ids=IDS)
def test_the_policy_rules_exist(route):
    assert route.rules
    assert set(route.rules) <= RULES


def test_every_route_has_a_story():
    assert set(IDS) - told() == set()


@pytest.mark.parametrize('route', ROUTES, ids=IDS)
def test_the_reference_has_the_route(route):
    pages = '\n'.join(page.read_text() for page in REFERENCE.glob('*.inc'))
    assert re.search(rf'^``{route.method} {re.escape("/v1.0" + route.path)}``$', pages, re.MULTILINE)


def test_the_reference_has_no_other_routes():
    listed = {f'{route.method} /v1.0{route.path}' for route in ROUTES}
    written = set()
    for page in REFERENCE.glob('*.inc'):
        written |= set(re.findall(r'^``([A-Z]+ /v1\.0/\{[^`]*)``$', page.read_text(), re.MULTILINE))
    assert written == listed


def test_without_a_role_every_route_is_refused(edge):
    """A rule in the table that the controller does not ask would let somebody through here."""
    for route in ROUTES:
        path = re.sub(r'{\w+}', 'x', route.path.removeprefix('/{project_id}'))
        body = {'restart': {}} if path.endswith('/action') else {}
        response = edge.ask(route.method, path, None if route.method == 'GET' else body, token='demo-nobody')
        assert response.status_int in (401, 403), f'{route.method} {path}: {response.text}'
