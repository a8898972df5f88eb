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

"""Data volume: its device, its file system, its mount, and its entry in fstab."""

import glob
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from trove.guestagent.system import files
from trove.guestagent.system.process import ProcessFailed, run

_FSTAB = '/etc/fstab'
_FOUND_NOTHING = 2     # exit status of blkid: no signature of any kind
_CHECKED = (0, 1)      # exit statuses of e2fsck: clean, or clean now
_GIB = 1024 ** 3
_HEADER = 64 * 1024 ** 2


class VolumeError(Exception):
    """Unusable volume; the text becomes the instance's fault."""


@dataclass(frozen=True)
class FileSystemOptions:
    """Operator's options for formatting and mounting a new volume, split into words."""
    kind: str = 'ext4'
    format_options: tuple[str, ...] = ('-m', '1')
    format_timeout: float = 120
    mount_options: str = 'defaults,noatime'


@dataclass(frozen=True)
class VolumeUse:
    """Bytes of a file system. ``available`` is what an unprivileged process can still use."""
    total: int
    used: int
    available: int


def find_device(volume_id: str, device_path: str, *, wait: float = 60, root: str = '/',
                sleep: Callable[[float], None] = time.sleep) -> str:
    """Return the block device of a Cinder volume.

    virtio-blk shows the first 20 characters of the volume id as serial, virtio-scsi all of it. The
    cloud may ignore the requested device name, so it is the last resort.

    :param wait: seconds to wait for the device to appear.
    :raises VolumeError: the device did not appear.
    """
    deadline = time.monotonic() + wait
    while True:
        found = _by_id(volume_id, root) or _by_serial(volume_id, root)
        if not found and device_path and os.path.exists(os.path.join(root,
                                                                     device_path.lstrip('/'))):
            found = device_path
        if found:
            return found
        if time.monotonic() >= deadline:
            raise VolumeError(
                f'No device of volume {volume_id} appeared within {wait:.0f} seconds, '
                f'and there is no {device_path}.')
        sleep(0.5)


def _by_id(volume_id: str, root: str) -> str | None:
    if not volume_id:
        return None
    links = os.path.join(root, 'dev/disk/by-id')
    patterns = (f'virtio-{volume_id[:20]}', f'scsi-*{volume_id}', f'nvme-*{volume_id[:20]}')
    for pattern in patterns:
        for link in sorted(glob.glob(os.path.join(links, pattern))):
            return os.path.realpath(link)
    return None


def _by_serial(volume_id: str, root: str) -> str | None:
    if not volume_id:
        return None
    for path in sorted(glob.glob(os.path.join(root, 'sys/block/*/serial'))):
        if (files.read(path) or '').strip() in (volume_id, volume_id[:20]):
            return '/dev/' + os.path.basename(os.path.dirname(path))
    return None


class Volume:
    """Block device for the data file system."""

    def __init__(self, device: str, options: FileSystemOptions) -> None:
        self.device = device
        self._options = options

    def signature(self) -> dict[str, str]:
        """Return what blkid reads from the device itself, past any cache; {} for a blank device."""
        found = run(['blkid', '-p', '-o', 'export', self.device],
                    allowed=(0, _FOUND_NOTHING))
        return dict(line.partition('=')[::2] for line in found.output.splitlines() if '=' in line)

    def format(self) -> None:
        command = ['mkfs', '-t', self._options.kind]
        if self._options.kind.startswith('ext'):
            command.append('-q')
        run([*command, *self._options.format_options, self.device],
            timeout=self._options.format_timeout)

    def ensure_file_system(self, *, new_volume: bool) -> str:
        """Return the UUID of the file system; format the device first if it is blank and new.

        :raises VolumeError: the device has no file system and is not new, or has something else.
        """
        found = self.signature()
        if not found:
            if not new_volume:
                raise VolumeError(
                    f'{self.device} has no file system although the volume is not new.')
            self.format()
            found = self.signature()
        uuid, kind = found.get('UUID', ''), found.get('TYPE', '')
        if not uuid or found.get('USAGE', 'filesystem') != 'filesystem':
            what = kind or found.get('PTTYPE', 'an unknown signature')
            raise VolumeError(
                f'{self.device} has {what}, which is not a file system this agent may use.')
        return uuid

    def mount(self, mount_point: str, uuid: str) -> None:
        """Mount the volume and add it to fstab, so that a reboot mounts it without the agent."""
        os.makedirs(mount_point, exist_ok=True)
        options = f'{self._options.mount_options},nofail,x-systemd.device-timeout=60'
        kind = self.signature().get('TYPE', self._options.kind)
        _ensure_fstab(mount_point, f'UUID={uuid} {mount_point} {kind} {options} 0 2')
        if is_mounted(mount_point):
            return
        run(['mount', '-t', kind, '-o', self._options.mount_options, self.device, mount_point],
            timeout=120)

    def size(self) -> int:
        """Return the bytes of the device."""
        return int(run(['blockdev', '--getsize64', self.device], timeout=30).output)

    def grow_mounted(self, mount_point: str, timeout: float) -> None:
        """Grow the mounted file system to the size of the device, if it is smaller.

        :raises ProcessFailed: the kernel refuses.
        """
        kind = self._growable()
        run(['xfs_growfs', mount_point] if kind == 'xfs' else ['resize2fs', self.device],
            timeout=timeout)

    def grow_unmounted(self, timeout: float) -> None:
        """Check the unmounted file system, repair what is safe to repair, and grow it.

        :raises VolumeError: this kind grows only while it is mounted.
        """
        kind = self._growable()
        if kind == 'xfs':
            raise VolumeError('xfs can only be grown while it is mounted.')
        run(['e2fsck', '-f', '-p', self.device], timeout=timeout, allowed=_CHECKED)
        run(['resize2fs', self.device], timeout=timeout)

    def _growable(self) -> str:
        kind = self.signature().get('TYPE', '')
        if kind not in ('ext2', 'ext3', 'ext4', 'xfs'):
            raise VolumeError(
                f'{self.device} has {kind or "no file system"}, which this agent cannot grow.')
        return kind


def wait_for_size(device: str, size_gb: int, *, wait: float = 60,
                  size_of: Callable[[str], int] | None = None,
                  sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait until the machine sees the new size of a device; the host reports it after Cinder does.

    :raises VolumeError: the device is still smaller at the timeout.
    """
    read_size = size_of or (lambda path: Volume(path, FileSystemOptions()).size())
    # The header of an encrypted volume takes part of its size.
    expected = size_gb * _GIB - _HEADER
    deadline = time.monotonic() + wait
    while (found := read_size(device)) < expected:
        if time.monotonic() >= deadline:
            raise VolumeError(
                f'{device} has {found / _GIB:.2f} GiB, not the {size_gb} GiB of its volume, after '
                f'{wait:.0f} seconds.')
        sleep(0.5)


def unmount(mount_point: str, *, wait: float = 10,
            sleep: Callable[[float], None] = time.sleep) -> None:
    """Unmount the volume if it is mounted; retry while a process uses its files for a moment.

    :raises ProcessFailed: the volume is in use for longer than ``wait`` seconds.
    """
    deadline = time.monotonic() + wait
    while is_mounted(mount_point):
        try:
            run(['umount', mount_point], timeout=120)
        except ProcessFailed:
            if time.monotonic() >= deadline:
                raise
            sleep(0.5)


def _ensure_fstab(mount_point: str, line: str) -> None:
    """Write one line for a mount point, replacing an older one (with another UUID)."""
    present = (files.read(_FSTAB) or '').splitlines()
    kept = [
        text for text in present
        if text.split()[1:2] != [mount_point] or text.lstrip().startswith('#')
    ]
    files.write_if_changed(_FSTAB, '\n'.join([*kept, line]) + '\n', mode=0o644)


def is_mounted(mount_point: str, *, table: str = '/proc/self/mountinfo') -> bool:
    """Return whether something is mounted exactly at ``mount_point``."""
    expected = os.path.normpath(mount_point)
    for line in (files.read(table) or '').splitlines():
        fields = line.split(' ')
        if len(fields) > 4 and fields[4].encode().decode('unicode_escape') == expected:
            return True
    return False


def is_read_only(path: str) -> bool:
    """Return whether the file system of ``path`` is read-only."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def volume_use(path: str) -> VolumeUse:
    """Return the bytes of the file system of ``path``."""
    found = os.statvfs(path)
    return VolumeUse(total=found.f_blocks * found.f_frsize,
                     used=(found.f_blocks - found.f_bfree) * found.f_frsize,
                     available=found.f_bavail * found.f_frsize)
