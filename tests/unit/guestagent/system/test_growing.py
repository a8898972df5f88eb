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

"""Growth of file systems: real ext4 in a file, and the wait for the size of a device."""

import subprocess

import pytest

from trove.guestagent.system import mount

GIB = 1024 ** 3


@pytest.mark.parametrize(('found', 'requested'), [(5 * GIB, 5), (6 * GIB, 5),
                                                  (5 * GIB - 2 * 1024**2, 5)])
def test_a_device_has_its_size_or_nearly_so_when_encrypted(found, requested):
    mount.wait_for_size('/dev/vdb', requested, wait=0, size_of=lambda device: found)


def test_it_waits_until_the_machine_sees_it():
    sizes = [2 * GIB, 2 * GIB, 5 * GIB]
    mount.wait_for_size('/dev/vdb', 5, wait=60, size_of=lambda device: sizes.pop(0),
                        sleep=lambda seconds: None)
    assert sizes == []


def test_a_device_that_stays_small_is_reported():
    with pytest.raises(mount.VolumeError, match=r'/dev/vdb has 2.00 GiB, not the 5 GiB'):
        mount.wait_for_size('/dev/vdb', 5, wait=0, size_of=lambda device: 2 * GIB)


def blocks(path) -> int:
    shown = subprocess.run(['/sbin/dumpe2fs', '-h', str(path)], capture_output=True, text=True,
                           check=True).stdout
    return int(
        next(line for line in shown.splitlines() if line.startswith('Block count')).split()[-1])


@pytest.fixture
def image(tmp_path):
    path = tmp_path / 'volume'
    with open(path, 'wb') as file:
        file.truncate(16 * 1024 ** 2)
    subprocess.run(['/sbin/mkfs.ext4', '-q', '-b', '1024', str(path)], check=True)
    return path


def test_an_unmounted_file_system_fills_what_has_grown(image):
    before = blocks(image)
    with open(image, 'r+b') as file:
        file.truncate(32 * 1024 ** 2)
    volume = mount.Volume(str(image), mount.FileSystemOptions())
    volume.grow_unmounted(60)
    assert blocks(image) == 2 * before
    volume.grow_unmounted(60)
    assert blocks(image) == 2 * before, 'a second time changes nothing'


def test_what_is_no_file_system_is_not_touched(tmp_path):
    path = tmp_path / 'volume'
    path.write_bytes(bytes(1024 ** 2))
    volume = mount.Volume(str(path), mount.FileSystemOptions())
    for grow in (lambda: volume.grow_unmounted(60), lambda: volume.grow_mounted('/nowhere', 60)):
        with pytest.raises(mount.VolumeError, match='no file system'):
            grow()
    assert path.read_bytes() == bytes(1024 ** 2)
