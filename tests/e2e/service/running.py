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

"""The running sandbox with what tests of the service need besides: the journal, the broker, what
has been made.
"""

import contextlib
import json
import os
import secrets
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import sqlalchemy
from control import mariadb, rabbitmq, rest, trove_services
from control.commands import Commands
from control.rest import RestError
from control.secretstore import SecretStore, write_private

from tests.e2e.sandbox import Sandbox
from tests.e2e.waiting import wait_for

SERVING = ('ACTIVE', 'HEALTHY')
FAILED = ('ERROR', 'FAILED')
#: Seconds until an instance must be ACTIVE; what is slower than this hangs.
PATIENCE = 240.0
#: Figures for the end of the test run.
FIGURES: list[str] = []


class Refused(Exception):
    """Failure of a client, with its output."""


def log_line(text: str) -> None:
    """Show progress; pytest shows it while the test runs when called with -s, else with a failure.
    """
    print(f'{time.strftime("%H:%M:%S")}  {text}', file=sys.stderr, flush=True)


def report(figure: str) -> None:
    """Show something that was measured, also among the last lines of the test run."""
    FIGURES.append(figure)
    log_line(figure)


def new_password() -> str:
    """A password that is nowhere else, so that it can be searched for."""
    return f'Pw-{secrets.token_hex(12)}'


def unique(word: str) -> str:
    """A name that no other instance has."""
    return f'e2e-{word}-{uuid.uuid4().hex[:6]}'


def factor() -> float:
    """By how much times may be longer than on a machine of its own, from ``TROVE_E2E_FACTOR``."""
    return float(os.environ.get('TROVE_E2E_FACTOR', '1'))


class Service(Sandbox):
    """The sandbox of the test run. Instances made through it are deleted by :meth:`close`."""

    def __init__(self) -> None:
        super().__init__()
        self.store = SecretStore(self.settings.secrets)
        self.session('demo').login()
        self.project_id = self.session('demo').project_id
        self._database = sqlalchemy.create_engine(mariadb.url(self.settings, self.store, 'trove'))
        #: Passwords that tests have given to the service; they must appear nowhere.
        self.passwords: set[str] = set()
        self._network = self.private_network()
        self._made: list[str] = []

    def close(self) -> None:
        """Delete what tests have left, and let go of the database."""
        for instance_id in self._made:
            with contextlib.suppress(RestError):
                self.delete(instance_id)
        for instance_id in self._made:
            self.wait_gone(instance_id)
        self._database.dispose()

    # --- instances

    def body(self, name: str, **more: Any) -> dict[str, Any]:
        """The body of a create that is right; ``more`` replaces its fields."""
        instance = {'name': name, 'flavorRef': '1', 'volume': {'size': 1},
                    'datastore': {'type': 'mariadb', 'version': '10.11'},
                    'nics': [{'net-id': self._network}], **more}
        return {'instance': instance}

    def create(self, name: str, **more: Any) -> str:
        """Ask for an instance; returns its id."""
        body = self.body(name, **more)
        self.passwords.update(user['password'] for user in body['instance'].get('users', []))
        instance_id = self.trove('POST', '/instances', body)['instance']['id']
        self.own(instance_id)
        return instance_id

    def own(self, instance_id: str) -> None:
        """Have an instance deleted when the tests are over."""
        self._made.append(instance_id)

    def delete(self, instance_id: str) -> None:
        """Ask for an instance to be deleted."""
        self.trove('DELETE', f'/instances/{instance_id}')

    def wait_active(self, instance_id: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until the instance serves; fail at once, with its steps, if it has failed."""
        return self.wait_for(instance_id, *SERVING, timeout=seconds)

    def wait_status(self, instance_id: str, expected: str,
                    seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until the instance shows a status, which may be there for a short time only."""
        def look() -> dict[str, Any] | None:
            shown = self.show(instance_id)
            return shown if shown['status'] == expected else None
        return wait_for(f'instance {instance_id} is {expected}', look, seconds, interval=0.02,
                        state=lambda: self.story(instance_id))

    def server(self, instance_id: str) -> str:
        """The Nova server of an instance."""
        return self.rows('SELECT compute_instance_id AS id FROM instances WHERE id = :id',
                         id=instance_id)[0].id

    def image_of(self, version: str) -> str:
        """The image of a version of MariaDB."""
        listed = self.trove('GET', '/mgmt/datastore-versions', user='admin')['versions']
        return next(shown['image'] for shown in listed
                    if (shown['datastore_name'], shown['name']) == ('mariadb', version))

    def usage(self) -> dict[str, int]:
        """Return the quota usage of the project of the tests."""
        quotas = self.trove('GET', f'/mgmt/quotas/{self.project_id}', user='admin')['quotas']
        return {quota['resource']: quota['in_use'] for quota in quotas}

    def limits(self) -> dict[str, int]:
        """The quotas of the project of the tests."""
        quotas = self.trove('GET', f'/mgmt/quotas/{self.project_id}', user='admin')['quotas']
        return {quota['resource']: quota['limit'] for quota in quotas}

    def set_limits(self, limits: dict[str, int]) -> None:
        """Change the quotas of the project of the tests."""
        self.trove('PUT', f'/mgmt/quotas/{self.project_id}', {'quotas': limits}, user='admin')

    # --- clients

    def query(self, address: str, user: str, password: str, statement: str,
              database: str = '') -> list[str]:
        """Run a statement as a user, over the network; returns the rows, columns apart by
        tabulators.

        :raises Refused: the server refuses the connection or the statement.
        """
        done = self.sql(address, user, password, statement, database)
        if done.returncode:
            raise Refused(done.stderr.strip())
        return done.stdout.splitlines()

    def client(self, *words: str, user: str = 'demo') -> str:
        """Run the openstack client; returns what it prints.

        :raises Refused: it ended with a failure.
        """
        done = self.shell(f'eval "$(sandbox/openrc {user})" && openstack "$@"', *words)
        if done.returncode:
            raise Refused(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    # --- the journal

    def operation(self, instance_id: str, kind: str) -> dict[str, Any]:
        """The newest operation of a kind, with its steps."""
        newest = next(operation for operation in self.operations(instance_id)
                      if operation['kind'] == kind)
        return self.trove('GET', f'/operations/{newest["id"]}')['operation']

    def story(self, instance_id: str) -> str:
        """Return the facts about an instance, with the steps of its operations, also when it is
        deleted.
        """
        parts: list[Any] = []
        for row in self.rows('SELECT id, kind, state, error_code, error_text FROM operations '
                             'WHERE resource_id = :id ORDER BY created', id=instance_id):
            steps = self.rows(
                'SELECT name, attempt, outcome, runs, busy_ms, late_ms, note FROM operation_steps '
                'WHERE operation_id = :id ORDER BY seq', id=row.id)
            parts.append([*row[1:], *[list(step) for step in steps]])
        with contextlib.suppress(RestError):
            parts.append(self.show(instance_id))
        return json.dumps(parts, indent=1)

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Read from the database of the service."""
        with self._database.connect() as connection:
            return list(connection.execute(sqlalchemy.text(statement), values))

    def lose(self, instance_id: str) -> None:
        """Have the service forget an instance, as when its database is restored from a backup older
        than that.
        """
        with self._database.begin() as connection:
            connection.execute(sqlalchemy.text('UPDATE instances SET deleted = 1 WHERE id = :id'),
                               {'id': instance_id})

    def stored_logs(self, instance_id: str) -> list[str]:
        """Names of the objects that are published logs of an instance."""
        listed = self.openstack('object', 'list', 'database_logs', '--prefix', f'{instance_id}/')
        return [row['Name'] for row in listed]

    def tables(self) -> Iterator[tuple[str, str]]:
        """Every table's name with all that is in it, as text."""
        for table in sqlalchemy.inspect(self._database).get_table_names():
            yield table, repr([tuple(row) for row in self.rows(f'SELECT * FROM `{table}`')])

    def wait_step(self, instance_id: str, step: str, seconds: float = 90.0) -> None:
        """Wait until the open operation of an instance has come as far as a step, and is not over.
        """
        def look() -> bool:
            found = self.rows(
                'SELECT steps, position FROM operations WHERE resource_id = :id AND active = 1',
                id=instance_id)
            assert found, (f'the operation ended before it was seen at {step}: '
                           f'{self.story(instance_id)}')
            names = json.loads(found[0].steps)
            # Without names no task manager has seen it yet.
            return bool(names) and found[0].position >= names.index(step)
        wait_for(f'the operation of {instance_id} is at {step}', look, seconds, interval=0.003,
                 state=lambda: self.story(instance_id))

    def attempts_under_way(self, instance_id: str) -> list[str]:
        """Return the steps that began and have no recorded end."""
        return [row.name for row in self.rows(
            'SELECT name FROM operation_steps JOIN operations ON operation_id = id '
            'WHERE resource_id = :id AND outcome IS NULL', id=instance_id)]

    # --- the broker

    def broker(self, path: str) -> Any:
        """A list from the management API of the broker."""
        headers = rest.basic(rabbitmq.ADMIN_USER, self.store.get(f'rabbitmq-{rabbitmq.ADMIN_USER}'))
        return rest.request('GET', self.settings.url('rabbitmq-management', f'/api/{path}'),
                            headers=headers)[0]

    # --- processes

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """A service that takes connections but does not answer, for the length of a block."""
        pid = self.pid(name)
        assert pid is not None, f'{name} does not run'
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def taskmanager_with(self, section: str, **options: Any) -> Iterator[None]:
        """The task manager with other values in a section of trove.conf, for the length of a block.
        """
        with self.configured({section: options}, ('trove-taskmanager',)):
            yield

    @contextlib.contextmanager
    def configured(self, sections: dict[str, dict[str, Any]],
                   names: tuple[str, ...] = trove_services.NAMES) -> Iterator[None]:
        """Services with other values in trove.conf, for the length of a block."""
        path = self.settings.etc / 'trove' / 'trove.conf'
        former = path.read_text(encoding='utf-8')
        lines = [
            line for section, options in sections.items()
            for line in (f'[{section}]', *(f'{name} = {value}' for name, value in options.items()))
        ]
        try:
            # Of an option that is given twice the last one counts.
            write_private(path, '\n'.join([former, *lines, '']))
            for name in names:
                self.restart(name)
            yield
        finally:
            write_private(path, former)
            for name in names:
                self.restart(name)

    def restart(self, name: str) -> None:
        self.stop(name)
        self.start(name)

    def reconnect(self) -> None:
        """Forget the connections to a database that was killed since."""
        self._database.dispose()

    def managed(self, *arguments: str) -> str:
        """Run trove-manage and return its output.

        :raises Refused: it ended with a failure.
        """
        program, *options = trove_services._arguments(self.settings, 'trove-manage')
        done = self.shell('PYTHONWARNINGS=ignore exec "$@" 2>&1', program, *options, *arguments)
        if done.returncode:
            raise Refused(done.stdout)
        return done.stdout

    def manage(self, *arguments: str) -> None:
        """Run trove-manage."""
        trove_services.manage(self.settings, Commands(self.settings.logs), *arguments)
