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

"""The guest's packet filter: how it finds the management side, and what it then closes."""

import ipaddress
import pathlib
import sys
import types

import pytest

PROGRAM = pathlib.Path(
    __file__).resolve().parents[3] / 'image/common/files/usr/lib/trove-guest/firewall'


def _load() -> types.ModuleType:
    """The program as a module; it has no suffix and must not leave byte code in the image's files.
    """
    module = types.ModuleType('guest_firewall')
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(compile(PROGRAM.read_text(), str(PROGRAM), 'exec'), module.__dict__)
    return module


firewall = _load()
BROKER = ipaddress.ip_address('172.24.0.1')
ON_LINK = {'dst': '172.24.0.0/24', 'dev': 'eth0', 'prefsrc': '172.24.0.5'}
TENANT_LINK = {'dst': '172.24.1.0/24', 'dev': 'eth1', 'prefsrc': '172.24.1.5'}
TENANT_GATEWAY = {'dst': 'default', 'gateway': '172.24.1.1', 'dev': 'eth1'}


@pytest.mark.parametrize('url, hosts', [
    ('rabbit://u:p@172.24.0.1:5672/guest', ['172.24.0.1']),
    ('rabbit://u:p@a:1,u:p@b:2/', ['a', 'b']),
    ('trove-guest+rabbit://u:p%40@[fd00::1]:5672/v', ['fd00::1']),
    ('rabbit://broker/v', ['broker']),
    ('rabbit:///v', []),
    ('', []),
])
def test_hosts_of_a_transport_url(url, hosts):
    assert firewall.broker_hosts(url) == hosts


def test_the_operators_file_wins_over_the_guests_own(tmp_path):
    (tmp_path /
     'guest_info.conf').write_text('[DEFAULT]\na = 1\n[guest_bus]\ntransport_url = rabbit://one/\n')
    assert firewall.transport_url(tmp_path) == 'rabbit://one/'
    (tmp_path /
     'trove-guestagent.conf').write_text('[guest_bus]\ntransport_url = rabbit://two/%2F\n')
    assert firewall.transport_url(tmp_path) == 'rabbit://two/%2F'


def test_without_configuration_there_is_no_bus(tmp_path):
    assert firewall.transport_url(tmp_path / 'missing') == ''


@pytest.mark.parametrize(
    'routes, used, interfaces, separate',
    [
        # A management interface and a tenant's.
        ([ON_LINK, TENANT_LINK, TENANT_GATEWAY], {'eth0', 'eth1'}, ('eth0',), True),
        # The broker behind a route of its own on the management side.
        ([{
            'dst': '172.24.0.1',
            'gateway': '10.0.0.1',
            'dev': 'eth2'
        }, TENANT_GATEWAY], {'eth1', 'eth2'}, ('eth2',), True),
        # One interface for all.
        ([ON_LINK, {
            'dst': 'default',
            'gateway': '172.24.0.254',
            'dev': 'eth0'
        }], {'eth0'}, ('eth0',), False),
        # The broker behind the tenant's gateway.
        ([TENANT_LINK, TENANT_GATEWAY, {
            'dst': '10.1.0.0/16',
            'dev': 'eth0'
        }], {'eth0', 'eth1'}, ('eth1',), False),
        # The smaller metric wins.
        ([{
            **ON_LINK, 'metric': 200
        }, {
            **ON_LINK, 'dev': 'eth3',
            'metric': 100
        }, TENANT_GATEWAY], {'eth0', 'eth1', 'eth3'}, ('eth3',), True),
    ])
def test_management_side(routes, used, interfaces, separate):
    side = firewall.management_side([BROKER], routes, used)
    assert (side.interfaces, side.separate) == (interfaces, separate)


def test_no_route_no_management_side():
    assert firewall.management_side([BROKER], [TENANT_LINK], {'eth1'}) is None
    assert firewall.management_side([], [ON_LINK], {'eth0'}) is None
    six = {'dst': 'default', 'gateway': 'fe80::1', 'dev': 'eth0'}
    assert firewall.management_side([BROKER], [six], {'eth0'}) is None


def _chain(text: str, name: str) -> list[str]:
    body = text.partition(f'chain {name} {{')[2].partition('\n  }')[0]
    return [line.strip() for line in body.splitlines() if line.strip()]


def test_closed_until_the_side_is_known():
    rules = _chain(firewall.ruleset([3306], None), 'engine')
    assert rules[0] == 'oifname "lo" accept'
    assert rules[-1] == 'ct state new reject'
    assert 'ip daddr 169.254.169.254 reject' in rules


def test_a_separate_side_is_closed_for_the_engine_and_from_outside():
    text = firewall.ruleset([3306, 999], firewall.ManagementSide((BROKER,), ('eth0',), True))
    assert 'oifname { "eth0" } reject' in _chain(text, 'engine')
    assert 'meta skuid { 999, 3306 } jump engine' in _chain(text, 'output')
    incoming = _chain(text, 'input')
    assert incoming[1] == 'iifname != { "eth0" } accept'
    assert incoming[-1] == 'drop'


def test_a_shared_side_closes_only_the_broker():
    six = ipaddress.ip_address('fd00::1')
    text = firewall.ruleset([3306], firewall.ManagementSide((BROKER, six), ('eth0',), False))
    engine = _chain(text, 'engine')
    assert engine[-2:] == ['ip daddr 172.24.0.1 reject', 'ip6 daddr fd00::1 reject']
    assert _chain(text, 'input') == ['type filter hook input priority 0; policy accept;']
