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

"""The service of the sandbox, an instance that several tests use, and the search for secrets."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.service.canaries import Canaries
from tests.e2e.service.engines import ENGINES, Engine
from tests.e2e.service.holdings import Holdings
from tests.e2e.service.instances import Instance
from tests.e2e.service.running import FIGURES, Service, new_password, log_line, unique


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that inspect everything last, and keep the order otherwise.
    """
    items.sort(key=lambda item: item.path.name == 'test_canaries.py')


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured."""
    if FIGURES:
        terminalreporter.section('measured')
        for figure in FIGURES:
            terminalreporter.line(figure)


@pytest.fixture(scope='session')
def service(sandbox: object) -> Iterator[Service]:
    """The service, as the user demo sees it and as its operator sees it."""
    with pytest.MonkeyPatch.context() as patch:
        # Clients must not be led elsewhere by what the caller has exported.
        for name in list(os.environ):
            if name.startswith('OS_') or name.lower() in ('http_proxy', 'https_proxy', 'all_proxy'):
                patch.delenv(name)
        made = Service()
        try:
            yield made
        finally:
            log_line('deleting the resources of the tests')
            made.close()


@pytest.fixture(scope='session')
def holdings(service: Service) -> Iterator[Holdings]:
    """Resources in the cloud, on the machine and at the broker."""
    made = Holdings(service)
    yield made
    made.close()


@pytest.fixture(scope='session', autouse=True)
def canaries(service: Service, holdings: Holdings) -> Iterator[Canaries]:
    """Looks for secrets while the tests run."""
    made = Canaries(service, holdings.machines)
    made.start()
    yield made
    made.stop()


class Shop:
    """An instance that was asked for with the openstack client, with two databases and two users.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.name = unique('shop')
        self.password, self.second_password = new_password(), new_password()
        service.passwords |= {self.password, self.second_password}
        shown = service.openstack(
            'database', 'instance', 'create', self.name, '--flavor', 'db.small', '--size', '1',
            '--datastore', 'mariadb', '--datastore-version', '10.11',
            '--nic', f'net-id={service.private_network()}', '--databases', 'orders', 'stock',
            '--users', f'clerk:{self.password}', f'auditor:{self.second_password}')
        self.asked = shown
        self.id: str = shown['id']
        service.own(self.id)
        self.address = service.address(service.wait_active(self.id))
        log_line(f'{self.name} is ACTIVE at {self.address}')

    def query(self, user: str, password: str, statement: str, database: str = '') -> list[str]:
        """Run a statement as a user, over the network."""
        return self.service.query(self.address, user, password, statement, database)

    def as_clerk(self, statement: str, database: str = 'orders') -> list[str]:
        """Run a statement as the first user."""
        return self.query('clerk', self.password, statement, database)

    def call(self, method: str, path: str, body: object = None) -> dict:
        """A request about this instance."""
        return self.service.trove(method, f'/instances/{self.id}{path}', body)


@pytest.fixture(scope='session')
def shop(service: Service) -> Shop:
    """The instance that tests share: each leaves it as it found it."""
    return Shop(service)


@pytest.fixture(scope='module', params=ENGINES, ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    return request.param


@pytest.fixture(scope='module')
def instance(service: Service, holdings: Holdings, engine: Engine) -> Iterator[Instance]:
    """An instance of each engine, the module's own."""
    made = Instance(service, holdings, engine)
    yield made
    service.delete(made.id)
    service.wait_gone(made.id)


@pytest.fixture
def needs(engine: Engine) -> Callable[[str], None]:
    """Skips a test about something that the engine does not have; that is tried in a test of its
    own.
    """
    def check(capability: str) -> None:
        if not engine.can(capability):
            pytest.skip(f'{engine.name} has no {capability}, see test_what_an_engine_cannot_do')
    return check
