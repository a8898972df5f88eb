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
"""Configuration of a machine's networkd in addition to the config drive."""

from minicloud.machines import guest_network
from minicloud.machines.records import Card

OLD = Card('p1', 'eth0', 'tap1', 'fa:16:3e:00:00:01', 'n1',
           [['10.0.0.5', 24, '10.0.0.1', ['10.0.0.2']]])
SIX = Card('p2', 'eth1', 'tap2', 'fa:16:3e:00:00:02', 'n2', [['fd00::5', 64, None, []]])


def test_before_any_change_cloud_init_is_only_completed():
    files = guest_network.files([OLD, SIX], readdressed=False)
    assert files == {
        '10-cloud-init-eth0.network.d/50-no-router.conf':
            '[Network]\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n',
        '10-cloud-init-eth1.network.d/50-no-router.conf': '[Network]\nIPv6AcceptRA=no\n'}


def test_after_a_change_all_cards_are_configured():
    files = guest_network.files([OLD, SIX], readdressed=True)
    text = files['05-port-eth0.network']
    assert text.startswith('[Match]\nMACAddress=fa:16:3e:00:00:01\n')
    for line in ('Address=10.0.0.5/24', 'Gateway=10.0.0.1', 'DNS=10.0.0.2', 'DHCP=no'):
        assert f'\n{line}\n' in text
    assert 'Gateway' not in files['05-port-eth1.network']


def test_only_the_first_card_has_a_default_route():
    other = Card('p3', 'eth2', 'tap3', 'fa:16:3e:00:00:03', 'n3',
                 [['10.3.0.5', 24, '10.3.0.1', []]])
    files = guest_network.files([OLD, other], readdressed=True)
    assert 'Gateway' in files['05-port-eth0.network']
    assert 'Gateway' not in files['05-port-eth2.network']


def test_files_of_removed_cards_are_removed(tmp_path):
    guest_network.write(tmp_path, [OLD, SIX], readdressed=True)
    guest_network.write(tmp_path, [OLD], readdressed=False)
    assert [path.name for path in tmp_path.iterdir()] == ['10-cloud-init-eth0.network.d']
