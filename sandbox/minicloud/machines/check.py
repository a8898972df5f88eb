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
"""Requirements of machines on the host, and messages for those that are not met."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable

from minicloud.machines.commands import CommandFailed, run
from minicloud.machines.layout import Layout
from minicloud.machines.storage import FORBIDDEN

#: Tool -> Debian package that contains it.
_TOOLS = {'systemd-nspawn': 'systemd-container', 'nsenter': 'util-linux', 'losetup': 'mount',
          'mount': 'mount', 'ip': 'iproute2', 'nft': 'nftables', 'cp': 'coreutils'}
_RULES = '''
table bridge check {
    set seen { type ipv4_addr; flags dynamic,timeout; timeout 1m; }
    chain filter {
        type filter hook postrouting priority 0;
        update @seen { ip saddr } accept
    }
}
table ip check {
    chain nat {
        type nat hook prerouting priority -100;
        ip daddr 192.0.2.1 dnat to 192.0.2.2
    }
}
table inet check {
    chain forward {
        type filter hook forward priority 0;
        ct status dnat accept
    }
}
'''


def missing(layout: Layout) -> list[str]:
    """Return a sentence for each unmet requirement; empty if machines can run."""
    if os.geteuid() != 0:
        return ['machines need root']
    found = [f'{tool} is not installed (apt-get install {package})'
             for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    if found:
        return found
    tests: tuple[Callable[[Layout], str | None], ...] = (
        _paths, _overlay, _loop, _namespaces, _filters)
    return [complaint for complaint in (test(layout) for test in tests) if complaint]


def warnings(layout: Layout) -> list[str]:
    """Return sentences about limitations of this host."""
    found = []
    try:
        chains = run('nft', 'list', 'chain', 'ip', 'filter', 'FORWARD')
    except CommandFailed:
        chains = ''
    if 'policy drop' in chains:
        found.append('the host drops forwarded packets (chain FORWARD, as Docker sets it up): '
                     'machines reach each other through floating addresses only after '
                     f'iptables -I FORWARD -i {layout.prefix}+ -j ACCEPT')
    with open('/proc/self/status', encoding='ascii') as status:
        effective = int(next(line.split()[1] for line in status
                             if line.startswith('CapEff:')), 16)
    if not effective & 1 << 24:
        found.append('the capability CAP_SYS_RESOURCE is missing: file systems of machines can '
                     'only grow while they are not mounted')
    return found


def _paths(layout: Layout) -> str | None:
    if any(letter in FORBIDDEN for letter in str(layout.directory)):
        return f'the directory {layout.directory} may not contain any of {FORBIDDEN}'
    return None


def _overlay(layout: Layout) -> str | None:
    """Mount a small overlay in the machines' directory, since not every file system supports it."""
    layout.base.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=layout.base, prefix='check-') as folder:
        for name in ('lower', 'upper', 'work', 'root'):
            os.mkdir(f'{folder}/{name}')
        try:
            run('mount', '-t', 'overlay', 'overlay', '-o',
                f'lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work',
                f'{folder}/root')
        except CommandFailed as error:
            return f'overlays cannot be mounted in {layout.base}: {error.complaint}'
        run('umount', f'{folder}/root')
    return None


def _loop(_layout: Layout) -> str | None:
    if not os.path.exists('/dev/loop-control'):
        return '/dev/loop-control is missing (modprobe loop)'
    return None


def _namespaces(_layout: Layout) -> str | None:
    done = subprocess.run(['unshare', '--mount', '--pid', '--fork', '--net', '--ipc', '--uts',
                           'ip', 'link', 'add', 'check0', 'type', 'bridge'],
                          capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else \
        f'namespaces or bridges cannot be made: {done.stderr.strip()}'


def _filters(_layout: Layout) -> str | None:
    """Load rules of all used families, in a network namespace that is removed at once."""
    done = subprocess.run(['unshare', '--net', 'nft', '-f', '-'], input=_RULES,
                          capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else \
        f'nftables rules cannot be loaded: {done.stderr.strip().splitlines()[0]}'
