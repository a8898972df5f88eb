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

"""The sandbox as tests use it: its commands, its users, its services and the databases in it."""

import json
import os
import pathlib
import subprocess
import time
from collections.abc import Callable
from typing import Any

from control import keystone, processes
from control import sandbox as control_sandbox
from control.rest import RestError, Session
from control.settings import Settings

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent


class Sandbox:
    """A running sandbox, used the way a person uses it: by command, REST or client.

    :param environment: ``TROVE_SANDBOX_*``; that of the test run when None.
    """

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self.environment = {**os.environ, **(environment or {})}
        self.settings = Settings.from_environment(self.environment, REPOSITORY)
        self._parts = control_sandbox.Sandbox(self.settings)
        self._sessions: dict[str, Session] = {}

    def command(self, name: str, *arguments: str,
                timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Run ``sandbox/NAME`` to its end."""
        return subprocess.run([str(REPOSITORY / 'sandbox' / name), *arguments],
                              env=self.environment, text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=timeout, check=False)

    def begin(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        """Start ``sandbox/NAME`` and return at once."""
        return subprocess.Popen([str(REPOSITORY / 'sandbox' / name), *arguments],
                                env=self.environment, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True)

    # --- services

    def pid(self, service: str) -> int | None:
        """Process of a service, None when it does not run."""
        process = self._parts.supervisor.running(service)
        return process.pid if process else None

    def kill(self, service: str) -> None:
        """End a service as ``kill -9`` does."""
        assert self._parts.supervisor.kill(service), f'{service} was not running'

    def start(self, service: str) -> None:
        """Start a service that was killed or stopped, and wait until it is ready."""
        self._parts.supervisor.start(service)

    def launch(self, service: str) -> None:
        """Start a service that was killed or stopped, without waiting until it is ready."""
        self._parts.supervisor.launch(service)

    def stop(self, service: str) -> None:
        """Stop a service in good order."""
        self._parts.supervisor.stop(service)

    def left_behind(self) -> list[str]:
        """Return the parts of the sandbox on the host outside its directory, one line each."""
        from control import down
        return down.left_behind(self._parts)

    def processes(self) -> set[processes.Process]:
        """All processes of the sandbox."""
        return processes.marked(self.settings.prefix)

    # --- REST

    def session(self, user: str = 'demo') -> Session:
        """A session of demo, admin or trove."""
        if user not in self._sessions:
            self._sessions[user] = keystone.session(self.settings, self._parts.store, user)
        return self._sessions[user]

    def trove(self, method: str, path: str, body: Any = None, user: str = 'demo') -> dict[str, Any]:
        """One request to trove-api.

        :raises RestError: a status of 400 and more, in ``status``.
        """
        return self.session(user).call(method, 'database', path, body)

    def compute(self, method: str, path: str, body: Any = None,
                user: str = 'admin') -> dict[str, Any]:
        """One request to Nova."""
        return self.session(user).call(method, 'compute', path, body)

    def private_network(self) -> str:
        """Id of the network of tenants."""
        found = self.session('demo').call('GET', 'network',
                                          '/v2.0/networks?name=private')['networks']
        return found[0]['id']

    def create(self, name: str, **more: Any) -> str:
        """Create a MariaDB instance on the private network and return its id."""
        body = {'name': name, 'flavorRef': '1', 'volume': {'size': 1},
                'datastore': {'type': 'mariadb', 'version': '10.11'},
                'nics': [{'net-id': self.private_network()}], **more}
        return self.trove('POST', '/instances', {'instance': body})['instance']['id']

    def show(self, instance_id: str) -> dict[str, Any]:
        """An instance as its owner sees it."""
        return self.trove('GET', f'/instances/{instance_id}')['instance']

    def wait_for(self, instance_id: str, *expected: str, timeout: float = 180) -> dict[str, Any]:
        """Wait for one of these statuses; any other ERROR fails the test."""
        def reached() -> dict[str, Any] | None:
            shown = self.show(instance_id)
            assert shown['status'] in expected or shown['status'] not in (
                'ERROR', 'FAILED'), self.story(instance_id)
            return shown if shown['status'] in expected else None
        return self.until(reached, timeout, lambda: self.story(instance_id))

    def wait_gone(self, instance_id: str, timeout: float = 120) -> None:
        """Wait until an instance is no longer there."""
        def gone() -> bool:
            try:
                self.show(instance_id)
            except RestError as error:
                if error.status == 404:
                    return True
                raise
            return False
        self.until(gone, timeout, lambda: self.story(instance_id))

    def story(self, instance_id: str) -> str:
        """Return the facts about an instance, for the message of a failed test."""
        parts = [self.show(instance_id), self.operations(instance_id)]
        return json.dumps(parts, indent=1)

    def operations(self, instance_id: str) -> list[dict[str, Any]]:
        """The operations of an instance, newest first."""
        return self.trove('GET', f'/instances/{instance_id}/operations')['operations']

    @staticmethod
    def until(found: Callable[[], Any], timeout: float, story: Callable[[],
                                                                        str] = lambda: '') -> Any:
        """Call until the result is true; fail the test with ``story()`` after the timeout."""
        deadline = time.monotonic() + timeout
        while True:
            answer = found()
            if answer:
                return answer
            assert time.monotonic() < deadline, f'not within {timeout:g} s: {story()}'
            time.sleep(0.2)

    # --- clients

    def openstack(self, *arguments: str, user: str = 'demo') -> Any:
        """Run the openstack client as a user would, after ``sandbox/openrc``; returns its JSON."""
        done = self.shell(f'eval "$(sandbox/openrc {user})" && openstack "$@" -f json', *arguments)
        assert done.returncode == 0, f'openstack {" ".join(arguments)}: {done.stderr}'
        return json.loads(done.stdout) if done.stdout.strip() else None

    def shell(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a line of bash in the repository."""
        return subprocess.run(['bash', '-c', script, 'bash', *arguments], env=self.environment,
                              cwd=REPOSITORY, text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=300, check=False)

    def address(self, shown: dict[str, Any]) -> str:
        """Where this machine reaches an instance: its address on the private network."""
        inside = [entry for entry in shown['ip'] if entry.startswith(f'{self.settings.network}.1.')]
        assert inside, f'no address on the private network: {shown["ip"]}'
        return inside[0]

    def sql(self, address: str, user: str, password: str, statement: str, database: str = ''
            ) -> subprocess.CompletedProcess[str]:
        """Run a statement with the mariadb client, over the network."""
        return subprocess.run([
            'mariadb', '--no-defaults', f'--host={address}', f'--user={user}', '--batch',
            '--skip-column-names', '--connect-timeout=5', f'--execute={statement}',
            *([database] if database else [])
        ], env={
            **self.environment, 'MYSQL_PWD': password
        }, text=True, capture_output=True, timeout=60, check=False)
