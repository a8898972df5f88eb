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

"""Policy rules that other rules are made of.

Defaults follow the roles reader, member and manager of the owner project. Before these roles,
every user of the project was allowed (``admin_or_owner``), and still is if ``[oslo_policy]
enforce_new_defaults`` is false.
"""

from oslo_policy import policy

READER = 'rule:admin_or_project_reader'
MEMBER = 'rule:admin_or_project_member'
MANAGER = 'rule:admin_or_project_manager'
ADMIN = 'rule:admin'

_OWNER = 'project_id:%(tenant)s'
_REASON = 'The default knows the roles reader, member and manager now.'
_SINCE = '2027.1'

_RULES: list[policy.RuleDefault] = [
    policy.RuleDefault('context_is_admin', 'role:admin',
                       'Decides whether the caller is an administrator.'),
    policy.RuleDefault('admin', 'role:admin or is_admin:True', 'Must be an administrator.'),
    policy.RuleDefault('admin_or_owner', f'rule:admin or {_OWNER}',
                       'Must be an administrator or in the project that owns the object.'),
    policy.RuleDefault('default', 'rule:admin_or_owner', 'Rules that are not declared anywhere.'),
    # In Keystone member implies reader only if it is configured so; hence all three are named.
    policy.RuleDefault(
        'admin_or_project_reader',
        f'rule:admin or ((role:reader or role:member or role:manager) and {_OWNER})',
        'Must be an administrator, or able to read in the owner project.'),
    policy.RuleDefault('admin_or_project_member',
                       f'rule:admin or ((role:member or role:manager) and {_OWNER})',
                       'Must be an administrator, or able to change things in the owner project.'),
    policy.RuleDefault('admin_or_project_manager', f'rule:admin or (role:manager and {_OWNER})',
                       'Must be an administrator, or a manager of the owner project.'),
]


def rule(name: str, check: str, description: str, method: str,
         path: str) -> policy.DocumentedRuleDefault:
    """Return a documented rule.

    :param path: relative to ``/v1.0``.
    """
    former = 'rule:admin' if check == ADMIN else 'rule:admin_or_owner'
    return policy.DocumentedRuleDefault(
        name, check, description, [{
            'method': method,
            'path': f'/v1.0{path}'
        }], scope_types=['project'], deprecated_rule=policy.DeprecatedRule(
            name, former, deprecated_reason=_REASON, deprecated_since=_SINCE))


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
