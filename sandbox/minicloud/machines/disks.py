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
"""Volumes: sparse files that machines see through loop devices."""

import contextlib
import fcntl
import os
import pathlib
import stat
import threading
from collections.abc import Iterator

from minicloud.hypervisor import HypervisorError
from minicloud.machines.commands import CommandFailed, attempt, run
from minicloud.machines.layout import Layout

GIBIBYTE = 1024 ** 3
_LOOP_MAJOR = 7
_BLOCKS = pathlib.Path('/sys/block')
#: ioctl that returns the number of an unused loop device and creates one if necessary.
_LOOP_CTL_GET_FREE = 0x4C82


def loop_files() -> Iterator[tuple[str, str]]:
    """Yield loop device path and backing file of all used loop devices of the host."""
    for block in _BLOCKS.glob('loop*'):
        with contextlib.suppress(OSError):
            text = (block / 'loop/backing_file').read_text(encoding='utf-8').rstrip('\n')
            yield f'/dev/{block.name}', text.removesuffix(' (deleted)')


class Volumes:
    """Volumes of a sandbox, thread-safe."""

    def __init__(self, layout: Layout):
        self._layout = layout
        self._lock = threading.Lock()

    def create(self, volume_id: str, size_gb: int) -> None:
        """Create an empty volume, unless it exists."""
        path = self._layout.volume(volume_id)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            self._sized(path, size_gb * GIBIBYTE)

    def clone(self, volume_id: str, size_gb: int, source_id: str) -> None:
        """Create a volume with the content of a volume or snapshot."""
        path = self._layout.volume(volume_id)
        if path.exists():
            return
        source = self._layout.snapshot(source_id)
        if not source.exists():
            source = self._existing(source_id)
        self._copy(source, path)
        os.truncate(path, max(size_gb * GIBIBYTE, path.stat().st_size))

    def snapshot(self, snapshot_id: str, volume_id: str) -> None:
        """Copy the content of a volume; the caller must prevent writes meanwhile."""
        path = self._layout.snapshot(snapshot_id)
        if not path.exists():
            self._copy(self._existing(volume_id), path)

    def delete_snapshot(self, snapshot_id: str) -> None:
        """Remove a snapshot."""
        self._layout.snapshot(snapshot_id).unlink(missing_ok=True)

    def extend(self, volume_id: str, size_gb: int) -> None:
        """Extend a volume; an attached machine sees the new size."""
        path = self._existing(volume_id)
        size = size_gb * GIBIBYTE
        present = path.stat().st_size
        if size < present:
            raise HypervisorError(f'Volume {volume_id} has {present // GIBIBYTE} GB and cannot '
                                  f'shrink to {size_gb} GB.')
        if size > present:
            os.truncate(path, size)
        loop = self.loop_of(volume_id)
        if loop is not None:
            run('losetup', '--set-capacity', loop)

    def delete(self, volume_id: str) -> None:
        """Remove a volume and its loop device."""
        self.release(volume_id)
        self._layout.volume(volume_id).unlink(missing_ok=True)

    def loop_of(self, volume_id: str) -> str | None:
        """Return the loop device of a volume, or None."""
        path = str(self._layout.volume(volume_id))
        return next((loop for loop, file in loop_files() if file == path), None)

    def connect(self, volume_id: str) -> str:
        """Return the loop device of a volume; create it if it is missing."""
        path = self._existing(volume_id)
        with self._lock:
            loop = self.loop_of(volume_id)
            if loop is None:
                loop = _new_loop(path)
        return loop

    def release(self, volume_id: str) -> None:
        """Detach the loop device of a volume; the kernel delays this while the device is in use."""
        loop = self.loop_of(volume_id)
        if loop is not None:
            attempt('losetup', '--detach', loop)

    def _existing(self, volume_id: str) -> pathlib.Path:
        path = self._layout.volume(volume_id)
        if not path.exists():
            raise HypervisorError(f'Volume {volume_id} does not exist on this host.')
        return path

    @staticmethod
    def _sized(path: pathlib.Path, size: int) -> None:
        temporary = path.with_suffix('.new')
        with open(temporary, 'wb', opener=_private) as stream:
            stream.truncate(size)
        os.replace(temporary, path)

    @staticmethod
    def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
        temporary = target.with_suffix('.new')
        try:
            run('cp', '--sparse=always', '--reflink=auto', str(source), str(temporary),
                timeout=1800)
        except CommandFailed:
            temporary.unlink(missing_ok=True)
            raise
        os.chmod(temporary, 0o600)
        os.replace(temporary, target)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _new_loop(path: pathlib.Path) -> str:
    """Connect a file to an unused loop device; create its device node if it is missing."""
    for _attempt in range(20):
        with open('/dev/loop-control', 'rb') as control:
            number = fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
        node = f'/dev/loop{number}'
        if not os.path.exists(node):
            with contextlib.suppress(FileExistsError):
                os.mknod(node, stat.S_IFBLK | 0o660, os.makedev(_LOOP_MAJOR, number))
        if attempt('losetup', node, str(path)):
            return node
        # Another process of the host took the device first.
    raise HypervisorError('The host has no free loop device.')
