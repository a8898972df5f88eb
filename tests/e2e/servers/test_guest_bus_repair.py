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

"""A real broker that has lost accounts, queues or everything is whole again, and guests report."""

import datetime
import shutil

import pytest

from tests.e2e import guest_bus
from trove.common import cfg as options
from trove.common.rpc import messages, topology
from trove.db import session
from trove.taskmanager.guest_bus import Identities

pytestmark = pytest.mark.e2e


@pytest.fixture
def identities(plane):
    options.register(session.CONF)
    session.CONF.set_override('connection', str(plane.engine.url), 'database')
    yield Identities(plane.conf, plane.broker, plane.ring, lambda: datetime.datetime(2026, 1, 2))
    session.dispose()
    session.CONF.clear_override('connection', 'database')


def guests(plane, count):
    return [plane.new_guest(compute_instance_id=f's{number}') for number in range(count)]


def missing(identities):
    return {difference.instance_id: set(difference.missing)
            for difference in identities.differences()}


@pytest.mark.parametrize('part', ['user', 'permissions', 'queue', 'exchange', 'binding'])
def test_each_part_that_is_deleted_by_hand_is_found_and_made_again(plane, identities, part):
    [guest] = guests(plane, 1)
    assert missing(identities) == {}
    account, queue = topology.user(guest.id), topology.queue(guest.id)
    commands = topology.in_exchange(guest.id)
    plane.rabbit.api('DELETE', {
        'user': f'users/{account}',
        'permissions': f'permissions/guests/{account}',
        'queue': f'queues/guests/{queue}',
        'exchange': f'exchanges/guests/{commands}',
        'binding': f'bindings/guests/e/{commands}/q/{queue}/{queue}',
    }[part])
    assert any(label.startswith(part) for label in missing(identities)[guest.id])
    identities.repair()
    assert missing(identities) == {}
    guest.listen()
    assert plane.api(guest).call(messages.Ping(), 20) == {'kind': 'Ping'}


def test_guests_of_a_wiped_broker_report_again_by_themselves(plane, identities):
    present = guests(plane, 20)
    for guest in present:
        guest.listen()
        guest.reports.heartbeat(guest_bus.healthy())
    guest_bus.eventually(lambda: all(
        plane.status(guest).status == 'healthy' for guest in present), 60)
    plane.rabbit.stop()
    shutil.rmtree(plane.rabbit.directory / 'mnesia')
    plane.rabbit.start()
    ids = {guest.id for guest in present}
    guest_bus.eventually(lambda: ids <= missing(identities).keys(), 30)
    identities.repair()
    assert missing(identities) == {}
    begun = datetime.datetime(2026, 1, 1)

    def everybody_is_heard():
        for guest in present:
            guest.reports.heartbeat(guest_bus.healthy())
        return all(plane.status(guest).updated_at > begun for guest in present)

    guest_bus.eventually(everybody_is_heard, 60)
    for guest in present:
        assert plane.api(guest).call(messages.Ping(), 60) == {'kind': 'Ping'}
