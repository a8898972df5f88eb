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

"""Policy rules of quotas. A change needs an administrator as well."""

from oslo_policy import policy

from trove.common.policies.base import ADMIN, READER, rule

_PATH = '/{project_id}/mgmt/quotas/{target_project_id}'

_RULES: list[policy.RuleDefault] = [
    rule('quota:show', READER, 'Show limits and usage of a project.', 'GET', _PATH),
    rule('quota:update', ADMIN, 'Change the limits of a project.', 'PUT', _PATH),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
