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

"""The machine the agent lives on, as far as datastores need it: volume, directories, files, units.

Everything the engine-neutral code does to the operating system goes through a :class:`Machine`, so that functional
tests run the same code over a machine that is a directory.
"""

import os
from collections.abc import Mapping

from trove.guestagent.system import files, mount, web
from trove.guestagent.system.systemd import Unit


class Machine:
    """The real one.

    :param state_directory: directory of the root disk for what must be known before the data volume is mounted.
    :param runtime_directory: directory that is empty after a start of the machine.
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
        """Where a path of the guest is found; on a real machine there."""
        return path

    def unit(self, name: str) -> Unit:
        return Unit(name)

    def attach_volume(self, volume_id: str, device_path: str, mount_point: str, *, new_volume: bool,
                      uuid: str = '', wait: float = 60) -> str:
        """Ensure that the volume carries a file system and is mounted, now and after a reboot.

        :param uuid: the file system it must be; "" for any.
        :returns: the UUID of the file system.
        :raises VolumeError: :raises ProcessFailed: with a reason for the operator.
        """
        device = mount.find_device(volume_id, device_path, wait=wait)
        volume = mount.Volume(device, self._file_system)
        found = volume.ensure_file_system(new_volume=new_volume)
        if uuid and uuid != found:
            raise mount.VolumeError(
                f'{device} carries another file system than the one this server was made with.')
        volume.mount(mount_point, found)
        return found

    def unmount_volume(self, mount_point: str) -> None:
        """:raises ProcessFailed: it is in use."""
        mount.unmount(mount_point)

    def wait_for_size(self, volume_id: str, device_path: str, size_gb: int, *, wait: float) -> None:
        """Wait until the volume is there and has its size.

        :raises VolumeError: not in time. :raises ProcessFailed: it cannot be looked at.
        """
        mount.wait_for_size(mount.find_device(volume_id, device_path, wait=wait), size_gb,
                            wait=wait)

    def grow_volume(self, volume_id: str, device_path: str, mount_point: str, *, mounted: bool,
                    timeout: float) -> None:
        """Let the file system fill its device.

        :raises VolumeError: it is of a kind that cannot be. :raises ProcessFailed: not in this state of the machine.
        """
        volume = mount.Volume(mount.find_device(volume_id, device_path, wait=0), self._file_system)
        if mounted:
            volume.grow_mounted(mount_point, timeout)
        else:
            volume.grow_unmounted(timeout)

    def is_mounted(self, mount_point: str) -> bool:
        return mount.is_mounted(mount_point)

    def is_read_only(self, path: str) -> bool:
        """Whether the file system that holds ``path`` takes no writes, as the kernel makes it to save a broken one."""
        return mount.is_read_only(path)

    def volume_use(self, path: str) -> mount.VolumeUse:
        return mount.volume_use(path)

    def directory(self, path: str, *, mode: int, user: str | None = None,
                  group: str | None = None) -> None:
        files.directory(path, mode=mode, user=user, group=group)

    def own_tree(self, path: str, user: str, group: str) -> None:
        """Give a tree to an account that may have had another number in an earlier image."""
        files.chown_tree(path, user, group)

    def write(self, path: str, content: str, *, mode: int = 0o644, user: str | None = None,
              group: str | None = None) -> None:
        files.write(path, content, mode=mode, user=user, group=group)

    def move_aside(self, path: str, suffix: str, user: str) -> None:
        """Rename a file in a directory of an account's own. :raises OSError: it is not that."""
        files.move_aside(path, suffix, self.user_number(user))

    def user_number(self, user: str) -> int:
        return files.owner_ids(user, None)[0]

    def put(self, url: str, content: bytes, headers: Mapping[str, str], *, verify: bool,
            timeout: float, authorities: str = '') -> None:
        """Store something at a URL. :raises WebError: it did not arrive."""
        web.put(url, content, headers, verify=verify, timeout=timeout, authorities=authorities)

    def state_file(self, name: str) -> str:
        """Path of a file in the state directory."""
        return os.path.join(self.state_directory, name)

    def runtime_file(self, name: str) -> str:
        """Path of a file that a start of the machine removes."""
        return os.path.join(self._runtime_directory, name)
