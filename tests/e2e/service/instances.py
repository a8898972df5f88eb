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
"""An instance of any engine, with shorthand for what tests do to it."""

import time
from typing import Any

from tests.e2e.service.engines import Engine
from tests.e2e.service.holdings import Holdings
from tests.e2e.service.running import Service, new_password, log_line, unique


class Instance:
    """An instance of one engine with a database, if it has such, and a user."""

    def __init__(self, service: Service, holdings: Holdings, engine: Engine, **more: Any) -> None:
        self.service, self.holdings, self.engine = service, holdings, engine
        self.name = unique(engine.name)
        self.password = new_password()
        user: dict[str, Any] = {'name': 'clerk', 'password': self.password}
        objects: dict[str, Any] = {'users': [user]}
        if engine.can('databases'):
            objects['databases'] = [{'name': 'orders'}, {'name': 'stock'}]
            user['databases'] = [{'name': 'orders'}]
        began = time.monotonic()
        self.id = service.create(self.name, datastore=engine.datastore, **objects, **more)
        shown = service.wait_active(self.id)
        self.seconds = time.monotonic() - began
        self.address = service.address(shown)
        log_line(f'{self.name} is ACTIVE at {self.address}')
        self.as_clerk(engine.write('first', 'one'))

    @property
    def server(self) -> str:
        return self.service.server(self.id)

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """A request about this instance."""
        return self.service.trove(method, f'/instances/{self.id}{path}', body)

    def ask(self, user: str, password: str, statement: str, database: str = 'orders') -> list[str]:
        """Run a statement as a user, over the network."""
        return self.engine.ask(self.address, user, password, statement, database)

    def as_clerk(self, statement: str) -> list[str]:
        return self.ask('clerk', self.password, statement)

    def option(self, name: str) -> str:
        """The value an option runs with."""
        return self.as_clerk(self.engine.option(name))[-1]

    def began(self) -> str:
        """Something that differs after each start of the engine."""
        return next(
            (line for line in self.as_clerk(self.engine.began()) if line.startswith('run_id')),
            self.as_clerk(self.engine.began())[0])

    def inside(self, *command: str) -> str:
        """Run a command as root in its machine."""
        return self.holdings.machines.run(self.server, *command)

    def capacity(self) -> int:
        """Bytes of the file system that holds the data, as the machine sees it."""
        blocks, size = self.inside('stat', '-f', '-c', '%b %S', self.engine.mount_point).split()
        return int(blocks) * int(size)

    def names(self, path: str) -> list[str]:
        return [entry['name'] for entry in self.call('GET', f'/{path}')[path]]

    def user(self, name: str, password: str, *databases: str) -> dict[str, Any]:
        """A user for the body of a request."""
        self.service.passwords.add(password)
        with_them = {
            'databases': [{
                'name': database
            } for database in databases]
        } if databases else {}
        return {'name': name, 'password': password, **with_them}

    def operation(self, kind: str) -> dict[str, Any]:
        return self.service.operation(self.id, kind)

    def action(self, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for an action and wait until the instance serves again."""
        self.call('POST', '/action', body)
        return self.service.wait_active(self.id)

    def is_unharmed(self) -> None:
        """Check that the data written at its creation can be read unchanged."""
        assert self.as_clerk(self.engine.read('first')) == ['one']
