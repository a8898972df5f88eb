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

"""Ports: addresses, security groups, and the machine's card behind each."""

import ipaddress
import secrets
from typing import Any

from minicloud import errors, web, work
from minicloud.neutron import attributes as attr
from minicloud.neutron import collection, networks, security_groups, subnets
from minicloud.state import Record, Transaction

ATTRIBUTES: attr.Attributes = {
    'name': attr.Attribute(attr.text(), ''),
    'description': attr.Attribute(attr.text(), ''),
    'network_id': attr.Attribute(attr.identity, update=False, required=True),
    'admin_state_up': attr.Attribute(attr.boolean, True),
    'mac_address': attr.Attribute(attr.optional(attr.mac_address), None, update=False),
    'fixed_ips': attr.Attribute(
        attr.optional(attr.listed(attr.mapping('subnet_id', 'ip_address'))), None),
    'security_groups': attr.Attribute(attr.optional(attr.listed(attr.identity)), None),
    'port_security_enabled': attr.Attribute(attr.optional(attr.boolean), None),
    'allowed_address_pairs': attr.Attribute(
        attr.listed(attr.mapping('ip_address', 'mac_address')), []),
    'device_id': attr.Attribute(attr.text(), ''),
    'device_owner': attr.Attribute(attr.text(), ''),
    'binding:host_id': attr.Attribute(attr.optional(attr.text()), '', admin=True),
    'binding:profile': attr.Attribute(attr.optional(attr.mapping()), {}, admin=True),
    'binding:vnic_type': attr.Attribute(attr.text(), 'normal'),
    'dns_name': attr.Attribute(attr.text(), ''),
    'extra_dhcp_opts': attr.Attribute(attr.optional(attr.listed(attr.mapping())), []),
    'qos_policy_id': attr.Attribute(attr.optional(attr.identity), None),
}


def _view(call: web.Call, record: Record) -> dict[str, Any]:
    view = {**collection.standard(record), **{name: record[name] for name in ATTRIBUTES},
            'status': record['status'], 'binding:vif_type': record['vif_type'],
            'binding:vif_details': {}, 'resource_request': None}
    if not call.is_admin:
        view = {name: value for name, value in view.items()
                if not name.startswith('binding:') or name == 'binding:vnic_type'}
    return view


def _visible(call: web.Call, record: Record) -> bool:
    network = call.tx.get('network', record['network_id'])
    return network is not None and network['project_id'] == call.project_id


def _has_address(record: Record, values: list[str]) -> bool:
    """Evaluate the filter ``fixed_ips=ip_address=...``; other names are other conditions."""
    requested: dict[str, set[str]] = {}
    for value in values:
        name, _, text = value.partition('=')
        requested.setdefault(name, set()).add(text)
    return all(any((text in fixed['ip_address'] for text in texts)
                   if name == 'ip_address_substr' else fixed.get(name) in texts
                   for fixed in record['fixed_ips'])
               for name, texts in requested.items())


COLLECTION = collection.Collection(
    'port', 'ports', 'Port {id} could not be found.', 'PortNotFound', _view, _visible,
    {'fixed_ips': _has_address})


def new_mac(tx: Transaction) -> str:
    """Return an unused hardware address of OpenStack's range."""
    used = {port['mac_address'] for port in tx.list('port')}
    while True:
        mac = 'fa:16:3e:' + ':'.join(f'{byte:02x}' for byte in secrets.token_bytes(3))
        if mac not in used:
            return mac


def choose_addresses(tx: Transaction, network_id: str, requested: list[dict[str, str]] | None,
                     held: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Return the ``fixed_ips`` of a port: the requested ones, or one per IP version.

    ``held`` are addresses that the port already has and may keep.
    """
    local = {subnet['id']: subnet for subnet in tx.list('subnet', network_id=network_id)}
    if requested is None:
        return _automatic(tx, network_id, list(local.values()))
    chosen: list[dict[str, str]] = []
    for item in requested:
        subnet = _subnet_of(network_id, local, item)
        address = item.get('ip_address')
        if address is None:
            address = subnets.allocate(tx, subnet)
            if address is None:
                raise errors.Conflict('No more IP addresses available on network '
                                      f'{network_id}.', 'IpAddressGenerationFailure')
        elif address not in held and (address in subnets.taken(tx, subnet) or any(
                fixed['ip_address'] == address for fixed in chosen)):
            raise errors.Conflict(f'IP address {address} already allocated in subnet '
                                  f'{subnet["id"]}', 'IpAddressAlreadyAllocated')
        chosen.append({'subnet_id': subnet['id'], 'ip_address': address})
    return chosen


def _automatic(tx: Transaction, network_id: str, local: list[Record]) -> list[dict[str, str]]:
    chosen = []
    for version in sorted({subnet['ip_version'] for subnet in local}):
        for subnet in local:
            address = (subnets.allocate(tx, subnet) if subnet['ip_version'] == version
                       else None)
            if address is not None:
                chosen.append({'subnet_id': subnet['id'], 'ip_address': address})
                break
        else:
            raise errors.Conflict(f'No more IP addresses available on network {network_id}.',
                                  'IpAddressGenerationFailure')
    return chosen


def _subnet_of(network_id: str, local: dict[str, Record], item: dict[str, str]) -> Record:
    """Return the subnet of one requested address."""
    subnet_id, text = item.get('subnet_id'), item.get('ip_address')
    if subnet_id is not None and subnet_id not in local:
        raise errors.BadRequest(
            f'Invalid input for operation: Failed to create port on network {network_id}, '
            f'because fixed_ips included invalid subnet {subnet_id}.', 'InvalidInput')
    if text is None:
        if subnet_id is None:
            raise errors.BadRequest('Invalid input for operation: IP allocation requires '
                                    'subnet_id or ip_address.', 'InvalidInput')
        return local[subnet_id]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise errors.BadRequest(f"Invalid input for fixed_ips. Reason: '{text}' is not a "
                                'valid IP address.', 'HTTPBadRequest') from None
    for subnet in [local[subnet_id]] if subnet_id else local.values():
        cidr = ipaddress.ip_network(subnet['cidr'])
        if address in cidr and (cidr.version == 6 or cidr.num_addresses <= 2
                                or address not in (cidr[0], cidr[-1])):
            return subnet
    if subnet_id:
        raise errors.BadRequest(f'IP address {text} is not a valid IP for the specified '
                                'subnet.', 'InvalidIpForSubnet')
    raise errors.BadRequest(f'IP address {text} is not a valid IP for any of the subnets on '
                            'the specified network.', 'InvalidIpForNetwork')


def make(call: web.Call, values: dict[str, Any]) -> Record:
    """Store a new port; ``values`` are attributes and ``project_id``, the others are defaults."""
    network = call.tx.get('network', values['network_id'])
    values = {**{name: attribute.default for name, attribute in ATTRIBUTES.items()}, **values}
    if values['port_security_enabled'] is None:
        values['port_security_enabled'] = network['port_security_enabled']
    internal = values['device_owner'].startswith('network:')
    if internal:
        values['port_security_enabled'] = False
    if values['security_groups'] is None:
        values['security_groups'] = (
            [security_groups.default_group(call, values['project_id'])['id']]
            if values['port_security_enabled'] else [])
    elif values['security_groups'] and not values['port_security_enabled']:
        raise errors.BadRequest('Port security must be enabled and port must have an IP address '
                                'in order to use security groups.',
                                'PortSecurityAndIPRequiredForSecurityGroups')
    security_groups.require(call, values['security_groups'], values['project_id'])
    values['mac_address'] = _mac(call.tx, network, values['mac_address'])
    values['fixed_ips'] = choose_addresses(call.tx, network['id'], values['fixed_ips'])
    port = call.tx.put('port', collection.stamp(call, {
        **values, 'status': 'ACTIVE' if internal else 'DOWN',
        'vif_type': 'bridge' if values['binding:host_id'] else 'unbound', 'by_nova': False}))
    security_groups.members_changed(call.tx, port['security_groups'])
    return port


def _mac(tx: Transaction, network: Record, requested: str | None) -> str:
    if requested is None:
        return new_mac(tx)
    if any(port['mac_address'] == requested
           for port in tx.list('port', network_id=network['id'])):
        raise errors.Conflict(f'Unable to complete operation for network {network["id"]}. The '
                              f'mac address {requested} is in use.', 'MacAddressInUse')
    return requested


def create(call: web.Call) -> web.Answer:
    """Respond to POST /ports."""
    values = attr.read(call, 'port', ATTRIBUTES, new=True)
    network = collection.find(call, networks.COLLECTION, values['network_id'])
    _guard(call, network, values)
    collection.spend(call.tx, 'port', values['project_id'])
    return 201, {'port': _view(call, make(call, values))}


def _guard(call: web.Call, network: Record, values: dict[str, Any]) -> None:
    """Raise on attributes that only the network's owner may set."""
    if call.is_admin or network['project_id'] == call.project_id:
        return
    refused = [name for name in ('mac_address',) if values.get(name)]
    if not network['shared']:
        refused += [name for name in ('fixed_ips', 'port_security_enabled')
                    if values.get(name) is not None]
    if values.get('device_owner', '').startswith('network:'):
        refused.append('device_owner')
    if refused:
        raise errors.Forbidden(f'(rule:create_port and rule:create_port:{refused[0]}) is '
                               'disallowed by policy', 'PolicyNotAuthorized')


def update(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /ports/{id}."""
    record = collection.find(call, COLLECTION, id, change=True)
    values = attr.read(call, 'port', ATTRIBUTES, new=False)
    _guard(call, call.tx.get('network', record['network_id']), values)
    if 'security_groups' in values:
        values['security_groups'] = values['security_groups'] or []
        security_groups.require(call, values['security_groups'], record['project_id'])
    if values.get('port_security_enabled') is False and values.get(
            'security_groups', record['security_groups']):
        raise errors.Conflict('Port has security group associated. Cannot disable port '
                              'security or IP address until security group is removed.',
                              'PortSecurityPortHasSecurityGroup')
    if 'fixed_ips' in values:
        values['fixed_ips'] = choose_addresses(
            call.tx, record['network_id'], values['fixed_ips'],
            tuple(fixed['ip_address'] for fixed in record['fixed_ips']))
    if values.get('device_id') == '':
        values |= {'status': 'DOWN', 'vif_type': 'unbound'}
    changed = collection.change(call, COLLECTION, record, **values)
    _follow(call.tx, record, changed)
    return {'port': _view(call, changed)}


def _follow(tx: Transaction, before: Record, after: Record) -> None:
    """Record the jobs that update the machine and other ports to the change."""
    if before['security_groups'] != after['security_groups'] or (
            before['fixed_ips'] != after['fixed_ips']):
        security_groups.members_changed(
            tx, sorted({*before['security_groups'], *after['security_groups']}))
    shown = ('fixed_ips', 'security_groups', 'port_security_enabled', 'allowed_address_pairs',
             'device_id', 'admin_state_up')
    if any(before[name] != after[name] for name in shown):
        for server_id in {before['device_id'], after['device_id']}:
            apply(tx, server_id)
    if before['fixed_ips'] != after['fixed_ips'] or before['device_id'] != after['device_id']:
        held = {fixed['ip_address'] for fixed in after['fixed_ips']}
        for floating in tx.list('floatingip', port_id=after['id']):
            if floating['fixed_ip_address'] not in held:
                release_floating(tx, floating)
            else:
                apply_floating(tx, floating)


def apply(tx: Transaction, server_id: str) -> None:
    """Record the job that updates the cards of a machine to its ports, if the machine exists."""
    if tx.get('server', server_id) is not None:
        work.submit(tx, 'server.ports', {'server_id': server_id}, [f'server:{server_id}'])


def apply_floating(tx: Transaction, floating: Record) -> None:
    """Record the job that routes the floating address as its record requires."""
    work.submit(tx, 'floating.apply', {'floating_id': floating['id']},
                [f'floating:{floating["id"]}'])


def release_floating(tx: Transaction, floating: Record) -> None:
    """Disassociate the floating address from its port."""
    apply_floating(tx, tx.update('floatingip', floating['id'], port_id=None,
                                 fixed_ip_address=None, router_id=None))


def remove(tx: Transaction, port: Record) -> None:
    """Remove a port; its floating addresses are disassociated."""
    for floating in tx.list('floatingip', port_id=port['id']):
        release_floating(tx, floating)
    tx.remove('port', port['id'])
    security_groups.members_changed(tx, port['security_groups'])


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /ports/{id}; a machine that has the port loses the card."""
    record = collection.find(call, COLLECTION, id, change=True)
    if record['device_owner'].startswith('network:'):
        raise errors.Conflict(
            f'Port {id} cannot be deleted directly via the port API: has device owner '
            f'{record["device_owner"]}.', 'ServicePortInUse')
    remove(call.tx, record)
    apply(call.tx, record['device_id'])
    return 204, None


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /ports/{id}."""
    return collection.show(call, COLLECTION, id)


def index(call: web.Call) -> web.Answer:
    """Respond to GET /ports."""
    return collection.listing(call, COLLECTION)


ROUTES = [web.Route('GET', '/ports', index), web.Route('POST', '/ports', create),
          web.Route('GET', '/ports/{id}', show), web.Route('PUT', '/ports/{id}', update),
          web.Route('DELETE', '/ports/{id}', delete)]
