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
"""Directory and disk of a machine: an overlay over the image's root tree."""

import os
import pathlib
import shutil

from minicloud.hypervisor import HypervisorError, ServerSpec
from minicloud.machines import config_drive
from minicloud.machines.commands import attempt, run
from minicloud.machines.layout import Layout
from minicloud.machines.records import Disk, Machine, read_json, write_json

#: Characters that separate options of an overlay mount.
FORBIDDEN = ',:\\'


class Storage:
    """Records and disks of a sandbox's machines."""

    def __init__(self, layout: Layout):
        self._layout = layout

    def load(self, server_id: str) -> Machine | None:
        """Return the record of a machine, or None."""
        document = read_json(self._layout.machine(server_id) / 'machine.json')
        return None if document is None else Machine.from_json(document)

    def save(self, machine: Machine) -> None:
        """Store the record of a machine."""
        write_json(self._layout.machine(machine.id) / 'machine.json', machine.to_json())

    def all_ids(self) -> list[str]:
        """Return the ids of all machines that have a directory."""
        if not self._layout.machines.is_dir():
            return []
        return sorted(entry.name for entry in self._layout.machines.iterdir() if entry.is_dir())

    def make_disk(self, spec: ServerSpec, mtus: dict[str, int]) -> None:
        """Create a new disk from the image, with the config drive in it."""
        self.unmount(spec.id)
        directory = self._layout.machine(spec.id)
        for name in ('upper', 'work'):
            if (directory / name).exists():
                shutil.rmtree(directory / name)
        self.mount(spec.id, spec.image_path)
        config_drive.write(directory / 'root', spec, mtus)

    def mount(self, server_id: str, image_path: str) -> None:
        """Mount the disk of a machine, unless it is mounted."""
        directory = self._layout.machine(server_id)
        image = pathlib.Path(image_path).resolve()
        if not (image / 'etc/os-release').exists():
            raise HypervisorError(f'Image {image} is not a root file system tree.')
        for name in ('upper', 'work', 'root', 'network', 'disk/by-id'):
            (directory / name).mkdir(parents=True, exist_ok=True)
        os.chmod(directory, 0o700)
        if any(letter in FORBIDDEN for letter in f'{image}{directory}'):
            raise HypervisorError(f'Paths of machines and images may not contain {FORBIDDEN}')
        if not os.path.ismount(directory / 'root'):
            # The root directory of a machine has the permissions of the upper directory.
            shutil.copystat(image, directory / 'upper')
            run('mount', '-t', 'overlay', self._layout.machine_name(server_id), '-o',
                f'lowerdir={image},upperdir={directory}/upper,workdir={directory}/work',
                str(directory / 'root'))

    def unmount(self, server_id: str) -> None:
        """Unmount the disk of a stopped machine."""
        root = self._layout.machine(server_id) / 'root'
        while os.path.ismount(root):
            if not attempt('umount', str(root)):
                run('umount', '--lazy', str(root))

    def remove(self, server_id: str) -> None:
        """Remove the directory of a machine and the leftovers of systemd-nspawn."""
        self.unmount(server_id)
        directory = self._layout.machine(server_id)
        if directory.exists():
            shutil.rmtree(directory)
        shutil.rmtree(pathlib.Path('/run/systemd/nspawn/propagate')
                      / self._layout.machine_name(server_id), ignore_errors=True)

    def link_disks(self, machine: Machine) -> None:
        """Update /dev/disk/by-id of a machine to its disks, since machines run no udev."""
        directory = self._layout.machine(machine.id) / 'disk/by-id'
        directory.mkdir(parents=True, exist_ok=True)
        links = {link_name(disk): '../../' + pathlib.PurePath(disk.device).name
                 for disk in machine.disks}
        for link in directory.iterdir():
            if links.get(link.name) != os.readlink(link):
                link.unlink()
        for name, target in links.items():
            if not os.path.lexists(directory / name):
                os.symlink(target, directory / name)


def link_name(disk: Disk) -> str:
    """Return the name under /dev/disk/by-id that a virtio disk would have."""
    return f'virtio-{disk.serial}'
