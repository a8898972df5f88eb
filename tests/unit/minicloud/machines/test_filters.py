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
"""Text of a port's filter; tests with real machines check its effect."""

import pytest

from minicloud.hypervisor import FixedIP, PortSpec, RuleSpec
from minicloud.machines import filters


def port(*rules: RuleSpec, **more) -> PortSpec:
    return PortSpec('p1', 'fa:16:3e:00:00:01', 'n1', (
        FixedIP('10.0.0.5', 24, '10.0.0.1'), FixedIP('fd00::5', 64, None)), rules, **more)


def chain(text: str, name: str) -> list[str]:
    body = text.partition(f'  chain {name} {{\n')[2].partition('  }\n')[0]
    return [line.strip() for line in body.splitlines()]


def in_rules(rule: RuleSpec) -> list[str]:
    """Return the lines that one ingress rule adds to the chain."""
    without = chain(filters.table('tap', port()), 'to_machine')
    return [line for line in chain(filters.table('tap', port(rule)), 'to_machine')
            if line not in without]


def test_without_rules_everything_else_is_dropped():
    text = filters.table('tap', port())
    assert chain(text, 'to_machine')[-1] == 'drop'
    assert chain(text, 'from_machine')[-1] == 'drop'


def test_the_table_is_replaced_in_one_step_and_its_sets_are_kept():
    text = filters.table('tap', port())
    assert text.startswith('add table bridge tap\nflush table bridge tap\ntable bridge tap {')
    assert 'flush set' not in text and 'delete' not in text


def test_without_port_security_there_is_no_table():
    assert filters.table('tap', port(port_security=False)) == \
        'add table bridge tap\ndelete table bridge tap\n'


def test_only_packets_of_this_port_are_judged():
    text = filters.table('tap', port())
    assert chain(text, 'prerouting')[1:] == ['iifname "tap" jump from_machine']
    assert chain(text, 'postrouting')[1:] == ['oifname "tap" jump to_machine']


def test_foreign_sources_are_dropped_before_anything_is_accepted():
    lines = chain(filters.table('tap', port(RuleSpec('r', 'egress', 'IPv4'),
                                            allowed_addresses=('10.0.0.4', '10.9.0.0/16'))),
                  'from_machine')
    assert lines[0] == 'ether saddr != fa:16:3e:00:00:01 drop'
    spoofed = lines.index('ether type ip ip saddr != { 10.0.0.4/31, 10.9.0.0/16 } drop')
    assert all('udp sport' in line or 'arp' in line for line in lines[1:spoofed])
    assert 'ip6 saddr != { fe80::/10, fd00::5/128 } drop' in lines


@pytest.mark.parametrize('rule, expected', [
    (dict(protocol='tcp', port_min=3306, port_max=3306),
     ['ether type ip meta l4proto 6 th dport 3306 accept']),
    (dict(protocol='6', port_min=1, port_max=65535, remote_ip_prefix='10.1.2.3/8'),
     ['ether type ip ip saddr { 10.0.0.0/8 } meta l4proto 6 th dport 1-65535 accept']),
    (dict(protocol='tcp', remote_ip_prefix='0.0.0.0/0'),
     ['ether type ip meta l4proto 6 accept']),
    (dict(protocol='tcp', remote_addresses=('10.0.0.8', '10.0.0.9', 'fd00::9')),
     ['ether type ip ip saddr { 10.0.0.8/31 } meta l4proto 6 accept']),
    (dict(protocol='tcp', remote_addresses=()), []),
    (dict(protocol='tcp', remote_addresses=('fd00::9',)), []),
    (dict(protocol='udp', port_min=53),
     ['ether type ip meta l4proto 17 th dport 53 update @in_flows_ip { ip saddr . ip daddr . '
      'meta l4proto . th sport . th dport } accept']),
    (dict(protocol='icmp', port_min=8, port_max=0),
     ['ether type ip meta l4proto 1 icmp type 8 icmp code 0 update @in_pairs_ip '
      '{ ip saddr . ip daddr . meta l4proto } accept']),
    (dict(protocol='vrrp'),
     ['ether type ip meta l4proto 112 update @in_pairs_ip '
      '{ ip saddr . ip daddr . meta l4proto } accept']),
])
def test_rules(rule, expected):
    assert in_rules(RuleSpec('r', 'ingress', 'IPv4', **rule)) == expected


def test_a_rule_for_every_protocol_stores_packets_without_connections():
    lines = in_rules(RuleSpec('r', 'ingress', 'IPv6', remote_ip_prefix='fd00::/64'))
    assert [line.rsplit('update', 1)[0].strip() for line in lines] == [
        'ether type ip6 ip6 saddr { fd00::/64 } meta l4proto { 17, 33, 132, 136 }',
        'ether type ip6 ip6 saddr { fd00::/64 } meta l4proto != { 6, 17, 33, 132, 136 }',
        'ether type ip6 ip6 saddr { fd00::/64 } accept']


def test_directions_do_not_mix():
    text = filters.table('tap', port(
        RuleSpec('i', 'ingress', 'IPv4', 'tcp', 1111),
        RuleSpec('e', 'egress', 'IPv4', 'tcp', 2222)))
    assert '1111' not in ' '.join(chain(text, 'from_machine'))
    assert '2222' not in ' '.join(chain(text, 'to_machine'))


def test_replies_are_recognised_by_the_other_direction():
    text = filters.table('tap', port())
    assert any('@out_flows_ip ' in line for line in chain(text, 'to_machine'))
    assert any('@in_flows_ip ' in line for line in chain(text, 'from_machine'))


@pytest.mark.parametrize('name, number', [
    (None, None), ('any', None), ('TCP', 6), ('ipv6-icmp', 58), ('132', 132)])
def test_protocol_numbers(name, number):
    assert filters.protocol_number(name) == number
