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

"""Machine that is a directory, for the real manager and agent.

Its volumes are directories that outlive it, its units are two flags.
"""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from trove.guestagent.datastore.engine import Database
from trove.guestagent.system import files
from trove.guestagent.system.machine import Machine
from trove.guestagent.system.mount import VolumeError, VolumeUse
from trove.guestagent.system.process import ProcessFailed
from trove.guestagent.system.systemd import UnitState
from trove.guestagent.system.web import WebError

GIB = 1024 ** 3


@dataclasses.dataclass
class MemoryData:
    """Content of a volume; ``directory`` has its files."""
    directory: pathlib.Path | None = None
    databases: dict[str, Database] = dataclasses.field(default_factory=dict)
    #: (name, host) -> password and names of databases.
    users: dict[tuple[str, str], dict[str, Any]] = dataclasses.field(default_factory=dict)
    root_password: str | None = None
    secured: bool = False
    initialised: int = 0
    #: GB of the file system.
    size: int = 2
    #: Version of the engine that wrote the data.
    version: str = ''


class MemoryUnit:
    """Systemd unit that is two flags; ``refuses`` fails the next starts with this text."""

    def __init__(self) -> None:
        self.active = 'inactive'
        self.result = 'success'
        self.on = False
        self.drop_ins: dict[str, str] = {}
        self.refuses = ''
        self.starts = 0
        #: Automatic restarts by systemd.
        self.restarts = 0
        self.environment: list[tuple[str, str]] = []
        #: Lines of the unit's processes in the journal.
        self.logged: list[str] = []
        #: Called after each start.
        self.on_start: Callable[[], Any] = lambda: None
        #: Returns the reason for which the files prevent a start, or "".
        self.problem: Callable[[], str] = lambda: ''

    def state(self) -> UnitState:
        sub = {'active': 'running', 'inactive': 'dead'}.get(self.active, self.active)
        return UnitState(loaded=True, active=self.active, sub=sub, result=self.result,
                         restarts=self.restarts, run=f'run-{self.starts}')

    def start(self, timeout: float) -> None:
        if self.active == 'active':
            return
        refusal = self.refuses or self.problem()
        if refusal:
            self.active, self.result = 'failed', 'exit-code'
            raise ProcessFailed('systemctl', 1, refusal)
        self.active, self.result = 'active', 'success'
        self.starts += 1
        self.on_start()

    def stop(self, timeout: float) -> None:
        self.active = 'inactive'

    def restart(self, timeout: float) -> None:
        self.active = 'inactive'
        self.start(timeout)

    def restart_with(self, name: str, value: str, timeout: float) -> None:
        self.environment.append((name, value))
        self.restart(timeout)

    def crash(self) -> None:
        """End the unit by a signal, as kill -9 does."""
        self.active, self.result = 'failed', 'signal'

    def enable(self, enabled: bool) -> None:
        self.on = enabled

    def enabled(self) -> bool:
        return self.on

    def drop_in(self, name: str, content: str) -> None:
        self.drop_ins[name] = content

    def export_journal(self, path: str, cursor: str) -> None:
        done = int(files.read(cursor) or '0')
        with open(path, 'ab') as stream:
            stream.write(''.join(f'{line}\n' for line in self.logged[done:]).encode())
        files.write(cursor, str(len(self.logged)))

    def recent_errors(self, lines: int = 20) -> list[str]:
        refusal = self.refuses or self.problem()
        return [f'[ERROR] {refusal}'] if refusal else []


def _no_web(url: str, content: bytes, headers: Mapping[str, str]) -> None:
    raise WebError('nobody answers')


class MemoryMachine(Machine):
    """Machine with a directory as its root.

    :param volumes: volume id -> content; None for a blank volume.
    """

    def __init__(self, root: pathlib.Path,
                 volumes: dict[str, MemoryData | None] | None = None) -> None:
        self.root = root
        super().__init__(str(root / 'state'), runtime_directory=str(root / 'run'))
        self.volumes = volumes if volumes is not None else {}
        self.units: dict[str, MemoryUnit] = {}
        self.mounted: dict[str, str] = {}
        #: Exit statuses of the next tries to grow a mounted file system; then 0.
        self.refuses_online: list[int] = []
        #: Damage that the check of a file system cannot repair.
        self.damaged = ''
        #: Function that stores data at a URL, inside the test process.
        #: Certificate authorities of the last upload.
        self.trusted = ''
        self.web: Callable[[str, bytes, Mapping[str, str]], None] = _no_web
        #: Recorded growths of file systems.
        self.grown: list[str] = []
        self.root_data = MemoryData()
        (root / 'etc/memory').mkdir(parents=True, exist_ok=True)

    def path(self, path: str) -> str:
        return path if path.startswith(str(self.root)) else str(self.root / path.lstrip('/'))

    def unit(self, name: str) -> MemoryUnit:
        return self.units.setdefault(name, MemoryUnit())

    def data(self, mount_point: str) -> MemoryData:
        """Return the content at a mount point."""
        volume_id = self.mounted.get(self.path(mount_point))
        found = self.volumes[volume_id] if volume_id else self.root_data
        assert found is not None
        return found

    def attach_volume(self, volume_id: str, device_path: str, mount_point: str, *, new_volume: bool,
                      uuid: str = '', wait: float = 60) -> str:
        if volume_id not in self.volumes:
            raise VolumeError(
                f'No device of volume {volume_id} appeared within {wait:.0f} seconds.')
        if self.volumes[volume_id] is None:
            if not new_volume:
                raise VolumeError('The volume carries no file system although it is not new.')
            self.volumes[volume_id] = MemoryData(directory=self.root.parent / f'volume-{volume_id}',
                                                 size=self._device_size(volume_id))
        if not self.is_mounted(mount_point):
            self._mount(self.path(mount_point), volume_id)
        return f'uuid of {volume_id}'

    def _mount(self, path: str, volume_id: str) -> None:
        directory = self.volumes[volume_id].directory
        directory.mkdir(exist_ok=True)
        os.makedirs(path, exist_ok=True)
        os.rmdir(path)
        os.symlink(directory, path)
        self.mounted[path] = volume_id

    def _device_size(self, volume_id: str) -> int:
        """Return the size in GB recorded with the volume."""
        return getattr(self.volumes, 'sizes', {}).get(volume_id, 2)

    def unmount_volume(self, mount_point: str) -> None:
        path = self.path(mount_point)
        if path in self.mounted:
            if any(unit.active == 'active' for unit in self.units.values()):
                raise ProcessFailed('umount', 32, f'{mount_point}: target is busy.')
            del self.mounted[path]
            os.unlink(path)
            os.mkdir(path)

    def wait_for_size(self, volume_id: str, device_path: str, size_gb: int, *, wait: float) -> None:
        if volume_id not in self.volumes:
            raise VolumeError(
                f'No device of volume {volume_id} appeared within {wait:.0f} seconds.')
        if self._device_size(volume_id) < size_gb:
            raise VolumeError(f'The device has {self._device_size(volume_id)} GiB, not {size_gb}.')

    def grow_volume(self, volume_id: str, device_path: str, mount_point: str, *, mounted: bool,
                    timeout: float) -> None:
        assert mounted == self.is_mounted(mount_point), 'a file system is grown as what it is'
        status = self.refuses_online.pop(0) if mounted and self.refuses_online else 0
        if status:
            raise ProcessFailed('resize2fs', status, 'Permission denied to resize filesystem')
        if self.damaged and not mounted:
            raise ProcessFailed('e2fsck', 4, self.damaged)
        self.volumes[volume_id].size = self._device_size(volume_id)
        self.grown.append('online' if mounted else 'offline')

    def is_mounted(self, mount_point: str) -> bool:
        return self.path(mount_point) in self.mounted

    def is_read_only(self, path: str) -> bool:
        return False

    def volume_use(self, path: str) -> VolumeUse:
        volume_id = self.mounted.get(path) or self.mounted.get(self.path(path))
        size = self.volumes[volume_id].size if volume_id and self.volumes[volume_id] else 2
        return VolumeUse(total=size * GIB, used=GIB // 4, available=size * GIB - GIB // 4)

    def directory(self, path: str, *, mode: int, user: str | None = None,
                  group: str | None = None) -> None:
        files.directory(os.path.realpath(path), mode=mode)

    def user_number(self, user: str) -> int:
        return os.geteuid()

    def put(self, url: str, content: bytes, headers: Mapping[str, str], *, verify: bool,
            timeout: float, authorities: str = '') -> None:
        self.trusted = authorities
        self.web(url, content, headers)

    def own_tree(self, path: str, user: str, group: str) -> None:
        """Do nothing: all files belong to the user who runs the test."""

    def write(self, path: str, content: str, *, mode: int = 0o644, user: str | None = None,
              group: str | None = None) -> None:
        files.write(path, content, mode=mode)

    def reboot(self) -> None:
        """Stop everything and start the enabled units; no volume is mounted, as in a container."""
        for name in os.listdir(self.root / 'run'):
            os.unlink(self.root / 'run' / name)
        while self.mounted:
            path, _ = self.mounted.popitem()
            os.unlink(path)
            os.mkdir(path)
        for unit in self.units.values():
            unit.active = 'inactive'
