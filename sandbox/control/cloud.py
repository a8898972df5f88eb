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

"""minicloud, the stand-in for Nova, Neutron, Cinder and Glance: configuration, start, and what Trove needs in it."""

import json
import pathlib
import subprocess
from typing import Any

from control import images as guest_images
from control import rest
from control.commands import Commands
from control.rest import RestError, Session
from control.secretstore import SecretStore, write_private
from control.services import Service, clean_environment
from control.settings import REGION, Settings

FLAVORS: list[dict[str, Any]] = [
    {'id': '1', 'name': 'db.small', 'vcpus': 1, 'ram': 1024, 'disk': 5},
    {'id': '2', 'name': 'db.medium', 'vcpus': 2, 'ram': 2048, 'disk': 10},
    {'id': '3', 'name': 'db.large', 'vcpus': 2, 'ram': 4096, 'disk': 10}]
KEYPAIR = 'trove'
MANAGEMENT_GROUP = 'trove-management'
VOLUME_TYPE = 'loop'


def bootstrap(settings: Settings, owner: str) -> dict:
    """What the cloud has before anybody asks it for anything.

    :param owner: id of the project ``service``, which owns the networks.
    """
    def network(name: str, which: str, dns: bool, **more) -> dict:
        subnet = settings.subnet(which)
        return {'name': name, 'bridge': settings.bridge(which), **more, 'subnets': [{
            'name': f'{name}-v4', 'ip_version': 4, 'cidr': str(subnet),
            # Without a router there, machines' default route is their tenant network's.
            'gateway_ip': None if which == 'management' else str(subnet[1]),
            'allocation_pools': [{'start': str(subnet[10]), 'end': str(subnet[250])}],
            'dns_nameservers': [], 'enable_dhcp': dns}]}

    return {
        'owner': owner,
        'flavors': FLAVORS,
        'networks': [
            network('trove-mgmt', 'management', True),
            network('private', 'private', True, shared=True),
            network('public', 'public', False, external=True)
        ],
        'routers': [{
            'name': 'router',
            'external_network': 'public',
            'subnets': ['private-v4']
        }],
        'images': [{
            'name': image.glance_name,
            'rootfs_path': str(guest_images.root_tree(settings, image)),
            'visibility': 'public',
            'min_disk': 5,
            'min_ram': 512,
            'tags': ['trove', image.name],
            'properties': {
                'os_distro': 'debian',
                'os_version': '12'
            }
        } for image in guest_images.offered(settings)],
        'default_volume_type': VOLUME_TYPE,
        # All instances of all projects run as servers of one project.
        'quotas': {
            'compute': {
                'instances': 50,
                'cores': 100,
                'ram': 102400
            },
            'network': {
                'security_group': 100,
                'security_group_rule': 500
            },
            'volume': {
                'volumes': 100,
                'gigabytes': 2000
            }
        },
    }


def prepare(settings: Settings, store: SecretStore, owner: str) -> None:
    """Write the configuration, the section for token validation and the bootstrap document."""
    etc, data = settings.etc / 'minicloud', settings.data('minicloud')
    data.mkdir(parents=True, exist_ok=True)
    etc.mkdir(parents=True, exist_ok=True)
    (etc / 'bootstrap.json').write_text(json.dumps(bootstrap(settings, owner), indent=1),
                                        encoding='utf-8')
    write_private(etc / 'keystone.conf', keystone_section(settings, store, 'minicloud'))
    (etc / 'minicloud.json').write_text(
        json.dumps(
            {
                'host': '127.0.0.1',
                'port': settings.port('minicloud'),
                'state': str(data / 'state.sqlite'),
                'hypervisor': {
                    'factory': 'minicloud.machines.hypervisor:create',
                    'directory': str(settings.directory),
                    'images': guest_images.recipes(settings)
                },
                'keystone': str(etc / 'keystone.conf'),
                'service_project': 'service',
                'settings': {
                    'region': REGION,
                    'image_directory': str(data / 'images')
                },
                'workers': 8,
                'bootstrap': str(etc / 'bootstrap.json')
            }, indent=1), encoding='utf-8')


def keystone_section(settings: Settings, store: SecretStore, user: str) -> str:
    """How a service checks the tokens it is given."""
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


def environment(settings: Settings) -> dict[str, str]:
    """What minicloud and its tools read from their environment."""
    return clean_environment(
        settings, {
            'PYTHONPATH': str(settings.repository / 'sandbox'),
            'TROVE_SANDBOX_DIR': str(settings.directory)
        })


def service(settings: Settings) -> Service:
    """The process."""
    return Service('minicloud', 'minicloud (Nova, Neutron, Cinder, Glance)',
                   settings.url('minicloud'),
                   (settings.program('python'), '-m', 'minicloud', '--config',
                    str(settings.etc / 'minicloud' / 'minicloud.json')),
                   ready=lambda: rest.answers(settings.url('minicloud', '/compute/')),
                   environment=environment(settings), patience=60.0, stop_patience=20.0)


def make_management_bridge(settings: Settings) -> bool:
    """Make the bridge the guests' management cards hang on, so that the broker can listen there at once.

    minicloud takes it over as it is.

    :returns: False when it was there.
    """
    bridge, address = settings.bridge('management'), settings.host_address('management')
    fresh = not pathlib.Path('/sys/class/net', bridge).exists()
    if fresh:
        subprocess.run(['ip', 'link', 'add', bridge, 'type', 'bridge'], check=True,
                       capture_output=True)
    subprocess.run(['ip', 'address', 'replace', f'{address}/24', 'dev', bridge], check=True,
                   capture_output=True)
    subprocess.run(['ip', 'link', 'set', bridge, 'up'], check=True, capture_output=True)
    return fresh


def remove_management_bridge(settings: Settings) -> None:
    """Remove that bridge, if it is there."""
    subprocess.run(['ip', 'link', 'delete', settings.bridge('management')], check=False,
                   capture_output=True)


def check_machines(settings: Settings, commands: Commands, python: str) -> None:
    """Try everything machines are made of, with the programs that are installed by now.

    :raises CommandError: the text names what this host lacks.
    """
    # It mounts something for a moment: stopped in between, that would stay.
    commands.run([python, '-m', 'minicloud.machines', 'check'], log='machines-check',
                 environment=environment(settings), finish=True)


def take_down_machines(settings: Settings, commands: Commands | None, purge: bool) -> None:
    """Switch all machines off and take everything of theirs from the host; works without minicloud.

    :raises CommandError: something is left; the text names it.
    """
    commands = commands or Commands(settings.logs)
    python = settings.program('python') if pathlib.Path(
        settings.program('python')).exists() else '/usr/bin/python3'
    commands.run(
        [python, '-m', 'minicloud.machines', 'down', '--all', *(['--purge'] if purge else [])],
        log='machines-down', environment=environment(settings))


class Tenant:
    """What the service user ``trove`` has in the cloud; everything looks first."""

    def __init__(self, settings: Settings, session: Session) -> None:
        self._settings = settings
        self._session = session

    def fill(self) -> None:
        """The keypair of guests and the security group of their management ports."""
        self._keypair()
        if not self._find('network', '/v2.0/security-groups', 'security_groups', MANAGEMENT_GROUP):
            self._session.call('POST', 'network', '/v2.0/security-groups', {'security_group': {
                'name': MANAGEMENT_GROUP,
                'description': 'Management ports of guests: they call, nobody calls them.'}})

    def _keypair(self) -> None:
        pairs = self._session.call('GET', 'compute', '/os-keypairs')['keypairs']
        if any(pair['keypair']['name'] == KEYPAIR for pair in pairs):
            return
        made = self._session.call('POST', 'compute', '/os-keypairs', {'keypair': {
            'name': KEYPAIR
        }})['keypair']
        write_private(self._settings.secrets / 'guest-ssh-key', made['private_key'])

    def identities(self) -> dict[str, str]:
        """Ids that the configuration of Trove names: networks, group."""
        return {
            'management_network': self._one('network', '/v2.0/networks', 'networks', 'trove-mgmt'),
            'private_network': self._one('network', '/v2.0/networks', 'networks', 'private'),
            'public_network': self._one('network', '/v2.0/networks', 'networks', 'public'),
            'management_group': self._one('network', '/v2.0/security-groups', 'security_groups',
                                          MANAGEMENT_GROUP)
        }

    def images(self) -> dict[str, str]:
        """Ids of the images, by the names they have in Glance."""
        return {image.glance_name: self._one('image', '/v2/images', 'images', image.glance_name)
                for image in guest_images.offered(self._settings)}

    def _find(self, service: str, path: str, collection: str, name: str) -> list[dict]:
        return self._session.call('GET', service, f'{path}?name={name}')[collection]

    def _one(self, service: str, path: str, collection: str, name: str) -> str:
        found = self._find(service, path, collection, name)
        if len(found) != 1:
            raise RestError(f'{len(found)} {collection} are called {name}, one was expected')
        return found[0]['id']
