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

"""Policy rules of flavors."""

from oslo_policy import policy

from trove.common.policies.base import READER, rule

_RULES: list[policy.RuleDefault] = [
    rule('flavor:index', READER, 'List flavors.', 'GET', '/{project_id}/flavors'),
    rule('flavor:show', READER, 'Show a flavor.', 'GET', '/{project_id}/flavors/{flavor}'),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
