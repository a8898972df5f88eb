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

"""Ports, groups and public addresses: found first, created once, deleted even if gone."""

import gc
import logging
import uuid

from openstack import connection
import pytest

from trove.cloud import clouds
from trove.cloud import firewall
from trove.cloud import names
from trove.common import exception

INSTANCE = str(uuid.uuid4())


@pytest.fixture
def group(cloud):
    return cloud.firewall.ensure_group('sg', firewall.rules(['3306'], [], ['10.0.0.0/8']))


@pytest.fixture
def port(cloud, minicloud, group):
    network_id = minicloud.named('network', 'private')['id']
    return cloud.network.ensure_port(names.tenant_port(INSTANCE), network_id=network_id,
                                     security_group_ids=[group])


def ingress(minicloud, group_id):
    return {(rule['protocol'], rule['port_range_min'], rule['port_range_max'], rule['ethertype'],
             rule['remote_ip_prefix'])
            for rule in minicloud.all('security_group_rule')
            if rule['security_group_id'] == group_id and rule['direction'] == 'ingress'}


def test_a_group_allows_exactly_its_rules(cloud, minicloud, group):
    assert ingress(minicloud, group) == {('tcp', 3306, 3306, 'IPv4', '10.0.0.0/8')}
    again = cloud.firewall.ensure_group('sg', firewall.rules(['3306', '4000-4010'], ['53'],
                                                             ['10.0.0.0/9', '2001:db8::/32']))
    assert again == group
    assert ingress(minicloud, group) == {
        (protocol, low, high, family, prefix)
        for family, prefix in (('IPv4', '10.0.0.0/9'), ('IPv6', '2001:db8::/32'))
        for protocol, low, high in (('tcp', 3306, 3306), ('tcp', 4000, 4010), ('udp', 53, 53))
    }
    cloud.firewall.ensure_group('sg', frozenset())
    assert ingress(minicloud, group) == set()


def test_new_rules_come_before_old_ones_go(cloud, minicloud, group):
    minicloud.requests.clear()
    cloud.firewall.ensure_group('sg', firewall.rules(['3306'], [], ['10.7.0.0/16']))
    verbs = [verb for verb, path in minicloud.requests if 'security-group-rules' in path]
    assert verbs.index('POST') < verbs.index('DELETE')


def test_a_rule_of_somebody_else_is_removed(cloud, minicloud, group):
    cloud._neutron.create_security_group_rule(security_group_id=group, direction='ingress',
                                              ether_type='IPv4')
    cloud.firewall.ensure_group('sg', firewall.rules(['3306'], [], ['10.0.0.0/8']))
    assert ingress(minicloud, group) == {('tcp', 3306, 3306, 'IPv4', '10.0.0.0/8')}


def test_a_failure_to_delete_a_group_in_use_is_retriable(cloud, group, port):
    with pytest.raises(exception.CloudError) as caught:
        cloud.firewall.delete_group(group)
    assert caught.value.retriable
    cloud.network.delete_port(port.id)
    cloud.firewall.delete_group(group)
    cloud.firewall.delete_group(group)
    assert cloud.firewall.find_groups('sg') == []


def test_groups_of_an_option_are_named_by_id_or_name(cloud, group):
    assert cloud.firewall.named_groups([group, 'sg']) == [group, group]
    with pytest.raises(exception.CloudError) as caught:
        cloud.firewall.named_groups(['missing'])
    assert 'missing' in caught.value.detail
    assert not caught.value.retriable


def test_a_port_is_created_once_with_the_requested_address(cloud, minicloud, group):
    subnet = minicloud.named('subnet', 'private')
    made = cloud.network.ensure_port(names.tenant_port(INSTANCE), network_id=subnet['network_id'],
                                     subnet_id=subnet['id'], address='10.2.0.77',
                                     security_group_ids=[group])
    assert [(fixed.address, fixed.subnet_id)
            for fixed in made.addresses] == [('10.2.0.77', subnet['id'])]
    assert cloud.network.ensure_port(names.tenant_port(INSTANCE), network_id=subnet['network_id'],
                                     security_group_ids=[group]) == made
    assert cloud.network.find_ports(INSTANCE) == [made]


def test_a_port_gets_exactly_the_requested_groups(cloud, port):
    other = cloud.firewall.ensure_group('other', frozenset())
    changed = cloud.network.ensure_port(port.name, network_id=port.network_id,
                                        security_group_ids=[other])
    assert (changed.id, changed.security_group_ids) == (port.id, (other,))


def test_a_lost_response_leads_to_one_port(cloud, minicloud, group):
    minicloud.faults.request('network', 'POST', '/ports$', mode='after')
    request = {
        'network_id': minicloud.named('network', 'private')['id'],
        'security_group_ids': [group]
    }
    with pytest.raises(exception.CloudError) as caught:
        cloud.network.ensure_port(names.tenant_port(INSTANCE), **request)
    assert caught.value.retriable
    cloud.network.ensure_port(names.tenant_port(INSTANCE), **request)
    assert minicloud.leftovers()['port'] == [names.tenant_port(INSTANCE)]


def test_a_tenants_port_of_the_same_name_is_never_taken_for_ours(cloud, tenants_cloud, minicloud):
    name = names.tenant_port(INSTANCE)
    network_id = minicloud.named('network', 'private')['id']
    theirs = tenants_cloud.network.ensure_port(name, network_id=network_id)
    assert cloud.network.find_ports(INSTANCE) == []
    assert cloud.network.ensure_port(name, network_id=network_id).id != theirs.id


def test_an_address_that_is_taken_is_refused(cloud, minicloud, port):
    with pytest.raises(exception.CloudError):
        cloud.network.ensure_port('second', network_id=port.network_id,
                                  subnet_id=port.addresses[0].subnet_id,
                                  address=port.addresses[0].address)


def test_a_public_address_belongs_to_the_tenant_and_is_created_once(cloud, minicloud, port):
    public = cloud.network.public_network(None)
    given = cloud.network.ensure_public_address(port, network_id=public.id, project_id='demo',
                                                description=names.public_address(INSTANCE))
    assert cloud.network.ensure_public_address(port, network_id=public.id, project_id='demo',
                                               description=names.public_address(INSTANCE)) == given
    assert [record['project_id'] for record in minicloud.all('floatingip')] == ['demo']
    cloud.network.delete_public_address(given.id)
    cloud.network.delete_public_address(given.id)
    assert cloud.network.find_public_addresses(port.id, names.public_address(INSTANCE)) == []


def test_a_subnet_with_and_without_a_router(cloud, minicloud):
    assert cloud.network.has_router(minicloud.named('subnet', 'private')['id'])
    assert not cloud.network.has_router(minicloud.named('subnet', 'island')['id'])


def test_a_tenant_names_only_what_it_sees(cloud, tenants_cloud, minicloud):
    management = minicloud.named('network', 'management')
    assert cloud.network.get_network(management['id']).name == 'management'
    with pytest.raises(exception.CloudNotFound):
        tenants_cloud.network.get_network(management['id'])
    with pytest.raises(exception.CloudNotFound):
        tenants_cloud.network.get_subnet(minicloud.named('subnet', 'management')['id'])
    private = minicloud.named('network', 'private')['id']
    assert [subnet.cidr for subnet in tenants_cloud.network.subnets(private)] == ['10.2.0.0/24']


def test_an_exhausted_quota_is_recognised(cloud, minicloud):
    minicloud.faults.request('network', 'POST', '/ports$', mode='status', status=409,
                             message="Quota exceeded for resources: ['port'].")
    with pytest.raises(exception.CloudQuotaExceeded):
        cloud.network.ensure_port('any', network_id=minicloud.named('network', 'private')['id'])


def test_the_cloud_of_a_request_goes_with_it(conf, minicloud):
    """A client that outlived its request would make the API grow until it is killed."""
    def living():
        gc.collect()
        return sum(type(thing) is connection.Connection for thing in gc.get_objects())

    # pytest keeps log records with their arguments for the report of a failed test.
    logging.disable(logging.CRITICAL)
    try:
        before = living()
        network_id = minicloud.named('network', 'private')['id']
        for _request in range(3):
            assert clouds.user_cloud(
                conf, minicloud.context()).network.get_network(network_id).id == network_id
        assert living() == before
    finally:
        logging.disable(logging.NOTSET)
