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

"""Fixtures: a prepared guest over the in-memory engine, its RPC client and its conductor."""

import uuid

import pytest

from tests.functional.memory_bus import MemoryBus
from tests.functional.simulated_guest import SimulatedGuest
from trove.common.rpc import envelope, keys, messages
from trove.guestagent.api import GuestAPI

ID = '6e3f0a52-6cbb-4f0f-9e6b-0d4b7b6d3a11'
KEY = b'\x07' * 32
VOLUME = 'c0ffee00-0000-4000-8000-000000000001'
USER = {'name': 'app', 'password': 'canary-user', 'host': '%', 'databases': [{'name': 'shop'}]}


class Conductor:
    """Conductor that opens the reports and keeps them in order."""

    def __init__(self, bus: MemoryBus) -> None:
        self.reports: list[tuple[str, str, dict]] = []
        bus.server('trove-conductor', 'test', [self]).start()

    def deliver(self, context, envelope):
        header, body = _open(envelope)
        messages.UP[header.kind].from_wire(body)
        self.reports.append((header.kind, header.boot_id, body))

    def of(self, kind):
        return [body for found, _, body in self.reports if found == kind]

    @property
    def last(self):
        return self.of('Heartbeat')[-1]


def _open(wire):
    return envelope.open(keys.seal_key(KEY), wire)


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def bus():
    return MemoryBus()


@pytest.fixture
def conductor(bus):
    return Conductor(bus)


@pytest.fixture
def guest(bus, conductor, tmp_path, now):
    return SimulatedGuest(bus, ID, KEY, tmp_path / 'guest', volumes={VOLUME: None},
                          clock=lambda: now[0])


@pytest.fixture
def api(bus):
    return GuestAPI(bus, ID, KEY)


def prepare(**changes):
    values = {
        'command_id': str(uuid.uuid4()),
        'operation_id': 'create-1',
        'deadline': 600,
        'datastore_version': '1.0',
        'mount_point': '/var/lib/mysql',
        'memory_mb': 1024,
        'config_contents': '[mysqld]\nmax_connections = 100\n',
        'new_volume': True,
        'device': {
            'volume_id': VOLUME,
            'device_path': '/dev/vdb'
        },
        'databases': [{
            'name': 'shop',
            'character_set': None,
            'collate': None
        }],
        'users': [USER],
        'root_password': None
    }
    return messages.Prepare(**{**values, **changes})


@pytest.fixture
def prepared(guest, api):
    guest.start()
    api.cast(prepare())
    guest.step()
    return guest
