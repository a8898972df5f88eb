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

"""Services of the sandbox: how each is started, when it is ready, how it is stopped."""

import dataclasses
import os
import pathlib
import time
from collections.abc import Callable, Mapping

from control import processes
from control.commands import tail
from control.settings import Settings


class ServiceError(Exception):
    """Failure of a service to start or to stop; the text quotes the end of its log."""


@dataclasses.dataclass(frozen=True)
class Service:
    """One process of the sandbox."""

    name: str
    title: str
    #: Address or purpose, shown by ``status``.
    address: str
    arguments: tuple[str, ...]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    user: str | None = None
    patience: float = 60.0
    stop_patience: float = 15.0
    #: True: its descendants in other sessions end with it. The machines of minicloud do not.
    has_helpers: bool = False


#: The only variables that processes of the sandbox inherit from the caller's shell.
_INHERITED = ('PATH', 'LANG', 'LC_ALL', 'TZ', 'TERM')


def clean_environment(settings: Settings, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a sandbox process: no proxies, no OS_ variables of the caller."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    kept.setdefault('PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
    return {
        **kept, 'HOME': str(settings.directory),
        processes.MARK: settings.prefix,
        'PYTHONUNBUFFERED': '1',
        **(extra or {})
    }


class Supervisor:
    """Starter and stopper of services; knows which services this run has started."""

    def __init__(self, settings: Settings, services: Mapping[str, Service],
                 wait: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self.services = dict(services)
        self._wait = wait
        self.started: list[str] = []

    def record(self, name: str) -> processes.Record:
        """Return the record of a service's process."""
        return processes.Record(self._settings.run / f'{name}.pid')

    def log(self, name: str) -> pathlib.Path:
        """Return the log file of a service."""
        return self._settings.logs / f'{name}.log'

    def running(self, name: str) -> processes.Process | None:
        """Return the process of a service, if it runs."""
        return self.record(name).read()

    def start(self, name: str) -> bool:
        """Start a service and wait until it is ready.

        :returns: False when it was running already.
        :raises ServiceError: it ended, or is not ready in time.
        """
        process = self.launch(name)
        self._await_ready(self.services[name], process)
        return name in self.started

    def launch(self, name: str) -> processes.Process:
        """Start a service without waiting until it is ready."""
        service = self.services[name]
        process = self.running(name)
        if process is None:
            process = processes.start(
                list(service.arguments), log=self.log(name), directory=self._settings.directory,
                user=service.user, environment=clean_environment(self._settings,
                                                                 service.environment))
            self.record(name).write(process)
            self.started.append(name)
        return process

    def _await_ready(self, service: Service, process: processes.Process) -> None:
        deadline = time.monotonic() + service.patience
        while not service.ready():
            if not process.alive():
                self.record(service.name).forget()
                raise ServiceError(f'{service.title} ended; the end of {self.log(service.name)}:\n'
                                   f'{tail(self.log(service.name))}')
            if time.monotonic() > deadline:
                raise ServiceError(
                    f'{service.title} is not ready after {service.patience:.0f} s; the end of '
                    f'{self.log(service.name)}:\n{tail(self.log(service.name))}')
            self._wait(0.1)

    def stop(self, name: str) -> bool:
        """Terminate a service; kill it when it does not end in time.

        :returns: False when it was not running.
        """
        process = self.running(name)
        if process is not None:
            service = self.services[name]
            processes.stop(process, service.stop_patience, service.has_helpers)
            if process.alive():
                raise ServiceError(f'{name} (process {process.pid}) does not end')
        self.record(name).forget()
        return process is not None

    def kill(self, name: str) -> bool:
        """Kill a service with SIGKILL.

        :returns: False when it was not running.
        """
        process = self.running(name)
        if process is not None:
            processes.kill(process)
        self.record(name).forget()
        return process is not None

    def undo(self) -> list[str]:
        """Stop the services that this run has started, the last one first."""
        self._wait = time.sleep
        stopped = []
        for name in reversed(self.started):
            if self.stop(name):
                stopped.append(name)
        self.started.clear()
        return stopped
