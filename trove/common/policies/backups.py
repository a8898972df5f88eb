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

"""Policy rules of backups and of their strategies."""

from oslo_policy import policy

from trove.common.policies.base import ADMIN, MEMBER, READER, rule

_COLLECTION = '/{project_id}/backups'
_ITEM = f'{_COLLECTION}/{{backup_id}}'
_STRATEGIES = '/{project_id}/backup_strategies'

_RULES: list[policy.RuleDefault] = [
    rule('backup:create', MEMBER, 'Create a backup.', 'POST', _COLLECTION),
    rule('backup:delete', MEMBER, 'Delete a backup.', 'DELETE', _ITEM),
    rule('backup:index', READER, 'List backups.', 'GET', _COLLECTION),
    rule('backup:index:all_projects', ADMIN, 'List backups of other projects.', 'GET', _COLLECTION),
    rule('backup:show', READER, 'Show a backup.', 'GET', _ITEM),
    rule('backup_strategy:create', MEMBER, 'Set the default container of backups.', 'POST',
         _STRATEGIES),
    rule('backup_strategy:index', READER, 'List the default containers of backups.', 'GET',
         _STRATEGIES),
    rule('backup_strategy:delete', MEMBER, 'Unset the default container of backups.', 'DELETE',
         _STRATEGIES),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
