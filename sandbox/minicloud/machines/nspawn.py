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
"""Command lines and start scripts of machines, as text.

A machine is kept by a shell of a few lines (the keeper) in a session of its own, which starts the
machine anew when it reboots itself and notes how it ended; so machines go on while minicloud is
restarted. The keeper reads the start script at each boot: disks plugged in meanwhile are in it.
"""

import dataclasses
import pathlib
import shlex

from minicloud.machines.records import Disk

#: What systemd-nspawn ends with when the machine wants to be started again.
REBOOT_STATUS = 133

#: ``$1`` is the machine's directory; the other arguments are there to be seen in process lists.
KEEPER = f'''cd / || exit 1
rm -f "$1/ended"
while :; do
    /bin/sh "$1/start"
    status=$?
    [ "$status" -eq {REBOOT_STATUS} ] || break
done
echo "$status" > "$1/ended.new" && mv "$1/ended.new" "$1/ended"
'''


@dataclasses.dataclass(frozen=True)
class Boot:
    """What a boot of a machine needs to know."""

    server_id: str
    #: Name on the host.
    name: str
    host_name: str
    #: The machine's directory on the host.
    directory: pathlib.Path
    namespace: pathlib.Path
    #: Loop device and disk of each volume.
    disks: tuple[tuple[str, Disk], ...] = ()
    #: Directories of control groups the machine's processes join; none where systemd runs.
    groups: tuple[pathlib.Path, ...] = ()


def nspawn_arguments(boot: Boot) -> list[str]:
    """Return the command line that boots the machine and lasts as long as it runs.

    nspawn itself is started in the machine's network namespace, or /sys of the machine would
    show the host's cards.
    """
    argv = [
        'nsenter', f'--net={boot.namespace}', '--', 'systemd-nspawn', '--quiet',
        f'--directory={boot.directory / "root"}', '--boot', '--register=no', '--keep-unit',
        f'--machine={boot.name}', f'--hostname={boot.host_name}', f'--uuid={boot.server_id}',
        f'--network-namespace-path={boot.namespace}', '--capability=CAP_NET_ADMIN',
        '--console=read-only', '--link-journal=no', '--resolv-conf=off', '--timezone=off',
        f'--bind-ro={boot.directory / "network"}:/run/systemd/network',
        f'--bind-ro={boot.directory / "disk"}:/dev/disk',
    ]
    argv += [f'--bind={loop}:{disk.device}' for loop, disk in boot.disks]
    return argv


def start_script(boot: Boot) -> str:
    """Return the script the keeper runs for each boot of the machine."""
    lines = ['# Made by minicloud for each boot; changes are lost.']
    # Zero stands for the process that writes, and is valid in both versions of control groups.
    lines += [f'echo 0 > {shlex.quote(str(group / "cgroup.procs"))} || exit 1'
              for group in boot.groups]
    lines += ['export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network TERM=dumb',
              'exec ' + shlex.join(nspawn_arguments(boot))]
    return '\n'.join(lines) + '\n'


def keeper_arguments(boot: Boot) -> list[str]:
    """Return the command line of the keeper."""
    return ['/bin/sh', '-c', KEEPER, 'minicloud-machine', str(boot.directory),
            f'--machine={boot.name}']


def scope_arguments(boot: Boot, vcpus: int, ram_mb: int) -> list[str]:
    """Return what goes before the keeper's command line on a host run by systemd.

    A scope of its own keeps the machine when the session that started minicloud ends, and bounds
    its memory and processors.
    """
    return ['systemd-run', '--quiet', '--collect', '--scope', f'--unit={boot.name}',
            f'--description=Machine {boot.host_name}',
            '--property=Delegate=yes', f'--property=MemoryMax={ram_mb}M',
            f'--property=CPUQuota={vcpus * 100}%', '--']
