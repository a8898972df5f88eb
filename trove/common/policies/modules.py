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

"""Policy rules of modules. Some options of modules are reserved for administrators as well."""

from oslo_policy import policy

from trove.common.policies.base import MEMBER, READER, rule

_COLLECTION = '/{project_id}/modules'
_ITEM = f'{_COLLECTION}/{{module_id}}'
_INSTANCES = f'{_ITEM}/instances'

_RULES: list[policy.RuleDefault] = [
    rule('module:create', MEMBER, 'Make a module.', 'POST', _COLLECTION),
    rule('module:delete', MEMBER, 'Delete a module.', 'DELETE', _ITEM),
    rule('module:index', READER, 'List modules.', 'GET', _COLLECTION),
    rule('module:show', READER, 'Show a module.', 'GET', _ITEM),
    rule('module:instances', READER, 'List the instances that have a module.', 'GET', _INSTANCES),
    rule('module:update', MEMBER, 'Change a module.', 'PUT', _ITEM),
    rule('module:reapply', MEMBER, 'Apply a module again to the instances that have it.', 'PUT',
         _INSTANCES),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
