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

"""Token validation: the configuration with which a service validates tokens in Keystone."""

from control.secretstore import SecretStore
from control.settings import REGION, Settings


def section(settings: Settings, store: SecretStore, user: str) -> str:
    """Return the section with which a service validates tokens in Keystone."""
    address = settings.url('keystone')
    return f"""\
[keystone_authtoken]
www_authenticate_uri = {address}
auth_url = {address}
auth_type = password
username = {user}
password = {store.get(f'keystone-{user}')}
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = {REGION}
service_token_roles_required = true
"""
