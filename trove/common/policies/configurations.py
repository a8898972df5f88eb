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

"""Policy rules of configuration groups and of parameters."""

from oslo_policy import policy

from trove.common.policies.base import MEMBER, READER, rule

_COLLECTION = '/{project_id}/configurations'
_ITEM = f'{_COLLECTION}/{{configuration_id}}'
_BY_NAME = '/{project_id}/datastores/{datastore}/versions/{version}/parameters'
_BY_ID = '/{project_id}/datastores/versions/{version}/parameters'

_RULES: list[policy.RuleDefault] = [
    rule('configuration:index', READER, 'List configuration groups.', 'GET', _COLLECTION),
    rule('configuration:create', MEMBER, 'Create a configuration group.', 'POST', _COLLECTION),
    rule('configuration:show', READER, 'Show a configuration group.', 'GET', _ITEM),
    rule('configuration:edit', MEMBER, 'Change some values of a configuration group.', 'PATCH',
         _ITEM),
    rule('configuration:update', MEMBER, 'Replace the values of a configuration group.', 'PUT',
         _ITEM),
    rule('configuration:delete', MEMBER, 'Delete a configuration group.', 'DELETE', _ITEM),
    rule('configuration:instances', READER, 'List the instances that have a configuration group.',
         'GET', f'{_ITEM}/instances'),
    rule('configuration-parameter:index', READER, 'List the parameters of a version.', 'GET',
         _BY_NAME),
    rule('configuration-parameter:show', READER, 'Show a parameter of a version.', 'GET',
         f'{_BY_NAME}/{{name}}'),
    rule('configuration-parameter:index_by_version', READER,
         'List the parameters of a version by its id.', 'GET', _BY_ID),
    rule('configuration-parameter:show_by_version', READER,
         'Show a parameter of a version by its id.', 'GET', f'{_BY_ID}/{{name}}'),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
