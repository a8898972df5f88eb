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

"""Messages of a stolen guest that harm the process that decodes them, over a real broker."""

import contextlib
import os
import zlib

import amqp
import pytest

from tests.e2e import guest_bus
from trove.common.rpc import messages, screening

pytestmark = pytest.mark.e2e

#: Megabytes that a service may grow by any number of hostile messages.
GROWTH = 60
#: 300 MB of JSON in 300 kB.
BOMB = zlib.compress(b'"' + b'a' * (300 * 1024 * 1024) + b'"')
HOSTILE = {
    'compressed': (BOMB, {'content_type': 'application/json', 'content_encoding': 'utf-8',
                          'application_headers': {'compression': 'application/x-gzip'}}),
    'pickle': (b'cos\nsystem\n(S\'true\'\ntR.', {'content_type': 'application/x-python-serialize',
                                                 'content_encoding': 'binary'}),
    'no type': (b'x', {}),
    'other encoding': ('{"a": "b"}'.encode('utf-16'), {'content_type': 'application/json',
                                                       'content_encoding': 'utf-16'}),
    # Below the limit of the broker.
    'large': (b'[' + b'1,' * 1_500_000 + b'1]', {'content_type': 'application/json',
                                                 'content_encoding': 'utf-8'}),
}


def megabytes(pid):
    with open(f'/proc/{pid}/statm') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1e6


@pytest.fixture
def intruder(plane):
    made = plane.new_guest()
    yield made
    made.stop()


def publish(guest, routing_key, body, properties):
    with guest.raw() as channel:
        channel.basic_publish(amqp.Message(body, **properties), exchange=f'g.{guest.id}.out',
                              routing_key=routing_key, mandatory=True)


@pytest.mark.parametrize('name', sorted(HOSTILE))
def test_the_conductor_drops_it_and_goes_on(plane, intruder, name):
    if plane.conductor is None:
        plane.start_conductor()
    before = megabytes(plane.conductor.pid)
    log = len(plane.conductor_log())
    for _number in range(10):
        publish(intruder, 'trove-conductor', *HOSTILE[name])
    other = plane.new_guest()
    other.reports.heartbeat(guest_bus.healthy())
    guest_bus.eventually(lambda: plane.status(other).status == 'healthy', 30)
    guest_bus.eventually(lambda: plane.waiting('trove-conductor') == 0, 30)
    assert megabytes(plane.conductor.pid) - before < GROWTH
    assert len(plane.conductor_log()) - log < 20_000
    other.stop()


@pytest.mark.parametrize('name', sorted(HOSTILE))
def test_a_caller_drops_it_and_gets_its_response(plane, intruder, name):
    other = plane.new_guest()
    other.listen()
    assert plane.api(other).call(messages.Ping(), 10) == {'kind': 'Ping'}
    [queue] = [found['name'] for found in plane.rabbit.api('GET', 'queues/guests').json()
               if found['name'].startswith('reply_')]
    before, dropped = megabytes(os.getpid()), sum(screening.refused().values())
    for _number in range(10):
        with contextlib.suppress(amqp.AMQPError):
            publish(intruder, queue, *HOSTILE[name])
    guest_bus.eventually(lambda: sum(screening.refused().values()) == dropped + 10, 30)
    assert plane.api(other).call(messages.Ping(), 10) == {'kind': 'Ping'}
    assert megabytes(os.getpid()) - before < GROWTH
    other.stop()
