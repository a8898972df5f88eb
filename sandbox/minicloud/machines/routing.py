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
"""Forwarding rules between networks and floating addresses, as text for nft.

Networks of the cloud reach each other only through floating addresses. Machines reach only the
host's addresses on their own network.
"""

from collections.abc import Iterable, Mapping

from minicloud.machines.records import Network


def ruleset(name: str, networks: Iterable[Network], floating: Mapping[str, str]) -> str:
    """Return the nft commands that update the host's tables to this state in one step.

    :param name: name of both tables (``inet`` for forwarding, ``ip`` for translation).
    :param floating: floating address -> fixed address it leads to (IPv4).
    """
    known = list(networks)
    return _forwarding(name, known) + _translation(name, known, floating)


def _forwarding(name: str, networks: list[Network]) -> str:
    lines = [f'add table inet {name}', f'flush table inet {name}', f'table inet {name} {{',
             '  chain forward {',
             '    type filter hook forward priority 0; policy accept;']
    bridges = ', '.join(f'"{network.bridge}"' for network in networks)
    if bridges:
        # On hosts that filter bridged frames, those frames pass this chain too.
        lines += [f'    iifname "{network.bridge}" oifname "{network.bridge}" accept'
                  for network in networks]
        lines += ['    ct state established,related accept',
                  '    ct status dnat accept',
                  f'    iifname {{ {bridges} }} drop',
                  f'    oifname {{ {bridges} }} drop']
    lines += ['  }', '  chain input {', '    type filter hook input priority 0; policy accept;']
    lines += [f'    iifname "{network.bridge}" meta pkttype host ct direction original '
              'fib daddr . iif type != local drop' for network in networks]
    return '\n'.join(lines + ['  }', '}']) + '\n'


def _translation(name: str, networks: list[Network], floating: Mapping[str, str]) -> str:
    pairs = sorted(floating.items())
    to_fixed = ', '.join(f'{address} : {fixed}' for address, fixed in pairs)
    # A fixed address with two floating ones sends from the first.
    outgoing = {fixed: address for address, fixed in reversed(pairs)}
    to_floating = ', '.join(f'{fixed} : {address}' for fixed, address in sorted(outgoing.items()))
    lines = [f'add table ip {name}', f'flush table ip {name}']
    for title, elements in (('to_fixed', to_fixed), ('to_floating', to_floating)):
        lines += [f'add map ip {name} {title} {{ type ipv4_addr : ipv4_addr; }}',
                  f'flush map ip {name} {title}']
        if elements:
            lines.append(f'add element ip {name} {title} {{ {elements} }}')
    lines += [
        f'table ip {name} {{',
        '  chain prerouting {',
        '    type nat hook prerouting priority -100; policy accept;',
        '    dnat to ip daddr map @to_fixed', '  }',
        '  chain output {',
        '    type nat hook output priority -100; policy accept;',
        '    dnat to ip daddr map @to_fixed', '  }',
        '  chain postrouting {',
        '    type nat hook postrouting priority 100; policy accept;',
        '    ct status dnat snat to ip saddr map @to_floating']
    # Replies between neighbours that use a floating address must pass the host as well.
    lines += [f'    ct status dnat iifname "{bridge}" oifname "{bridge}" masquerade'
              for bridge in (network.bridge for network in networks)]
    lines += ['  }', '}']
    return '\n'.join(lines) + '\n'
