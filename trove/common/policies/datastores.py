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

"""Policy rules of datastores and their versions."""

from oslo_policy import policy

from trove.common.policies.base import ADMIN, READER, rule

_COLLECTION = '/{project_id}/datastores'
_ITEM = f'{_COLLECTION}/{{datastore}}'
_VERSION = f'{_ITEM}/versions/{{version}}'

_RULES: list[policy.RuleDefault] = [
    rule('datastore:index', READER, 'List datastores.', 'GET', _COLLECTION),
    rule('datastore:show', READER, 'Show a datastore.', 'GET', _ITEM),
    rule('datastore:delete', ADMIN, 'Delete a datastore.', 'DELETE', _ITEM),
    rule('datastore:version_index', READER, 'List the versions of a datastore.', 'GET',
         f'{_ITEM}/versions'),
    rule('datastore:version_show', READER, 'Show a version of a datastore.', 'GET', _VERSION),
    rule('datastore:version_show_by_uuid', READER, 'Show a version by its id.', 'GET',
         f'{_COLLECTION}/versions/{{version}}'),
    rule('datastore:list_associated_flavors', READER, 'List the flavors a version can have.', 'GET',
         f'{_VERSION}/flavors'),
    rule('datastore:list_associated_volume_types', READER,
         'List the volume types a version can have.', 'GET', f'{_VERSION}/volume-types'),
]


def list_rules() -> list[policy.RuleDefault]:
    return _RULES
