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

"""Subnets: address ranges, allocation pools and the allocation of addresses."""

import ipaddress
from typing import Any

from minicloud import errors, web
from minicloud.neutron import attributes as attr
from minicloud.neutron import collection, networks
from minicloud.state import Record, Transaction

ATTRIBUTES: attr.Attributes = {
    'name': attr.Attribute(attr.text(), ''),
    'description': attr.Attribute(attr.text(), ''),
    'network_id': attr.Attribute(attr.identity, update=False, required=True),
    'cidr': attr.Attribute(attr.network_prefix, update=False, required=True),
    'ip_version': attr.Attribute(attr.whole(4, 6), None, update=False),
    # A missing value means the first address; null means no router.
    'gateway_ip': attr.Attribute(attr.optional(attr.address), ''),
    'enable_dhcp': attr.Attribute(attr.boolean, True),
    'dns_nameservers': attr.Attribute(attr.listed(attr.address), []),
    'host_routes': attr.Attribute(attr.listed(attr.mapping('destination', 'nexthop')), []),
    'allocation_pools': attr.Attribute(attr.listed(attr.mapping('start', 'end')), None),
    'ipv6_address_mode': attr.Attribute(attr.optional(attr.text()), None, update=False),
    'ipv6_ra_mode': attr.Attribute(attr.optional(attr.text()), None, update=False),
    'dns_publish_fixed_ip': attr.Attribute(attr.boolean, False),
    'service_types': attr.Attribute(attr.listed(attr.text()), []),
    'subnetpool_id': attr.Attribute(attr.optional(attr.identity), None, update=False),
    'segment_id': attr.Attribute(attr.optional(attr.identity), None),
}


def _view(call: web.Call, record: Record) -> dict[str, Any]:
    return {**collection.standard(record), **{name: record[name] for name in ATTRIBUTES}}


def _visible(call: web.Call, record: Record) -> bool:
    network = call.tx.get('network', record['network_id'])
    return network is not None and (network['shared']
                                    or network['project_id'] == call.project_id)


COLLECTION = collection.Collection(
    'subnet', 'subnets', 'Subnet {id} could not be found.', 'SubnetNotFound', _view, _visible)


def _invalid(reason: str) -> errors.BadRequest:
    return errors.BadRequest(f'Invalid input for operation: {reason}.', 'InvalidInput')


def _pools(network: ipaddress.IPv4Network | ipaddress.IPv6Network, gateway: str | None,
           given: list[dict[str, str]] | None) -> list[dict[str, str]]:
    """Return the validated pools; the default is all hosts without the gateway."""
    if given is not None:
        for pool in given:
            try:
                start = ipaddress.ip_address(pool.get('start'))
                end = ipaddress.ip_address(pool.get('end'))
            except ValueError:
                raise errors.BadRequest(
                    f'The allocation pool {pool} is not valid.',
                    'InvalidAllocationPool') from None
            if not (start in network and end in network and start <= end):
                raise errors.BadRequest(
                    f'The allocation pool {start}-{end} spans beyond the subnet cidr '
                    f'{network}.', 'OutOfBoundsAllocationPool')
        return [{'start': pool['start'], 'end': pool['end']} for pool in given]
    first, last = int(network[0]) + 1, int(network[-1]) - (network.version == 4)
    if network.num_addresses <= 2:
        first, last = int(network[0]), int(network[-1])
    kind = type(network[0])
    holes = [int(ipaddress.ip_address(gateway))] if gateway else []
    pools, start = [], first
    for hole in holes + [last + 1]:
        if first <= start <= hole - 1 <= last:
            pools.append({'start': str(kind(start)), 'end': str(kind(hole - 1))})
        start = max(start, hole + 1) if first <= hole <= last else start
    return pools


def create(call: web.Call) -> web.Answer:
    """Respond to POST /subnets."""
    values = attr.read(call, 'subnet', ATTRIBUTES, new=True)
    network = collection.find(call, networks.COLLECTION, values['network_id'], change=True)
    collection.spend(call.tx, 'subnet', values['project_id'])
    cidr = ipaddress.ip_network(values['cidr'])
    if values['ip_version'] not in (None, cidr.version):
        raise _invalid(f'cidr {cidr} does not match the ip_version '
                       f"'{values['ip_version']}'")
    for other in call.tx.list('subnet', network_id=network['id']):
        other_cidr = ipaddress.ip_network(other['cidr'])
        if other_cidr.version == cidr.version and cidr.overlaps(other_cidr):
            raise _invalid(f'Requested subnet with cidr: {cidr} for network: {network["id"]} '
                           'overlaps with another subnet')
    if values['gateway_ip'] == '':
        values['gateway_ip'] = str(cidr[min(1, cidr.num_addresses - 1)])
    gateway = values['gateway_ip']
    if gateway and ipaddress.ip_address(gateway).version != cidr.version:
        raise _invalid('gateway_ip is not of the ip_version of the cidr')
    values['allocation_pools'] = _pools(cidr, gateway, values['allocation_pools'])
    record = call.tx.put('subnet', collection.stamp(call, {
        **values, 'ip_version': cidr.version, 'last_given': None}))
    networks.plug(call.tx, network['id'])
    return 201, {'subnet': _view(call, record)}


def update(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /subnets/{id}."""
    record = collection.find(call, COLLECTION, id, change=True)
    values = attr.read(call, 'subnet', ATTRIBUTES, new=False)
    if values.get('allocation_pools') is not None:
        values['allocation_pools'] = _pools(
            ipaddress.ip_network(record['cidr']), None, values['allocation_pools'])
    record = collection.change(call, COLLECTION, record, **values)
    if set(values) & {'gateway_ip', 'dns_nameservers'}:
        networks.plug(call.tx, record['network_id'])
    return {'subnet': _view(call, record)}


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /subnets/{id}."""
    record = collection.find(call, COLLECTION, id, change=True)
    if any(fixed['subnet_id'] == id
           for port in call.tx.list('port', network_id=record['network_id'])
           for fixed in port['fixed_ips']):
        raise errors.Conflict(
            f'Unable to complete operation on subnet {id}: One or more ports have an IP '
            'allocation from this subnet.', 'SubnetInUse')
    call.tx.remove('subnet', id)
    networks.plug(call.tx, record['network_id'])
    return 204, None


def taken(tx: Transaction, subnet: Record) -> set[str]:
    """Return the addresses of the subnet that ports and floating addresses use."""
    return {fixed['ip_address'] for port in tx.list('port', network_id=subnet['network_id'])
            for fixed in port['fixed_ips'] if fixed['subnet_id'] == subnet['id']}


def allocate(tx: Transaction, subnet: Record) -> str | None:
    """Return a free address of the subnet's pools, or None.

    Addresses are allocated in turn and not reused at once, so that neighbours do not mistake a new
    machine for the former user of its address.
    """
    used = {int(ipaddress.ip_address(address)) for address in taken(tx, subnet)}
    ranges = [(int(ipaddress.ip_address(pool['start'])), int(ipaddress.ip_address(pool['end'])))
              for pool in subnet['allocation_pools']]
    last = subnet['last_given']
    after = -1 if last is None else int(ipaddress.ip_address(last))
    turns = ([(max(start, after + 1), end) for start, end in ranges if end > after]
             + [(start, min(end, after)) for start, end in ranges if start <= after])
    for start, end in turns:
        for number in range(start, end + 1):
            if number not in used:
                kind = type(ipaddress.ip_network(subnet['cidr'])[0])
                given = str(kind(number))
                tx.update('subnet', subnet['id'], last_given=given)
                return given
    return None


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /subnets/{id}."""
    return collection.show(call, COLLECTION, id)


def index(call: web.Call) -> web.Answer:
    """Respond to GET /subnets."""
    return collection.listing(call, COLLECTION)


ROUTES = [web.Route('GET', '/subnets', index), web.Route('POST', '/subnets', create),
          web.Route('GET', '/subnets/{id}', show), web.Route('PUT', '/subnets/{id}', update),
          web.Route('DELETE', '/subnets/{id}', delete)]
