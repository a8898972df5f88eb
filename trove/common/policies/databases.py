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

"""Policy rules of the databases of an instance."""

from oslo_policy import policy

from trove.common.policies.base import MEMBER, READER, rule

_COLLECTION = '/{project_id}/instances/{instance_id}/databases'
_ITEM = f'{_COLLECTION}/{{name}}'

_RULES: list[policy.RuleDefault] = [
    rule('instance:extension:database:create', MEMBER, 'Create databases.', 'POST', _COLLECTION),
    rule('instance:extension:database:delete', MEMBER, 'Delete a database.', 'DELETE', _ITEM),
    rule('instance:extension:database:index', READER, 'List databases.', 'GET', _COLLECTION),
    rule('instance:extension:database:show', READER, 'Show a database.', 'GET', _ITEM),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
