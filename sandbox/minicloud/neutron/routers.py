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

"""Routers: connections of subnets to external networks.

The host itself routes between all networks. The records determine which floating addresses may
lead to which subnets, and reserve the gateway addresses.
"""

from typing import Any

from minicloud import errors, web
from minicloud.neutron import attributes as attr
from minicloud.neutron import collection, networks, ports, subnets
from minicloud.state import Record, Transaction

_GATEWAY = attr.optional(attr.mapping('network_id', 'enable_snat', 'external_fixed_ips',
                                      'qos_policy_id'))
ATTRIBUTES: attr.Attributes = {
    'name': attr.Attribute(attr.text(), ''),
    'description': attr.Attribute(attr.text(), ''),
    'admin_state_up': attr.Attribute(attr.boolean, True),
    'external_gateway_info': attr.Attribute(_GATEWAY, None),
    'distributed': attr.Attribute(attr.boolean, False, admin=True),
    'ha': attr.Attribute(attr.boolean, False, admin=True),
    'routes': attr.Attribute(attr.listed(attr.mapping('destination', 'nexthop')), []),
    'availability_zone_hints': attr.Attribute(attr.listed(attr.text()), [], update=False),
    'flavor_id': attr.Attribute(attr.optional(attr.identity), None, update=False),
}
_INTERFACE = 'network:router_interface'
_GATEWAY_OWNER = 'network:router_gateway'


def _view(call: web.Call, record: Record) -> dict[str, Any]:
    return {**collection.standard(record), **{name: record[name] for name in ATTRIBUTES},
            'status': 'ACTIVE',
            'availability_zones': [call.cloud.settings.availability_zone]}


COLLECTION = collection.Collection(
    'router', 'routers', 'Router {id} could not be found', 'RouterNotFound', _view)


def _set_gateway(call: web.Call, router: Record, requested: dict[str, Any] | None
                 ) -> dict[str, Any] | None:
    """Give the router an address on the requested external network, or remove its address."""
    current = call.tx.list('port', device_id=router['id'], device_owner=_GATEWAY_OWNER)
    network_id = (requested or {}).get('network_id')
    for port in current:
        if port['network_id'] != network_id:
            _refuse_with_floating(call.tx, router, port['network_id'])
            ports.remove(call.tx, port)
    if not network_id:
        return None
    network = collection.find(call, networks.COLLECTION, network_id)
    if not network['router:external']:
        raise errors.BadRequest(f'Bad router request: Network {network_id} is not an external '
                                'network.', 'BadRequest')
    kept = [port for port in current if port['network_id'] == network_id]
    port = kept[0] if kept else ports.make(call, {
        'network_id': network_id, 'project_id': '', 'device_id': router['id'],
        'device_owner': _GATEWAY_OWNER, 'fixed_ips': requested.get('external_fixed_ips')})
    return {'network_id': network_id,
            'enable_snat': web.as_bool(requested.get('enable_snat', True)),
            'external_fixed_ips': port['fixed_ips']}


def _refuse_with_floating(tx: Transaction, router: Record, network_id: str) -> None:
    if any(floating['floating_network_id'] == network_id
           for floating in tx.list('floatingip', router_id=router['id'])):
        raise errors.Conflict(
            f'Gateway cannot be updated for router {router["id"]}, since a gateway to external '
            f'network {network_id} is required by one or more floating IPs.',
            'RouterExternalGatewayInUseByFloatingIp')


def create(call: web.Call) -> web.Answer:
    """Respond to POST /routers."""
    values = attr.read(call, 'router', ATTRIBUTES, new=True)
    collection.spend(call.tx, 'router', values['project_id'])
    record = call.tx.put('router', collection.stamp(call, values))
    gateway = _set_gateway(call, record, values['external_gateway_info'])
    record = call.tx.update('router', record['id'], external_gateway_info=gateway)
    return 201, {'router': _view(call, record)}


def update(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /routers/{id}."""
    record = collection.find(call, COLLECTION, id, change=True)
    values = attr.read(call, 'router', ATTRIBUTES, new=False)
    if 'external_gateway_info' in values:
        values['external_gateway_info'] = _set_gateway(
            call, record, values['external_gateway_info'])
    return {'router': _view(call, collection.change(call, COLLECTION, record, **values))}


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /routers/{id}; a router with interfaces is refused."""
    record = collection.find(call, COLLECTION, id, change=True)
    if call.tx.list('port', device_id=id, device_owner=_INTERFACE):
        raise errors.Conflict(f'Router {id} still has ports', 'RouterInUse')
    _set_gateway(call, record, None)
    call.tx.remove('router', id)
    return 204, None


def attach_subnet(call: web.Call, router: Record, subnet: Record) -> Record:
    """Attach the router to the subnet at its gateway address; return the new port."""
    if any(fixed['subnet_id'] == subnet['id']
           for port in call.tx.list('port', device_id=router['id'], device_owner=_INTERFACE)
           for fixed in port['fixed_ips']):
        raise errors.BadRequest(
            f'Bad router request: Router already has a port on subnet {subnet["id"]}.',
            'BadRequest')
    if not subnet['gateway_ip']:
        raise errors.BadRequest('Bad router request: Subnet for router interface must have a '
                                'gateway IP.', 'BadRequest')
    return ports.make(call, {
        'network_id': subnet['network_id'], 'project_id': router['project_id'],
        'device_id': router['id'], 'device_owner': _INTERFACE,
        'fixed_ips': [{'subnet_id': subnet['id'], 'ip_address': subnet['gateway_ip']}]})


def _interface(router: Record, port: Record) -> dict[str, Any]:
    subnet_ids = [fixed['subnet_id'] for fixed in port['fixed_ips']]
    return {'id': router['id'], 'tenant_id': router['project_id'],
            'project_id': router['project_id'], 'port_id': port['id'],
            'network_id': port['network_id'], 'subnet_id': subnet_ids[0] if subnet_ids else None,
            'subnet_ids': subnet_ids, 'tags': []}


def add_interface(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /routers/{id}/add_router_interface with a subnet or a port."""
    router = collection.find(call, COLLECTION, id, change=True)
    body = call.json() or {}
    if 'port_id' in body:
        port = collection.find(call, ports.COLLECTION, body['port_id'], change=True)
        if port['device_id']:
            raise errors.Conflict(
                f'Unable to complete operation on port {port["id"]} for network '
                f'{port["network_id"]}. Port already has an attached device '
                f'{port["device_id"]}.', 'PortInUse')
        port = call.tx.update('port', port['id'], device_id=id, device_owner=_INTERFACE,
                              status='ACTIVE')
    elif 'subnet_id' in body:
        subnet = collection.find(call, subnets.COLLECTION, body['subnet_id'])
        port = attach_subnet(call, router, subnet)
    else:
        raise errors.BadRequest('Bad router request: Either subnet_id or port_id must be '
                                'specified.', 'BadRequest')
    return _interface(router, port)


def remove_interface(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /routers/{id}/remove_router_interface with a subnet or a port."""
    router = collection.find(call, COLLECTION, id, change=True)
    body = call.json() or {}
    for port in call.tx.list('port', device_id=id, device_owner=_INTERFACE):
        subnet_ids = [fixed['subnet_id'] for fixed in port['fixed_ips']]
        if body.get('port_id', port['id']) != port['id'] or (
                'subnet_id' in body and body['subnet_id'] not in subnet_ids):
            continue
        if any(port_subnet['subnet_id'] in subnet_ids
               for floating in call.tx.list('floatingip', router_id=id)
               for port_subnet in (call.tx.get('port', floating['port_id']) or {}).get(
                   'fixed_ips', [])):
            raise errors.Conflict(
                f'Router interface for subnet {subnet_ids[0]} on router {id} cannot be '
                'deleted, as it is required by one or more floating IPs.',
                'RouterInterfaceInUseByFloatingIP')
        ports.remove(call.tx, port)
        return _interface(router, port)
    raise errors.NotFound(f'Router {id} does not have an interface with id '
                          f'{body.get("port_id") or body.get("subnet_id")}',
                          'RouterInterfaceNotFound')


def leading_to(tx: Transaction, external_network_id: str, subnet_id: str) -> Record | None:
    """Return the router that connects the subnet with the external network."""
    for router in tx.list('router'):
        gateway = router['external_gateway_info']
        if gateway and gateway['network_id'] == external_network_id and any(
                fixed['subnet_id'] == subnet_id
                for port in tx.list('port', device_id=router['id'], device_owner=_INTERFACE)
                for fixed in port['fixed_ips']):
            return router
    return None


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /routers/{id}."""
    return collection.show(call, COLLECTION, id)


def index(call: web.Call) -> web.Answer:
    """Respond to GET /routers."""
    return collection.listing(call, COLLECTION)


ROUTES = [web.Route('GET', '/routers', index), web.Route('POST', '/routers', create),
          web.Route('GET', '/routers/{id}', show), web.Route('PUT', '/routers/{id}', update),
          web.Route('DELETE', '/routers/{id}', delete),
          web.Route('PUT', '/routers/{id}/add_router_interface', add_interface),
          web.Route('PUT', '/routers/{id}/remove_router_interface', remove_interface)]
