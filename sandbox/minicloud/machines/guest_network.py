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
"""Configuration of a machine's systemd-networkd in addition to the config drive.

The machine sees a host directory as /run/systemd/network. Its files disable router advertisements
on networks without IPv6, because networkd would wait 14 seconds for a router before the network is
online. They also set the addresses of cards that were added or changed after the first boot, when
cloud-init configures the network for the only time.
"""

import ipaddress
import pathlib
import shutil

from minicloud.machines.records import Card


def _quiet(card: Card) -> list[str]:
    """Return settings that keep networkd from waiting for IPv6 routers that do not exist."""
    has_ipv6 = any(ipaddress.ip_address(fixed[0]).version == 6 for fixed in card.fixed_ips)
    return ['IPv6AcceptRA=no'] + ([] if has_ipv6 else ['LinkLocalAddressing=no'])


def drop_in(card: Card) -> str:
    """Return the addition to cloud-init's own configuration of a card."""
    return '\n'.join(['[Network]', *_quiet(card)]) + '\n'


def unit(card: Card, routed: set[int]) -> str:
    """Return the complete configuration of a card that cloud-init does not know.

    :param routed: IP versions with a default route through an earlier card; this card's are added.
    """
    lines = ['[Match]', f'MACAddress={card.mac}', '', '[Network]', 'DHCP=no', *_quiet(card)]
    servers: list[str] = []
    sections: list[str] = []
    for address, prefixlen, gateway, dns in card.fixed_ips:
        sections += ['', '[Address]', f'Address={address}/{prefixlen}']
        version = ipaddress.ip_address(address).version
        if gateway is not None and version not in routed:
            routed.add(version)
            sections += ['', '[Route]', f'Gateway={gateway}']
        servers += [server for server in dns if server not in servers]
    lines += [f'DNS={server}' for server in servers]
    return '\n'.join(lines + sections) + '\n'


def files(cards: list[Card], readdressed: bool) -> dict[str, str]:
    """Return path below /run/systemd/network -> content, for all cards of a machine."""
    shown: dict[str, str] = {}
    routed: set[int] = set()
    for card in cards:
        shown[f'10-cloud-init-{card.name}.network.d/50-no-router.conf'] = drop_in(card)
        if readdressed:
            # The name sorts before cloud-init's file; networkd uses the first match.
            shown[f'05-port-{card.name}.network'] = unit(card, routed)
    return shown


def write(directory: pathlib.Path, cards: list[Card], readdressed: bool) -> None:
    """Write exactly these files to the directory, keeping the directory itself."""
    contents = files(cards, readdressed)
    directory.mkdir(parents=True, exist_ok=True, mode=0o755)
    for child in directory.iterdir():
        if child.is_dir():
            shutil.rmtree(child)
        else:
            child.unlink()
    for name, text in contents.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True, mode=0o755)
        path.write_text(text, encoding='utf-8')
        path.chmod(0o644)
