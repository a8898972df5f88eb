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
"""Removal of all objects of a sandbox from the host, whether minicloud runs or not.

Objects are found in two ways: by the records in the sandbox's directory and by its prefix in the
names of processes, interfaces, namespaces and tables. minicloud recreates what was removed when it
starts the machines again; disks and volumes are kept.
"""

import contextlib
import logging
import os
import pathlib
import time
from collections.abc import Iterator

from minicloud.machines import cgroups, disks, processes
from minicloud.machines.commands import attempt, run
from minicloud.machines.keeper import POWER_OFF
from minicloud.machines.layout import Layout
from minicloud.machines.records import read_json

LOG = logging.getLogger(__name__)


def down(layout: Layout, timeout: float = 20.0) -> list[str]:
    """Remove everything; return a description of each object that is left. Empty: the host is
    clean.

    :param timeout: seconds in which all machines together may power off.
    """
    _end_machines(layout, timeout)
    for mount in _mounts(layout):
        if not attempt('umount', mount):
            attempt('umount', '--lazy', mount)
    for name in _namespaces(layout):
        attempt('ip', 'netns', 'delete', name)
    for interface in _interfaces(layout):
        attempt('ip', 'link', 'delete', interface)
    for family, table in _tables(layout):
        attempt('nft', 'delete', 'table', family, table)
    for loop in _loops(layout):
        attempt('losetup', '--detach', loop)
    for group in _groups(layout):
        cgroups.remove_tree(group)
    return left(layout)


def left(layout: Layout) -> list[str]:
    """Return a description of each object of the sandbox that is on the host."""
    found = [f'process {pid}' for pid in keepers(layout)]
    found += [f'mount {mount}' for mount in _mounts(layout)]
    found += [f'network namespace {name}' for name in _namespaces(layout)]
    found += [f'interface {name}' for name in _interfaces(layout)]
    found += [f'nft table {family} {name}' for family, name in _tables(layout)]
    found += [f'loop device {loop}' for loop in _loops(layout)]
    return found + [f'control group {group}' for group in _groups(layout)]


def keepers(layout: Layout) -> list[int]:
    """Return the keepers and machines of the sandbox as processes."""
    marker = f'--machine={layout.prefix}-'
    return [pid for pid in processes.all_pids()
            if pid != os.getpid() and any(word.startswith(marker)
                                          for word in processes.arguments(pid))
            and processes.start_time(pid) is not None]


def _end_machines(layout: Layout, timeout: float) -> None:
    found = keepers(layout)
    leaders = {leader for pid in found for leader in processes.family(pid)[1]}
    for leader in leaders:
        processes.send(leader, POWER_OFF)
    deadline = time.monotonic() + timeout
    for pid in found if leaders else ():
        processes.wait_gone(pid, deadline - time.monotonic())
    # The first pass kills processes that would start others, the second one those they started.
    for _round in range(3):
        found = keepers(layout)
        if not found:
            return
        outside, leaders_left = set(found), set()
        for pid in found:
            more, firsts = processes.family(pid)
            outside |= set(more)
            leaders_left |= set(firsts)
        LOG.warning('Killing machines that did not power off: %s', sorted(outside))
        processes.kill_hard([*found, *leaders_left, *outside])


def _mounts(layout: Layout) -> list[str]:
    """Return the mounts of machines and network namespaces, the last one first."""
    below = f'{layout.machines}/'
    found = []
    with open('/proc/self/mountinfo', encoding='utf-8', errors='surrogateescape') as stream:
        for line in stream:
            mount = line.split()[4].replace('\\040', ' ')
            if mount.startswith(below):
                found.append(mount)
    return found[::-1]


def _namespaces(layout: Layout) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return sorted(name for name in os.listdir('/run/netns')
                      if name.startswith(f'{layout.prefix}-'))
    return []


def _interfaces(layout: Layout) -> list[str]:
    """Return the interfaces with the prefix, and bridges with names fixed by the operator."""
    present = set(os.listdir('/sys/class/net'))
    recorded = {read_json(path)['bridge'] for path in layout.networks.glob('network-*.json')}
    return sorted(name for name in present
                  if name.startswith(layout.prefix) or name in recorded)


def _tables(layout: Layout) -> list[tuple[str, str]]:
    """Return family and name of the sandbox's nft tables."""
    words = (line.split() for line in run('nft', 'list', 'tables').splitlines())
    return [(line[1], line[2]) for line in words
            if len(line) == 3 and line[2].startswith(layout.prefix)]


def _loops(layout: Layout) -> list[str]:
    below = f'{layout.volumes}/'
    return [loop for loop, file in disks.loop_files() if file.startswith(below)]


def _groups(layout: Layout) -> Iterator[pathlib.Path]:
    for root in cgroups.hierarchies():
        group = root / layout.prefix
        if group.is_dir():
            yield group
