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

"""Secrets that must appear nowhere, and the search for them: while tests run, and in all that is
left afterwards.
"""

import base64
import contextlib
import pathlib
import threading
from collections.abc import Iterator

from control import processes

from tests.e2e.service.machines import Machines
from tests.e2e.service.running import Service
from trove.common.rpc import keys

#: Where the progress of long work is kept.
JOURNAL = ('operations', 'operation_steps', 'events')
#: Secrets shorter than this could appear by chance.
_SHORTEST = 12


class Canaries:
    """Looks for secrets. Findings name the secret and the place, never the value."""

    def __init__(self, service: Service, machines: Machines) -> None:
        self._service = service
        self._machines = machines
        self._over = threading.Event()
        self._pausing = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name='canaries', daemon=True)
        #: Findings while the tests ran.
        self.found: set[str] = set()
        #: Number of searches and of command lines searched.
        self.looks = 0
        self.lines = 0

    def start(self) -> None:
        """Begin to look at command lines and the journal again and again."""
        self._thread.start()

    def stop(self) -> None:
        """Cease to look."""
        self._over.set()
        self._thread.join(30)

    def running(self) -> bool:
        """Return whether the search still runs; it ends at a failure of its own."""
        return self._thread.is_alive()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is looked at while what is looked at is killed; all that is left is looked at in
        the end.
        """
        with self._pausing:
            yield

    def secrets(self) -> dict[str, str]:
        """Every secret in every form it could be written in, with its name."""
        found = {
            password: 'a password of a user of a database'
            for password in set(self._service.passwords)
        }
        for path in self._service.settings.secrets.iterdir():
            text = path.read_text(encoding='ascii').strip()
            found[text.splitlines()[1] if text.startswith('---'
                                                          ) else text] = f'the secret {path.name}'
        ring = keys.KeyRing(self._service.store.get('instance-key-key'))
        for row in self._service.rows(
                'SELECT id, encrypted_key FROM instances WHERE encrypted_key IS NOT NULL'):
            key = ring.open(row.id, row.encrypted_key)
            found[keys.broker_password(key)] = f'the broker password of instance {row.id}'
            for form in (key.hex(), base64.b64encode(key).decode(),
                         base64.urlsafe_b64encode(key).decode(), str(key)[2:-1]):
                found[form] = f'the key of instance {row.id}'
        assert all(len(secret) >= _SHORTEST
                   for secret in found), 'a secret is too short to search for'
        return found

    def in_text(self, text: str, place: str, secrets: dict[str, str]) -> set[str]:
        """Return the secrets that a text contains."""
        return {f'{name} is in {place}' for secret, name in secrets.items() if secret in text}

    def command_lines(self) -> Iterator[tuple[str, str]]:
        """Arguments of all processes of this machine and the machines in it, with their place.

        The openstack client takes the passwords of new users as arguments; that is the caller's
        doing, not ours.
        """
        for pid in processes.all_pids():
            with contextlib.suppress(OSError):
                line = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().decode(
                    errors='replace').replace('\0', ' ')
                if line and 'openstack' not in line:
                    yield f'the command line of process {pid}, {line.split(" ")[0]}', line

    def logs(self) -> Iterator[tuple[str, str]]:
        """All log files of the sandbox and its machines' consoles."""
        directory = self._service.settings.directory
        for path in (*directory.glob('logs/**/*'),
                     *directory.glob('minicloud/machines/*/console*')):
            if path.is_file():
                yield str(path), path.read_text(encoding='utf-8', errors='replace')

    def inside(self, server_id: str) -> Iterator[tuple[str, str]]:
        """The journal, the log files and the command lines of one machine."""
        yield 'the journal of the machine', self._machines.run(server_id, 'journalctl',
                                                               '--no-pager', '--all')
        yield 'the log files of the machine', self._machines.run(
            server_id, 'find', '/var/log', '-type', 'f', '-not', '-path', '*/journal/*', '-exec',
            'cat', '{}', '+')

    def _watch(self) -> None:
        while not self._over.wait(0.7):
            with self._pausing:
                self._look()

    def _look(self) -> None:
        secrets = self.secrets()
        for place, line in self.command_lines():
            self.lines += 1
            self.found |= self.in_text(line, place, secrets)
        for table in JOURNAL:
            text = repr([tuple(row) for row in self._service.rows(f'SELECT * FROM `{table}`')])
            self.found |= self.in_text(text, f'the table {table}', secrets)
        self.looks += 1
