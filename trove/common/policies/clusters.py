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

"""Policy rules of clusters. No engine has clusters yet, but the calls exist."""

from oslo_policy import policy

from trove.common.policies.base import ADMIN, MANAGER, MEMBER, READER, rule

_COLLECTION = '/{project_id}/clusters'
_ITEM = f'{_COLLECTION}/{{cluster_id}}'
_ROOT = f'{_ITEM}/root'

_RULES: list[policy.RuleDefault] = [
    rule('cluster:create', MEMBER, 'Create a cluster.', 'POST', _COLLECTION),
    rule('cluster:delete', MEMBER, 'Delete a cluster.', 'DELETE', _ITEM),
    rule('cluster:force_delete', MANAGER, 'Reset a cluster in order to delete it.', 'POST', _ITEM),
    rule('cluster:index', READER, 'List clusters.', 'GET', _COLLECTION),
    rule('cluster:show', READER, 'Show a cluster.', 'GET', _ITEM),
    rule('cluster:show_instance', READER, 'Show an instance of a cluster.', 'GET',
         f'{_ITEM}/instances/{{instance_id}}'),
    rule('cluster:action', MEMBER, 'Act on a cluster.', 'POST', _ITEM),
    rule('cluster:reset-status', ADMIN, 'Reset the status of a cluster.', 'POST', _ITEM),
    rule('cluster:extension:root:create', MEMBER, 'Enable root on a cluster.', 'POST', _ROOT),
    rule('cluster:extension:root:delete', MEMBER, 'Not used: there is no such call.',
         'DELETE', _ROOT),
    rule('cluster:extension:root:index', READER, 'Show whether root is enabled on a cluster.',
         'GET', _ROOT),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
