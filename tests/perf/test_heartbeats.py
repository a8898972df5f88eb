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

"""Cost of guests' reports in the conductor, and losses when it ends.

The conductor is a process of its own, with a real broker and MariaDB.
"""

import os
import signal
import time
import uuid

import pytest

from tests.e2e import database_servers, guest_bus, rabbitmq
from tests.perf import measuring
from trove.common.rpc import channel, keys, topology, transport
from trove.db.session import utcnow

GUESTS = 400
#: Reports a second that are sent evenly: 200 guests at the default interval send seven.
RATE = 100
SECONDS = 10
#: Reports of each guest that wait for the conductor when it is measured under load.
ROUNDS = 4
#: CPU microseconds of one report: taken from the broker, opened, judged, and written.
MICROSECONDS = 600

pytestmark = pytest.mark.timeout(300)


class Fleet:
    """Reporting guests: this process seals and sends all reports, each through its guest's
    exchange.
    """

    def __init__(self, plane: guest_bus.ControlPlane, number: int) -> None:
        self._plane = plane
        self._bus = transport.guest_bus(plane.conf)
        self.channels = []
        now = utcnow()
        rows, statuses = [], []
        for count in range(number):
            instance_id, key = str(uuid.uuid4()), keys.new_instance_key()
            self.channels.append(channel.GuestChannel(instance_id, key, channel.boot_id(1, 1)))
            rows.append({
                'id': instance_id,
                'created': now,
                'updated': now,
                'name': f'n{count}',
                'tenant_id': 't',
                'flavor_id': 'f',
                'ram': 1,
                'vcpus': 1,
                'server_id_number': 1,
                'boot_epoch': 1,
                'encrypted_key': plane.ring.seal(instance_id, key)
            })
            statuses.append({'instance_id': instance_id, 'status': 'new'})
            self._bus.driver.declare_guest(instance_id, plane.conf.conductor_queue)
        with plane.engine.begin() as connection:
            connection.execute(guest_bus.INSTANCES.insert(), rows)
            connection.execute(guest_bus.STATUSES.insert(), statuses)

    def report(self, guest: channel.GuestChannel) -> None:
        """Return a heartbeat of the usual size."""
        message = guest_bus.healthy(boot_id=guest.boot_id, engine={
            'version': '10.11.6',
            'uptime': 86400
        }, volume={
            'total': 2**34,
            'used': 2**33,
            'available': 2**33
        })
        self._bus.cast(self._plane.conf.conductor_queue, topology.out_exchange(guest.instance_id),
                       'deliver', {'envelope': guest.seal(message.KIND, message.to_wire())})

    def send(self, rate: float, seconds: float) -> int:
        """Report in turn, evenly, and return the number of reports."""
        begun, sent = time.monotonic(), 0
        while (past := time.monotonic() - begun) < seconds:
            if sent < past * rate:
                self.report(self.channels[sent % len(self.channels)])
                sent += 1
            else:
                time.sleep(0.002)
        return sent

    def written(self) -> int:
        """Return the number of reports in the database, by the newest of each guest."""
        with self._plane.engine.connect() as connection:
            return sum(row.seq or 0 for row in connection.execute(guest_bus.STATUSES.select()))

    def counted_statements(self) -> int:
        """Return the number of statements that MariaDB has executed so far."""
        with self._plane.engine.connect() as connection:
            return int(connection.exec_driver_sql("SHOW GLOBAL STATUS LIKE 'Queries'").one()[1])


@pytest.fixture(scope='module')
def plane(tmp_path_factory):
    directory = tmp_path_factory.mktemp('heartbeats')
    with database_servers.mariadb(directory / 'mariadb') as url, rabbitmq.running(
            directory / 'rabbitmq') as rabbit:
        made = guest_bus.ControlPlane(directory, rabbit, url)
        try:
            made.start_conductor()
            yield made
        finally:
            made.close()


@pytest.fixture(scope='module')
def fleet(plane):
    return Fleet(plane, GUESTS)


def settled(fleet):
    """Wait until the number of written reports stays the same, and return it."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 2.0:
        now = fleet.written()
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.1)
    return last


def test_reports_that_come_evenly(plane, fleet, figures):
    fleet.send(RATE, 2)
    settled(fleet)
    before, used = fleet.written(), measuring.process_seconds(plane.conductor.pid)
    statements, begun = fleet.counted_statements(), time.monotonic()
    sent = fleet.send(RATE, SECONDS)
    took = time.monotonic() - begun
    executed = (fleet.counted_statements() - statements) / took
    assert settled(fleet) - before == sent
    each = (measuring.process_seconds(plane.conductor.pid) - used) / sent * 1e6
    figures.note(f'conductor: {sent / took:.0f} reports a second',
                 f'{each:.0f} µs CPU each, {executed:.0f} statements a second', '')
    # At most ten batches a second of a handful of statements, however many reports are in them.
    assert executed < 150


def test_reports_under_load(plane, fleet, figures):
    """Reports that have waited: what one costs when the conductor has all it can do."""
    settled(fleet)
    before = fleet.written()
    pid = plane.conductor.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(ROUNDS):
            for guest in fleet.channels:
                fleet.report(guest)
        used, statements = measuring.process_seconds(pid), fleet.counted_statements()
        slow = measuring.slowness()
    finally:
        os.kill(pid, signal.SIGCONT)
    begun = time.monotonic()
    number = ROUNDS * GUESTS
    guest_bus.eventually(lambda: fleet.written() - before == number, 60)
    took = time.monotonic() - begun
    slow = (slow + measuring.slowness()) / 2
    each = (measuring.process_seconds(pid) - used) / number * 1e6
    executed = fleet.counted_statements() - statements
    figures.note(
        f'conductor: {number} reports that have waited, {number / took:.0f} a second',
        f'{each / slow:.0f} µs CPU each ({each:.0f} µs on this machine now), {executed} statements',
        f'{MICROSECONDS} µs')
    assert each / slow <= MICROSECONDS
    assert executed < number / 2


def test_nothing_is_lost_when_it_is_stopped(plane, fleet, figures):
    before, sent = settled(fleet), 0
    for _ in range(3):
        sent += fleet.send(RATE, 1.0)
        assert plane.end_conductor(signal.SIGTERM) == 0
        plane.start_conductor()
    lost = sent - (settled(fleet) - before)
    figures.note('conductor: stopped three times under load', f'{lost} reports lost of {sent}', '0')
    assert lost == 0


def test_one_batch_is_lost_when_it_is_killed(plane, fleet, figures):
    """Each guest numbers its reports, so a gap is visible until a later report of the guest fills
    it.
    """
    # The first report after a start is written by itself, and finds caches cold.
    fleet.send(RATE, 0.5)
    settled(fleet)
    with plane.engine.connect() as connection:
        before = {
            row.instance_id: row.seq or 0
            for row in connection.execute(guest_bus.STATUSES.select())
        }
    expected = {}
    begun = time.monotonic()
    for position, guest in enumerate(fleet.channels):
        fleet.report(guest)
        expected[guest.instance_id] = before[guest.instance_id] + 1
        if position == GUESTS // 2:
            plane.end_conductor(signal.SIGKILL)
    took = time.monotonic() - begun
    plane.start_conductor()
    settled(fleet)
    with plane.engine.connect() as connection:
        arrived = {
            row.instance_id: row.seq
            for row in connection.execute(guest_bus.STATUSES.select())
        }
    lost = sum(arrived[instance_id] < seq for instance_id, seq in expected.items())
    # Reports sent between two writes, and a few in the hands of its threads.
    flush = int(0.1 * GUESTS / took) + 20
    figures.note('conductor: killed under load', f'{lost} reports lost of {GUESTS}',
                 f'{flush}: one flush')
    assert lost <= flush
