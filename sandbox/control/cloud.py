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

"""Configuration and process of minicloud, the stand-in for Nova, Neutron, Cinder and Glance."""

import json
from typing import Any

from control import authtoken, rest
from control import images as guest_images
from control.secretstore import SecretStore, write_private
from control.services import Service, clean_environment
from control.settings import REGION, Settings

FLAVORS: list[dict[str, Any]] = [
    {'id': '1', 'name': 'db.small', 'vcpus': 1, 'ram': 1024, 'disk': 5},
    {'id': '2', 'name': 'db.medium', 'vcpus': 2, 'ram': 2048, 'disk': 10},
    {'id': '3', 'name': 'db.large', 'vcpus': 2, 'ram': 4096, 'disk': 10}]
VOLUME_TYPE = 'loop'


def bootstrap(settings: Settings, owner: str) -> dict:
    """Return the bootstrap document: the initial resources of the cloud.

    :param owner: id of the project ``service``, which owns the networks.
    """
    def network(name: str, which: str, dns: bool, **more) -> dict:
        subnet = settings.subnet(which)
        return {'name': name, 'bridge': settings.bridge(which), **more, 'subnets': [{
            'name': f'{name}-v4', 'ip_version': 4, 'cidr': str(subnet),
            # Without a gateway here, the machines' default route is on their tenant network.
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
        # All instances of all projects are servers of one project.
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
    write_private(etc / 'keystone.conf', authtoken.section(settings, store, 'minicloud'))
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


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of minicloud and its tools."""
    return clean_environment(
        settings, {
            'PYTHONPATH': str(settings.repository / 'sandbox'),
            'TROVE_SANDBOX_DIR': str(settings.directory)
        })


def service(settings: Settings) -> Service:
    """Return the service that runs minicloud."""
    return Service('minicloud', 'minicloud (Nova, Neutron, Cinder, Glance)',
                   settings.url('minicloud'),
                   (settings.program('python'), '-m', 'minicloud', '--config',
                    str(settings.etc / 'minicloud' / 'minicloud.json')),
                   ready=lambda: rest.responds(settings.url('minicloud', '/compute/')),
                   environment=environment(settings), patience=60.0, stop_patience=20.0)
