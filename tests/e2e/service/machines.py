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

"""Looking into the machines of the sandbox, and at what they are made of on this host."""

import pathlib
import subprocess

from minicloud.machines import teardown
from minicloud.machines.keeper import Keepers
from minicloud.machines.layout import Layout


class Machines:
    """The machines of one sandbox, as root of the host sees them."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._layout = Layout.of(directory)

    def run(self, server_id: str, *command: str) -> str:
        """Run a command as root in a machine; returns what it prints.

        :raises AssertionError: the machine does not run, or the command failed.
        """
        leader = Keepers(self._layout).leader(server_id)
        assert leader is not None, f'machine {server_id} does not run'
        done = subprocess.run(
            ['nsenter', '--target', str(leader), '--all', '--', *command], capture_output=True,
            text=True, errors='replace', timeout=60, check=False)
        assert done.returncode == 0, f'{" ".join(command)}: {done.stdout}{done.stderr}'
        return done.stdout

    def agent(self, server_id: str) -> int:
        """The agent's process number inside the machine; 0 while it does not run."""
        return int(
            self.run(server_id, 'systemctl', 'show', '--property=MainPID', '--value',
                     'trove-guestagent'))

    def on_host(self) -> set[str]:
        """Processes, mounts, loop devices, namespaces, interfaces, tables and files of all
        machines, in words.
        """
        found = {text for text in teardown.left(self._layout) if not text.startswith('process ')}
        # A machine has several processes and their numbers change: their owner counts.
        found |= {f'process of {self._owner(pid)}' for pid in teardown.keepers(self._layout)}
        for parent in (self._layout.machines, self._layout.volumes):
            found |= {f'file {path}' for path in parent.iterdir()} if parent.is_dir() else set()
        return found

    def _owner(self, pid: int) -> str:
        words = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().decode(
            errors='replace').split('\0')
        return next((word for word in words if word.startswith('--machine=')), str(pid))

    def packet_filter(self) -> str:
        """All rules of this host."""
        return subprocess.run(['nft', 'list', 'ruleset'], capture_output=True, text=True,
                              check=True, timeout=30).stdout
