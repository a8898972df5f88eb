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

"""Servers through python-novaclient, at the oldest and the newest microversion in use."""

import base64

import pytest
from novaclient import exceptions

from minicloud.hypervisor import Event, State


def _create(site, nova, name='db', **more):
    more.setdefault('nics', [{'net-id': site.network('private').id}])
    return nova.servers.create(name, site.image_id(), '1', **more)


@pytest.mark.parametrize('version', ['2.57', '2.96'])
def test_a_server_lives_from_create_to_delete(site, version):
    nova = site.nova(version)
    server = _create(site, nova, meta={'trove_instance_id': 'i1'}, tags=['trove_instance'],
                     userdata=b'#cloud-config\n', config_drive=True)
    server = nova.servers.get(server.id)
    assert server.status == 'ACTIVE'
    assert getattr(server, 'OS-EXT-STS:vm_state') == 'active'
    assert server.metadata == {'trove_instance_id': 'i1'}
    assert server.tags == ['trove_instance']
    address, = server.addresses['private']
    assert address['addr'].startswith('172.24.1.')
    spec = site.hypervisor.servers[server.id]
    assert spec.user_data == b'#cloud-config\n'
    assert spec.config_drive and spec.image_path == '/images/mariadb'
    assert (spec.vcpus, spec.ram_mb, spec.disk_gb) == (1, 1024, 5)
    assert spec.ports[0].fixed_ips[0].gateway == '172.24.1.1'
    assert spec.ports[0].fixed_ips[0].dns == ('172.24.1.1',)
    server.delete()
    with pytest.raises(exceptions.NotFound):
        nova.servers.get(server.id)
    assert site.hypervisor.servers == {}
    assert [port for port in site.admin().network.ports()
            if port.device_owner.startswith('compute')] == []


def test_build_is_answered_before_it_is_done(manual_site):
    nova = manual_site.nova()
    server = _create(manual_site, nova)
    assert nova.servers.get(server.id).status == 'BUILD'
    assert manual_site.hypervisor.servers == {}
    manual_site.app.advance()
    assert nova.servers.get(server.id).status == 'ACTIVE'
    server.delete()
    assert getattr(nova.servers.get(server.id), 'OS-EXT-STS:task_state') == 'deleting'
    manual_site.app.advance()
    with pytest.raises(exceptions.NotFound):
        nova.servers.get(server.id)


def test_deleted_while_building(manual_site):
    nova = manual_site.nova()
    server = _create(manual_site, nova)
    server.delete()
    manual_site.app.advance()
    with pytest.raises(exceptions.NotFound):
        nova.servers.get(server.id)
    assert 'create_server' not in manual_site.hypervisor.methods()


def test_flavor_is_embedded_from_2_47_on(site):
    server = _create(site, site.nova('2.57'))
    assert site.nova('2.57').servers.get(server.id).flavor['original_name'] == 'db.small'
    assert site.nova('2.46').servers.get(server.id).flavor['id'] == '1'


def test_ports_and_volumes_brought_by_the_user(site):
    trove, nova = site.service(), site.nova(project_id='service', user_id='trove')
    mgmt = trove.network.create_port(network_id=site.network('trove-mgmt').id, name='trove-1')
    tenant = trove.network.create_port(network_id=site.network('private').id,
                                       name='trove-1-tenant')
    volume = trove.block_storage.create_volume(size=2, name='trove-1')
    server = nova.servers.create(
        'db', site.image_id(), '1', nics=[{'port-id': tenant.id}, {'port-id': mgmt.id}],
        block_device_mapping_v2=[{
            'uuid': volume.id, 'source_type': 'volume', 'destination_type': 'volume',
            'device_name': 'vdb', 'volume_size': 2, 'delete_on_termination': True}])
    spec = site.hypervisor.servers[server.id]
    assert [port.id for port in spec.ports] == [tenant.id, mgmt.id]
    assert spec.volumes[0].device == '/dev/vdb'
    volume = trove.block_storage.get_volume(volume.id)
    assert volume.status == 'in-use'
    assert volume.attachments[0]['server_id'] == server.id
    port = trove.network.get_port(tenant.id)
    assert (port.status, port.device_id) == ('ACTIVE', server.id)
    server.delete()
    assert trove.network.get_port(tenant.id).device_id == ''
    assert list(trove.block_storage.volumes()) == []
    assert site.hypervisor.volumes == {}


def test_volume_that_stays(site):
    sdk, nova = site.sdk(), site.nova()
    volume = sdk.block_storage.create_volume(size=1)
    server = _create(site, nova, block_device_mapping_v2=[{
        'uuid': volume.id, 'source_type': 'volume', 'destination_type': 'volume',
        'delete_on_termination': False}])
    server.delete()
    assert sdk.block_storage.get_volume(volume.id).status == 'available'


def test_failed_build_has_a_fault_and_gives_everything_back(site):
    sdk, nova = site.sdk(), site.nova()
    volume = sdk.block_storage.create_volume(size=1)
    site.hypervisor.fail('create_server', 'No space for the disk.')
    server = _create(site, nova, block_device_mapping_v2=[{
        'uuid': volume.id, 'source_type': 'volume', 'destination_type': 'volume'}])
    server = nova.servers.get(server.id)
    assert server.status == 'ERROR'
    assert server.fault['message'] == 'No space for the disk.'
    assert server.fault['code'] == 500
    assert sdk.block_storage.get_volume(volume.id).status == 'available'
    assert server.addresses == {}
    server.delete()
    assert nova.servers.list() == []


def test_planned_failure_of_the_second_build(site):
    site.faults.work('server.create', nth=2, message='as planned')
    nova = site.nova()
    states = [nova.servers.get(_create(site, nova, name).id).status for name in 'abc']
    assert states == ['ACTIVE', 'ERROR', 'ACTIVE']


def test_stop_start_reboot(site):
    nova = site.nova()
    server = _create(site, nova)
    server.stop()
    assert nova.servers.get(server.id).status == 'SHUTOFF'
    with pytest.raises(exceptions.Conflict, match="Cannot 'stop' instance .* vm_state stopped"):
        server.stop()
    server.start()
    server.reboot('SOFT')
    server.reboot('HARD')
    assert nova.servers.get(server.id).status == 'ACTIVE'
    assert site.hypervisor.methods()[-4:] == [
        'stop_server', 'start_server', 'reboot_server', 'hard_reboot_server']


def test_busy_server_refuses(manual_site):
    nova = manual_site.nova()
    server = _create(manual_site, nova)
    manual_site.app.advance()
    server.reboot()
    assert nova.servers.get(server.id).status == 'REBOOT'
    with pytest.raises(exceptions.Conflict, match='task_state rebooting'):
        server.stop()


def test_resize_confirm_and_revert(site):
    nova = site.nova()
    server = _create(site, nova)
    server.resize('2')
    server = nova.servers.get(server.id)
    assert server.status == 'VERIFY_RESIZE'
    assert server.flavor['original_name'] == 'db.medium'
    assert site.hypervisor.servers[server.id].ram_mb == 2048
    server.revert_resize()
    server = nova.servers.get(server.id)
    assert (server.status, server.flavor['original_name']) == ('ACTIVE', 'db.small')
    assert site.hypervisor.servers[server.id].ram_mb == 1024
    server.resize('2')
    server.confirm_resize()
    server = nova.servers.get(server.id)
    assert (server.status, server.flavor['original_name']) == ('ACTIVE', 'db.medium')
    with pytest.raises(exceptions.Conflict):
        server.confirm_resize()
    with pytest.raises(exceptions.BadRequest, match='must change flavor'):
        server.resize('2')


def test_stopped_server_stays_stopped_through_resize(site):
    nova = site.nova()
    server = _create(site, nova)
    server.stop()
    server.resize('2')
    server.confirm_resize()
    assert nova.servers.get(server.id).status == 'SHUTOFF'
    assert site.hypervisor.states[server.id] is State.STOPPED


def test_rebuild_with_new_user_data(site):
    nova = site.nova('2.57')
    server = _create(site, nova, userdata='old')
    encoded = base64.b64encode(b'new').decode()
    server.rebuild(site.image_id(), userdata='new', meta={'a': 'b'})
    assert site.hypervisor.servers[server.id].user_data == b'new', encoded
    server = nova.servers.get(server.id)
    assert (server.status, server.metadata) == ('ACTIVE', {'a': 'b'})


def test_listing_filters(site):
    nova = site.nova()
    _create(site, nova, 'first', tags=['blue', 'big'], meta={'trove_instance_id': '1'})
    _create(site, nova, 'second', tags=['blue'], meta={'trove_instance_id': '2'})

    def names(**search):
        return sorted(server.name for server in nova.servers.list(search_opts=search))
    assert names() == ['first', 'second']
    assert names(tags='blue,big') == ['first']
    assert names(**{'tags-any': 'big,small'}) == ['first']
    assert names(**{'not-tags': 'big'}) == ['second']
    assert names(metadata={'trove_instance_id': '2'}) == ['second']
    assert names(name='^sec') == ['second']
    assert names(status='ERROR') == []
    assert names(flavor='1') == ['first', 'second']


def test_projects_see_their_own(site):
    server = _create(site, site.nova())
    other = site.nova(project_id='other')
    assert other.servers.list() == []
    with pytest.raises(exceptions.NotFound):
        other.servers.get(server.id)
    with pytest.raises(exceptions.Forbidden):
        other.servers.list(search_opts={'all_tenants': 1})
    admin = site.nova(project_id='admin', roles=('admin',))
    assert admin.servers.list() == []
    assert len(admin.servers.list(search_opts={'all_tenants': 1})) == 1


def test_pages(site):
    nova = site.nova()
    for number in range(5):
        site.time.sleep(1)
        _create(site, nova, f'n{number}')
    first = nova.servers.list(limit=2)
    assert [server.name for server in first] == ['n4', 'n3']
    second = nova.servers.list(limit=2, marker=first[-1].id)
    assert [server.name for server in second] == ['n2', 'n1']
    assert len(nova.servers.list(limit=-1)) == 5


def test_quota_is_a_403_with_numbers(site):
    site.nova(project_id='admin', roles=('admin',)).quotas.update('demo', cores=1)
    nova = site.nova()
    _create(site, nova)
    with pytest.raises(exceptions.Forbidden, match=(
            'Quota exceeded for cores: Requested 1, but already used 1 of 1 cores')):
        _create(site, nova)
    used = nova.quotas.get('demo', detail=True)
    assert used.cores['in_use'] == 1


@pytest.mark.parametrize('change, sentence', [
    ({'flavor': 'none'}, 'Flavor none could not be found'),
    ({'image': 'none'}, 'Invalid imageRef'),
    ({'name': ''}, 'name'),
    ({'key_name': 'none'}, 'Invalid key_name'),
    ({'availability_zone': 'mars'}, 'availability zone'),
    ({'nics': [{'port-id': 'none'}]}, 'Port none could not be found'),
    ({'nics': [{'net-id': 'none'}]}, 'Network none could not be found'),
    ({'tags': ['a,b']}, 'tags'),
    ({'block_device_mapping_v2': [{'uuid': 'none', 'source_type': 'volume',
                                   'destination_type': 'volume'}]}, 'failed to get volume none'),
])
def test_bad_create_is_refused_and_leaves_nothing(site, change, sentence):
    nova = site.nova()
    arguments = {'name': 'db', 'image': site.image_id(), 'flavor': '1',
                 'nics': [{'net-id': site.network('private').id}], **change}
    with pytest.raises(exceptions.BadRequest, match=sentence):
        nova.servers.create(arguments.pop('name'), arguments.pop('image'),
                            arguments.pop('flavor'), **arguments)
    assert nova.servers.list() == []
    assert list(site.sdk().network.ports(project_id='demo')) == []


def test_port_in_use_is_a_conflict(site):
    nova, port = site.nova(), site.sdk().network.create_port(
        network_id=site.network('private').id)
    _create(site, nova, nics=[{'port-id': port.id}])
    with pytest.raises(exceptions.Conflict, match='still in use'):
        _create(site, nova, nics=[{'port-id': port.id}])


def test_volume_attach_and_detach(site):
    nova, sdk = site.nova(), site.sdk()
    server = _create(site, nova)
    volume = sdk.block_storage.create_volume(size=1)
    nova.volumes.create_server_volume(server.id, volume.id)
    assert site.hypervisor.attached == {volume.id: (server.id, '/dev/vdb')}
    item, = nova.volumes.get_server_volumes(server.id)
    assert (item.volumeId, item.device) == (volume.id, '/dev/vdb')
    assert sdk.block_storage.get_volume(volume.id).status == 'in-use'
    with pytest.raises(exceptions.BadRequest, match="must be 'available'"):
        nova.volumes.create_server_volume(server.id, volume.id)
    nova.volumes.delete_server_volume(server.id, volume.id)
    assert site.hypervisor.attached == {}
    assert sdk.block_storage.get_volume(volume.id).status == 'available'


def test_failed_attach_frees_the_volume(site):
    nova, sdk = site.nova(), site.sdk()
    server = _create(site, nova)
    volume = sdk.block_storage.create_volume(size=1)
    site.hypervisor.fail('attach_volume', 'no loop device')
    nova.volumes.create_server_volume(server.id, volume.id)
    assert nova.volumes.get_server_volumes(server.id) == []
    assert sdk.block_storage.get_volume(volume.id).status == 'available'


def test_interfaces_come_and_go(site):
    nova = site.nova()
    server = _create(site, nova)
    server.interface_attach(None, site.network('private').id, None)
    assert len(site.hypervisor.servers[server.id].ports) == 2
    server.interface_detach(server.interface_list()[0].port_id)
    assert len(site.hypervisor.servers[server.id].ports) == 1


def test_console_metadata_tags_lock(site):
    nova = site.nova()
    server = _create(site, nova)
    assert server.get_console_output(length=1) == f'server {server.id}'
    nova.servers.set_meta(server, {'a': '1', 'b': '2'})
    nova.servers.delete_meta(server, ['a'])
    assert nova.servers.get(server.id).metadata == {'b': '2'}
    server.add_tag('x')
    server.add_tag('y')
    server.delete_tag('x')
    assert server.tag_list() == ['y']
    server.lock()
    site.nova(project_id='demo').servers.get(server.id)
    with pytest.raises(exceptions.Conflict, match='locked'):
        server.stop()
    server.unlock()
    server.stop()
    assert [action.action for action in nova.instance_action.list(server.id)] == [
        'stop', 'create']


def test_machine_that_stops_by_itself(site):
    nova = site.nova()
    server = _create(site, nova)
    site.hypervisor.report(server.id, Event.STOPPED)
    assert nova.servers.get(server.id).status == 'SHUTOFF'
    server.start()
    assert nova.servers.get(server.id).status == 'ACTIVE'


def test_groups_keypairs_and_the_rest(site):
    nova = site.nova('2.90')
    group = nova.server_groups.create('locality', 'affinity')
    server = _create(site, nova, scheduler_hints={'group': group.id})
    assert nova.server_groups.get(group.id).members == [server.id]
    assert nova.servers.get(server.id).server_groups == [group.id]
    key = nova.keypairs.create('made')
    assert 'BEGIN RSA PRIVATE KEY' in key.private_key
    _create(site, nova, 'keyed', key_name='made')
    given = site.nova('2.96').keypairs.create('given', public_key=key.public_key)
    assert given.fingerprint == key.fingerprint
    assert sorted(item.name for item in nova.keypairs.list()) == ['given', 'made']
    with pytest.raises(exceptions.BadRequest):
        nova.keypairs.create('bad', public_key='nonsense')
    assert nova.availability_zones.list(detailed=False)[0].zoneName == 'nova'
    limits = {limit.name: limit.value for limit in nova.limits.get().absolute}
    assert limits['totalInstancesUsed'] == 2
    assert [flavor.name for flavor in nova.flavors.list()] == ['db.small', 'db.medium']
    with pytest.raises(exceptions.Forbidden):
        nova.hypervisors.list()
    admin = site.nova(project_id='admin', roles=('admin',))
    assert admin.hypervisors.list()[0].hypervisor_hostname == 'minicloud'


def test_unknown_microversion_is_406(site):
    session = site.session()
    answer = session.get('/servers', endpoint_filter={'service_type': 'compute'},
                         headers={'OpenStack-API-Version': 'compute 2.999'},
                         raise_exc=False)
    assert answer.status_code == 406
    assert 'maximum is 2.96' in answer.json()['computeFault']['message']
