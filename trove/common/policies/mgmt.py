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

"""Policy rules of the calls of administrators, who alone can use them, whatever the rules."""

from oslo_policy import policy

from trove.common.policies.base import ADMIN, rule

_M = '/{project_id}/mgmt'
_INSTANCE = f'{_M}/instances/{{instance_id}}'
_CLUSTER = f'{_M}/clusters/{{cluster_id}}'
_VERSIONS = f'{_M}/datastore-versions'
_VERSION = f'{_VERSIONS}/{{version}}'
_PARAMETERS = f'{_M}/datastores/versions/{{version}}/parameters'
_PARAMETER = f'{_PARAMETERS}/{{name}}'

_RULES: list[policy.RuleDefault] = [
    rule('mgmt:instance:index', ADMIN, 'List the instances of all projects.', 'GET',
         f'{_M}/instances'),
    rule('mgmt:instance:show', ADMIN, 'Show an instance of any project.', 'GET', _INSTANCE),
    rule('mgmt:instance:action', ADMIN, 'Act on an instance of any project.', 'POST',
         f'{_INSTANCE}/action'),
    rule('mgmt:instance:root_history', ADMIN, 'Show who enabled root.', 'GET', f'{_INSTANCE}/root'),
    rule('mgmt:instance:rpc_ping', ADMIN, 'Check that the agent replies.', 'GET',
         f'{_INSTANCE}/rpc_ping'),
    rule('mgmt:instance:diagnostics', ADMIN, 'Show version and memory of the agent.', 'GET',
         f'{_INSTANCE}/diagnostics'),
    rule('mgmt:instance:hwinfo', ADMIN, "Show memory and processors of the agent's machine.", 'GET',
         f'{_INSTANCE}/hwinfo'),
    rule('mgmt:instance:upgrade', ADMIN, 'Upgrade the agent of an instance.', 'POST',
         f'{_INSTANCE}/upgrade'),
    rule('mgmt:cluster:index', ADMIN, 'List the clusters of all projects.', 'GET',
         f'{_M}/clusters'),
    rule('mgmt:cluster:show', ADMIN, 'Show a cluster of any project.', 'GET', _CLUSTER),
    rule('mgmt:cluster:action', ADMIN, 'Act on a cluster of any project.', 'POST',
         f'{_CLUSTER}/action'),
    rule('mgmt:datastore_version:index', ADMIN, 'List datastore versions.', 'GET', _VERSIONS),
    rule('mgmt:datastore_version:create', ADMIN, 'Create a datastore version.', 'POST', _VERSIONS),
    rule('mgmt:datastore_version:show', ADMIN, 'Show a datastore version.', 'GET', _VERSION),
    rule('mgmt:datastore_version:update', ADMIN, 'Change a datastore version.', 'PATCH', _VERSION),
    rule('mgmt:datastore_version:delete', ADMIN, 'Delete a datastore version.', 'DELETE', _VERSION),
    rule('mgmt:configuration_parameter:index', ADMIN, 'List parameter rules.', 'GET', _PARAMETERS),
    rule('mgmt:configuration_parameter:create', ADMIN, 'Create a parameter rule.', 'POST',
         _PARAMETERS),
    rule('mgmt:configuration_parameter:show', ADMIN, 'Show a parameter rule.', 'GET', _PARAMETER),
    rule('mgmt:configuration_parameter:update', ADMIN, 'Change a parameter rule.', 'PUT',
         _PARAMETER),
    rule('mgmt:configuration_parameter:delete', ADMIN, 'Delete a parameter rule.', 'DELETE',
         _PARAMETER),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
