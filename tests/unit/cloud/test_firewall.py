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

"""Rules of a security group."""

import pytest

from trove.cloud import firewall
from trove.cloud.firewall import Rule


def test_every_port_is_opened_to_every_network():
    found = firewall.rules(['3306', '4567-4568'], ['4567'], ['10.0.0.0/24', '2001:db8::/32'])
    assert found == {
        Rule('tcp', 3306, 3306, '10.0.0.0/24'), Rule('tcp', 3306, 3306, '2001:db8::/32'),
        Rule('tcp', 4567, 4568, '10.0.0.0/24'), Rule('tcp', 4567, 4568, '2001:db8::/32'),
        Rule('udp', 4567, 4567, '10.0.0.0/24'), Rule('udp', 4567, 4567, '2001:db8::/32')}


def test_without_a_network_no_client_may_connect():
    assert firewall.rules(['3306'], [], []) == frozenset()


def test_equal_networks_become_one():
    assert firewall.rules(['22'], [],
                          ['10.0.0.7/24', '10.0.0.0/24']) == {Rule('tcp', 22, 22, '10.0.0.0/24')}
    assert firewall.rules(['22'], [], ['10.0.0.7']) == {Rule('tcp', 22, 22, '10.0.0.7/32')}


@pytest.mark.parametrize(('port', 'cidr'), [('0', '10.0.0.0/8'), ('65536', '10.0.0.0/8'),
                                            ('9-3', '10.0.0.0/8'), ('mysql', '10.0.0.0/8'),
                                            ('3306', '10.0.0.300/24')])
def test_malformed_ports_and_networks_are_refused(port, cidr):
    with pytest.raises(ValueError):
        firewall.rules([port], [], [cidr])
