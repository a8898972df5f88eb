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

"""Networks: their visibility and their bridges."""

from typing import Any

from minicloud import errors, web, work
from minicloud.neutron import attributes as attr
from minicloud.neutron import collection
from minicloud.state import Record, Transaction

ATTRIBUTES: attr.Attributes = {
    'name': attr.Attribute(attr.text(), ''),
    'description': attr.Attribute(attr.text(), ''),
    'admin_state_up': attr.Attribute(attr.boolean, True),
    'shared': attr.Attribute(attr.boolean, False, admin=True),
    'router:external': attr.Attribute(attr.boolean, False, admin=True),
    'is_default': attr.Attribute(attr.boolean, False, admin=True),
    'port_security_enabled': attr.Attribute(attr.boolean, True),
    'mtu': attr.Attribute(attr.whole(68, 9000), 1500),
    'dns_domain': attr.Attribute(attr.text(), ''),
    'availability_zone_hints': attr.Attribute(attr.listed(attr.text()), [], update=False),
    'provider:network_type': attr.Attribute(attr.text(), 'flat', admin=True, update=False),
    'provider:physical_network': attr.Attribute(attr.optional(attr.text()), None, admin=True,
                                                update=False),
    'provider:segmentation_id': attr.Attribute(attr.optional(attr.whole(1, 16777215)), None,
                                               admin=True, update=False),
}


def _view(call: web.Call, record: Record) -> dict[str, Any]:
    view = {**collection.standard(record),
            **{name: record[name] for name in ATTRIBUTES if call.is_admin
               or not name.startswith('provider:')},
            'status': record['status'],
            'subnets': [subnet['id'] for subnet in call.tx.list('subnet',
                                                                network_id=record['id'])],
            'availability_zones': [call.cloud.settings.availability_zone],
            'ipv4_address_scope': None, 'ipv6_address_scope': None, 'l2_adjacency': True}
    return view


COLLECTION = collection.Collection(
    'network', 'networks', 'Network {id} could not be found.', 'NetworkNotFound', _view,
    lambda call, record: record['shared'] or record['router:external'])


def plug(tx: Transaction, network_id: str) -> None:
    """Record the job that updates the host's bridge to the network and its subnets."""
    work.submit(tx, 'network.plug', {'network_id': network_id}, [f'network:{network_id}'])


def create(call: web.Call) -> web.Answer:
    """Respond to POST /networks."""
    values = attr.read(call, 'network', ATTRIBUTES, new=True)
    collection.spend(call.tx, 'network', values['project_id'])
    record = call.tx.put('network', collection.stamp(call, {
        **values, 'status': 'ACTIVE', 'bridge': None}))
    plug(call.tx, record['id'])
    return 201, {'network': _view(call, record)}


def update(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /networks/{id}."""
    record = collection.find(call, COLLECTION, id, change=True)
    values = attr.read(call, 'network', ATTRIBUTES, new=False)
    record = collection.change(call, COLLECTION, record, **values)
    if set(values) & {'mtu', 'router:external', 'name'}:
        plug(call.tx, id)
    return {'network': _view(call, record)}


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /networks/{id}: its subnets are deleted too; used ports forbid it."""
    record = collection.find(call, COLLECTION, id, change=True)
    if call.tx.list('port', network_id=id):
        raise errors.Conflict(
            f'Unable to complete operation on network {record["id"]}. There are one or more '
            'ports still in use on the network.', 'NetworkInUse')
    for subnet in call.tx.list('subnet', network_id=id):
        call.tx.remove('subnet', subnet['id'])
    call.tx.remove('network', id)
    work.submit(call.tx, 'network.unplug', {'network_id': id}, [f'network:{id}'])
    return 204, None


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /networks/{id}."""
    return collection.show(call, COLLECTION, id)


def index(call: web.Call) -> web.Answer:
    """Respond to GET /networks."""
    return collection.listing(call, COLLECTION)


ROUTES = [web.Route('GET', '/networks', index), web.Route('POST', '/networks', create),
          web.Route('GET', '/networks/{id}', show), web.Route('PUT', '/networks/{id}', update),
          web.Route('DELETE', '/networks/{id}', delete)]
