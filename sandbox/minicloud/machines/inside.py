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
"""Actions in the mount namespace of a running machine, done without programs of the machine.

``python -m minicloud.machines.inside PID ACTION ...`` runs in a process of its own. It loads
everything it needs, then enters the namespace. No file of the machine is therefore executed with
the host's rights, and paths are resolved inside the machine's root.

Actions: ``add NODE MAJOR MINOR``, ``remove NODE MOUNT...`` (unmounts the file systems first),
``freeze MOUNT`` and ``thaw MOUNT``.
"""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import stat
import sys

from minicloud.machines import processes
from minicloud.machines.commands import run

_CLONE_NEWNS = 0x00020000
_MNT_DETACH = 2
_FIFREEZE = 0xC0045877
_FITHAW = 0xC0045878
_LIBC = ctypes.CDLL(None, use_errno=True)


def do(pid: int, *arguments: str) -> None:
    """Run one action in the machine with the first process ``pid``; raise CommandFailed on
    failure.
    """
    package = str(pathlib.Path(__file__).resolve().parents[2])
    run(sys.executable, '-P', '-m', 'minicloud.machines.inside', str(pid), *arguments,
        environment={**os.environ, 'PYTHONPATH': package})


def mounts_of(pid: int, major: int, minor: int) -> list[str]:
    """Return the mount points of a device's file system in a machine, the last mount first."""
    found = []
    with open(f'/proc/{pid}/mountinfo', encoding='utf-8', errors='surrogateescape') as stream:
        for line in stream:
            fields = line.split()
            if fields[2] == f'{major}:{minor}':
                found.append(fields[4].replace('\\040', ' '))
    return found[::-1]


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def _enter(pid: int) -> None:
    descriptor = os.open(f'/proc/{pid}/ns/mnt', os.O_RDONLY)
    _check(_LIBC.setns(descriptor, _CLONE_NEWNS), 'setns')
    os.close(descriptor)


def _add(node: str, major: str, minor: str) -> None:
    device = os.makedev(int(major), int(minor))
    with contextlib.suppress(FileNotFoundError):
        if os.stat(node).st_rdev == device:
            return
        _remove(node)
    os.mknod(node, stat.S_IFBLK | 0o660, device)


def _remove(node: str, *mounts: str) -> None:
    for mount in mounts:
        _check(_LIBC.umount2(os.fsencode(mount), _MNT_DETACH), mount)
    # A disk attached before boot is a bind mount; one attached later is a plain node.
    while os.path.lexists(node) and _LIBC.umount2(os.fsencode(node), _MNT_DETACH) == 0:
        continue
    with contextlib.suppress(FileNotFoundError):
        os.unlink(node)


def _freeze(mount: str, request: int) -> None:
    descriptor = os.open(mount, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, request, 0)
    finally:
        os.close(descriptor)


def main(argv: list[str]) -> int:
    """Run the action of the command line."""
    pid, action, arguments = int(argv[0]), argv[1], argv[2:]
    actions = {
        'add': lambda: _add(*arguments), 'remove': lambda: _remove(*arguments),
        'freeze': lambda: _freeze(arguments[0], _FIFREEZE),
        'thaw': lambda: _freeze(arguments[0], _FITHAW),
    }
    processes.must_be_alive(pid)
    _enter(pid)
    actions[action]()
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as error:
        sys.exit(f'{error.filename or "device"}: {error.strerror}')
