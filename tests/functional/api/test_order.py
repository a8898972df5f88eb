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

"""The one order of every route: policy, schema, lookup, policy for the owner of the object."""

import json
import re

import pytest
import webob
import yaml

from tests.functional.api import places, tokens, worlds
from tests.functional.api.stories import WORDS
from trove.common import policy
from trove.common.api import ROUTES
from trove.db import operations, session
from trove.instance.actions import status

IDS = [f'{route.method} {route.path}' for route in ROUTES]
WITH_BODY = [route for route in ROUTES if route.request_schema]
#: Bodies: a content type and bytes that no route accepts, or none.
BODIES = [('application/json', b'{"a": '), ('application/json', b'{"colour": 7}'),
          ('application/xml', b'<a>'), ('text/plain', b'a'), ('', b'')]
#: Segments of objects that belong to a project.
OWNED = ('instance_id', 'configuration_id', 'backup_id', 'module_id', 'operation_id')


def send(edge, route, token, *, content_type='', data=b'', ids=None):
    """Send a request for objects that exist, or for the given ids."""
    path = places.path_of(route)
    if ids is not None:
        path = '/v1.0' + re.sub(r'{\w+}', ids, route.path)
    path = re.sub('^/v1.0/[^/]+', f'/v1.0/{tokens.KNOWN[token].project}', path)
    request = webob.Request.blank(path, method=route.method, body=data)
    request.headers['X-Auth-Token'] = token
    if content_type:
        request.headers['Content-Type'] = content_type
    return request.get_response(edge.application)


def message(response):
    [fault] = response.json.values()
    return fault['message']


@pytest.fixture
def filled(edge):
    places.fill(edge)
    return edge


@pytest.mark.parametrize('route', ROUTES, ids=IDS)
def test_policy_is_first(filled, route):
    """A caller without the rule learns nothing: neither of the body nor of the object."""
    for content_type, data in BODIES if route.request_schema else BODIES[-1:]:
        for ids in (None, WORDS['nobody']):
            response = send(filled, route, 'demo-nobody', content_type=content_type, data=data,
                            ids=ids)
            assert response.status_int == (401 if route.admin else 403), response
            if not route.admin:
                assert any(rule in message(response) for rule in route.all_rules)


@pytest.mark.parametrize('route', WITH_BODY, ids=lambda route: f'{route.method} {route.path}')
def test_the_body_is_checked_before_the_lookup(filled, route):
    """An allowed caller hears of a malformed body, even if the object does not exist."""
    token = places.token_of(route.method, route.path)
    bodies = [{'password': 7}] if route.optional_body else [{'colour': 7}, {'instance': 7}]
    for data in (*(json.dumps(body).encode() for body in bodies), b'{"a": '):
        response = send(filled, route, token, content_type='application/json', data=data,
                        ids=tokens.KNOWN[token].project)
        assert response.status_int == 400, response


@pytest.mark.parametrize('route', [
    route for route in ROUTES
    if route.request_schema is None and any(f'{{{name}}}' in route.path for name in OWNED)
], ids=lambda route: f'{route.method} {route.path}')
def test_policy_is_enforced_again_for_the_owner(filled, route):
    """An administrator finds an object of any project, but the rule is that of its owner."""
    path = filled.directory / 'policy.yaml'
    path.write_text(yaml.safe_dump({rule: 'project_id:%(tenant)s' for rule in route.all_rules}))
    filled.conf.set_override('policy_file', str(path), 'oslo_policy')
    policy.reset()
    response = send(filled, route, 'admin')
    if response.status_int == 404:
        # Root accounts are found in the own project only, and clusters never.
        assert route.path.endswith('/root') or '/clusters/' in route.path
        return
    assert response.status_int == 403, response
    assert route.rules[0] in message(response)


@pytest.mark.parametrize('rule, owner, is_allowed', [
    ('rule:admin_or_project_reader', tokens.OTHER, False), ('role:reader', tokens.OTHER, True),
    ('role:reader', tokens.DEMO, True), ('!', tokens.DEMO, False)])
def test_the_policy_file_decides_about_quotas_of_others(edge, rule, owner, is_allowed):
    path = edge.directory / 'policy.yaml'
    path.write_text(yaml.safe_dump({'quota:show': rule, 'backup_strategy:index': rule}))
    edge.conf.set_override('policy_file', str(path), 'oslo_policy')
    policy.reset()
    for url in (f'/mgmt/quotas/{owner}', f'/backup_strategies?project_id={owner}'):
        assert edge.ask('GET', url).status_int == (200 if is_allowed else 403)


@pytest.mark.parametrize('kind', status.ORIGINALS)
@pytest.mark.parametrize('action', ['cancel', 'retry'])
def test_cancel_and_retry_need_the_rule_of_the_original_request(edge, kind, action):
    worlds.orders(edge)
    original = status.ORIGINALS[kind]
    with session.writer() as connection:
        operations.create(connection, kind=kind, resource_type='instance',
                          resource_id=WORDS['orders'], now=session.utcnow(), deadline=300,
                          project_id=tokens.DEMO, operation_id=WORDS['nobody'])
    url = f'/operations/{WORDS["nobody"]}/action'
    if original.admin:
        assert edge.ask('POST', url, {action: {}}, token='demo-manager').status_int == 401
    path = edge.directory / 'policy.yaml'
    path.write_text(yaml.safe_dump({original.rule: '!'}))
    edge.conf.set_override('policy_file', str(path), 'oslo_policy')
    policy.reset()
    token = 'admin' if original.admin else 'demo-manager'
    response = edge.ask('POST', url, {action: {}}, token=token)
    assert response.status_int == 403, response
    assert original.rule in message(response)
    with session.reader() as connection:
        row = operations.get(connection, WORDS['nobody'])
    assert row.active and not row.cancel_wanted, 'nothing is changed'
