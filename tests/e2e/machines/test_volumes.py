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
"""Volumes that come, grow and go while a machine runs."""

import pytest

from minicloud.hypervisor import HypervisorError
from minicloud.machines import disks

from .conftest import EVERYTHING_OUT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture(scope='module')
def machine(site):
    spec = site.boot(site.port(EVERYTHING_OUT), volumes=(site.volume(),))
    yield spec
    site.hypervisor.delete_server(spec.id)


@pytest.fixture
def plugged(site, machine):
    """A volume plugged into the running machine as /dev/vdc, with a file system."""
    volume = site.volume(device='/dev/vdc')
    site.hypervisor.attach_volume(machine.id, volume.volume_id, volume.device)
    site.run(machine, 'mkfs.ext4 -q -m 1 /dev/vdc && mkdir -p /srv/c && mount /dev/vdc /srv/c '
                      '&& echo data > /srv/c/data && sync')
    yield volume
    site.hypervisor.detach_volume(machine.id, volume.volume_id)
    site.hypervisor.delete_volume(volume.volume_id)


def loops_of(site) -> list[str]:
    return [file for _loop, file in disks.loop_files()
            if file.startswith(str(site.layout.volumes))]


def test_plugged_in_is_usable_and_found_by_serial(site, machine, plugged):
    link = f'/dev/disk/by-id/virtio-{plugged.serial}'
    assert site.run(machine, f'readlink -f {link}; cat /srv/c/data') == '/dev/vdc\ndata\n'
    site.hypervisor.attach_volume(machine.id, plugged.volume_id, plugged.device)


def test_mounting_by_uuid_works(site, machine, plugged):
    site.run(machine, 'umount /srv/c && mount UUID=$(blkid -s UUID -o value /dev/vdc) /srv/c')
    assert site.run(machine, 'cat /srv/c/data') == 'data\n'


def test_detached_while_mounted_it_is_gone(site, machine, plugged):
    site.hypervisor.detach_volume(machine.id, plugged.volume_id)
    assert site.run(machine, 'ls /srv/c /dev/vdc /dev/disk/by-id', check_status=False).count(
        plugged.serial) == 0
    assert 'No such file' in site.run(machine, 'cat /srv/c/data', check_status=False)
    assert str(site.layout.volume(plugged.volume_id)) not in loops_of(site)
    site.hypervisor.detach_volume(machine.id, plugged.volume_id)
    site.hypervisor.attach_volume(machine.id, plugged.volume_id, plugged.device)
    assert site.run(machine, 'mount /dev/vdc /srv/c && cat /srv/c/data') == 'data\n'


def test_a_volume_of_the_boot_can_be_detached(site, machine):
    volume = machine.volumes[0]
    site.hypervisor.detach_volume(machine.id, volume.volume_id)
    assert 'No such file' in site.run(machine, 'ls /dev/vdb', check_status=False)
    site.hypervisor.attach_volume(machine.id, volume.volume_id, volume.device)
    site.run(machine, 'test -b /dev/vdb')


def test_grown_volume_shows_at_once(site, machine, plugged):
    site.hypervisor.extend_volume(plugged.volume_id, 2)
    assert site.run(machine, 'blockdev --getsize64 /dev/vdc').strip() == str(2 * 1024 ** 3)
    site.run(machine, 'umount /srv/c; e2fsck -fp /dev/vdc; resize2fs /dev/vdc; '
                      'mount /dev/vdc /srv/c')
    total = int(site.run(machine, 'stat -f -c "%b %S" /srv/c').split()[0])
    assert total * 4096 > 1.8 * 1024 ** 3
    with pytest.raises(HypervisorError, match='cannot shrink'):
        site.hypervisor.extend_volume(plugged.volume_id, 1)


def test_snapshot_of_a_mounted_volume_is_whole(site, machine, plugged):
    # Not synced by the machine: the snapshot itself must see to it.
    site.run(machine, 'echo late > /srv/c/late')
    site.hypervisor.snapshot_volume('shot', plugged.volume_id)
    site.run(machine, 'echo later > /srv/c/late')
    site.hypervisor.clone_volume('copy', 2, 'shot')
    site.hypervisor.attach_volume(machine.id, 'copy', '/dev/vdd')
    try:
        assert site.run(machine, 'mount -o ro /dev/vdd /mnt && cat /mnt/data /mnt/late') == \
            'data\nlate\n'
        assert site.run(machine, 'blockdev --getsize64 /dev/vdd').strip() == str(2 * 1024 ** 3)
    finally:
        site.hypervisor.detach_volume(machine.id, 'copy')
        site.hypervisor.delete_volume('copy')
        site.hypervisor.delete_snapshot('shot')
    assert not site.layout.snapshot('shot').exists()


def test_more_volumes_than_the_host_had_loop_devices(site, machine):
    volumes = [site.volume(device=f'/dev/vd{letter}') for letter in 'fghijklmno']
    for volume in volumes:
        site.hypervisor.attach_volume(machine.id, volume.volume_id, volume.device)
    assert len(site.run(machine, 'ls /dev/vd[f-o]').split()) == 10
    for volume in volumes:
        site.hypervisor.detach_volume(machine.id, volume.volume_id)
        site.hypervisor.delete_volume(volume.volume_id)
    assert len(loops_of(site)) <= 1


def test_a_volume_that_is_not_there_is_refused(site, machine):
    with pytest.raises(HypervisorError, match='does not exist'):
        site.hypervisor.attach_volume(machine.id, 'none', '/dev/vdz')
    site.hypervisor.delete_volume('none')
