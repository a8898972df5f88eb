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

"""Checks of the host that run before anything is changed; each refusal names the remedy."""

import os
import pathlib
import shutil
import socket

from control import processes
from control.settings import PORT_OFFSETS, Settings

NEEDED_DISK_GB = 6.0
#: Space needed by a later start, when the image and the environment exist already.
NEEDED_DISK_AGAIN_GB = 2.0
NEEDED_MEMORY_MB = 2500
#: Four machines; the systemd of each uses about six instances.
NEEDED_INOTIFY_INSTANCES = 24


class Refused(Exception):
    """Refusal to run on this host; the text has one line per reason."""


def refuse_unless_root() -> None:
    """Raise unless the caller is root, who alone may create machines.

    :raises Refused: the caller is another user.
    """
    if os.geteuid() != 0:
        raise Refused(
            'must run as root: the sandbox creates machines, bridges and loop devices '
            '(try: sudo -E)'
        )


def check_host(settings: Settings, running: set[str]) -> None:
    """Check every requirement of the host that could make a later stage fail.

    :param running: running services of this sandbox; they may occupy their ports.
    :raises Refused: a requirement is not met; the text lists all reasons.
    """
    reasons = [
        *_platform(), *belongs_to_others(settings.directory), *_reachable(settings.directory),
        *_disk(settings), *_memory(bool(running)), *_ports(settings, running),
        *_network(settings, bool(running)), *_inotify(bool(running))
    ]
    if reasons:
        raise Refused('\n'.join(reasons))


def _platform() -> list[str]:
    reasons = []
    if not pathlib.Path('/etc/debian_version').exists() or not shutil.which('apt-get'):
        reasons.append('this is not Debian (12 or newer): packages cannot be installed here')
    filesystems = pathlib.Path('/proc/filesystems').read_text(encoding='ascii').split()
    modules = pathlib.Path('/lib/modules', os.uname().release)
    if 'overlay' not in filesystems and not modules.is_dir():
        reasons.append('the kernel has no overlay file system, which machines need')
    if not os.access('/dev/loop-control', os.W_OK):
        reasons.append('/dev/loop-control is missing: volumes need loop devices')
    for kind in ('net', 'mnt', 'pid', 'uts', 'ipc'):
        if not pathlib.Path(f'/proc/self/ns/{kind}').exists():
            reasons.append(f'the kernel has no {kind} namespaces: systemd-nspawn cannot run here')
    if not _may_administer():
        reasons.append(
            'root lacks CAP_SYS_ADMIN or CAP_NET_ADMIN here (an unprivileged container?): '
            'systemd-nspawn cannot run')
    return reasons


def _may_administer() -> bool:
    for line in pathlib.Path('/proc/self/status').read_text(encoding='ascii').splitlines():
        if line.startswith('CapEff:'):
            effective = int(line.split()[1], 16)
            return bool(effective >> 21 & 1 and effective >> 12 & 1)
    return False


#: Names that a first start creates before the others, and names that only a sandbox has.
_EARLY = frozenset({'.lock', '.cache', '.config', '.local', 'logs', 'run'})
_MARKS = frozenset({'secrets', 'venv', 'images', 'minicloud'})


def belongs_to_others(directory: pathlib.Path) -> list[str]:
    """Return why a directory cannot be used: it has content, but nothing that marks a sandbox."""
    there = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    if there - _EARLY and not there & _MARKS:
        return [
            f'{directory} is in use for something else: choose an empty or a new TROVE_SANDBOX_DIR'
        ]
    return []


def _reachable(directory: pathlib.Path) -> list[str]:
    """Return the parent directory that the users of RabbitMQ and MariaDB cannot enter."""
    for parent in directory.parents:
        if parent.exists() and not parent.stat().st_mode & 0o001:
            return [
                f'{parent} may not be entered by other users, so RabbitMQ and MariaDB cannot reach '
                'their data below it: choose another TROVE_SANDBOX_DIR or chmod o+x it'
            ]
    return []


def _disk(settings: Settings) -> list[str]:
    place = settings.directory
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 1e9
    built = (settings.image / 'rootfs').exists()
    needed = NEEDED_DISK_AGAIN_GB if built else NEEDED_DISK_GB
    if free < needed:
        return [
            f'{place} has {free:.1f} GB free, the sandbox needs {needed:.0f} GB: free some space, '
            'or choose another TROVE_SANDBOX_DIR'
        ]
    return []


def _memory(something_runs: bool) -> list[str]:
    values = {}
    for line in pathlib.Path('/proc/meminfo').read_text(encoding='ascii').splitlines():
        name, _, rest = line.partition(':')
        values[name] = int(rest.split()[0]) // 1024
    available = values.get('MemAvailable', values['MemTotal'])
    if not something_runs and available < NEEDED_MEMORY_MB:
        return [f'{available} MB of memory are available, the sandbox needs {NEEDED_MEMORY_MB} MB']
    return []


def _inotify(something_runs: bool) -> list[str]:
    """Return why machines could not boot: systemd in each of them needs inotify instances."""
    limit = pathlib.Path('/proc/sys/fs/inotify/max_user_instances')
    if something_runs or not limit.exists():
        return []
    return inotify_shortage(int(limit.read_text(encoding='ascii')), inotify_instances())


def inotify_instances() -> int:
    """Return the number of inotify instances that all processes of this host have open.

    The kernel counts them per user; nearly all belong to root, as do those of the machines.
    """
    found = 0
    for pid in processes.all_pids():
        try:
            found += sum(os.readlink(entry.path) == 'anon_inode:inotify'
                         for entry in os.scandir(f'/proc/{pid}/fd'))
        except OSError:
            continue
    return found


def inotify_shortage(limit: int, used: int) -> list[str]:
    """Return a reason if fewer instances are free than a few machines need."""
    if limit - used >= NEEDED_INOTIFY_INSTANCES:
        return []
    return [
        f'{used} of {limit} inotify instances are in use, the sandbox needs '
        f'{NEEDED_INOTIFY_INSTANCES} free ones, or its machines die at boot: raise the limit with '
        f'sysctl -w fs.inotify.max_user_instances={max(1024, 2 * limit)}'
    ]


def _ports(settings: Settings, running: set[str]) -> list[str]:
    reasons = []
    for name in PORT_OFFSETS:
        # The ports of a service have its name, or its name, a dash and a suffix.
        if any(name == service or name.startswith(f'{service}-') for service in running):
            continue
        port = settings.port(name)
        if _taken(port):
            reasons.append(
                f'port {port}, meant for {name}, is in use by {who_listens(port)}: stop that '
                'process, or choose another TROVE_SANDBOX_PORT_BASE')
    return reasons


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(('0.0.0.0', port))
        except OSError:
            return True
    return False


def who_listens(port: int) -> str:
    """Return name and number of the process that listens on a TCP port, if it is visible."""
    inodes = set()
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
        try:
            lines = pathlib.Path(table).read_text(encoding='ascii').splitlines()[1:]
        except OSError:
            continue
        inodes |= listening_inodes(lines, port)
    for pid in processes.all_pids():
        try:
            links = {os.readlink(entry.path) for entry in os.scandir(f'/proc/{pid}/fd')}
        except OSError:
            continue
        if links & {f'socket:[{inode}]' for inode in inodes}:
            name = pathlib.Path(f'/proc/{pid}/comm').read_text(encoding='utf-8',
                                                               errors='replace').strip()
            return f'process {pid} ({name})'
    return 'a process that is not visible here'


def listening_inodes(lines: list[str], port: int) -> set[str]:
    """Return the inodes of the sockets that listen on a port, from lines of /proc/net/tcp."""
    found = set()
    for line in lines:
        fields = line.split()
        if len(fields) > 9 and fields[3] == '0A' and int(fields[1].rpartition(':')[2], 16) == port:
            found.add(fields[9])
    return found


def _network(settings: Settings, something_runs: bool) -> list[str]:
    """Return the networks of the sandbox that overlap a route of a foreign interface."""
    reasons = []
    for line in pathlib.Path('/proc/net/route').read_text(encoding='ascii').splitlines()[1:]:
        interface, destination, _, flags, *_, mask = line.split()[:8]
        if interface.startswith(settings.prefix) or int(mask, 16) == 0:
            continue
        for which in ('management', 'private', 'public'):
            ours = settings.subnet(which)
            if overlaps(destination, mask, int(ours.network_address), int(ours.netmask)):
                reasons.append(
                    f'the network {ours} ({which}) is in use by the interface {interface}: choose '
                    'another range with TROVE_SANDBOX_NET')
    return reasons


def overlaps(destination: str, mask: str, address: int, netmask: int) -> bool:
    """Return whether a route overlaps a network."""
    route = int.from_bytes(bytes.fromhex(destination)[::-1], 'big')
    route_mask = int.from_bytes(bytes.fromhex(mask)[::-1], 'big')
    common = route_mask & netmask
    return route & common == address & common
