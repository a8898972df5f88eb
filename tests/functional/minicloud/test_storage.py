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

"""Volumes and images through openstacksdk."""

import pytest
from openstack import exceptions

from minicloud.bootstrap import bootstrap
from minicloud.cloud import Settings


def test_volume_lives(site):
    sdk = site.sdk()
    volume = sdk.block_storage.create_volume(size=2, name='trove-1', metadata={'a': 'b'},
                                             volume_type='fast')
    volume = sdk.block_storage.get_volume(volume.id)
    assert (volume.status, volume.size, volume.volume_type) == ('available', 2, 'fast')
    assert [item.id for item in sdk.block_storage.volumes(name='trove-1')] == [volume.id]
    assert list(sdk.block_storage.volumes(name='other')) == []
    assert list(site.sdk(project_id='other').block_storage.volumes()) == []
    with pytest.raises(exceptions.NotFoundException):
        site.sdk(project_id='other').block_storage.get_volume(volume.id)
    sdk.block_storage.extend_volume(volume, 3)
    assert sdk.block_storage.get_volume(volume.id).size == 3
    assert site.hypervisor.volumes[volume.id] == 3
    with pytest.raises(exceptions.BadRequestException, match='must be greater'):
        sdk.block_storage.extend_volume(volume, 3)
    sdk.block_storage.delete_volume(volume)
    assert list(sdk.block_storage.volumes()) == []
    assert site.hypervisor.volumes == {}


def test_default_type(site):
    sdk = site.sdk()
    assert {kind.name for kind in sdk.block_storage.types()} == {'__DEFAULT__', 'fast'}
    assert sdk.block_storage.create_volume(size=1, volume_type='__DEFAULT__').id
    bootstrap(site.app.cloud, {'default_volume_type': 'fast'})
    assert sdk.block_storage.create_volume(size=1).volume_type == 'fast'


def test_document_with_an_unknown_quota_changes_nothing(site):
    with pytest.raises(ValueError, match='no such volume quota: colour'):
        bootstrap(site.app.cloud, {'volume_types': ['slow'],
                                   'quotas': {'volume': {'colour': 1}}})
    assert 'slow' not in {kind.name for kind in site.sdk().block_storage.types()}


def test_creating_is_shown_first(manual_site):
    sdk = manual_site.sdk()
    volume = sdk.block_storage.create_volume(size=1)
    assert sdk.block_storage.get_volume(volume.id).status == 'creating'
    manual_site.app.advance()
    assert sdk.block_storage.get_volume(volume.id).status == 'available'
    sdk.block_storage.extend_volume(volume, 2)
    assert sdk.block_storage.get_volume(volume.id).status == 'extending'
    manual_site.app.advance()
    sdk.block_storage.delete_volume(volume)
    assert sdk.block_storage.get_volume(volume.id).status == 'deleting'


def test_extend_in_use_needs_3_42(site):
    sdk, nova = site.sdk(), site.nova()
    volume = sdk.block_storage.create_volume(size=1)
    server = nova.servers.create('db', site.image_id(), '1',
                                 nics=[{'net-id': site.network('private').id}])
    nova.volumes.create_server_volume(server.id, volume.id)
    session = site.session()

    def extend(version):
        return session.post(
            f'/volumes/{volume.id}/action', json={'os-extend': {'new_size': 2}},
            endpoint_filter={'service_type': 'volumev3'}, raise_exc=False,
            headers={'OpenStack-API-Version': f'volume {version}'})
    refused = extend('3.41')
    assert refused.status_code == 400
    assert 'currently in-use' in refused.json()['badRequest']['message']
    assert extend('3.42').status_code == 202
    volume = sdk.block_storage.get_volume(volume.id)
    assert (volume.status, volume.size) == ('in-use', 2)
    with pytest.raises(exceptions.BadRequestException, match='Volume status must be available'):
        sdk.block_storage.delete_volume(volume)


def test_quota_is_a_413(site):
    site.admin().block_storage.update_quota_set('demo', volumes=1, gigabytes=5)
    sdk = site.sdk()
    with pytest.raises(exceptions.HttpException, match='Requested 6G, quota is 5G') as caught:
        sdk.block_storage.create_volume(size=6)
    assert caught.value.status_code == 413
    sdk.block_storage.create_volume(size=1)
    with pytest.raises(exceptions.HttpException, match=r'VolumeLimitExceeded: Maximum number of '
                                                       r'volumes allowed \(1\) exceeded'):
        sdk.block_storage.create_volume(size=1)


@pytest.mark.parametrize('change, status', [
    ({'size': 0}, 400), ({'size': None}, 400), ({'volume_type': 'none'}, 404),
    ({'availability_zone': 'mars'}, 400), ({'imageRef': 'x'}, 400),
    ({'metadata': {'a': 1}}, 400), ({'snapshot_id': 'none'}, 404), ({'colour': 'red'}, 400)])
def test_bad_create(site, change, status):
    answer = site.session().post(
        '/volumes', json={'volume': {'size': 1, **change}}, raise_exc=False,
        endpoint_filter={'service_type': 'volumev3'})
    assert answer.status_code == status
    assert list(site.sdk().block_storage.volumes()) == []


def test_failing_on_demand(site):
    site.faults.work('volume.create', nth=3)
    site.hypervisor.fail('extend_volume', 'no space')
    sdk = site.sdk()
    created = [sdk.block_storage.create_volume(size=1) for _ in range(3)]
    states = [sdk.block_storage.get_volume(volume.id).status for volume in created]
    assert states == ['available', 'available', 'error']
    sdk.block_storage.extend_volume(created[0], 2)
    volume = sdk.block_storage.get_volume(created[0].id)
    assert (volume.status, volume.size) == ('error_extending', 1)
    for volume in created:
        sdk.block_storage.delete_volume(volume)
    assert list(sdk.block_storage.volumes()) == []


def test_snapshot_and_volume_from_it(site):
    sdk = site.sdk()
    volume = sdk.block_storage.create_volume(size=1)
    snapshot = sdk.block_storage.create_snapshot(volume_id=volume.id, name='s')
    assert sdk.block_storage.get_snapshot(snapshot.id).status == 'available'
    with pytest.raises(exceptions.BadRequestException, match='have snapshots'):
        sdk.block_storage.delete_volume(volume)
    copy = sdk.block_storage.create_volume(snapshot_id=snapshot.id)
    assert sdk.block_storage.get_volume(copy.id).size == 1
    assert ('clone_volume', copy.id, snapshot.id) in site.hypervisor.calls
    sdk.block_storage.delete_snapshot(snapshot.id)
    assert list(sdk.block_storage.snapshots()) == []


def test_images(site):
    sdk = site.sdk()
    image, = sdk.image.images(tag=['trove', 'mariadb'])
    assert (image.name, image.status, image.owner_id) == ('mariadb', 'active', 'service')
    assert list(sdk.image.images(tag='redis')) == []
    assert [item.id for item in sdk.image.images(name='mariadb', status='active')] == [image.id]
    shown = [session.get(f'/v2/images/{image.id}', endpoint_filter={'service_type': 'image'})
             .json().get('rootfs_path')
             for session in (site.session(), site.session('admin', 'root', ('admin',)))]
    assert shown == [None, '/images/mariadb']
    with pytest.raises(exceptions.ForbiddenException):
        sdk.image.update_image(image, name='mine')
    with pytest.raises(exceptions.NotFoundException, match='No image found'):
        sdk.image.get_image('none')


def test_image_registered_by_an_admin(site):
    admin = site.admin()
    image = admin.image.create_image('redis', disk_format='raw', container_format='bare',
                                     visibility='public', tags=['redis'])
    assert image.status == 'queued'
    admin.image.update_image(image, rootfs_path='/images/redis')
    assert site.sdk().image.get_image(image.id).status == 'active'
    admin.image.deactivate_image(image)
    assert site.sdk().image.get_image(image.id).status == 'deactivated'
    admin.image.delete_image(image)
    assert len(list(site.sdk().image.images())) == 1


def test_image_bytes(make_site, tmp_path):
    site = make_site(settings=Settings(image_directory=str(tmp_path / 'images')))
    sdk = site.sdk()
    image = sdk.image.create_image('up', disk_format='raw', container_format='bare',
                                   data=b'x' * 100000, validate_checksum=False)
    image = sdk.image.get_image(image.id)
    assert (image.status, image.size) == ('active', 100000)
    assert sdk.image.download_image(image).content == b'x' * 100000
    sdk.image.delete_image(image)
    assert list((tmp_path / 'images').iterdir()) == []
