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

"""Users who work on their databases while processes are killed, and the killer.

Users behave as outside of a test: a user without a response checks whether the request took effect
and repeats it; a killed process is started again at once, as by an init system.
"""

import collections
import contextlib
import random
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

from control.rest import RestError

from tests.e2e.service.machines import Machines
from tests.e2e.service.running import Refused, Service, new_password, log_line, unique
from tests.e2e.waiting import wait_for

#: Processes that are killed, with their relative frequency.
VICTIMS = {
    'trove-api': 3,
    'trove-taskmanager': 4,
    'trove-conductor': 3,
    'agent': 5,
    'rabbitmq': 1,
    'mariadb': 1
}
#: Seconds a victim is spared after its death, where a start takes long: somebody who never lives
#: cannot die.
SPARED = {'rabbitmq': 25.0, 'mariadb': 15.0}
#: Seconds between two deaths.
PAUSE = (2.0, 5.0)
#: Seconds a user goes on asking for something that is refused or not answered.
INSISTS = 240.0
#: Seconds until an operation must have ended.
PATIENCE = 420.0
#: Rows each database begins with, and that each action adds.
ROWS = 20
#: Refusals that a user may meet at the wrong time: away, in use, too early.
_LATER = (0, 409, 413, 422, 429, 500, 502, 503, 504)

#: Two flavors with disks of one size: a disk does not shrink.
FLAVORS = ('2', '3')

#: Actions of users, with their relative frequency.
ACTIONS = {
    'restart': 5,
    'resize volume': 3,
    'resize flavor': 3,
    'access': 4,
    'reboot': 2,
    'stop and restart': 2,
    'users': 5,
    'rename': 3,
    'configuration': 4,
    'delete and create': 2,
    'publish log': 3,
    'migrate': 2,
    'rebuild': 2
}


class Killer:
    """Kills a process every few seconds and starts it again.

    """

    def __init__(self, service: Service, machines: Machines, seed: int) -> None:
        self._service = service
        self._machines = machines
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name='killer', daemon=True)
        self.deaths: collections.Counter[str] = collections.Counter()
        #: who ended without being killed
        self.ended: collections.Counter[str] = collections.Counter()
        self.failure: Exception | None = None
        self._spared: dict[str, float] = {}

    def __enter__(self) -> 'Killer':
        self._thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._over.set()
        self._thread.join(120)
        for name in VICTIMS:
            if name != 'agent':
                self._service.start(name)

    def _run(self) -> None:
        try:
            while not self._over.wait(self._random.uniform(*PAUSE)):
                self._start_what_ended()
                victim = self._random.choices(list(VICTIMS), list(VICTIMS.values()))[0]
                if self._kill_agent() if victim == 'agent' else self._kill(victim):
                    self.deaths[victim] += 1
        except Exception as failure:
            self.failure = failure
            raise

    def _start_what_ended(self) -> None:
        """As an init system does with a service that gave up because what it needs is away."""
        for name in VICTIMS:
            if name != 'agent' and self._service.pid(name) is None:
                log_line(f'{name} has ended by itself and is started again')
                self.ended[name] += 1
                self._service.launch(name)

    def _kill(self, victim: str) -> bool:
        if time.monotonic() < self._spared.get(victim, 0):
            return False
        if self._service.pid(victim) is not None:
            self._service.kill(victim)
        # Readiness concerns only its users; it may be killed
        # before it is.
        self._service.launch(victim)
        self._spared[victim] = time.monotonic() + SPARED.get(victim, 0)
        return True

    def _kill_agent(self) -> bool:
        servers = [
            server['id']
            for server in self._service.compute('GET', '/servers/detail?all_tenants=1')['servers']
            if server['metadata'].get('trove_instance_id') and server['status'] == 'ACTIVE'
        ]
        if not servers:
            return False
        # The machine may be on its way out, and its agent between two lives.
        with contextlib.suppress(AssertionError, OSError, ValueError):
            server = self._random.choice(servers)
            pid = self._machines.agent(server)
            if pid:
                self._machines.run(server, 'kill', '-9', str(pid))
                return True
        return False


class Database:
    """One user with one database, in which every row that was accepted must be found again.

    :param plan: what the user does, one after the other.
    """

    def __init__(self, service: Service, number: int, plan: list[str], seed: int) -> None:
        self._service = service
        self._random = random.Random(seed)
        self.plan = plan
        self.number = number
        self.password = new_password()
        self.id = ''
        self.flavor = FLAVORS[0]
        self.size = 1
        self.configuration: str | None = None
        #: rows that the database has accepted, in the instance there is now
        self.rows: set[int] = set()
        self.next_row = 0
        #: (action, how its operation ended, seconds)
        self.done: list[tuple[str, str, float]] = []
        service.passwords.add(self.password)

    # --- what a user does

    def run(self, until: float) -> None:
        """Go through the plan, and begin nothing more after a time of the monotonic clock."""
        for action in self.plan:
            begun = time.monotonic()
            if begun > until:
                return
            outcome = getattr(self, f'_{action.replace(" ", "_")}')()
            self.done.append((action, outcome, time.monotonic() - begun))
            self.write()

    def create(self) -> str:
        """Make the instance and its table. A create that failed is deleted, and asked for again."""
        while True:
            name = unique(f'soak{self.number}')
            body = self._service.body(
                name, flavorRef=FLAVORS[0], databases=[{
                    'name': 'soak'
                }], users=[{
                    'name': 'soak',
                    'password': self.password,
                    'databases': [{
                        'name': 'soak'
                    }]
                }])
            self.id = self._requested_by_name(name, body)
            self._service.own(self.id)
            self.flavor, self.size, self.configuration = FLAVORS[0], 1, None
            outcome = self._end_of('instance_create')
            if outcome == 'succeeded':
                break
            log_line(f'soak {self.number}: a create {outcome}: {self._service.story(self.id)}')
            self._delete()
        self.rows = set()
        self.query(
            'CREATE TABLE IF NOT EXISTS ledger (id BIGINT PRIMARY KEY, word VARCHAR(40) NOT NULL)')
        for _row in range(ROWS):
            self.write()
        return outcome

    def write(self) -> None:
        """Add a row; only when the database has accepted it must it be there later."""
        number, self.next_row = self.next_row, self.next_row + 1
        # Sent again when the answer was lost; it is the same row.
        self.query(
            f"REPLACE INTO ledger VALUES ({number}, "
            f"'{uuid.uuid5(uuid.NAMESPACE_OID, str(number))}')"
        )
        self.rows.add(number)

    def check(self) -> None:
        """Every row that was accepted is there as it was written, and no other."""
        found = dict(line.split('\t') for line in self.query('SELECT id, word FROM ledger'))
        expected = {
            str(number): str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
            for number in self.rows
        }
        assert found == expected, (
            f'soak {self.number}: {len(found)} rows, {len(expected)} were accepted')

    def query(self, statement: str) -> list[str]:
        """Run a statement, again and again while the database is not there."""
        def run() -> list[list[str]]:
            shown = self._show()
            return [
                self._service.query(self._service.address(shown), 'soak', self.password, statement,
                                    'soak')
            ]
        return wait_for(f'soak {self.number}: the database answers', run, INSISTS, interval=0.5,
                        passing=(Refused, AssertionError, RestError), state=self._story)[0]

    def _restart(self) -> str:
        return self._operation('instance_restart', 'POST', '/action', {'restart': {}})

    def _resize_volume(self) -> str:
        size = self.size + 1
        outcome = self._operation('instance_resize_volume', 'POST', '/action',
                                  {'resize': {
                                      'volume': {
                                          'size': size
                                      }
                                  }})
        if outcome == 'succeeded':
            self.size = size
        return outcome

    def _resize_flavor(self) -> str:
        flavor = FLAVORS[1 - FLAVORS.index(self.flavor)]
        outcome = self._operation('instance_resize_flavor', 'POST', '/action',
                                  {'resize': {
                                      'flavorRef': flavor
                                  }})
        if outcome == 'succeeded':
            self.flavor = flavor
        return outcome

    def _access(self) -> str:
        allowed = self._random.choice([['0.0.0.0/0'], [f'{self._service.settings.network}.0.0/16']])
        return self._operation('instance_update_access', 'PUT', '', {'instance': {
            'access': {'is_public': self._random.random() < 0.5, 'allowed_cidrs': allowed}}})

    def _reboot(self) -> str:
        return self._operation('instance_reboot', 'POST', '/action', {'reboot': {}}, user='admin')

    def _stop_and_restart(self) -> str:
        outcome = self._operation('instance_stop', 'POST', '/action', {'stop': {}}, user='admin')
        return outcome if outcome != 'succeeded' else self._restart()

    def _publish_log(self) -> str:
        return self._operation('instance_publish_log', 'POST', '/log', {
            'name': 'general',
            'publish': 1
        })

    def _migrate(self) -> str:
        return self._operation('instance_migrate', 'POST', '/action', {'migrate': {}}, user='admin')

    def _rebuild(self) -> str:
        image = self._service.image_of('10.11')
        return self._operation('instance_rebuild', 'POST', '/action',
                               {'rebuild': {
                                   'image_id': image
                               }}, user='admin')

    def _users(self) -> str:
        name = f'u{self._random.randrange(10 ** 6)}'
        password = new_password()
        self._service.passwords.add(password)
        self._ask('POST', '/users', {'users': [{'name': name, 'password': password,
                                                'databases': [{'name': 'soak'}]}]}, known=(400,))
        self._ask('DELETE', f'/users/{name}', known=(404,))
        return 'succeeded'

    def _rename(self) -> str:
        self._ask('PATCH', '', {'instance': {'name': unique(f'soak{self.number}')}})
        return 'succeeded'

    def _configuration(self) -> str:
        if self.configuration is not None:
            outcome = self._operation('instance_detach_configuration', 'PUT', '',
                                      {'instance': {'configuration': None}})
            if outcome == 'succeeded':
                self._insist('DELETE', f'/configurations/{self.configuration}', known=(404,))
                self.configuration = None
            return outcome
        expected = {'configuration': {'name': unique('soak'), 'values': {'max_connections': 77},
                                      'datastore': {'type': 'mariadb', 'version': '10.11'}}}
        self.configuration = self._insist('POST', '/configurations',
                                          expected)[0]['configuration']['id']
        outcome = self._operation('instance_attach_configuration', 'PUT', '',
                                  {'instance': {'configuration': self.configuration}})
        if outcome != 'succeeded':
            self._insist('DELETE', f'/configurations/{self.configuration}', known=(404,))
            self.configuration = None
        return outcome

    def _delete_and_create(self) -> str:
        self._delete()
        return self.create()

    def _delete(self) -> None:
        self._ask('DELETE', '', known=(404,))
        wait_for(f'soak {self.number}: the instance is gone', self._is_gone, PATIENCE, interval=0.5,
                 passing=(RestError,), state=self._story)

    def _is_gone(self) -> bool:
        try:
            self._show()
        except RestError as error:
            if error.status == 404:
                return True
            raise
        return False

    # --- asking

    def _show(self) -> dict[str, Any]:
        return self._service.show(self.id)

    def _operation(self, kind: str, method: str, path: str, body: Any, user: str = 'demo') -> str:
        """Ask for something that takes a while and wait for its end. :returns: how it ended."""
        before = {row['id'] for row in self._operations()}
        prefix = '/mgmt/instances' if user == 'admin' else '/instances'

        def ask() -> str:
            newer = [
                row['id']
                for row in self._operations()
                if row['id'] not in before and row['kind'] == kind
            ]
            if newer:
                return newer[0]  # it was heard, only its answer was lost
            headers = self._insisted(method, f'{prefix}/{self.id}{path}', body, user=user)[1]
            return headers['x-trove-operation-id']

        operation = wait_for(f'soak {self.number}: {kind} is accepted', ask, INSISTS, interval=1.0,
                             passing=(RestError,), state=self._story)
        return self._end_of(kind, operation)

    def _end_of(self, kind: str, operation: str | None = None) -> str:
        def look() -> str | None:
            newest = next(row for row in self._operations()
                          if row['kind'] == kind and operation in (None, row['id']))
            return newest['state'] if newest['finished'] else None

        return wait_for(f'soak {self.number}: {kind} has ended', look, PATIENCE, interval=0.7,
                        passing=(RestError,), state=self._story)

    def _operations(self) -> list[dict[str, Any]]:
        def look() -> list[list[dict[str, Any]]]:
            return [self._service.operations(self.id)]
        return wait_for('the API answers', look, INSISTS, interval=0.5, passing=(RestError,))[0]

    def _ask(self, method: str, path: str, body: Any = None, known: tuple[int, ...] = ()) -> None:
        self._insist(method, f'/instances/{self.id}{path}', body, known)

    def _insist(self, method: str, path: str, body: Any = None,
                known: tuple[int, ...] = ()) -> tuple[Any, dict]:
        """Repeat the request until it is accepted.

        :param known: check that the request took effect earlier.
        """
        return wait_for(f'soak {self.number}: {method} {path} is accepted',
                        lambda: self._insisted(method, path, body, known), INSISTS, interval=1.0,
                        passing=(RestError,), state=self._story)

    def _insisted(self, method: str, path: str, body: Any = None, known: tuple[int, ...] = (),
                  user: str = 'demo') -> tuple[Any, dict]:
        """Ask once.

        :raises RestError: another time it may be accepted.
        :raises AssertionError: it never will be.
        """
        try:
            return self._call(method, path, body, user)
        except RestError as error:
            if error.status in known:
                return {}, {}
            if error.status in _LATER:
                raise
            raise AssertionError(f'soak {self.number}: {error}') from error

    def _story(self) -> str:
        # The process that knows may be dead at the moment.
        try:
            return self._service.story(self.id) if self.id else ''
        except Exception as error:
            return f'unknown: {error}'

    def _requested_by_name(self, name: str, body: Any) -> str:
        """Ask for an instance; one that was made although its answer was lost is found by its name.
        """
        def ask() -> str | None:
            listed = self._service.trove('GET', '/instances?limit=100')['instances']
            found = [item['id'] for item in listed if item['name'] == name]
            return found[0] if found else self._call('POST', '/instances',
                                                     body)[0]['instance']['id']
        return wait_for(f'{name} is asked for', ask, INSISTS, interval=1.0, passing=(RestError,))

    def _call(self, method: str, path: str, body: Any = None,
              user: str = 'demo') -> tuple[Any, dict[str, str]]:
        return self._service.session(user).exchange(method, 'database', path, body)


def plans(actions: int, databases: int, seed: int) -> Iterator[list[str]]:
    """Actions of each user, dealt as evenly as possible."""
    chosen = random.Random(seed).choices(list(ACTIONS), list(ACTIONS.values()), k=actions)
    # Each kind is met in every run, however short.
    chosen[:min(actions, len(ACTIONS))] = list(ACTIONS)[:actions]
    random.Random(seed + 1).shuffle(chosen)
    for number in range(databases):
        yield chosen[number::databases]
