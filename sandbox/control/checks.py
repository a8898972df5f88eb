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

"""What is looked at before anything is touched. Each refusal says what would be right."""

import os
import pathlib
import shutil
import socket

from control import processes
from control.settings import PORT_OFFSETS, Settings

NEEDED_DISK_GB = 6.0
#: Less for a second start, when image and environment are there already.
NEEDED_DISK_AGAIN_GB = 2.0
NEEDED_MEMORY_MB = 2500


class Refused(Exception):
    """This machine cannot carry a sandbox; the text says why, one line per reason."""


def refuse_unless_root() -> None:
    """Only root may make machines.

    :raises Refused: the caller is somebody else.
    """
    if os.geteuid() != 0:
        raise Refused(
            'must run as root: the sandbox is made of machines, bridges and loop devices (try: sudo -E)'
        )


def check_host(settings: Settings, running: set[str]) -> None:
    """Look at everything that could fail later.

    :param running: services of this sandbox that run; their ports are theirs.
    :raises Refused: with all reasons at once.
    """
    reasons = [
        *_platform(), *belongs_to_others(settings.directory), *_reachable(settings.directory),
        *_disk(settings), *_memory(bool(running)), *_ports(settings, running),
        *_network(settings, bool(running))
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
        reasons.append('the kernel has no overlay file system, which machines are made of')
    if not os.access('/dev/loop-control', os.W_OK):
        reasons.append('there is no /dev/loop-control: volumes need loop devices')
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


#: What a first start makes before all else, and what only a sandbox has.
_EARLY = frozenset({'.lock', '.cache', '.config', '.local', 'logs', 'run'})
_MARKS = frozenset({'secrets', 'venv', 'images', 'minicloud'})


def belongs_to_others(directory: pathlib.Path) -> list[str]:
    """Why a directory cannot be a sandbox's: there is something in it, but not what each sandbox has."""
    there = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    if there - _EARLY and not there & _MARKS:
        return [
            f'{directory} is in use for something else: choose an empty or a new TROVE_SANDBOX_DIR'
        ]
    return []


def _reachable(directory: pathlib.Path) -> list[str]:
    """RabbitMQ and MariaDB run under their own users and must get to their data."""
    for parent in directory.parents:
        if parent.exists() and not parent.stat().st_mode & 0o001:
            return [
                f'{parent} may not be entered by other users, so that RabbitMQ and MariaDB cannot reach their data '
                'below it: choose another TROVE_SANDBOX_DIR or chmod o+x it'
            ]
    return []


def _disk(settings: Settings) -> list[str]:
    place = settings.directory
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 1e9
    there = (settings.image / 'rootfs').exists()
    needed = NEEDED_DISK_AGAIN_GB if there else NEEDED_DISK_GB
    if free < needed:
        return [
            f'{place} has {free:.1f} GB free, the sandbox needs {needed:.0f} GB: make room, or choose another '
            'TROVE_SANDBOX_DIR'
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


def _ports(settings: Settings, running: set[str]) -> list[str]:
    reasons = []
    for name in PORT_OFFSETS:
        # Ports of one service are called after it, with more after a dash.
        if any(name == service or name.startswith(f'{service}-') for service in running):
            continue
        port = settings.port(name)
        if _taken(port):
            reasons.append(
                f'port {port}, meant for {name}, is taken by {who_listens(port)}: end that, or move the '
                'sandbox with TROVE_SANDBOX_PORT_BASE')
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
    """Name and number of the process that listens on a TCP port, as far as that can be seen."""
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
    return 'a process that cannot be seen from here'


def listening_inodes(lines: list[str], port: int) -> set[str]:
    """Inodes of the sockets that listen on a port, from lines of /proc/net/tcp."""
    found = set()
    for line in lines:
        fields = line.split()
        if len(fields) > 9 and fields[3] == '0A' and int(fields[1].rpartition(':')[2], 16) == port:
            found.add(fields[9])
    return found


def _network(settings: Settings, something_runs: bool) -> list[str]:
    """The networks must not be in use by an interface that is not ours."""
    reasons = []
    for line in pathlib.Path('/proc/net/route').read_text(encoding='ascii').splitlines()[1:]:
        interface, destination, _, flags, *_, mask = line.split()[:8]
        if interface.startswith(settings.prefix) or int(mask, 16) == 0:
            continue
        for which in ('management', 'private', 'public'):
            ours = settings.subnet(which)
            if overlaps(destination, mask, int(ours.network_address), int(ours.netmask)):
                reasons.append(
                    f'the network {ours} ({which}) is in use by the interface {interface}: choose other '
                    'numbers with TROVE_SANDBOX_NET')
    return reasons


def overlaps(destination: str, mask: str, address: int, netmask: int) -> bool:
    """Whether a route (hexadecimal, bytes reversed, as in /proc/net/route) meets a network."""
    route = int.from_bytes(bytes.fromhex(destination)[::-1], 'big')
    route_mask = int.from_bytes(bytes.fromhex(mask)[::-1], 'big')
    common = route_mask & netmask
    return route & common == address & common
