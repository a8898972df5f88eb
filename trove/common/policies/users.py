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

"""Policy rules of the users of an instance and of their access to databases."""

from oslo_policy import policy

from trove.common.policies.base import MEMBER, READER, rule

_COLLECTION = '/{project_id}/instances/{instance_id}/users'
_ITEM = f'{_COLLECTION}/{{user}}'
_ACCESS = f'{_ITEM}/databases'

_RULES: list[policy.RuleDefault] = [
    rule('instance:extension:user:create', MEMBER, 'Create users.', 'POST', _COLLECTION),
    rule('instance:extension:user:delete', MEMBER, 'Delete a user.', 'DELETE', _ITEM),
    rule('instance:extension:user:index', READER, 'List users.', 'GET', _COLLECTION),
    rule('instance:extension:user:show', READER, 'Show a user.', 'GET', _ITEM),
    rule('instance:extension:user:update', MEMBER, 'Change name, host or password of a user.',
         'PUT', _ITEM),
    rule('instance:extension:user:update_all', MEMBER, 'Change the passwords of users.', 'PUT',
         _COLLECTION),
    rule('instance:extension:user_access:index', READER, 'List the databases a user has access to.',
         'GET', _ACCESS),
    rule('instance:extension:user_access:update', MEMBER, 'Grant a user access to databases.',
         'PUT', _ACCESS),
    rule('instance:extension:user_access:delete', MEMBER,
         'Revoke access to a database from a user.',
         'DELETE', f'{_ACCESS}/{{name}}'),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
