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

"""The demo instance: created over REST as a user would, then queried over the network."""

import json
import secrets
import string
import subprocess
from collections.abc import Callable

from control.commands import CommandError, Commands
from control.keystone import session
from control.rest import RestError, Session
from control.secretstore import SecretStore
from control.services import clean_environment
from control.settings import Settings

NAME = 'demo'
DATABASE = 'shop'
USER = 'clerk'
SERVICE = 'database'
#: Timeout in seconds for the demo instance; usually it takes a few dozen.
PATIENCE = 600
_FAILED = ('ERROR', 'FAILED')


class DemoError(Exception):
    """Failure of the demo instance."""


def password(store: SecretStore) -> str:
    """Return the demo user's password: letters and digits, which need no quotes in a shell."""
    return store.get_or_make('demo-instance-user', lambda: ''.join(
        secrets.choice(string.ascii_letters + string.digits) for _ in range(20)))


class Demo:
    """The instance ``demo`` of the project ``demo``."""

    def __init__(self, settings: Settings, store: SecretStore, commands: Commands) -> None:
        self._settings = settings
        self._store = store
        self._commands = commands
        self._session: Session = session(settings, store, 'demo')
        #: Id of an instance that this run created and that is not ACTIVE yet.
        self.made: str | None = None

    def ensure(self, report: Callable[[str], None], network: str, flavor: str) -> dict:
        """Create the instance unless it exists, and wait until it is ACTIVE.

        :returns: the instance as the API shows it.
        :raises DemoError: the instance failed, or is not ACTIVE in time.
        """
        known = [row for row in self._call('GET', '/instances')['instances'] if row['name'] == NAME]
        if known and known[0]['status'] in _FAILED:
            report(f'deleting the existing instance with the status {known[0]["status"]}')
            self._delete(known[0]['id'])
        elif known:
            return self._wait(known[0]['id'], report)
        response = self._call(
            'POST', '/instances', {
                'instance': {
                    'name': NAME,
                    'flavorRef': flavor,
                    'volume': {
                        'size': 1
                    },
                    'datastore': {
                        'type': 'mariadb',
                        'version': '10.11'
                    },
                    'nics': [{
                        'net-id': network
                    }],
                    'databases': [{
                        'name': DATABASE
                    }],
                    'users': [{
                        'name': USER,
                        'password': password(self._store),
                        'databases': [{
                            'name': DATABASE
                        }]
                    }]
                }
            })
        self.made = response['instance']['id']
        shown = self._wait(self.made, report)
        self.made = None
        return shown

    def _wait(self, instance_id: str, report: Callable[[str], None]) -> dict:
        last = ''
        for _ in range(PATIENCE * 2):
            shown = self._call('GET', f'/instances/{instance_id}')['instance']
            text = self._progress(instance_id, shown['status'])
            if text != last:
                report(text)
                last = text
            if shown['status'] in ('ACTIVE', 'HEALTHY'):
                return shown
            if shown['status'] in _FAILED:
                raise DemoError(f'the status of the instance {NAME} ({instance_id}) is '
                                f'{shown["status"]}: {json.dumps(shown.get("fault") or {})}; its '
                                f'last progress: {last}. Delete it and run sandbox/up again.')
            self._commands.wait(0.5)
        raise DemoError(
            f'the instance {NAME} ({instance_id}) is not ACTIVE after {PATIENCE} s: {last}')

    def _delete(self, instance_id: str) -> None:
        self._call('DELETE', f'/instances/{instance_id}')
        for _ in range(PATIENCE * 2):
            try:
                self._call('GET', f'/instances/{instance_id}')
            except RestError as error:
                if error.status == 404:
                    return
                raise
            self._commands.wait(0.5)
        raise DemoError(f'the instance {instance_id} is not deleted after {PATIENCE} s')

    def _progress(self, instance_id: str, status: str) -> str:
        """Return the status and the current step of the open operation."""
        try:
            operations = self._call('GET', f'/instances/{instance_id}/operations')['operations']
        except RestError:
            return status
        running = [operation for operation in operations if operation.get('step')]
        return f'{status}, {running[0]["step"]}' if running else status

    def forget(self) -> None:
        """Delete the instance that this run created and that is not ACTIVE yet."""
        if self.made:
            self._call('DELETE', f'/instances/{self.made}')
            self.made = None

    def address(self, shown: dict) -> str:
        """Return the instance's address on the private network, which this machine can reach."""
        addresses = [entry['address']
                     for entry in shown.get('addresses', [])] or shown.get('ip', [])
        inside = [
            address for address in addresses if address.startswith(f'{self._settings.network}.1.')
        ]
        if not inside:
            raise DemoError(f'the instance has no address on the private network: {addresses}')
        return inside[0]

    def query(self, address: str) -> str:
        """Run a query as the demo user over the network.

        :returns: the version of the database engine.
        :raises CommandError: the connection or the query failed.
        """
        arguments = [
            *client(address), '--batch', '--skip-column-names', '--connect-timeout=5', '--execute',
            'CREATE TABLE IF NOT EXISTS orders (id INT PRIMARY KEY); '
            'REPLACE INTO orders VALUES (1); SELECT VERSION()'
        ]
        # The client reads the password from its environment, not from its command line.
        done = subprocess.run(
            arguments, capture_output=True, text=True, check=False, timeout=30,
            env=clean_environment(self._settings, {'MYSQL_PWD': password(self._store)}))
        if done.returncode:
            raise CommandError(f'{" ".join(arguments)} failed: {done.stderr.strip()}')
        return done.stdout.strip()

    def _call(self, method: str, path: str, body: dict | None = None) -> dict:
        return self._session.call(method, SERVICE, path, body)


def client(address: str) -> list[str]:
    """Return the command line of the database client."""
    return ['mariadb', '--no-defaults', f'--host={address}', f'--user={USER}', DATABASE]
