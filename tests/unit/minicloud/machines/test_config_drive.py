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
"""Files of a config drive."""

import json

import pytest

from minicloud.hypervisor import FixedIP, KeyPair, PortSpec, ServerSpec
from minicloud.machines import config_drive

PORT = PortSpec('aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', 'fa:16:3e:00:00:01', 'n1', (
    FixedIP('10.0.0.5', 24, '10.0.0.1', ('10.0.0.2', '10.0.0.3')),
    FixedIP('fd00::5', 64, None)))
SIDE = PortSpec('p2', 'fa:16:3e:00:00:02', 'n2', (FixedIP('10.1.0.5', 16, None, ('10.0.0.2',)),))
SPEC = ServerSpec('id1', 'My server', 'p1', '/image', 1, 512, 5, {'a': 'b'}, b'server',
                  True, (KeyPair('k', 'ssh-rsa AAA'),), (PORT, SIDE), availability_zone='z')


def test_meta_data():
    document = config_drive.meta_data(SPEC)
    assert document['uuid'] == 'id1' and document['name'] == 'My server'
    assert document['meta'] == {'a': 'b'}
    assert document['hostname'] == 'my-server'
    assert document['availability_zone'] == 'z' and document['project_id'] == 'p1'
    assert document['public_keys'] == {'k': 'ssh-rsa AAA'}
    assert document['keys'] == [{'name': 'k', 'type': 'ssh', 'data': 'ssh-rsa AAA'}]


def test_network_data():
    document = config_drive.network_data((PORT, SIDE), {'n1': 1450})
    assert document['links'] == [
        {'id': 'tapaaaaaaaa-bb', 'vif_id': PORT.id, 'type': 'bridge', 'mtu': 1450,
         'ethernet_mac_address': 'fa:16:3e:00:00:01'},
        {'id': 'tapp2', 'vif_id': 'p2', 'type': 'bridge', 'mtu': 1500,
         'ethernet_mac_address': 'fa:16:3e:00:00:02'}]
    first, second, third = document['networks']
    assert first == {
        'id': 'network0', 'network_id': 'n1', 'link': 'tapaaaaaaaa-bb', 'type': 'ipv4',
        'ip_address': '10.0.0.5', 'netmask': '255.255.255.0',
        'routes': [{'network': '0.0.0.0', 'netmask': '0.0.0.0', 'gateway': '10.0.0.1'}],
        'services': [{'type': 'dns', 'address': '10.0.0.2'},
                     {'type': 'dns', 'address': '10.0.0.3'}]}
    assert (second['type'], second['netmask'], second['routes']) == (
        'ipv6', 'ffff:ffff:ffff:ffff::', [])
    assert (third['link'], third['netmask'], third['routes']) == ('tapp2', '255.255.0.0', [])
    assert [service['address'] for service in document['services']] == ['10.0.0.2', '10.0.0.3']


def test_only_the_first_card_leads_to_the_world():
    other = PortSpec('p3', 'fa:16:3e:00:00:03', 'n3', (FixedIP('10.3.0.5', 24, '10.3.0.1'),))
    document = config_drive.network_data((PORT, other), {})
    assert [network['routes'] for network in document['networks']][0] != []
    assert [network['routes'] for network in document['networks']][-1] == []


def test_files():
    drive = config_drive.files(SPEC, {})
    assert drive['openstack/latest/user_data'] == b'server'
    assert json.loads(drive['openstack/latest/vendor_data.json']) == {}
    assert json.loads(drive['openstack/latest/meta_data.json'])['uuid'] == 'id1'
    assert 'openstack/latest/network_data.json' in drive


@pytest.mark.parametrize('name, host', [
    ('db1', 'db1'), ('My_first db.', 'my-first-db'), ('a' * 80, 'a' * 63), ('-x-', 'x')])
def test_host_names(name, host):
    assert config_drive.host_name(name) == host


@pytest.mark.parametrize('name', ['数据库', '---', ''])
def test_a_name_without_usable_letters_gets_a_host_name_all_the_same(name):
    assert config_drive.host_name(name).startswith('server-')
