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

"""Policy rules of instances."""

from oslo_policy import policy

from trove.common.policies.base import ADMIN, MANAGER, MEMBER, READER, rule

_COLLECTION = '/{project_id}/instances'
_ITEM = '/{project_id}/instances/{instance_id}'
_ACTION = f'{_ITEM}/action'

_RULES: list[policy.RuleDefault] = [
    rule('instance:create', MEMBER, 'Create an instance.', 'POST', _COLLECTION),
    rule('instance:delete', MEMBER, 'Delete an instance.', 'DELETE', _ITEM),
    rule('instance:force_delete', MANAGER, 'Reset an instance in order to delete it.', 'POST',
         _ACTION),
    rule('instance:index', READER, 'List instances.', 'GET', _COLLECTION),
    rule('instance:detail', READER, 'List instances with details.', 'GET', f'{_COLLECTION}/detail'),
    rule('instance:show', READER, 'Show an instance.', 'GET', _ITEM),
    rule('instance:update', MEMBER, 'Change an instance, or create one with a configuration group.',
         'PUT', _ITEM),
    rule('instance:edit', MEMBER, 'Not used: PATCH needs instance:update.', 'PATCH', _ITEM),
    rule('instance:restart', MEMBER, 'Restart the database of an instance.', 'POST', _ACTION),
    rule('instance:resize_volume', MEMBER, 'Enlarge the volume of an instance.', 'POST', _ACTION),
    rule('instance:resize_flavor', MEMBER, 'Change the flavor of an instance.', 'POST', _ACTION),
    rule('instance:reset_status', ADMIN, 'Reset the status of an instance.', 'POST', _ACTION),
    rule('instance:promote_to_replica_source', MEMBER, 'Promote a replica.', 'POST', _ACTION),
    rule('instance:eject_replica_source', MEMBER, 'Eject a replica source.', 'POST', _ACTION),
    rule('instance:configuration', READER, 'Show the configuration defaults of an instance.', 'GET',
         f'{_ITEM}/configuration'),
    rule('instance:guest_log_list', READER, 'List or show the logs of an instance.', 'GET',
         f'{_ITEM}/log'),
    rule('instance:guest_log_action', MEMBER, 'Switch, publish or discard a log of an instance.',
         'POST', f'{_ITEM}/log'),
    rule('instance:backups', READER, 'List the backups of an instance.', 'GET', f'{_ITEM}/backups'),
    rule('instance:module_list', READER, 'List the modules of an instance.', 'GET',
         f'{_ITEM}/modules'),
    rule('instance:module_apply', MEMBER, 'Apply modules to an instance.', 'POST',
         f'{_ITEM}/modules'),
    rule('instance:module_remove', MEMBER, 'Remove a module from an instance.', 'DELETE',
         f'{_ITEM}/modules/{{module_id}}'),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
