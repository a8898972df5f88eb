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

"""Networks, subnets, ports and public addresses of Neutron, through openstacksdk.

Ports are found by name among those of the service project, because other projects may use the same
names. Security groups are in :mod:`trove.cloud.firewall`.
"""

import dataclasses
from typing import Any, Iterable

from openstack.network.v2 import _proxy

from trove.cloud import errors
from trove.cloud import names
from trove.common import exception

_ROUTER_PORTS = ('network:router_interface', 'network:router_interface_distributed',
                 'network:ha_router_replicated_interface')


@dataclasses.dataclass(frozen=True)
class Network:
    id: str
    name: str
    subnet_ids: tuple[str, ...]
    is_external: bool = False


@dataclasses.dataclass(frozen=True)
class Subnet:
    """A subnet of Neutron.

    :ivar version: 4 or 6.
    """
    id: str
    network_id: str
    cidr: str
    version: int
    gateway: str | None = None


@dataclasses.dataclass(frozen=True)
class FixedAddress:
    address: str
    subnet_id: str


@dataclasses.dataclass(frozen=True)
class Port:
    """A port of Neutron.

    :ivar device_id: id of its server, or empty.
    """
    id: str
    name: str
    network_id: str
    mac: str
    addresses: tuple[FixedAddress, ...]
    security_group_ids: tuple[str, ...] = ()
    device_id: str = ''


@dataclasses.dataclass(frozen=True)
class PublicAddress:
    id: str
    address: str
    port_id: str | None
    network_id: str
    description: str = ''


class Networking:
    """Neutron in one region, with the credentials of one user.

    :param project_id: the service project, which owns the ports.
    """

    def __init__(self, proxy: _proxy.Proxy, project_id: str) -> None:
        self._neutron = proxy
        self._project_id = project_id

    # --- networks and subnets --------------------------------------------------------------------

    def get_network(self, network_id: str) -> Network:
        """Return a network.

        :raises CloudNotFound: it does not exist, or is not visible with these credentials.
        """
        with errors.translated('network', 'show the network'):
            return _network(self._neutron.get_network(network_id))

    def get_subnet(self, subnet_id: str) -> Subnet:
        """Return a subnet.

        :raises CloudNotFound: it does not exist, or is not visible with these credentials.
        """
        with errors.translated('network', 'show the subnet'):
            return _subnet(self._neutron.get_subnet(subnet_id))

    def subnets(self, network_id: str) -> list[Subnet]:
        """Return the subnets of a network."""
        with errors.translated('network', 'list the subnets'):
            return [_subnet(item) for item in self._neutron.subnets(network_id=network_id)]

    def public_network(self, network_id: str | None) -> Network:
        """Return the external network of public addresses.

        :param network_id: None: the first external network, by name and id.
        :raises CloudError: no network is external.
        """
        if network_id:
            return self.get_network(network_id)
        with errors.translated('network', 'list the external networks'):
            listed = [_network(item) for item in self._neutron.networks(is_router_external=True)]
        listed = [network for network in listed if network.is_external]
        if not listed:
            raise exception.CloudError(
                'This cloud has no network of public addresses; contact the operator.',
                code='floating_ip_failed', retriable=False,
                detail='no external network; set [network] public_network_id')
        return min(listed, key=lambda network: (network.name, network.id))

    def has_router(self, subnet_id: str) -> bool:
        """Return whether a router is attached to the subnet."""
        network_id = self.get_subnet(subnet_id).network_id
        with errors.translated('network', 'look for the router of the subnet'):
            listed = list(
                self._neutron.ports(network_id=network_id, device_owner=list(_ROUTER_PORTS)))
        return any(port.device_owner in _ROUTER_PORTS and
                   any(fixed.get('subnet_id') == subnet_id for fixed in port.fixed_ips or ())
                   for port in listed)

    # --- ports -----------------------------------------------------------------------------------

    def find_ports(self, instance_id: str) -> list[Port]:
        """Return the ports of an instance, management and tenant, oldest first."""
        return [*self._ports_named(names.management_port(instance_id)),
                *self._ports_named(names.tenant_port(instance_id))]

    def get_port(self, port_id: str) -> Port:
        """Return a port.

        :raises CloudNotFound: it does not exist.
        """
        with errors.translated('network', 'show the port'):
            return _port(self._neutron.get_port(port_id))

    def ensure_port(self, name: str, *, network_id: str, subnet_id: str | None = None,
                    address: str | None = None, security_group_ids: Iterable[str] = (),
                    description: str = '') -> Port:
        """Ensure a port of the service project with this name and exactly these security groups.

        :param address: the requested fixed address; requires a subnet.
        """
        groups = sorted(set(security_group_ids))
        found = self._ports_named(name)
        if found:
            if sorted(found[0].security_group_ids) == groups:
                return found[0]
            with errors.translated('network', 'change the port'):
                return _port(self._neutron.update_port(found[0].id, security_groups=groups))
        request: dict[str, Any] = {
            'name': name,
            'network_id': network_id,
            'security_groups': groups,
            'description': description,
            'project_id': self._project_id
        }
        fixed = {
            key: value
            for key, value in (('subnet_id', subnet_id), ('ip_address', address))
            if value
        }
        if fixed:
            request['fixed_ips'] = [fixed]
        with errors.translated('network', 'create the port'):
            return _port(self._neutron.create_port(**request))

    def list_ports(self) -> list[Port]:
        """Return all ports of the service project with a name of Trove."""
        with errors.translated('network', 'list the ports'):
            listed = list(self._neutron.ports(project_id=self._project_id))
        return [_port(item) for item in listed if (item.name or '').startswith(names.PREFIX)]

    def delete_port(self, port_id: str) -> None:
        """Delete a port, which may be gone already."""
        with errors.translated('network', 'delete the port'):
            self._neutron.delete_port(port_id, ignore_missing=True)

    def _ports_named(self, name: str) -> list[Port]:
        with errors.translated('network', 'look for the port'):
            listed = [item for item in self._neutron.ports(name=name, project_id=self._project_id)
                      if item.name == name and item.project_id == self._project_id]
        return [
            _port(item)
            for item in sorted(listed, key=lambda item: (item.created_at or '', item.id))
        ]

    # --- public addresses ------------------------------------------------------------------------

    def find_public_addresses(self, port_id: str, description: str) -> list[PublicAddress]:
        """Return the floating addresses with this description of a port, of any project.

        Addresses that a user assigned to the port have another description; Trove neither shows nor
        releases them.
        """
        with errors.translated('network', 'look for the public address'):
            listed = [item for item in self._neutron.ips(port_id=port_id)
                      if item.port_id == port_id and (item.description or '') == description]
        return [
            _public(item)
            for item in sorted(listed, key=lambda item: (item.created_at or '', item.id))
        ]

    def ensure_public_address(self, port: Port, *, network_id: str, project_id: str,
                              description: str) -> PublicAddress:
        """Ensure a floating address with this description for the port, owned by the tenant's
        project.
        """
        found = self.find_public_addresses(port.id, description)
        if found:
            return found[0]
        fixed = next((fixed.address for fixed in port.addresses if ':' not in fixed.address), None)
        if fixed is None:
            raise exception.CloudError('A public address requires an IPv4 subnet.',
                                       code='floating_ip_failed', retriable=False,
                                       detail=f'port {port.id} has no IPv4 address')
        with errors.translated('network', 'create the public address'):
            return _public(self._neutron.create_ip(floating_network_id=network_id, port_id=port.id,
                                                   fixed_ip_address=fixed, project_id=project_id,
                                                   description=description))

    def list_public_addresses(self) -> list[PublicAddress]:
        """Return the floating addresses with a description, of any project."""
        with errors.translated('network', 'list the public addresses'):
            return [_public(item) for item in self._neutron.ips() if item.description]

    def delete_public_address(self, address_id: str) -> None:
        """Release a floating address, which may be gone already."""
        with errors.translated('network', 'delete the public address'):
            self._neutron.delete_ip(address_id, ignore_missing=True)


def _network(item: Any) -> Network:
    return Network(id=item.id, name=item.name or '', subnet_ids=tuple(item.subnet_ids or ()),
                   is_external=bool(item.is_router_external))


def _subnet(item: Any) -> Subnet:
    return Subnet(id=item.id, network_id=item.network_id, cidr=item.cidr,
                  version=int(item.ip_version), gateway=item.gateway_ip)


def _port(item: Any) -> Port:
    addresses = tuple(
        FixedAddress(fixed['ip_address'], fixed['subnet_id']) for fixed in item.fixed_ips or ())
    return Port(id=item.id, name=item.name or '', network_id=item.network_id, mac=item.mac_address
                or '', addresses=addresses, security_group_ids=tuple(item.security_group_ids or ()),
                device_id=item.device_id or '')


def _public(item: Any) -> PublicAddress:
    return PublicAddress(id=item.id, address=item.floating_ip_address, port_id=item.port_id,
                         network_id=item.floating_network_id, description=item.description or '')
