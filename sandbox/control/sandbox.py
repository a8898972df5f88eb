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

"""One sandbox with all its parts, as the commands use it."""

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterator

from control import cloud, keystone, mariadb, rabbitmq, swift, trove_services
from control.commands import Commands
from control.secretstore import SecretStore
from control.services import Service, Supervisor
from control.settings import Settings


class Busy(Exception):
    """Conflict: another command works on the same sandbox."""


class Sandbox:
    """Settings, secrets and services of one sandbox."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = SecretStore(settings.secrets)
        self.commands = Commands(settings.logs)
        self.supervisor = Supervisor(settings,
                                     {service.name: service
                                      for service in self._services()}, self.commands.wait)

    @classmethod
    def from_environment(cls) -> 'Sandbox':
        """Return the sandbox that ``TROVE_SANDBOX_*`` selects."""
        repository = pathlib.Path(__file__).resolve().parent.parent.parent
        return cls(Settings.from_environment(os.environ, repository))

    def _services(self) -> list[Service]:
        """Return the services in the order of their start; they are stopped in reverse order."""
        settings, store = self.settings, self.store
        return [
            *rabbitmq.services(settings, store),
            mariadb.service(settings),
            keystone.service(settings),
            swift.service(settings),
            cloud.service(settings), *trove_services.services(settings, store)
        ]

    def running(self) -> set[str]:
        """Return the names of the running services."""
        return {name for name in self.supervisor.services if self.supervisor.running(name)}

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other commands from changing the same sandbox.

        :raises Busy: another command works on it.
        """
        self.settings.directory.mkdir(parents=True, exist_ok=True, mode=0o755)
        with (self.settings.directory / '.lock').open('w') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(f'another command is working on the sandbox in {self.settings.directory}'
                           ) from None
            yield
