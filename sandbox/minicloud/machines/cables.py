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
"""Bridges, network namespaces and the veth pairs between them.

A network is a bridge on which the host has the gateways' addresses. A running machine has a
network namespace with one veth pair per port.
"""

import ipaddress
import json
import logging
import os
import pathlib
import threading
from collections.abc import Collection

from minicloud.hypervisor import FloatingSpec, HypervisorError, NetworkSpec, PortSpec, SubnetSpec
from minicloud.machines import filters, routing
from minicloud.machines.commands import attempt, run
from minicloud.machines.layout import Layout
from minicloud.machines.records import Card, Network, read_json, write_json

LOG = logging.getLogger(__name__)
_NAMESPACES = pathlib.Path('/run/netns')
_INTERFACES = pathlib.Path('/sys/class/net')


class Networks:
    """Networks of a sandbox, thread-safe."""

    def __init__(self, layout: Layout):
        self._layout = layout
        self._lock = threading.RLock()
        layout.networks.mkdir(parents=True, exist_ok=True, mode=0o700)

    # Networks

    def all(self) -> dict[str, Network]:
        """Return the recorded networks by id."""
        found = {}
        for path in self._layout.networks.glob('network-*.json'):
            network = Network(**read_json(path))
            found[network.id] = network
        return found

    def get(self, network_id: str) -> Network:
        """Return one network; raise HypervisorError if it is unknown."""
        document = read_json(self._record(network_id))
        if document is None:
            raise HypervisorError(f'Network {network_id} is not known to this host.')
        return Network(**document)

    def mtus(self) -> dict[str, int]:
        """Return network id -> MTU."""
        return {network.id: network.mtu for network in self.all().values()}

    def plug(self, spec: NetworkSpec, subnets: tuple[SubnetSpec, ...]) -> None:
        """Create the bridge of a network and give the host its addresses on it."""
        with self._lock:
            known = read_json(self._record(spec.id))
            bridge = known['bridge'] if known else spec.bridge or self._layout.bridge(spec.id)
            network = Network(spec.id, bridge, spec.mtu, spec.external,
                              {subnet.id: [subnet.cidr, subnet.gateway] for subnet in subnets})
            self._refuse_overlap(network)
            self._make_bridge(network, _host_addresses(Network(**known)) if known else set())
            write_json(self._record(spec.id), vars(network))
            self._apply_routing()

    def unplug(self, network_id: str) -> None:
        """Remove the bridge of a network."""
        with self._lock:
            document = read_json(self._record(network_id))
            if document is None:
                return
            attempt('ip', 'link', 'delete', document['bridge'])
            self._record(network_id).unlink(missing_ok=True)
            self._apply_routing()

    def restore(self) -> None:
        """Recreate bridges and tables after a restart of the host."""
        with self._lock:
            networks = self.all()
            for network in networks.values():
                self._make_bridge(network)
            if networks:
                self._apply_routing()

    def bind(self, floating: FloatingSpec, fixed_address: str) -> None:
        """Route a floating address to a fixed one."""
        with self._lock:
            bound = read_json(self._floating) or {}
            bound[floating.id] = [floating.address, fixed_address]
            write_json(self._floating, bound)
            self._apply_routing()

    def unbind(self, floating_id: str) -> None:
        """Remove the route of a floating address."""
        with self._lock:
            bound = read_json(self._floating) or {}
            if bound.pop(floating_id, None) is not None:
                write_json(self._floating, bound)
                self._apply_routing()

    @property
    def _floating(self) -> pathlib.Path:
        return self._layout.networks / 'floating.json'

    def _record(self, network_id: str) -> pathlib.Path:
        return self._layout.networks / f'network-{network_id}.json'

    def _refuse_overlap(self, network: Network) -> None:
        """Raise if a subnet overlaps another; all networks share the host's routing table."""
        taken = [(cidr, f'network {other.id}') for other in self.all().values()
                 if other.id != network.id for cidr, _gateway in other.subnets.values()]
        links = json.loads(run('ip', '-j', 'address', 'show'))
        taken += [(f'{info["local"]}/{info["prefixlen"]}', f'the host ({link["ifname"]})')
                  for link in links if link.get('ifname') != network.bridge
                  for info in link.get('addr_info', ()) if info.get('scope') == 'global']
        for cidr, _gateway in network.subnets.values():
            mine = ipaddress.ip_network(cidr)
            for text, owner in taken:
                theirs = ipaddress.ip_network(text, strict=False)
                if mine.version == theirs.version and mine.overlaps(theirs):
                    raise HypervisorError(
                        f'Subnet {cidr} overlaps {theirs} of {owner}; networks need addresses '
                        'nobody else uses on this host.')

    def _make_bridge(self, network: Network, ours: Collection[str] = ()) -> None:
        """Create or update the bridge of a network.

        :param ours: addresses set before by minicloud; other addresses are the operator's and
            kept.
        """
        bridge = network.bridge
        if not (_INTERFACES / bridge).exists():
            run('ip', 'link', 'add', bridge, 'type', 'bridge')
        # Without a fixed MAC address the bridge's address would change with every machine.
        tail = bridge.encode().hex()[-10:].rjust(10, '0')
        mac = ':'.join(['02'] + [tail[i:i + 2] for i in range(0, 10, 2)])
        run('ip', 'link', 'set', bridge, 'address', mac, 'type', 'bridge', 'stp_state', '0',
            'forward_delay', '0', 'mcast_snooping', '0')
        _set_kernel(f'ipv6/conf/{bridge}/accept_ra', '0')
        _set_kernel(f'ipv4/conf/{bridge}/forwarding', '1')
        run('ip', 'link', 'set', bridge, 'mtu', str(network.mtu), 'up')
        expected = _host_addresses(network)
        present = _addresses(bridge)
        for address in (present & set(ours)) - expected:
            run('ip', 'address', 'delete', address, 'dev', bridge)
        for address in expected - present:
            flags = ('nodad',) if ':' in address else ()
            run('ip', 'address', 'add', address, 'dev', bridge, *flags)

    def _apply_routing(self) -> None:
        bound = read_json(self._floating) or {}
        text = routing.ruleset(self._layout.host_table, self.all().values(),
                               {address: fixed for address, fixed in bound.values()})
        run('nft', '-f', '-', stdin=text)

    # Machines

    def namespace(self, server_id: str) -> pathlib.Path:
        """Return the path of a machine's network namespace, which exists while the machine runs."""
        return _NAMESPACES / self._layout.machine_name(server_id)

    def make_namespace(self, server_id: str) -> None:
        """Create the machine's network namespace if it is missing."""
        if not self.namespace(server_id).exists():
            run('ip', 'netns', 'add', self._layout.machine_name(server_id))

    def delete_namespace(self, server_id: str, cards: list[Card]) -> None:
        """Remove the machine's namespace, veth pairs and filters."""
        for card in cards:
            self.unplug_card(card)
        if self.namespace(server_id).exists():
            run('ip', 'netns', 'delete', self._layout.machine_name(server_id))

    def plug_card(self, server_id: str, card: Card, port: PortSpec) -> None:
        """Create the veth pair of a port with its filter and plug it into its bridge."""
        network = self.get(card.network_id)
        name = self._layout.machine_name(server_id)
        self.apply_filter(port)
        if not (_INTERFACES / card.tap).exists():
            run('ip', 'link', 'add', card.tap, 'mtu', str(network.mtu), 'type', 'veth',
                'peer', 'name', card.name, 'address', card.mac, 'mtu', str(network.mtu),
                'netns', name)
            _set_kernel(f'ipv6/conf/{card.tap}/disable_ipv6', '1')
        run('ip', 'link', 'set', card.tap, 'master', network.bridge, 'up')

    def unplug_card(self, card: Card) -> None:
        """Remove the veth pair of a port and its filter."""
        if (_INTERFACES / card.tap).exists():
            attempt('ip', 'link', 'delete', card.tap)
        # Deletion needs an existing table; adding an existing one is no error.
        run('nft', '-f', '-', stdin=f'add table bridge {card.tap}\n'
                                    f'delete table bridge {card.tap}\n')

    def address_card(self, server_id: str, card: Card) -> None:
        """Give a card of a running machine its addresses, as DHCP would."""
        inside = ('ip', '-n', self._layout.machine_name(server_id))
        run(*inside, 'link', 'set', card.name, 'up')
        expected = {f'{address}/{prefixlen}' for address, prefixlen, _g, _d in card.fixed_ips}
        present = _addresses(card.name, self._layout.machine_name(server_id))
        for address in present - expected:
            run(*inside, 'address', 'delete', address, 'dev', card.name)
        for address in expected - present:
            run(*inside, 'address', 'add', address, 'dev', card.name)
        for _address, _prefixlen, gateway, _dns in card.fixed_ips:
            if gateway is not None:
                # The first card with a gateway keeps the default route.
                attempt(*inside, 'route', 'append', 'default', 'via', gateway, 'dev', card.name)

    def apply_filter(self, port: PortSpec) -> None:
        """Update the filter of a port to its rules."""
        run('nft', '-f', '-', stdin=filters.table(self._layout.tap(port.id), port))

    def has_card(self, port_id: str) -> bool:
        """Return whether a port's veth pair exists on the host."""
        return (_INTERFACES / self._layout.tap(port_id)).exists()


def _host_addresses(network: Network) -> set[str]:
    """Return the host's gateway addresses on the network, with prefix length."""
    return {f'{gateway}/{ipaddress.ip_network(cidr).prefixlen}'
            for cidr, gateway in network.subnets.values() if gateway is not None}


def _addresses(interface: str, namespace: str | None = None) -> set[str]:
    """Return the addresses of an interface, with prefix length, without link-local ones."""
    where = () if namespace is None else ('-n', namespace)
    links = json.loads(run('ip', '-j', *where, 'address', 'show', 'dev', interface))
    return {f'{info["local"]}/{info["prefixlen"]}' for link in links
            for info in link.get('addr_info', ()) if info.get('scope') != 'link'}


def _set_kernel(path: str, value: str) -> None:
    """Set a network parameter of the kernel; hosts without IPv6 lack some."""
    target = pathlib.Path('/proc/sys/net') / path
    if target.exists() and target.read_text(encoding='ascii').strip() != value:
        with open(target, 'w', encoding='ascii') as stream:
            stream.write(value + os.linesep)
