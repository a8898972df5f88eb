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

"""Floating addresses: allocated from an external network, routed to a port's address."""

from typing import Any

from minicloud import errors, web, work
from minicloud.neutron import attributes as attr
from minicloud.neutron import collection, networks, ports, routers
from minicloud.state import Record

ATTRIBUTES: attr.Attributes = {
    'floating_network_id': attr.Attribute(attr.identity, update=False, required=True),
    'port_id': attr.Attribute(attr.optional(attr.identity), None),
    'fixed_ip_address': attr.Attribute(attr.optional(attr.address), None),
    'floating_ip_address': attr.Attribute(attr.optional(attr.address), None, update=False,
                                          admin=True),
    'subnet_id': attr.Attribute(attr.optional(attr.identity), None, update=False),
    'description': attr.Attribute(attr.text(), ''),
    'dns_name': attr.Attribute(attr.text(), '', update=False),
    'dns_domain': attr.Attribute(attr.text(), '', update=False),
    'qos_policy_id': attr.Attribute(attr.optional(attr.identity), None),
}
_HIDDEN = ('subnet_id',)
_OWNER = 'network:floatingip'


def _view(call: web.Call, record: Record) -> dict[str, Any]:
    port = call.tx.get('port', record['port_id'])
    details = None if port is None else {
        name: port[name] for name in ('name', 'network_id', 'mac_address', 'admin_state_up',
                                      'status', 'device_id', 'device_owner')}
    return {**collection.standard(record),
            **{name: record[name] for name in ATTRIBUTES if name not in _HIDDEN},
            'status': record['status'], 'router_id': record['router_id'],
            'port_details': details, 'port_forwardings': []}


COLLECTION = collection.Collection(
    'floatingip', 'floatingips', 'Floating IP {id} could not be found', 'FloatingIPNotFound',
    _view)


def _target(call: web.Call, record: Record, port_id: str, fixed: str | None) -> dict[str, Any]:
    """Return the members that associate the floating address with the port; refuse invalid ones."""
    port = collection.find(call, ports.COLLECTION, port_id)
    addresses = {item['ip_address']: item['subnet_id'] for item in port['fixed_ips']
                 if ':' not in item['ip_address']}
    if fixed is None and len(addresses) == 1:
        fixed = next(iter(addresses))
    if fixed not in addresses:
        reason = (f'Port {port_id} does not have fixed ip {fixed}.' if fixed else
                  f'Cannot add floating IP to port {port_id} that has no fixed IPv4 addresses.'
                  if not addresses else
                  f'Port {port_id} has multiple fixed IPv4 addresses. Must provide a specific '
                  'IPv4 address when assigning a floating IP.')
        raise errors.BadRequest(f'Bad floatingip request: {reason}', 'BadRequest')
    network_id = record['floating_network_id']
    router = routers.leading_to(call.tx, network_id, addresses[fixed])
    if router is None:
        raise errors.NotFound(
            f'External network {network_id} is not reachable from subnet {addresses[fixed]}. '
            f'Therefore, cannot associate Port {port_id} with a Floating IP.',
            'ExternalGatewayForFloatingIPNotFound')
    for other in call.tx.list('floatingip', port_id=port_id, fixed_ip_address=fixed):
        if other['id'] != record['id'] and other['floating_network_id'] == network_id:
            raise errors.Conflict(
                f'Cannot associate floating IP {record["floating_ip_address"]} '
                f'({record["id"]}) with port {port_id} using fixed IP {fixed}, as that fixed '
                f'IP already has a floating IP on external network {network_id}.',
                'FloatingIPPortAlreadyAssociated')
    return {'port_id': port_id, 'fixed_ip_address': fixed, 'router_id': router['id']}


def create(call: web.Call) -> web.Answer:
    """Respond to POST /floatingips."""
    values = attr.read(call, 'floatingip', ATTRIBUTES, new=True)
    network_id = values['floating_network_id']
    network = collection.find(call, networks.COLLECTION, network_id)
    if not network['router:external']:
        raise errors.BadRequest(f'Bad floatingip request: Network {network_id} is not a valid '
                                'external network.', 'BadRequest')
    collection.spend(call.tx, 'floatingip', values['project_id'])
    port_id, fixed = values['port_id'], values['fixed_ip_address']
    record = collection.stamp(call, {**values, 'name': '', 'status': 'DOWN', 'port_id': None,
                                     'fixed_ip_address': None, 'router_id': None})
    # A port without owner reserves the address.
    requested = {name: value for name, value in (
        ('subnet_id', values['subnet_id']), ('ip_address', values['floating_ip_address']))
        if value is not None}
    holder = ports.make(call, {
        'network_id': network_id, 'project_id': '', 'device_id': record['id'],
        'device_owner': _OWNER, 'fixed_ips': [requested] if requested else None})
    addresses = [item['ip_address'] for item in holder['fixed_ips']
                 if ':' not in item['ip_address']]
    if not addresses:
        raise errors.BadRequest(f'Bad floatingip request: Network {network_id} does not contain '
                                'any IPv4 subnet.', 'BadRequest')
    record['floating_ip_address'] = addresses[0]
    if port_id is not None:
        record |= _target(call, record, port_id, fixed)
    call.tx.put('floatingip', record)
    if port_id is not None:
        ports.apply_floating(call.tx, record)
    return 201, {'floatingip': _view(call, record)}


def update(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /floatingips/{id}: without ``port_id``, or with null, disassociate it."""
    record = collection.find(call, COLLECTION, id, change=True)
    values = attr.read(call, 'floatingip', ATTRIBUTES, new=False)
    if 'port_id' in values or 'fixed_ip_address' in values:
        port_id = values.get('port_id', record['port_id'])
        if port_id is None:
            values |= {'port_id': None, 'fixed_ip_address': None, 'router_id': None}
        else:
            values |= _target(call, record, port_id, values.get('fixed_ip_address'))
    changed = collection.change(call, COLLECTION, record, **values)
    if (changed['port_id'], changed['fixed_ip_address']) != (
            record['port_id'], record['fixed_ip_address']):
        ports.apply_floating(call.tx, changed)
    return {'floatingip': _view(call, changed)}


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /floatingips/{id}."""
    record = collection.find(call, COLLECTION, id, change=True)
    for holder in call.tx.list('port', device_id=id, device_owner=_OWNER):
        ports.remove(call.tx, holder)
    call.tx.remove('floatingip', id)
    work.submit(call.tx, 'floating.remove', {
        'floating_id': id, 'address': record['floating_ip_address'],
        'network_id': record['floating_network_id']}, [f'floating:{id}'])
    return 204, None


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /floatingips/{id}."""
    return collection.show(call, COLLECTION, id)


def index(call: web.Call) -> web.Answer:
    """Respond to GET /floatingips."""
    return collection.listing(call, COLLECTION)


ROUTES = [web.Route('GET', '/floatingips', index), web.Route('POST', '/floatingips', create),
          web.Route('GET', '/floatingips/{id}', show),
          web.Route('PUT', '/floatingips/{id}', update),
          web.Route('DELETE', '/floatingips/{id}', delete)]
