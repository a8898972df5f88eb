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

"""Names of the resources of Trove in the cloud."""

from trove.cloud import names

INSTANCE = '5f8e2a44-9d2c-4f55-b6a6-0c1d2e3f4a5b'


def test_no_tag_is_longer_than_nova_accepts():
    tags = names.server_tags(INSTANCE, 'a' * 100)
    assert all(len(tag) <= names.MAX_TAG_LENGTH for tag in tags)
    assert names.server_tag(INSTANCE) in tags


def test_names_of_one_instance_differ_where_they_must():
    assert names.management_port(INSTANCE) != names.tenant_port(INSTANCE)
    assert names.security_group('trove_sg', INSTANCE) != names.management_group('trove_sg')


def test_metadata_names_the_owner_of_a_server():
    assert names.server_metadata(INSTANCE, 'project', 'u' * 64) == {
        'trove_instance_id': INSTANCE, 'trove_project_id': 'project', 'trove_user_id': 'u' * 64}
