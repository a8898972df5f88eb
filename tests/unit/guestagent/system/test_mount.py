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

import pytest

from trove.guestagent.system import mount

VOLUME = 'c0ffee00-1234-4000-8000-000000000001'


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'dev/disk/by-id').mkdir(parents=True)
    (tmp_path / 'sys/block').mkdir(parents=True)
    return tmp_path


def find(root, volume_id=VOLUME, device_path='/dev/vdb'):
    return mount.find_device(volume_id, device_path, wait=0, root=str(root),
                             sleep=lambda seconds: None)


@pytest.mark.parametrize('link', [f'virtio-{VOLUME[:20]}', f'scsi-0QEMU_QEMU_HARDDISK_{VOLUME}'])
def test_by_id_comes_first(root, link):
    for name in ('vdb', 'vdc'):
        (root / 'dev' / name).touch()
    (root / 'dev/disk/by-id' / link).symlink_to('../../vdc')
    assert find(root) == str(root / 'dev/vdc')


def test_by_serial_where_no_udev_runs(root):
    for name, serial in (('vda', 'other'), ('vdd', VOLUME[:20])):
        (root / 'sys/block' / name).mkdir()
        (root / 'sys/block' / name / 'serial').write_text(serial + '\n')
    assert find(root) == '/dev/vdd'


def test_the_requested_name_is_the_last_resort(root):
    (root / 'dev/vdb').touch()
    assert find(root) == '/dev/vdb'


def test_an_absent_volume_is_named(root):
    with pytest.raises(mount.VolumeError, match=VOLUME):
        find(root)


def test_it_waits_for_the_device(root):
    naps = []

    def sleep(seconds):
        naps.append(seconds)
        (root / 'dev/vdb').touch()

    assert mount.find_device(VOLUME, '/dev/vdb', wait=60, root=str(root), sleep=sleep) == '/dev/vdb'
    assert len(naps) == 1


@pytest.mark.parametrize('point, mounted', [('/var/lib/mysql', True), ('/var/lib/mysql/', True),
                                            ('/var/lib', False), ('/mnt/a b', True),
                                            ('/mnt', False)])
def test_is_mounted(tmp_path, point, mounted):
    table = tmp_path / 'mountinfo'
    table.write_text('22 1 252:1 / / rw - ext4 /dev/vda1 rw\n'
                     '36 22 252:16 / /var/lib/mysql rw,noatime - ext4 /dev/vdb rw\n'
                     '37 22 252:16 / /mnt/a\\040b rw - ext4 /dev/vdb rw\n')
    assert mount.is_mounted(point, table=str(table)) is mounted
