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
"""Text of the host's forwarding and translation tables."""

from minicloud.machines import routing
from minicloud.machines.records import Network

ONE = Network('1', 'br1', 1500, False, {'s': ['10.0.1.0/24', '10.0.1.1']})
TWO = Network('2', 'br2', 1500, True, {'s': ['10.0.2.0/24', None]})


def lines(*networks: Network, **floating: str) -> list[str]:
    text = routing.ruleset('t', networks, {'10.0.2.' + key[1:]: value
                                           for key, value in floating.items()})
    return [line.strip() for line in text.splitlines()]


def test_networks_reach_only_themselves():
    found = lines(ONE, TWO)
    allowed = found.index('iifname "br1" oifname "br1" accept')
    dropped = found.index('iifname { "br1", "br2" } drop')
    assert allowed < found.index('ct status dnat accept') < dropped
    assert 'oifname { "br1", "br2" } drop' in found
    assert 'iifname "br1" oifname "br2" accept' not in found


def test_the_hosts_addresses_on_other_networks_are_out_of_reach():
    assert ('iifname "br2" meta pkttype host ct direction original '
            'fib daddr . iif type != local drop') in lines(ONE, TWO)


def test_without_networks_nothing_is_dropped():
    assert not [line for line in lines() if 'drop' in line]


def test_floating_addresses_lead_in_and_out():
    found = lines(ONE, TWO, _7='10.0.1.5', _6='10.0.1.5', _9='10.0.1.6')
    assert 'add element ip t to_fixed { 10.0.2.6 : 10.0.1.5, 10.0.2.7 : 10.0.1.5, ' \
        '10.0.2.9 : 10.0.1.6 }' in found
    # One address has two floating ones and sends from the first.
    assert 'add element ip t to_floating { 10.0.1.5 : 10.0.2.6, 10.0.1.6 : 10.0.2.9 }' in found


def test_released_addresses_are_forgotten():
    found = lines(ONE)
    assert found.index('add map ip t to_fixed { type ipv4_addr : ipv4_addr; }') + 1 == \
        found.index('flush map ip t to_fixed')
    assert not [line for line in found if line.startswith('add element')]
