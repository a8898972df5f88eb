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

"""Initial resources of a cloud, created from a document: flavors, networks, routers, images,
quotas, types.

The document is JSON; every part is optional::

    {"owner": "<project id>",
     "flavors": [{"id", "name", "ram", "vcpus", "disk", ...}],
     "networks": [{"name", "shared", "external", "mtu", "bridge", "project_id",
                   "subnets": [{"name", "cidr", "gateway_ip", "dns_nameservers",
                                "allocation_pools": [{"start", "end"}]}]}],
     "routers": [{"name", "external_network", "subnets": ["<subnet name>"]}],
     "images": [{"id", "name", "rootfs_path", "visibility", "tags", "min_ram", "min_disk",
                 "properties": {}}],
     "volume_types": ["<name>"], "default_volume_type": "<name>",
     "quotas": {"compute": {}, "network": {}, "volume": {}}}

A repeated bootstrap creates only what is missing. It updates flavors, bridges, images and quotas
to the values of the document, and never removes anything.
"""

import json
from typing import TYPE_CHECKING, Any

import webob

from minicloud import quota, web
from minicloud.cinder import types
from minicloud.glance import images
from minicloud.identity import Identity
from minicloud.neutron import networks, routers, subnets
from minicloud.nova import flavors
from minicloud.state import Record, Transaction

if TYPE_CHECKING:
    from minicloud.cloud import Cloud


def bootstrap(cloud: 'Cloud', document: dict[str, Any]) -> None:
    """Create or update the document's resources; if one fails, nothing is changed.

    :raises ApiError: a service refuses a resource; the message names it.
    :raises ValueError: the document names something that does not exist.
    """
    owner = document.get('owner', 'service')
    with cloud.state.transaction() as tx:
        for flavor in document.get('flavors', []):
            _flavor(cloud, tx, flavor)
        for network in document.get('networks', []):
            _network(cloud, tx, owner, network)
        for router in document.get('routers', []):
            _router(cloud, tx, owner, router)
        for image in document.get('images', []):
            _image(cloud, tx, owner, image)
        for name in document.get('volume_types', []):
            types.ensure(tx, cloud.new_id(), name)
        if 'default_volume_type' in document:
            types.ensure(tx, cloud.new_id(), document['default_volume_type'])
            tx.put('setting', {'id': 'default_volume_type',
                               'value': document['default_volume_type']})
        for service, limits in document.get('quotas', {}).items():
            unknown = sorted(set(limits) - set(quota.BUILT_IN[service]))
            if unknown:
                raise ValueError(f'no such {service} quota: {", ".join(unknown)}')
            quota.store_defaults(tx, service, limits)
    cloud.work.kick()


def _call(cloud: 'Cloud', tx: Transaction, owner: str, body: dict[str, Any] | None = None
          ) -> web.Call:
    """Return a call in the name of an admin of the owning project."""
    request = webob.Request.blank('/', method='POST', body=json.dumps(body or {}).encode())
    identity = Identity('bootstrap', owner, frozenset({'admin'}), True)
    return web.Call(request, cloud, tx, identity)


def _flavor(cloud: 'Cloud', tx: Transaction, given: dict[str, Any]) -> None:
    existing = [flavor for flavor in tx.list('flavor') if flavor['name'] == given['name']]
    id = existing[0]['id'] if existing else str(given.get('id') or cloud.new_id())
    tx.put('flavor', flavors.new(**{**given, 'id': id}))


def _network(cloud: 'Cloud', tx: Transaction, owner: str, given: dict[str, Any]) -> None:
    owner = given.get('project_id', owner)
    found = tx.list('network', name=given['name'])
    if found:
        network_id = found[0]['id']
    else:
        _, body = networks.create(_call(cloud, tx, owner, {'network': {
            'name': given['name'], 'shared': given.get('shared', False),
            'router:external': given.get('external', False), 'mtu': given.get('mtu', 1500),
            'port_security_enabled': given.get('port_security_enabled', True)}}))
        network_id = body['network']['id']
    tx.update('network', network_id, bridge=given.get('bridge'))
    for subnet in given.get('subnets', []):
        if not tx.list('subnet', network_id=network_id, cidr=subnet['cidr']):
            subnets.create(_call(cloud, tx, owner, {'subnet': {
                **subnet, 'network_id': network_id}}))


def _named(tx: Transaction, kind: str, name: str) -> Record:
    found = tx.list(kind, name=name)
    if not found:
        raise ValueError(f'the document names {kind} "{name}", which does not exist')
    return found[0]


def _router(cloud: 'Cloud', tx: Transaction, owner: str, given: dict[str, Any]) -> None:
    found = tx.list('router', name=given['name'])
    if found:
        router = found[0]
    else:
        external = _named(tx, 'network', given['external_network'])
        _, body = routers.create(_call(cloud, tx, owner, {'router': {
            'name': given['name'],
            'external_gateway_info': {'network_id': external['id']}}}))
        router = tx.get('router', body['router']['id'])
    for name in given.get('subnets', []):
        subnet = _named(tx, 'subnet', name)
        if routers.leading_to(tx, router['external_gateway_info']['network_id'],
                              subnet['id']) is None:
            routers.attach_subnet(_call(cloud, tx, owner), router, subnet)


def _image(cloud: 'Cloud', tx: Transaction, owner: str, given: dict[str, Any]) -> None:
    found = ([tx.get('image', given['id'])] if given.get('id') and tx.get('image', given['id'])
             else tx.list('image', name=given['name'], owner=given.get('owner', owner)))
    call = _call(cloud, tx, given.get('owner', owner))
    record = found[0] if found else images.new(call, {'id': given.get('id', cloud.new_id())})
    properties = {**record['properties'], **given.get('properties', {}),
                  images.PATH_PROPERTY: given['rootfs_path']}
    tx.put('image', images.settle({
        **record, 'name': given['name'], 'visibility': given.get('visibility', 'public'),
        'container_format': given.get('container_format', 'bare'),
        'disk_format': given.get('disk_format', 'raw'), 'size': given.get('size', 0),
        'min_ram': given.get('min_ram', 0), 'min_disk': given.get('min_disk', 0),
        'checksum': given.get('checksum'), 'tags': sorted(given.get('tags', [])),
        'properties': properties}))
