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

"""Resources of Trove's service user in the cloud: keypair, security group, network ids."""

from control import images as guest_images
from control.rest import RestError, Session
from control.secretstore import write_private
from control.settings import Settings

KEYPAIR = 'trove'
MANAGEMENT_GROUP = 'trove-management'


class Tenant:
    """Resources of the service user ``trove`` in the cloud, created when missing."""

    def __init__(self, settings: Settings, session: Session) -> None:
        self._settings = settings
        self._session = session

    def fill(self) -> None:
        """Create the keypair of guests and the security group of their management ports."""
        self._keypair()
        if not self._find('network', '/v2.0/security-groups', 'security_groups', MANAGEMENT_GROUP):
            self._session.call('POST', 'network', '/v2.0/security-groups', {'security_group': {
                'name': MANAGEMENT_GROUP,
                'description': 'Management ports of guests: outgoing connections only.'}})

    def _keypair(self) -> None:
        pairs = self._session.call('GET', 'compute', '/os-keypairs')['keypairs']
        if any(pair['keypair']['name'] == KEYPAIR for pair in pairs):
            return
        made = self._session.call('POST', 'compute', '/os-keypairs', {'keypair': {
            'name': KEYPAIR
        }})['keypair']
        write_private(self._settings.secrets / 'guest-ssh-key', made['private_key'])

    def identities(self) -> dict[str, str]:
        """Return the ids that Trove's configuration names: three networks and a security group."""
        return {
            'management_network': self._one('network', '/v2.0/networks', 'networks', 'trove-mgmt'),
            'private_network': self._one('network', '/v2.0/networks', 'networks', 'private'),
            'public_network': self._one('network', '/v2.0/networks', 'networks', 'public'),
            'management_group': self._one('network', '/v2.0/security-groups', 'security_groups',
                                          MANAGEMENT_GROUP)
        }

    def images(self) -> dict[str, str]:
        """Return the ids of the images by their names in Glance."""
        return {image.glance_name: self._one('image', '/v2/images', 'images', image.glance_name)
                for image in guest_images.offered(self._settings)}

    def _find(self, service: str, path: str, collection: str, name: str) -> list[dict]:
        return self._session.call('GET', service, f'{path}?name={name}')[collection]

    def _one(self, service: str, path: str, collection: str, name: str) -> str:
        found = self._find(service, path, collection, name)
        if len(found) != 1:
            raise RestError(f'{len(found)} {collection} are called {name}, expected one')
        return found[0]['id']
