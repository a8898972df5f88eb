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
"""Control groups of machines on hosts without systemd: limits of memory and processors.

Each machine needs its own groups in any case: otherwise the systemd instances inside would share
one group. The module supports version 1, version 2 and mixed hosts.
"""

import contextlib
import logging
import os
import pathlib
import time

LOG = logging.getLogger(__name__)
_ROOT = pathlib.Path('/sys/fs/cgroup')
#: Version 1 controllers that accept no process before their own settings are written.
_LEFT_ALONE = {'cpuset', 'net_cls', 'net_prio', 'perf_event', 'hugetlb', 'rdma', 'misc'}
_PERIOD = 100_000


def host_has_systemd() -> bool:
    """Return whether systemd runs the host; machines then get scopes instead."""
    return pathlib.Path('/run/systemd/system').is_dir()


def hierarchies() -> list[pathlib.Path]:
    """Return the roots of the hierarchies in which machines have groups."""
    if (_ROOT / 'cgroup.controllers').exists():
        return [_ROOT]
    found: dict[str, pathlib.Path] = {}
    for entry in sorted(_ROOT.iterdir()) if _ROOT.is_dir() else ():
        if entry.is_dir() and entry.name not in _LEFT_ALONE \
                and (entry / 'cgroup.procs').exists():
            # "cpu" and "cpu,cpuacct" may be two names of one hierarchy.
            found[str(entry.resolve())] = entry.resolve()
    return list(found.values())


def groups_of(prefix: str, server_id: str) -> tuple[pathlib.Path, ...]:
    """Return the groups of a machine, whether they exist or not."""
    return tuple(root / prefix / server_id for root in hierarchies())


def prepare(prefix: str, server_id: str, vcpus: int, ram_mb: int) -> tuple[pathlib.Path, ...]:
    """Create the groups of a machine with its limits; return them."""
    groups = groups_of(prefix, server_id)
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    if groups == (_ROOT / prefix / server_id,):
        _hand_down(_ROOT)
        _hand_down(_ROOT / prefix)
    memory = str(ram_mb * 1024 * 1024)
    bounded = {'memory': False, 'cpu': False}
    for group in groups:
        bounded['memory'] |= _write(group / 'memory.max', memory) \
            or _write(group / 'memory.limit_in_bytes', memory)
        bounded['cpu'] |= _write(group / 'cpu.max', f'{vcpus * _PERIOD} {_PERIOD}') \
            or _write(group / 'cpu.cfs_quota_us', str(vcpus * _PERIOD))
    for name, done in bounded.items():
        if not done:
            LOG.warning('Machine %s: this host cannot limit its %s', server_id, name)
    return groups


def remove(prefix: str, server_id: str) -> None:
    """Remove the groups of an ended machine, and the sandbox's group after the last machine."""
    for group in groups_of(prefix, server_id):
        remove_tree(group)
        with contextlib.suppress(OSError):
            group.parent.rmdir()


def remove_tree(group: pathlib.Path) -> None:
    """Remove a group and those below it; ending processes have one second."""
    deadline = time.monotonic() + 1
    for directory, _names, _files in os.walk(group, topdown=False):
        while True:
            try:
                os.rmdir(directory)
            except FileNotFoundError:
                break
            except OSError as error:
                if time.monotonic() < deadline:
                    time.sleep(0.02)
                    continue
                LOG.warning('Control group %s cannot be removed: %s', directory, error.strerror)
            break


def _hand_down(group: pathlib.Path) -> None:
    """Enable the memory and processor controllers for the groups below (version 2)."""
    for controller in ('memory', 'cpu', 'pids'):
        _write(group / 'cgroup.subtree_control', f'+{controller}')


def _write(path: pathlib.Path, value: str) -> bool:
    if not path.exists():
        return False
    try:
        path.write_text(value, encoding='ascii')
    except OSError as error:
        LOG.debug('%s: %s', path, error.strerror)
        return False
    return True
