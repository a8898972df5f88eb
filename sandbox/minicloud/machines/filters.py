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
"""Packet filter of a port, as text for nft.

Each port has one table of the bridge family, outside of the machine, where the machine's root
cannot change it. Not every host tracks connections on bridges, so replies are recognised
otherwise. TCP segments that do not open a connection pass. For UDP and similar protocols, sets of
the table store the addresses and ports of passed packets for three minutes; for other protocols,
the addresses.
"""

import ipaddress
from collections.abc import Iterable

from minicloud.hypervisor import PortSpec, RuleSpec

#: Protocol names that Neutron accepts -> their numbers.
PROTOCOLS = {
    'ah': 51, 'dccp': 33, 'egp': 8, 'esp': 50, 'gre': 47, 'icmp': 1, 'icmpv6': 58, 'igmp': 2,
    'ipip': 4, 'ipv6-encap': 41, 'ipv6-frag': 44, 'ipv6-icmp': 58, 'ipv6-nonxt': 59,
    'ipv6-opts': 60, 'ipv6-route': 43, 'ospf': 89, 'pgm': 113, 'rsvp': 46, 'sctp': 132, 'tcp': 6,
    'udp': 17, 'udplite': 136, 'vrrp': 112,
}
_TCP, _ICMP, _ICMPV6 = 6, 1, 58
#: Connectionless protocols with headers that begin with two ports.
_DATAGRAMS = '{ 17, 33, 132, 136 }'
_NOT_OTHERS = '{ 6, 17, 33, 132, 136 }'
_SERVERS_TO_CLIENT = {'ip': 'udp sport 67 udp dport 68', 'ip6': 'udp sport 547 udp dport 546'}
_CLIENT_TO_SERVERS = {'ip': 'udp sport 68 udp dport 67', 'ip6': 'udp sport 546 udp dport 547'}


def table(tap: str, port: PortSpec) -> str:
    """Return the nft commands that update the filter of a port to its rules in one step.

    The stored addresses of passed packets are kept. A port without port security has no table.

    :param tap: name of the host's end of the port's veth pair; also the table's name.
    """
    head = f'add table bridge {tap}\n'
    if not port.port_security:
        return head + f'delete table bridge {tap}\n'
    chains = {'from_machine': _from_machine(port), 'to_machine': _to_machine(port)}
    lines = [f'table bridge {tap} {{']
    for family, address in (('ip', 'ipv4_addr'), ('ip6', 'ipv6_addr')):
        for direction in ('out', 'in'):
            lines += _memory(f'{direction}_flows_{family}',
                             f'{address} . {address} . inet_proto . inet_service . inet_service')
            lines += _memory(f'{direction}_pairs_{family}',
                             f'{address} . {address} . inet_proto')
    for name, rules in chains.items():
        lines += [f'  chain {name} {{'] + [f'    {rule}' for rule in rules] + ['  }']
    lines += [
        '  chain prerouting {',
        '    type filter hook prerouting priority 0; policy accept;',
        f'    iifname "{tap}" jump from_machine',
        '  }',
        '  chain postrouting {',
        '    type filter hook postrouting priority 0; policy accept;',
        f'    oifname "{tap}" jump to_machine',
        '  }',
        '}']
    # "flush table" empties the chains and keeps the sets.
    return head + f'flush table bridge {tap}\n' + '\n'.join(lines) + '\n'


def _memory(name: str, key: str) -> list[str]:
    return [f'  set {name} {{', f'    type {key}', '    flags dynamic,timeout',
            '    timeout 3m', '    size 65535', '  }']


def _from_machine(port: PortSpec) -> list[str]:
    """Return the rules for the machine's output: only its own addresses, only allowed packets."""
    own = {family: _sources(port, family) for family in ('ip', 'ip6')}
    rules = [f'ether saddr != {port.mac} drop']
    rules += [f'ether type ip {_CLIENT_TO_SERVERS["ip"]} accept',
              f'ether type ip6 {_CLIENT_TO_SERVERS["ip6"]} accept']
    if own['ip']:
        rules += [f'arp saddr ether {port.mac} arp saddr ip {_set(own["ip"])} accept',
                  f'ether type ip ip saddr != {_set(own["ip"])} drop']
    else:
        rules.append('ether type ip drop')
    # Duplicate address detection sends from the unspecified address.
    rules += ['ip6 saddr { ::, fe80::/10 } icmpv6 type { nd-router-solicit, nd-neighbor-solicit, '
              'nd-neighbor-advert, mld-listener-report, mld2-listener-report } accept',
              f'ip6 saddr != {_set(["fe80::/10", *own["ip6"]])} drop',
              'icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept',
              'icmpv6 type { nd-router-advert, nd-redirect } drop',
              'ether type != { ip, ip6 } drop']
    rules += _replies('in')
    for rule in port.rules:
        if rule.direction == 'egress':
            rules += _rule(rule, 'out')
    return rules + ['drop']


def _to_machine(port: PortSpec) -> list[str]:
    """Return the rules for packets to the machine."""
    rules = ['ether type arp accept',
             f'ether type ip {_SERVERS_TO_CLIENT["ip"]} accept',
             f'ether type ip6 {_SERVERS_TO_CLIENT["ip6"]} accept',
             'icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept',
             'ether type != { ip, ip6 } drop']
    rules += _replies('out')
    for rule in port.rules:
        if rule.direction == 'ingress':
            rules += _rule(rule, 'in')
    return rules + ['drop']


def _sources(port: PortSpec, family: str) -> list[str]:
    """Return the addresses of one family that the machine may use as its own, overlaps merged."""
    version = 4 if family == 'ip' else 6
    mine = [ipaddress.ip_network(fixed.address) for fixed in port.fixed_ips]
    mine += [ipaddress.ip_network(address, strict=False) for address in port.allowed_addresses]
    merged = ipaddress.collapse_addresses([net for net in mine if net.version == version])
    return [str(net) for net in merged]


def _replies(direction: str) -> list[str]:
    """Return the rules that pass replies to packets that passed in ``direction``."""
    rules = ['tcp flags & (syn|ack) != syn accept',
             # Only the first fragment has ports; the other fragments are useless without it.
             'ip frag-off & 0x1fff != 0 accept',
             'icmp type { destination-unreachable, time-exceeded, parameter-problem } accept',
             'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, '
             'parameter-problem } accept']
    for family in ('ip', 'ip6'):
        ends = f'{family} daddr . {family} saddr . meta l4proto'
        rules += [f'meta l4proto {_DATAGRAMS} {ends} . th dport . th sport '
                  f'@{direction}_flows_{family} accept',
                  f'meta l4proto != {_NOT_OTHERS} {ends} @{direction}_pairs_{family} accept']
    return rules


def _rule(rule: RuleSpec, direction: str) -> list[str]:
    """Return the nft rules that pass and store the packets which one security group rule allows."""
    family = 'ip' if rule.ethertype.lower() == 'ipv4' else 'ip6'
    match = [f'ether type {family}']
    remote = _remote(rule, family)
    if remote is not None:
        if not remote:
            return []
        match.append(f'{family} {"saddr" if direction == "in" else "daddr"} {_set(remote)}')
    protocol = protocol_number(rule.protocol)
    if protocol is not None:
        match.append(f'meta l4proto {protocol}')
        match += _ports(rule, protocol, family)
    text = ' '.join(match)
    ends = f'{family} saddr . {family} daddr . meta l4proto'
    flows = f'update @{direction}_flows_{family} {{ {ends} . th sport . th dport }} accept'
    pairs = f'update @{direction}_pairs_{family} {{ {ends} }} accept'
    if protocol is None:
        return [f'{text} meta l4proto {_DATAGRAMS} {flows}',
                f'{text} meta l4proto != {_NOT_OTHERS} {pairs}', f'{text} accept']
    if protocol == _TCP:
        return [f'{text} accept']
    return [f'{text} {flows if protocol in (17, 33, 132, 136) else pairs}']


def protocol_number(name: str | None) -> int | None:
    """Return the number of a protocol given by name or number; None is any protocol."""
    if name is None or name.lower() in ('any', '-1', '0'):
        return None
    return PROTOCOLS[name.lower()] if name.lower() in PROTOCOLS else int(name)


def _remote(rule: RuleSpec, family: str) -> list[str] | None:
    """Return the remote networks; None is any, an empty list is none."""
    version = 4 if family == 'ip' else 6
    if rule.remote_addresses is not None:
        nets = [ipaddress.ip_network(address) for address in rule.remote_addresses]
        return [str(net) for net in
                ipaddress.collapse_addresses([net for net in nets if net.version == version])]
    if rule.remote_ip_prefix is None:
        return None
    net = ipaddress.ip_network(rule.remote_ip_prefix, strict=False)
    return None if net.prefixlen == 0 else [str(net)]


def _ports(rule: RuleSpec, protocol: int, family: str) -> list[str]:
    """Return the match of the port range, or of type and code."""
    if rule.port_min is None:
        return []
    if protocol in (_ICMP, _ICMPV6):
        word = 'icmp' if family == 'ip' else 'icmpv6'
        code = [] if rule.port_max is None else [f'{word} code {rule.port_max}']
        return [f'{word} type {rule.port_min}', *code]
    last = rule.port_min if rule.port_max is None else rule.port_max
    return [f'th dport {rule.port_min}' if last == rule.port_min
            else f'th dport {rule.port_min}-{last}']


def _set(values: Iterable[str]) -> str:
    return '{ ' + ', '.join(values) + ' }'
