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

"""Conversion of the services' records to the hypervisor's specifications."""

import base64
import ipaddress

from minicloud.hypervisor import (FixedIP, FloatingSpec, KeyPair, NetworkSpec, PortSpec,
                                  RuleSpec, ServerSpec, SubnetSpec, VolumeAttachment)
from minicloud.state import Record, Transaction

#: Length to which disks' serial numbers are cut, as virtio does.
_SERIAL_LENGTH = 20


def network(record: Record) -> NetworkSpec:
    """Return the layer-2 specification of a network."""
    return NetworkSpec(record['id'], record['name'], record['router:external'], record['mtu'],
                       record['bridge'])


def subnets(tx: Transaction, network_id: str) -> tuple[SubnetSpec, ...]:
    """Return the subnets of a network."""
    return tuple(SubnetSpec(subnet['id'], subnet['cidr'], subnet['gateway_ip'],
                            tuple(subnet['dns_nameservers']))
                 for subnet in tx.list('subnet', network_id=network_id))


def floating(record: Record) -> FloatingSpec:
    """Return a floating address."""
    return FloatingSpec(record['id'], record['floating_ip_address'],
                        record['floating_network_id'])


def is_plugged(tx: Transaction, port: Record) -> bool:
    """Return whether the port is a card of a machine on the host."""
    server = tx.get('server', port['device_id'])
    return server is not None and server['launched_at'] is not None


def port(tx: Transaction, record: Record) -> PortSpec:
    """Return a port with its addresses and the rules of its groups."""
    fixed_ips = []
    for fixed in record['fixed_ips']:
        subnet = tx.get('subnet', fixed['subnet_id'])
        fixed_ips.append(FixedIP(
            fixed['ip_address'], ipaddress.ip_network(subnet['cidr']).prefixlen,
            subnet['gateway_ip'], tuple(subnet['dns_nameservers'])))
    rules = tuple(_rule(tx, rule) for group_id in record['security_groups']
                  for rule in tx.list('security_group_rule', security_group_id=group_id))
    return PortSpec(
        record['id'], record['mac_address'], record['network_id'], tuple(fixed_ips), rules,
        record['port_security_enabled'],
        tuple(pair['ip_address'] for pair in record['allowed_address_pairs']), record['name'])


def _rule(tx: Transaction, rule: Record) -> RuleSpec:
    members = None
    if rule['remote_group_id'] is not None:
        version = 6 if rule['ethertype'] == 'IPv6' else 4
        members = tuple(
            fixed['ip_address'] for member in tx.list('port')
            if rule['remote_group_id'] in member['security_groups']
            for fixed in member['fixed_ips']
            if ipaddress.ip_address(fixed['ip_address']).version == version)
    return RuleSpec(rule['id'], rule['direction'], rule['ethertype'], rule['protocol'],
                    rule['port_range_min'], rule['port_range_max'], rule['remote_ip_prefix'],
                    members)


def ports_of(tx: Transaction, server: Record) -> list[Record]:
    """Return the ports of a server in the order of its cards."""
    places = {port_id: place for place, port_id in enumerate(server['port_order'])}
    return sorted(tx.list('port', device_id=server['id']),
                  key=lambda record: places.get(record['id'], len(places)))


def attachment(record: Record) -> VolumeAttachment:
    """Return the attachment of a volume to a machine."""
    return VolumeAttachment(record['volume_id'], record['device'],
                            record['volume_id'][:_SERIAL_LENGTH])


def server(tx: Transaction, record: Record) -> ServerSpec:
    """Return the specification of a machine."""
    flavor = record['flavor']
    user_data = record['user_data']
    return ServerSpec(
        id=record['id'], name=record['name'], project_id=record['project_id'],
        image_path=record['image_path'], vcpus=flavor['vcpus'], ram_mb=flavor['ram'],
        disk_gb=flavor['disk'], metadata=dict(record['metadata']),
        user_data=None if user_data is None else base64.b64decode(user_data),
        config_drive=record['config_drive'],
        key_pairs=tuple(KeyPair(key['name'], key['public_key'])
                        for key in [record['key_pair']] if key),
        ports=tuple(port(tx, item) for item in ports_of(tx, record)),
        volumes=tuple(attachment(item)
                      for item in tx.list('attachment', server_id=record['id'],
                                          plugged=True)),
        availability_zone=record['availability_zone'], user_id=record['user_id'])
