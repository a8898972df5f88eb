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

"""The policy rules: all of the contract with their defaults, and what operators and roles make of
them.
"""

import re

import pytest
import yaml

from tests.functional.api import endpoints, tokens, worlds
from tests.functional.api.stories import WORDS
from trove.common import policies, policy
from trove.common.api import ROUTES

RULES = {rule.name: rule for rule in policies.list_rules()}
FORMER = {'owner': 'rule:admin_or_owner', 'any': 'rule:admin_or_owner', 'admin': 'rule:admin'}
DEFAULTS = {'reader': 'rule:admin_or_project_reader', 'member': 'rule:admin_or_project_member',
            'manager': 'rule:admin_or_project_manager', 'admin': 'rule:admin'}


@pytest.mark.parametrize('rule', endpoints.rules(), ids=lambda rule: rule.name)
def test_a_rule_of_the_contract_has_its_default(rule):
    if rule.name in ('admin_or_owner', 'default'):
        return
    found = RULES[rule.name]
    assert found.check_str == DEFAULTS[rule.role]
    # Anybody with a token is anybody of the project: the target of such a call is the caller's own.
    assert found.deprecated_rule.check_str == FORMER[rule.former]
    assert found.scope_types == ['project'] and found.description and found.operations


def test_all_of_them_are_there():
    assert len(endpoints.rules()) == 84
    enforced = {rule for route in ROUTES for rule in route.all_rules}
    unused = {rule.name for rule in endpoints.rules()} - enforced
    # No call enforces these, as in the contract: PATCH asks instance:update, and there is no such
    # call on clusters.
    assert unused == {'instance:edit', 'cluster:extension:root:delete'}


#: Rules that the dispatcher enforces; those of ``also`` have tests of their own.
RULES_OF_ROUTES = sorted({
    rule
    for route in ROUTES
    for rule in (*route.rules, *(route.actions.rules if route.actions else ()))
})


def requests_under(rule):
    """Return the routes under a rule, and a malformed body that requests an action of the rule."""
    for route in ROUTES:
        if rule in route.rules:
            yield route, {}
        for action in route.actions or ():
            if action.rule == rule:
                yield route, {'name': 7, 'publish': 1} if action.key == 'change' else {
                    'name': 7} if action.key == 'show' else {
                        action.key: {action.inner: 7, 'x': 7} if action.inner else 7}


def ask(edge, route, token, body=None):
    path = route.path.removeprefix('/{project_id}').replace('{target_project_id}',
                                                            tokens.KNOWN[token].project)
    path = re.sub(r'{\w+}', WORDS['nobody'], path)
    return edge.ask(route.method, path, None if route.method == 'GET' else body or {}, token=token)


def needs(route):
    """Return the weakest role of the owner project that gets past the policy of a route."""
    def strength(rule):
        return list(DEFAULTS.values()).index(RULES[rule].check_str)
    required = [strength(rule) for rule in route.rules]
    return max([*required, *([min(map(strength, route.actions.rules))] if route.actions else [])])


@pytest.mark.parametrize('token,role', [('demo-reader', 'reader'), ('demo', 'member'),
                                        ('demo-manager', 'manager'), ('admin', 'admin')])
def test_each_role_may_what_it_should(edge, token, role):
    strength = list(DEFAULTS).index(role)
    for route in ROUTES:
        response = ask(edge, route, token)
        is_let_in = response.status_int not in (401, 403)
        assert is_let_in == (needs(route) <= strength), f'{route.method} {route.path}: {response}'


def test_the_former_defaults_can_be_had(edge):
    """With enforce_new_defaults off everybody of the project may what they always could."""
    edge.conf.set_override('enforce_new_defaults', False, 'oslo_policy')
    policy.reset()
    worlds.orders(edge)
    assert edge.ask('GET', '/instances', token='demo-nobody').status_int == 200
    assert edge.ask('GET', '/backups', token='demo-nobody').status_int == 200
    assert edge.ask('GET', '/backups?all_projects=1', token='demo-nobody').status_int == 403


@pytest.mark.parametrize('rule', RULES_OF_ROUTES)
def test_an_operator_can_forbid_anything(edge, rule):
    """Each rule is enforced as it is in policy.yaml, also the rules of actions."""
    forbid(edge, {rule: '!'})
    for route, body in requests_under(rule):
        response = ask(edge, route, 'admin', body)
        assert response.status_int == 403, f'{route.method} {route.path}: {response.text}'
        assert rule in response.json['forbidden']['message']


def forbid(edge, rules):
    path = edge.directory / 'policy.yaml'
    path.write_text(yaml.safe_dump(rules))
    edge.conf.set_override('policy_file', str(path), 'oslo_policy')
    policy.reset()


def test_an_operator_can_allow_more(edge):
    forbid(edge, {'backup:index:all_projects': 'rule:admin_or_project_member'})
    assert edge.ask('GET', '/backups?all_projects=1').status_int == 200
