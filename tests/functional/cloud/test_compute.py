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

"""Servers, flavors, volumes and images, through the clients of the service."""

import base64
import dataclasses
import logging
import uuid

import pytest

from trove.cloud import clouds
from trove.cloud import compute
from trove.cloud import names
from trove.common import exception
from tests.functional.cloud_in_process import FLAVOR

INSTANCE = str(uuid.uuid4())
SECRET = b'#cloud-config\n# canary-of-the-guest-key\n'


@pytest.fixture
def volume(cloud):
    return cloud.volume.ensure_volume(names.volume(INSTANCE), size=2, made_by='operation-1',
                                      type_name='fast')


@pytest.fixture
def spec(cloud, minicloud, volume):
    requested = {
        names.tenant_port(INSTANCE): 'private',
        names.management_port(INSTANCE): 'management'
    }
    ports = [cloud.network.ensure_port(name, network_id=minicloud.named('network', network)['id'])
             for name, network in requested.items()]
    return compute.ServerSpec(instance_id=INSTANCE, name='mine', project_id='demo',
                              user_id='u' * 64, manager='mariadb', image_id=minicloud.named(
                                  'image', 'guest')['id'], flavor_id=FLAVOR,
                              port_ids=tuple(port.id for port in ports), user_data=SECRET,
                              volume_id=volume.id, config_drive=True)


def test_a_server_is_created_as_specified(cloud, minicloud, spec):
    server = cloud.compute.ensure_server(spec)
    [machine] = minicloud.hypervisor.machines.values()
    assert machine.user_data == SECRET
    assert machine.config_drive
    assert [port.id for port in machine.ports] == list(spec.port_ids)
    assert dict(machine.metadata) == names.server_metadata(INSTANCE, 'demo', 'u' * 64)
    assert [disk.volume_id for disk in machine.volumes] == [spec.volume_id]
    found = cloud.compute.get_server(server.id)
    assert (found.status, found.instance_id, found.volume_ids) == (compute.ACTIVE, INSTANCE,
                                                                   (spec.volume_id,))


def test_a_server_is_found_by_its_instance_whatever_its_name(cloud, minicloud, spec):
    port = cloud.network.ensure_port('other', network_id=minicloud.named('network',
                                                                         'private')['id'])
    other = dataclasses.replace(spec, instance_id=str(uuid.uuid4()), port_ids=(port.id,),
                                volume_id=None)
    cloud.compute.ensure_server(other)
    assert cloud.compute.find_server(INSTANCE) is None
    made = cloud.compute.ensure_server(spec)
    assert cloud.compute.ensure_server(spec).id == made.id
    assert len(minicloud.hypervisor.machines) == 2


def test_a_lost_response_leads_to_one_server(cloud, minicloud, spec):
    minicloud.faults.request('compute', 'POST', '/servers$', mode='after')
    with pytest.raises(exception.CloudError) as caught:
        cloud.compute.ensure_server(spec)
    assert caught.value.retriable
    cloud.compute.ensure_server(spec)
    assert len(minicloud.hypervisor.machines) == 1


def test_the_data_outlives_the_server(cloud, minicloud, spec):
    server = cloud.compute.ensure_server(spec)
    assert 'in-use' in cloud.volume.delete_volume(spec.volume_id)
    while not cloud.compute.delete_server(server.id):
        pass
    assert cloud.compute.delete_server(server.id)
    assert cloud.volume.get_volume(spec.volume_id).status == 'available'
    while cloud.volume.delete_volume(spec.volume_id):
        pass
    assert cloud.volume.find_volumes(names.volume(INSTANCE)) == []


def test_the_fault_of_a_server_is_novas(cloud, minicloud, spec):
    minicloud.faults.work('server.create', message='No valid host was found.')
    server = cloud.compute.ensure_server(spec)
    found = cloud.compute.get_server(server.id)
    assert found.status == compute.ERROR
    assert 'No valid host was found.' in found.fault
    assert cloud.compute.find_server(INSTANCE).id == server.id


def test_user_data_never_reaches_a_log(cloud, spec, caplog):
    with caplog.at_level(logging.DEBUG):
        server = cloud.compute.ensure_server(spec)
        cloud.compute.get_server(server.id)
        cloud.compute.find_server(INSTANCE)
    posted = [record for record in caplog.records if 'user_data' in record.getMessage()]
    assert posted, 'the test looks at nothing'
    for text in (SECRET.decode(), base64.b64encode(SECRET).decode()):
        assert text not in caplog.text


def test_the_console_is_shown(cloud, spec):
    server = cloud.compute.ensure_server(spec)
    assert f'last words of {server.id}' in cloud.compute.console_log(server.id, 10)


def test_a_server_group_is_created_once_and_deleted(cloud):
    group = cloud.compute.ensure_server_group('locality', 'affinity')
    assert cloud.compute.ensure_server_group('locality', 'affinity') == group
    cloud.compute.delete_server_group('locality')
    cloud.compute.delete_server_group('locality')


def test_flavors_and_zones(cloud, tenants_cloud):
    assert {
        flavor.name: flavor.ram
        for flavor in cloud.compute.flavors()
    } == {
        'db.small': 1024,
        'db.large': 4096
    }
    assert tenants_cloud.compute.get_flavor(FLAVOR).vcpus == 1
    with pytest.raises(exception.CloudNotFound):
        tenants_cloud.compute.get_flavor('missing')
    assert tenants_cloud.compute.availability_zones() == ['nova']


def test_a_volume_names_the_operation_that_created_it(cloud, volume):
    again = cloud.volume.ensure_volume(names.volume(INSTANCE), size=2, made_by='operation-2')
    assert (again.id, again.made_by, again.size, again.type) == (volume.id, 'operation-1', 2,
                                                                 'fast')


def test_a_lost_response_leads_to_one_volume(cloud, minicloud):
    minicloud.faults.request('volume', 'POST', '/volumes$', mode='after')
    with pytest.raises(exception.CloudError) as caught:
        cloud.volume.ensure_volume('v', size=1, made_by='me')
    assert caught.value.retriable
    assert cloud.volume.ensure_volume('v', size=1, made_by='me').made_by == 'me'
    assert len(minicloud.all('volume')) == 1


def test_volume_types_that_a_tenant_may_use(tenants_cloud):
    assert 'fast' in [kind.name for kind in tenants_cloud.volume.volume_types()]


def test_only_images_of_the_service_project_are_used(cloud, tenants_cloud, minicloud):
    ours = minicloud.named('image', 'guest')['id']
    assert cloud.image.find_by_tags(['trove', 'mariadb'], owner=cloud.project_id).id == ours
    assert cloud.image.find_by_tags(['trove', 'mariadb'], owner='demo') is None
    assert cloud.image.find_by_tags(['trove', 'other'], owner=cloud.project_id) is None
    assert cloud.image.find_by_tags([], owner=cloud.project_id) is None
    assert cloud.image.get_image(ours).status == 'active'
    with pytest.raises(exception.CloudNotFound):
        cloud.image.get_image(str(uuid.uuid4()))


def test_an_invalid_token_is_refused(conf, minicloud):
    context = minicloud.context()
    context.auth_token = 'forged'
    with pytest.raises(exception.CloudError):
        clouds.user_cloud(conf, context).compute.get_flavor(FLAVOR)


@pytest.mark.parametrize('root_on_volume', [False, True])
def test_a_rebuild_sets_a_mark_and_new_user_data(cloud, minicloud, spec, caplog,
                                                 root_on_volume):
    server = cloud.compute.ensure_server(spec)
    assert cloud.compute.get_server(server.id).build == ''
    fresh, metadata = b'#cloud-config\n# canary-of-the-next-guest\n', names.server_metadata(
        INSTANCE, 'demo', 'u' * 64)
    image_id = minicloud.named('image', 'guest-2')['id']
    with caplog.at_level(logging.DEBUG):
        cloud.compute.rebuild_server(server.id, image_id, user_data=fresh, metadata=metadata,
                                     mark='operation-1:new:2', root_on_volume=root_on_volume)
    found = cloud.compute.get_server(server.id)
    assert (found.image_id, found.build, found.status) == (image_id, 'operation-1:new:2',
                                                           compute.ACTIVE)
    assert (found.volume_ids, found.instance_id) == ((spec.volume_id,), INSTANCE)
    assert cloud.compute.find_server(INSTANCE).id == server.id, 'it is found as before'
    for text in (fresh.decode(), base64.b64encode(fresh).decode()):
        assert text not in caplog.text


@pytest.mark.parametrize('live', [False, True])
def test_a_server_is_moved_to_the_given_host_or_to_any(cloud, spec, live):
    server = cloud.compute.ensure_server(spec)
    move = cloud.compute.live_migrate_server if live else cloud.compute.migrate_server
    here = cloud.compute.get_server(server.id).host_key
    for host in (None, 'minicloud'):
        move(server.id, host)
        if not live:
            assert cloud.compute.get_server(server.id).status == compute.VERIFY_RESIZE
            cloud.compute.confirm_resize(server.id)
        found = cloud.compute.get_server(server.id)
        assert found.status == compute.ACTIVE and (found.host_key == here) is (host == 'minicloud')
    with pytest.raises(exception.CloudError) as refused:
        move(server.id, 'nowhere')
    assert not refused.value.retriable


def test_a_server_that_is_off_is_started(cloud, spec):
    server = cloud.compute.ensure_server(spec)
    while not cloud.compute.stop_server(server.id):
        pass
    assert cloud.compute.get_server(server.id).status == compute.SHUTOFF
    cloud.compute.start_server(server.id)
    assert cloud.compute.get_server(server.id).status == compute.ACTIVE
