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

"""The guest bus with a real broker, a real conductor process and a database file: features that
must work.
"""

import os
import pathlib
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator

import amqp
import pytest

from tests.e2e import guest_bus
from trove.common import exception
from trove.common.rpc import broker, keys, messages, transport
from trove.guestagent import api as guest_api
from trove.taskmanager import api as taskmanager_api

pytestmark = pytest.mark.e2e


@pytest.fixture
def guest(plane: guest_bus.ControlPlane) -> Iterator[guest_bus.Guest]:
    made = plane.new_guest()
    made.listen()
    yield made
    made.stop()


def test_call_gets_a_reply(plane, guest):
    assert plane.api(guest).call(messages.Ping(), 10) == {'kind': 'Ping'}


def test_call_for_another_boot_fails_at_once(plane, guest):
    client = guest_api.GuestAPI(transport.guest_bus(plane.conf), guest.id, guest.key,
                                '00000001.00000099')
    with pytest.raises(exception.GuestError) as failure:
        client.call(messages.Ping(), 10)
    assert failure.value.code == 'guest_stale_boot'
    assert guest.commands == []


def test_call_with_another_key_is_not_executed(plane, guest):
    client = guest_api.GuestAPI(transport.guest_bus(plane.conf), guest.id, keys.new_instance_key())
    with pytest.raises(exception.GuestError):
        client.call(messages.Ping(), 5)
    assert guest.commands == []


def test_call_to_a_silent_guest_times_out(plane):
    silent = plane.new_guest()
    began = time.monotonic()
    with pytest.raises(exception.GuestTimeout):
        plane.api(silent).call(messages.Ping(), 1)
    assert time.monotonic() - began < 5


def test_call_to_a_missing_guest(plane):
    with pytest.raises(exception.GuestError):
        guest_api.GuestAPI(transport.guest_bus(plane.conf), str(uuid.uuid4()),
                           keys.new_instance_key()).call(messages.Ping(), 5)
    # The bus still works.
    other = plane.new_guest()
    other.listen()
    assert plane.api(other).call(messages.Ping(), 10) == {'kind': 'Ping'}


def test_cast_waits_for_a_guest_that_starts_later(plane):
    late = plane.new_guest()
    plane.api(late).cast(messages.Restart(command_id='c1'))
    late.listen()
    guest_bus.eventually(lambda: late.commands == ['Restart'])


def test_cast_that_timed_out_is_not_executed_later(plane):
    late = plane.new_guest()
    plane.api(late).cast(messages.Restart(command_id='c1', deadline=1))
    time.sleep(1.5)  # measured by the broker's clock
    plane.api(late).cast(messages.StopDatabase(command_id='c2', deadline=30))
    late.listen()
    guest_bus.eventually(lambda: late.commands == ['StopDatabase'])


def test_heartbeat_reaches_the_database(plane, guest):
    guest.reports.heartbeat(guest_bus.healthy(volume={'total': 10, 'used': 4, 'available': 6},
                                              engine={'version': '10.11.6', 'uptime': 5}))
    row = guest_bus.eventually(lambda: (found := plane.status(guest)).status == 'healthy' and found)
    assert (row.volume_total, row.volume_used, row.engine_version) == (10, 4, '10.11.6')
    assert row.updated_at is not None


def test_result_is_stored_and_makes_the_operation_due(plane, guest):
    operation = str(uuid.uuid4())
    plane.open_operation(guest, operation)
    before = plane.row(guest_bus.OPERATIONS, guest_bus.OPERATIONS.c.id == operation)
    command = str(uuid.uuid4())
    guest.reports.command_result(messages.CommandResult(
        command_id=command, operation_id=operation, kind='Restart', outcome='failed', step='start',
        error_code='guest_restart_failed', message="it's gone", data={'tries': 3}))
    row = guest_bus.eventually(
        lambda: plane.row(guest_bus.RESULTS, guest_bus.RESULTS.c.command_id == command))
    assert (row.instance_id, row.operation_id, row.outcome, row.message) == (
        guest.id, operation, 'failed', "it's gone")
    assert plane.row(guest_bus.OPERATIONS,
                     guest_bus.OPERATIONS.c.id == operation).due_at < before.due_at


def test_ensuring_an_identity_again_changes_nothing(plane, guest):
    before = plane.topology()
    plane.broker.ensure_guest(guest.id, guest.key)
    assert plane.topology() == before
    assert plane.api(guest).call(messages.Ping(), 10) == {'kind': 'Ping'}


def test_removing_an_identity_closes_its_connections(plane):
    doomed = plane.new_guest()
    with doomed.raw() as channel:
        channel.queue_declare(f'guestagent.{doomed.id}', passive=True)
        plane.broker.remove_guest(doomed.id)
        with pytest.raises((OSError, amqp.AMQPError)):
            channel.queue_declare(f'guestagent.{doomed.id}', passive=True)
    with pytest.raises(amqp.AMQPError), doomed.raw():
        pass
    assert not [line for lines in plane.topology().values() for line in lines if doomed.id in line]
    plane.broker.remove_guest(doomed.id)


def test_conductor_killed_and_restarted_processes_waiting_reports(plane, guest):
    guest.reports.heartbeat(guest_bus.healthy())
    guest_bus.eventually(lambda: plane.status(guest).status == 'healthy')
    plane.end_conductor(signal.SIGKILL)
    guest.reports.heartbeat(messages.Heartbeat(service_status='crashed'))
    plane.start_conductor()
    guest_bus.eventually(lambda: plane.status(guest).status == 'crashed')


def test_conductor_is_small_and_stops_cleanly(plane):
    with open(f'/proc/{plane.conductor.pid}/status') as status:
        resident = next(int(line.split()[1]) for line in status if line.startswith('VmRSS'))
    assert resident < 120 * 1024
    assert plane.end_conductor(signal.SIGTERM) == 0
    plane.start_conductor()


@pytest.mark.parametrize('how', ['kill', 'stop'])
def test_all_sides_survive_a_broker_restart(plane, guest, how):
    assert plane.api(guest).call(messages.Ping(), 10) == {'kind': 'Ping'}
    getattr(plane.rabbit, how)()
    with pytest.raises(exception.TroveError):
        plane.api(guest).call(messages.Ping(), 2)
    plane.rabbit.start()

    def replies() -> bool:
        try:
            return plane.api(guest).call(messages.Ping(), 3) == {'kind': 'Ping'}
        except exception.GuestError:
            return False
    guest_bus.eventually(replies, 30)

    def reported() -> bool:
        try:
            guest.reports.heartbeat(messages.Heartbeat(service_status='shutdown'))
        except transport.BusError:
            return False
        return plane.status(guest).status == 'shutdown'
    guest_bus.eventually(reported, 30)


def test_wake_without_a_broker_is_quick_and_not_a_failure(plane, tmp_path, caplog):
    conf = guest_bus.configuration(tmp_path, transport_url='rabbit://nobody:x@127.0.0.1:1/control')
    began = time.monotonic()
    taskmanager_api.TaskManagerAPI(transport.control_bus(conf)).wake('op-1')
    assert time.monotonic() - began < 4
    assert 'op-1' in caplog.text


def test_wake_reaches_the_task_manager(plane):
    heard = []

    class Endpoint:
        def wake(self, context, operation_id):
            heard.append(operation_id)

    bus = transport.control_bus(plane.conf)
    server = bus.server('taskmanager', 'here', [Endpoint()])
    server.start()
    taskmanager_api.TaskManagerAPI(bus).wake('op-1')
    guest_bus.eventually(lambda: heard == ['op-1'])
    server.stop()
    server.wait()


def test_without_provisioning_guests_share_an_account_and_messages_stay_sealed(plane, tmp_path):
    shared = guest_bus.configuration(tmp_path, guest_bus_url=plane.rabbit.url('guests'),
                                     provision=False)
    guest = plane.new_guest()
    plane.broker.remove_guest(guest.id)
    broker.for_conf(shared).ensure_guest(guest.id, guest.key)
    assert broker.guest_transport_url(shared, guest.id, guest.key) is None
    guest.conf.set_override('transport_url', plane.rabbit.url('guests'), 'guest_bus')
    guest.listen()
    assert plane.api(guest).call(messages.Ping(), 10) == {'kind': 'Ping'}
    guest.reports.heartbeat(guest_bus.healthy())
    guest_bus.eventually(lambda: plane.status(guest).status == 'healthy')
    broker.for_conf(shared).remove_guest(guest.id)
    guest.stop()


def test_conductor_refuses_a_published_key_and_names_the_remedy(tmp_path):
    for value in ('', 'emYjgHFqfXNB1NGehAFIUeoyw4V4XwWHEaKP'):
        (tmp_path / 'trove.conf').write_text(f'[DEFAULT]\ninst_rpc_key_encr_key = {value}\n')
        ended = subprocess.run(guest_bus.conductor_command(tmp_path / 'trove.conf'),
                               cwd=guest_bus.ROOT, env=guest_bus.environment(), capture_output=True,
                               text=True, timeout=60)
        assert ended.returncode == 1
        assert 'inst_rpc_key_encr_key' in ended.stderr and 'openssl rand' in ended.stderr
        assert not value or value not in ended.stderr


def test_conductor_that_waits_for_its_broker_handles_the_stop_signal(tmp_path):
    (tmp_path / 'trove.conf').write_text('\n'.join((
        '[DEFAULT]', 'transport_url = rabbit://nobody:x@127.0.0.1:1/control',
        f'inst_rpc_key_encr_key = {guest_bus.SECRET}',
        '[guest_bus]', 'transport_url = rabbit://nobody:x@127.0.0.1:1/guests',
        '[database]', f'connection = sqlite:///{tmp_path}/x.sqlite', '')))
    process = subprocess.Popen(guest_bus.conductor_command(tmp_path / 'trove.conf'),
                               cwd=guest_bus.ROOT, env=guest_bus.environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if 'Connection failed' in line:
            break
    process.terminate()
    process.communicate(timeout=15)
    assert process.returncode == 0


def test_several_workers_are_restarted_and_stopped_together(plane, tmp_path):
    one = (plane.directory / 'trove.conf').read_text()
    two = one.replace('[DEFAULT]', '[DEFAULT]\ntrove_conductor_workers = 2')
    (tmp_path / 'trove.conf').write_text(
        two.replace(f'{plane.directory}/conductor.log', f'{tmp_path}/log'))
    process = subprocess.Popen(guest_bus.conductor_command(tmp_path / 'trove.conf'),
                               cwd=guest_bus.ROOT, env=guest_bus.environment())

    def ready() -> int:
        return (tmp_path / 'log').read_text().count('is ready') if (tmp_path /
                                                                    'log').exists() else 0

    def workers() -> list[int]:
        children = pathlib.Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text()
        return [int(child) for child in children.split()]
    guest_bus.eventually(lambda: ready() == 2, 30)
    before = workers()
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    guest_bus.eventually(lambda: ready() == 3, 30)
    assert before[1] in workers() and before[0] not in workers()
    process.terminate()
    assert process.wait(30) == 0
    assert not any(pathlib.Path(f'/proc/{worker}').exists() for worker in before)
