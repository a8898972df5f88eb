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
"""Processes of machines: start, search, stop."""

import contextlib
import logging
import os
import pathlib
import signal
import subprocess
import time

from minicloud.hypervisor import HypervisorError
from minicloud.machines import cgroups, nspawn, processes
from minicloud.machines.commands import attempt
from minicloud.machines.layout import Layout
from minicloud.machines.records import read_json, write_json

LOG = logging.getLogger(__name__)
#: Signal that makes systemd, as process 1 of a machine, power off.
POWER_OFF = signal.SIGRTMIN + 4
_CONSOLE_KEPT = 4 * 1024 * 1024
_BOOT_TIMEOUT = 30.0


class Keepers:
    """Processes of a sandbox's machines."""

    def __init__(self, layout: Layout):
        self._layout = layout
        self._children: dict[int, subprocess.Popen] = {}

    def find(self, server_id: str) -> int | None:
        """Return the keeper's process of a running machine, or None.

        The recorded pid counts only if the start time recorded with it matches. If minicloud was
        killed before it recorded the keeper, the process is searched by its command line.
        """
        directory = self._layout.machine(server_id)
        noted = read_json(directory / 'process.json')
        if noted is not None:
            return noted['pid'] if _identity(noted['pid']) == noted else None
        marker = f'--machine={self._layout.machine_name(server_id)}'
        for pid in processes.all_pids():
            argv = processes.arguments(pid)
            if 'minicloud-machine' in argv and marker in argv and argv[0] == '/bin/sh':
                self._note(directory, pid)
                return pid
        return None

    def leader(self, server_id: str) -> int | None:
        """Return the machine's first process, as seen on the host, or None."""
        keeper = self.find(server_id)
        if keeper is None:
            return None
        # Until it executes the machine's program, it is still systemd-nspawn.
        return next((pid for pid in processes.family(keeper)[1]
                     if processes.program(pid) not in ('', 'systemd-nspawn')), None)

    def start(self, boot: nspawn.Boot, vcpus: int, ram_mb: int) -> int:
        """Start a machine; return its keeper when the machine's first process runs."""
        argv = nspawn.keeper_arguments(boot)
        if cgroups.host_has_systemd():
            # systemd keeps the name of a failed scope in use.
            attempt('systemctl', 'reset-failed', f'{boot.name}.scope')
            argv = nspawn.scope_arguments(boot, vcpus, ram_mb) + argv
        for name in ('process.json', 'ended'):
            (boot.directory / name).unlink(missing_ok=True)
        log = self.console_path(boot.server_id)
        with contextlib.suppress(FileNotFoundError):
            if log.stat().st_size > _CONSOLE_KEPT:
                os.truncate(log, 0)
        with open(log, 'ab', opener=lambda path, flags: os.open(path, flags, 0o600)) as console:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=console,
                                     stderr=console, start_new_session=True, cwd='/')
        self._children[child.pid] = child
        self._note(boot.directory, child.pid)
        deadline = time.monotonic() + _BOOT_TIMEOUT
        while self.leader(boot.server_id) is None:
            if child.poll() is not None or time.monotonic() > deadline:
                self.kill(boot.server_id)
                tail = log.read_text(encoding='utf-8', errors='replace').splitlines()[-3:]
                raise HypervisorError('The machine did not start: ' + ' / '.join(tail))
            time.sleep(0.01)
        return child.pid

    def power_off(self, server_id: str, timeout: float) -> None:
        """Request a power-off and wait; kill the machine after the timeout."""
        keeper, leader = self.find(server_id), self.leader(server_id)
        if keeper is None:
            return
        if leader is not None:
            processes.send(leader, POWER_OFF)
            if processes.wait_gone(keeper, timeout):
                self.reap(keeper)
                return
            LOG.warning('Machine %s did not power off in %g s, killing it', server_id,
                        timeout)
        self.kill(server_id)

    def kill(self, server_id: str) -> None:
        """Kill the machine at once."""
        keeper = self.find(server_id)
        if keeper is None:
            return
        # The keeper is killed first, so that it restarts nothing; process 1 ends the whole machine.
        outside, leaders = processes.family(keeper)
        left = processes.kill_hard([keeper, *leaders]) + processes.kill_hard(outside)
        self.reap(keeper)
        if left:
            raise HypervisorError(f'Processes {left} of machine {server_id} do not end.')

    def reap(self, pid: int) -> None:
        """Collect the exit status of a child."""
        child = self._children.pop(pid, None)
        if child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=5)

    def reap_ended(self) -> None:
        """Collect the exit status of all ended children."""
        for pid, child in list(self._children.items()):
            if child.poll() is not None:
                self._children.pop(pid, None)

    def end_status(self, server_id: str) -> int | None:
        """Return the recorded exit status of the machine; None if the keeper was killed before."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int((self._layout.machine(server_id) / 'ended').read_text(encoding='ascii'))
        return None

    def console_path(self, server_id: str) -> pathlib.Path:
        """Return the file with the console's output."""
        return self._layout.machine(server_id) / 'console.log'

    @staticmethod
    def _note(directory: pathlib.Path, pid: int) -> None:
        write_json(directory / 'process.json', _identity(pid))


def _identity(pid: int) -> dict[str, int | str | None]:
    """Return the identity of a process, unique across restarts of the host."""
    boot = pathlib.Path('/proc/sys/kernel/random/boot_id').read_text(encoding='ascii').strip()
    return {'pid': pid, 'start_time': processes.start_time(pid), 'host_boot': boot}
