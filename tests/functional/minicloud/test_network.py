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

"""Networks, ports, security groups and floating addresses through openstacksdk."""

import pytest
from openstack import exceptions


def test_what_a_tenant_sees(site):
    sdk = site.sdk()
    assert sorted(network.name for network in sdk.network.networks()) == ['private', 'public']
    assert [subnet.name for subnet in sdk.network.subnets()] == ['private']
    assert {network.name for network in site.service().network.networks()} == {
        'private', 'public', 'trove-mgmt'}
    assert [network.name for network in sdk.network.networks(is_router_external=True)] == [
        'public']
    assert list(sdk.network.routers()) == []
    assert sdk.network.find_network('private').is_shared


def test_port_addresses(site):
    sdk, network = site.sdk(), site.network('private')
    subnet_id = network.subnet_ids[0]
    first = sdk.network.create_port(network_id=network.id)
    second = sdk.network.create_port(network_id=network.id)
    addresses = [port.fixed_ips[0]['ip_address'] for port in (first, second)]
    assert addresses == ['172.24.1.10', '172.24.1.11']
    requested = sdk.network.create_port(network_id=network.id, fixed_ips=[
        {'subnet_id': subnet_id, 'ip_address': '172.24.1.77'}])
    assert requested.fixed_ips == [{'subnet_id': subnet_id, 'ip_address': '172.24.1.77'}]
    with pytest.raises(exceptions.ConflictException, match='already allocated'):
        sdk.network.create_port(network_id=network.id, fixed_ips=[
            {'ip_address': '172.24.1.77'}])
    with pytest.raises(exceptions.BadRequestException, match='not a valid IP'):
        sdk.network.create_port(network_id=network.id, fixed_ips=[
            {'subnet_id': subnet_id, 'ip_address': '10.0.0.1'}])
    sdk.network.delete_port(first)
    # The address released last is not allocated next.
    assert sdk.network.create_port(network_id=network.id).fixed_ips[0]['ip_address'] == (
        '172.24.1.12')
    found = list(sdk.network.ports(fixed_ips='ip_address=172.24.1.77'))
    assert [port.id for port in found] == [requested.id]
    assert list(sdk.network.ports(name='none')) == []


def test_pool_runs_out(site):
    admin = site.admin()
    network = admin.network.create_network(name='tiny')
    admin.network.create_subnet(network_id=network.id, cidr='10.9.0.0/30', ip_version=4)
    admin.network.create_port(network_id=network.id)
    with pytest.raises(exceptions.ConflictException, match='No more IP addresses') as caught:
        admin.network.create_port(network_id=network.id)
    assert 'IpAddressGenerationFailure' in caught.value.response.text


def test_a_tenant_may_not_have_the_management_network(site):
    with pytest.raises(exceptions.NotFoundException):
        site.sdk().network.create_port(network_id=site.network('trove-mgmt').id)


def test_own_network(site):
    sdk = site.sdk()
    network = sdk.network.create_network(name='mine')
    subnet = sdk.network.create_subnet(network_id=network.id, cidr='10.1.0.0/24', ip_version=4,
                                       gateway_ip=None)
    assert subnet.gateway_ip is None
    assert subnet.allocation_pools == [{'start': '10.1.0.1', 'end': '10.1.0.254'}]
    spec, subnets = site.hypervisor.networks[network.id]
    assert (spec.name, subnets[0].cidr) == ('mine', '10.1.0.0/24')
    port = sdk.network.create_port(network_id=network.id)
    with pytest.raises(exceptions.ConflictException, match='ports still in use'):
        sdk.network.delete_network(network)
    sdk.network.delete_port(port)
    sdk.network.delete_network(network)
    assert network.id not in site.hypervisor.networks
    with pytest.raises(exceptions.ForbiddenException):
        sdk.network.create_network(name='all', shared=True)
    assert site.sdk(project_id='other').network.find_network('mine') is None


def test_security_groups_reach_the_machines(site):
    sdk, nova = site.sdk(), site.nova()
    group = sdk.network.create_security_group(name='trove_sg-1')
    assert {rule['direction'] for rule in group.security_group_rules} == {'egress'}
    port = sdk.network.create_port(network_id=site.network('private').id,
                                   security_groups=[group.id])
    server = nova.servers.create('db', site.image_id(), '1', nics=[{'port-id': port.id}])
    rule = sdk.network.create_security_group_rule(
        security_group_id=group.id, direction='ingress', protocol='tcp', port_range_min=3306,
        port_range_max=3306, remote_ip_prefix='0.0.0.0/0')
    applied = {item.id: item for item in site.hypervisor.security[port.id]}
    assert (applied[rule.id].protocol, applied[rule.id].port_min) == ('tcp', 3306)
    with pytest.raises(exceptions.ConflictException, match='already exists'):
        sdk.network.create_security_group_rule(
            security_group_id=group.id, direction='ingress', protocol='tcp',
            port_range_min=3306, port_range_max=3306)
    with pytest.raises(exceptions.ConflictException, match='in use'):
        sdk.network.delete_security_group(group)
    sdk.network.delete_security_group_rule(rule)
    assert rule.id not in {item.id for item in site.hypervisor.security[port.id]}
    server.delete()
    sdk.network.delete_port(port)
    sdk.network.delete_security_group(group)
    assert [item.name for item in sdk.network.security_groups()] == ['default']


def test_rules_that_name_a_group_follow_its_members(site):
    sdk, nova = site.sdk(), site.nova()
    network = [{'net-id': site.network('private').id}]
    first = nova.servers.create('a', site.image_id(), '1', nics=network)
    second = nova.servers.create('b', site.image_id(), '1', nics=network)
    ports = {port.device_id: port for port in sdk.network.ports(project_id='demo')}
    seen = {address for rule in site.hypervisor.security[ports[first.id].id]
            for address in rule.remote_addresses or ()}
    assert ports[second.id].fixed_ips[0]['ip_address'] in seen


@pytest.mark.parametrize('change, kind', [
    ({'protocol': 'tcp', 'port_range_min': 9, 'port_range_max': 1}, 'InvalidPortRange'),
    ({'port_range_min': 1, 'port_range_max': 2}, 'ProtocolRequiredWithPorts'),
    ({'remote_ip_prefix': '::/0'}, 'ParameterConflict'),
    ({'protocol': 'nonsense'}, 'HTTPBadRequest'),
    ({'direction': 'up'}, 'HTTPBadRequest'),
])
def test_bad_rules(site, change, kind):
    sdk = site.sdk()
    group = sdk.network.create_security_group(name='g')
    with pytest.raises(exceptions.BadRequestException) as caught:
        sdk.network.create_security_group_rule(
            **{'security_group_id': group.id, 'direction': 'ingress', **change})
    assert kind in caught.value.response.json()['NeutronError']['type']


def test_floating_address(site):
    sdk = site.sdk()
    server = site.nova().servers.create('db', site.image_id(), '1',
                                        nics=[{'net-id': site.network('private').id}])
    port = next(iter(sdk.network.ports(device_id=server.id)))
    floating = sdk.network.create_ip(floating_network_id=site.network('public').id,
                                     port_id=port.id)
    floating = sdk.network.get_ip(floating.id)
    fixed = port.fixed_ips[0]['ip_address']
    assert (floating.fixed_ip_address, floating.status) == (fixed, 'ACTIVE')
    assert site.hypervisor.floating[floating.floating_ip_address] == (fixed, port.id)
    kinds = {item['OS-EXT-IPS:type'] for item in
             site.nova().servers.get(server.id).addresses['private']}
    assert kinds == {'fixed', 'floating'}
    sdk.network.update_ip(floating, port_id=None)
    assert site.hypervisor.floating == {}
    assert sdk.network.get_ip(floating.id).status == 'DOWN'
    sdk.network.update_ip(floating, port_id=port.id)
    server.delete()
    assert site.hypervisor.floating == {}
    assert sdk.network.get_ip(floating.id).port_id is None
    sdk.network.delete_ip(floating)
    assert list(sdk.network.ips()) == []


def test_floating_address_needs_a_router(site):
    sdk = site.sdk()
    network = sdk.network.create_network(name='island')
    subnet = sdk.network.create_subnet(network_id=network.id, cidr='10.5.0.0/24', ip_version=4)
    port = sdk.network.create_port(network_id=network.id)
    with pytest.raises(exceptions.NotFoundException, match='not reachable'):
        sdk.network.create_ip(floating_network_id=site.network('public').id, port_id=port.id)
    with pytest.raises(exceptions.BadRequestException, match='not a valid external network'):
        sdk.network.create_ip(floating_network_id=network.id)
    assert list(sdk.network.ips()) == []
    router = sdk.network.create_router(
        name='r', external_gateway_info={'network_id': site.network('public').id})
    sdk.network.add_interface_to_router(router, subnet=subnet.id)
    assert sdk.network.create_ip(floating_network_id=site.network('public').id,
                                 port_id=port.id).router_id == router.id


def test_service_makes_floating_address_for_a_tenant(site):
    trove = site.service()
    floating = trove.network.create_ip(floating_network_id=site.network('public').id,
                                       project_id='demo')
    assert [item.id for item in site.sdk().network.ips()] == [floating.id]


def test_quota_is_a_409(site):
    site.admin().network.update_quota('demo', ports=1)
    sdk = site.sdk()
    sdk.network.create_port(network_id=site.network('private').id)
    with pytest.raises(exceptions.ConflictException) as caught:
        sdk.network.create_port(network_id=site.network('private').id)
    assert caught.value.response.json()['NeutronError'] == {
        'type': 'OverQuota', 'message': "Quota exceeded for resources: ['port'].", 'detail': ''}
    assert sdk.network.get_quota('demo', details=True).ports['used'] == 1


def test_tags_fields_and_unknown_attributes(site):
    sdk = site.sdk()
    port = sdk.network.create_port(network_id=site.network('private').id, name='p')
    sdk.network.set_tags(port, ['blue'])
    assert [item.id for item in sdk.network.ports(tags='blue')] == [port.id]
    session = site.session()
    answer = session.get('/v2.0/ports?fields=id', endpoint_filter={'service_type': 'network'})
    assert answer.json() == {'ports': [{'id': port.id}]}
    answer = session.post('/v2.0/ports', json={'port': {'network_id': port.network_id,
                                                        'colour': 'red'}},
                          endpoint_filter={'service_type': 'network'}, raise_exc=False)
    assert answer.status_code == 400
    assert "Unrecognized attribute(s) 'colour'" in answer.json()['NeutronError']['message']
