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

"""Policy rules of operations and events."""

from oslo_policy import policy

from trove.common.policies.base import MEMBER, READER, rule

_INSTANCE = '/{project_id}/instances/{instance_id}'

_RULES: list[policy.RuleDefault] = [
    rule('operation:show', READER, 'Show an operation.', 'GET',
         '/{project_id}/operations/{operation_id}'),
    rule('operation:cancel', MEMBER,
         'Cancel an operation; the rule of the original request is needed too.', 'POST',
         '/{project_id}/operations/{operation_id}/action'),
    rule('operation:retry', MEMBER,
         'Retry an operation; the rule of the original request is needed too.', 'POST',
         '/{project_id}/operations/{operation_id}/action'),
    rule('instance:operations', READER, 'List the operations of an instance.', 'GET',
         f'{_INSTANCE}/operations'),
    rule('instance:events', READER, 'List the events of an instance.', 'GET',
         f'{_INSTANCE}/events'),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
