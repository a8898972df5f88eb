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

"""Machine of the agent as datastores use it: volume, directories, files, units.

The engine-neutral code changes the operating system only through :class:`Machine`, so functional
tests run the same code on a machine that is a directory.
"""

import os
from collections.abc import Mapping

from trove.guestagent.system import files, mount, web
from trove.guestagent.system.systemd import Unit


class Machine:
    """Real machine.

    :param state_directory: directory on the root disk for state needed before the data volume is
        mounted.
    :param runtime_directory: directory that is empty after a boot.
    """

    def __init__(self, state_directory: str,
                 file_system: mount.FileSystemOptions = mount.FileSystemOptions(),
                 runtime_directory: str = '/run/trove-guest') -> None:
        self.state_directory = state_directory
        self._runtime_directory = runtime_directory
        self._file_system = file_system
        for directory in (state_directory, runtime_directory):
            os.makedirs(directory, mode=0o700, exist_ok=True)

    def path(self, path: str) -> str:
        """Return the path on this machine of a path of the guest; the same on a real machine."""
        return path

    def unit(self, name: str) -> Unit:
        return Unit(name)

    def attach_volume(self, volume_id: str, device_path: str, mount_point: str, *, new_volume: bool,
                      uuid: str = '', wait: float = 60) -> str:
        """Ensure that the volume has a file system and is mounted, now and after a reboot.

        :param uuid: UUID that the file system must have; "" for any.
        :returns: the UUID of the file system.
        :raises VolumeError: :raises ProcessFailed: with a reason for the operator.
        """
        device = mount.find_device(volume_id, device_path, wait=wait)
        volume = mount.Volume(device, self._file_system)
        found = volume.ensure_file_system(new_volume=new_volume)
        if uuid and uuid != found:
            raise mount.VolumeError(
                f'{device} has another file system than the one this server was made with.')
        volume.mount(mount_point, found)
        return found

    def unmount_volume(self, mount_point: str) -> None:
        """:raises ProcessFailed: the volume is in use."""
        mount.unmount(mount_point)

    def wait_for_size(self, volume_id: str, device_path: str, size_gb: int, *, wait: float) -> None:
        """Wait until the volume is attached and has its size.

        :raises VolumeError: timeout. :raises ProcessFailed: the size cannot be read.
        """
        mount.wait_for_size(mount.find_device(volume_id, device_path, wait=wait), size_gb,
                            wait=wait)

    def grow_volume(self, volume_id: str, device_path: str, mount_point: str, *, mounted: bool,
                    timeout: float) -> None:
        """Grow the file system to the size of its device.

        :raises VolumeError: file systems of this kind cannot be grown. :raises ProcessFailed: the
            file system cannot be grown now, mounted or unmounted.
        """
        volume = mount.Volume(mount.find_device(volume_id, device_path, wait=0), self._file_system)
        if mounted:
            volume.grow_mounted(mount_point, timeout)
        else:
            volume.grow_unmounted(timeout)

    def is_mounted(self, mount_point: str) -> bool:
        return mount.is_mounted(mount_point)

    def is_read_only(self, path: str) -> bool:
        """Return whether the kernel made the file system of ``path`` read-only, to protect it."""
        return mount.is_read_only(path)

    def volume_use(self, path: str) -> mount.VolumeUse:
        return mount.volume_use(path)

    def directory(self, path: str, *, mode: int, user: str | None = None,
                  group: str | None = None) -> None:
        files.directory(path, mode=mode, user=user, group=group)

    def own_tree(self, path: str, user: str, group: str) -> None:
        """Change the owner of a tree; the account may have had another uid in an earlier image."""
        files.chown_tree(path, user, group)

    def write(self, path: str, content: str, *, mode: int = 0o644, user: str | None = None,
              group: str | None = None) -> None:
        files.write(path, content, mode=mode, user=user, group=group)

    def move_aside(self, path: str, suffix: str, user: str) -> None:
        """Rename a file in a directory of an account. :raises OSError: another owner."""
        files.move_aside(path, suffix, self.user_number(user))

    def user_number(self, user: str) -> int:
        return files.owner_ids(user, None)[0]

    def put(self, url: str, content: bytes, headers: Mapping[str, str], *, verify: bool,
            timeout: float, authorities: str = '') -> None:
        """Store content at a URL. :raises WebError: the upload failed."""
        web.put(url, content, headers, verify=verify, timeout=timeout, authorities=authorities)

    def state_file(self, name: str) -> str:
        """Return the path of a file in the state directory."""
        return os.path.join(self.state_directory, name)

    def runtime_file(self, name: str) -> str:
        """Return the path of a file that a boot removes."""
        return os.path.join(self._runtime_directory, name)
