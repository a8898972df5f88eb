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

"""Duration, resources and memory of a create; a delete leaves nothing
behind.
"""

import pathlib
import time

import pytest

from tests.e2e.service.running import factor, new_password, report, unique

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
#: Limits on every machine. The aims are 15 s and 1 s, on two idle cores.
CREATE_SECONDS = 30.0
OWN_SHARE_SECONDS = 3.0
DELETE_SECONDS = 30.0
SERVICES = ('trove-api', 'trove-taskmanager', 'trove-conductor')
SERVICE_MEGABYTES = 120
AGENT_MEGABYTES = 60


def resident_megabytes(pid: int | str) -> float:
    """Memory a process occupies."""
    lines = pathlib.Path(f'/proc/{pid}/status').read_text(encoding='ascii').splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('VmRSS:')) / 1024


class Life:
    """One instance from its create to its delete, with what there was before, meanwhile and the
    times.
    """

    def __init__(self, service, holdings) -> None:
        self.service = service
        self.before = holdings.settled()
        self.usage_before = service.usage()
        begun = time.monotonic()
        self.id = service.create(unique('life'), databases=[{'name': 'app'}], users=[
            {'name': 'app', 'password': new_password(), 'databases': [{'name': 'app'}]}])
        self.answered = time.monotonic() - begun
        self.shown = service.wait_active(self.id)
        self.took = time.monotonic() - begun
        self.during = holdings.all()
        self.usage_during = service.usage()
        self.server = service.server(self.id)
        self.operation = service.operation(self.id, 'instance_create')


@pytest.fixture(scope='module')
def life(service, holdings):
    """The instance of this module. The tests run in their order; the last but one deletes it.

    The services begin with it, so that their size and speed do not depend on the
    tests before.
    """
    for name in SERVICES:
        service.restart(name)
    return Life(service, holdings)


def test_a_create_is_fast(service, life):
    steps = life.operation['steps']
    busy = sum(step['busy_ms'] for step in steps) / 1000
    late = sum(step['late_ms'] for step in steps) / 1000
    report(
        f'POST answered after {life.answered:.2f} s, ACTIVE after {life.took:.1f} s (bar 15 s); '
        f'the control plane: '
        f'{busy + late:.2f} s, of it {late:.2f} s late (bar 1 s)')
    assert life.took <= CREATE_SECONDS * factor(), service.story(life.id)
    assert busy + late <= OWN_SHARE_SECONDS * factor(), service.story(life.id)
    assert life.operation['state'] == 'succeeded'
    assert {step['outcome'] for step in steps} == {'done'}


def test_an_instance_holds_what_it_must_and_no_more(service, life):
    found = sorted(
        text.rpartition(' ')[0] for text in life.during - life.before if ' charged' not in text)
    cloud = [
        text for text in found
        if text in ('server', 'port', 'volume', 'security group', 'floating ip')
    ]
    assert cloud == ['port', 'port', 'security group', 'server', 'volume']
    broker = {text.replace(life.id, 'ID') for text in life.during - life.before if life.id in text}
    assert {'user guest-ID', 'queue guestagent.ID', 'exchange g.ID', 'exchange g.ID.out',
            'permission of guest-ID'} <= broker
    charged = {
        name: life.usage_during[name] - life.usage_before[name]
        for name in life.usage_during
    }
    assert (charged['instances'], charged['volumes'], charged['ram']) == (1, 1, 1024)


def test_processes_are_small(service, holdings, life):
    sizes = {name: resident_megabytes(service.pid(name)) for name in SERVICES}
    lines = holdings.machines.run(life.server, 'cat',
                                  f'/proc/{holdings.machines.agent(life.server)}/status')
    agent = next(
        int(line.split()[1]) for line in lines.splitlines() if line.startswith('VmRSS:')) / 1024
    report(', '.join(f'{name} {size:.0f} MB' for name, size in sizes.items()) +
           f', agent {agent:.0f} MB')
    assert max(sizes.values()) <= SERVICE_MEGABYTES, sizes
    assert agent <= AGENT_MEGABYTES


def test_what_happened_can_be_read(service, life):
    events = service.trove('GET', f'/instances/{life.id}/events')['events']
    assert [event['type'] for event in events][::-1][0] == 'instance_create.start'
    assert events[0]['type'] == 'instance_create.end'
    assert all(event['user_id'] == service.session('demo').user_id for event in events)


def test_a_delete_leaves_nothing_behind(service, holdings, life):
    addresses = life.shown['ip']
    rules = holdings.machines.packet_filter()
    assert all(address in rules
               for address in addresses), 'the packet filter did not know the instance'
    mac_addresses = [
        row.mac for row in service.rows(
            'SELECT mac FROM instance_addresses WHERE instance_id = :id', id=life.id)
    ]
    service.openstack('database', 'log', 'set', life.id, 'error', '--publish', user='admin')
    assert service.stored_logs(life.id)
    begun = time.monotonic()
    service.delete(life.id)
    assert service.show(life.id)['status'] == 'SHUTDOWN'
    service.wait_gone(life.id)
    report(f'deleted: gone after {time.monotonic() - begun:.1f} s')
    assert time.monotonic() - begun < DELETE_SECONDS * factor()
    holdings.assert_as_before(life.before)
    rules = holdings.machines.packet_filter()
    assert not [thing for thing in (*addresses, *mac_addresses) if thing in rules]
    servers = service.openstack('server', 'list', '--all-projects', user='admin')
    assert life.server not in [row['ID'] for row in servers]
    assert service.stored_logs(life.id) == []


def test_its_row_and_its_journal_are_closed(service, life):
    row = service.rows('SELECT deleted, deleted_at FROM instances WHERE id = :id', id=life.id)[0]
    assert row.deleted and row.deleted_at
    open_ones = service.rows('SELECT id FROM operations WHERE resource_id = :id AND active = 1',
                             id=life.id)
    sealed = service.rows(
        'SELECT id FROM operations WHERE resource_id = :id AND secrets IS NOT NULL', id=life.id)
    assert (open_ones, sealed) == ([], [])
    assert service.usage() == life.usage_before


def test_a_delete_in_the_middle_of_a_create_leaves_nothing_behind(service, holdings, life):
    before = holdings.settled()
    instance_id = service.create(unique('regret'))
    service.wait_step(instance_id, 'AgentSeen')
    service.delete(instance_id)
    assert service.show(instance_id)['status'] == 'SHUTDOWN'
    service.wait_gone(instance_id)
    holdings.assert_as_before(before)
