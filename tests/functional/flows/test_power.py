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

"""Stop and start of the database, and reboot of its server."""

import pytest

from trove.common import exception, states
from trove.db import instances, session
from trove.instance import models
from trove.taskmanager import flows


@pytest.fixture
def instance_id(world):
    made = world.create()
    world.settle()
    return made


def operating(world, instance_id):
    return states.operating(models.facts_of(world.row(instance_id)), world.clock(),
                            world.conf.agent_heartbeat_expiry)


def unit(world, instance_id):
    return world.guest(instance_id).machine.unit('memory')


def test_a_stopped_database_is_down_until_a_restart(world, instance_id):
    world.stop(instance_id)
    assert (world.status(instance_id), operating(world, instance_id)) == ('ACTIVE', '')
    world.settle()
    assert (world.status(instance_id), operating(world, instance_id)) == ('ACTIVE', 'SHUTDOWN')
    assert unit(world, instance_id).active == 'inactive'
    world.guest(instance_id).kill()
    world.guest(instance_id).start()
    world.tick()
    assert unit(world, instance_id).active == 'inactive', 'a new run of the agent does not start it'
    world.restart(instance_id)
    world.settle()
    assert operating(world, instance_id) == 'HEALTHY'


def test_a_guest_that_was_not_reached_in_time_does_not_stop_later(world, instance_id):
    """The network fails during the command; the operation is over when the network returns."""
    world.guest(instance_id).lose_broker()
    world.stop(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].error_code == 'guest_timeout'
    world.clock.advance(1)
    world.guest(instance_id).find_broker()
    world.tick()
    world.tick()
    assert operating(world, instance_id) == 'HEALTHY' and unit(world,
                                                               instance_id).active == 'active'


def test_a_silent_guest_gets_no_command_to_stop(world, instance_id):
    world.guest(instance_id).kill()
    world.clock.advance(world.conf.agent_heartbeat_expiry + 1)
    with pytest.raises(exception.GuestTimeout):
        world.stop(instance_id)
    assert len(world.operations(instance_id)) == 1


def test_a_reboot_starts_machine_agent_and_engine_anew(world, instance_id):
    boot, starts = world.row(instance_id).boot_id, unit(world, instance_id).starts
    with session.writer() as connection:
        instances.change(connection, instance_id, world.clock(), restart_required=True)
    world.reboot(instance_id)
    assert world.status(instance_id) == 'REBOOT'
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert world.row(instance_id).boot_id > boot
    assert unit(world, instance_id).starts == starts + 1
    assert (world.status(instance_id), operating(world, instance_id)) == ('ACTIVE', 'HEALTHY')
    reboots = [
        path for method, path in world.cloud.requests
        if method == 'POST' and path.endswith('/action')
    ]
    assert len(reboots) == 1


def test_a_server_that_is_off_is_started(world, instance_id):
    world.cloud.set('server', world.row(instance_id).compute_instance_id, vm_state='stopped')
    world.machines.stop_server(world.row(instance_id).compute_instance_id)
    world.reboot(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert (world.status(instance_id), operating(world, instance_id)) == ('ACTIVE', 'HEALTHY')


def test_an_agent_that_hangs_does_not_keep_its_server_from_being_rebooted(world, instance_id):
    world.guest(instance_id).kill()
    world.reboot(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert operating(world, instance_id) == 'HEALTHY'


def test_an_engine_that_does_not_start_with_its_machine_is_started(world, instance_id):
    world.reboot(instance_id)
    world.run(lambda: world.row(instance_id).server_status == 'REBOOT')
    unit(world, instance_id).refuses = 'not yet'
    world.run(lambda: world.row(instance_id).server_status == 'ACTIVE')
    last = len(flows.registry()['instance_reboot'].step_names) - 1
    world.run(lambda: world.operations(instance_id)[-1].position == last)
    unit(world, instance_id).refuses = ''
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert operating(world, instance_id) == 'HEALTHY'


def test_a_reboot_without_a_report_of_the_agent_fails_with_the_reason(world, instance_id, conf):
    conf.set_override('agent_start_timeout', 60)
    world.guest(instance_id).start = lambda: None
    world.reboot(instance_id)
    world.settle()
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.error_code) == ('failed', 'guest_silent')
    assert world.row(instance_id).fault_message == operation.error_text
    assert world.row(instance_id).error_code is None


def test_a_server_that_is_gone_cannot_be_rebooted(world, instance_id):
    world.cloud.faults.request('compute', 'GET', '/servers/', status=404, times=99)
    world.reboot(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].error_code == 'server_missing'


# --- start
# -----------------------------------------------------------------------------------------

def test_a_stopped_database_is_started(world, instance_id):
    world.stop(instance_id)
    world.settle()
    world.start(instance_id)
    assert (world.status(instance_id), operating(world, instance_id)) == ('ACTIVE', '')
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert (world.status(instance_id), operating(world, instance_id)) == ('ACTIVE', 'HEALTHY')
    assert unit(world, instance_id).on


def test_a_start_leaves_running_parts_alone(world, instance_id):
    starts, boot = unit(world, instance_id).starts, world.row(instance_id).boot_id
    world.start(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert (unit(world, instance_id).starts, world.row(instance_id).boot_id) == (starts, boot)


@pytest.mark.parametrize('before', ['running', 'stopped'])
def test_a_server_that_is_off_is_switched_on_with_its_database(world, instance_id, before):
    if before == 'stopped':
        world.stop(instance_id)
        world.settle()
    server_id = world.row(instance_id).compute_instance_id
    world.cloud.set('server', server_id, vm_state='stopped')
    world.machines.stop_server(server_id)
    boot = world.row(instance_id).boot_id
    world.start(instance_id)
    world.settle()
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert world.row(instance_id).boot_id > boot
    assert (world.status(instance_id), operating(world, instance_id)) == ('ACTIVE', 'HEALTHY')


def test_a_failed_start_reports_the_reason(world, instance_id):
    world.stop(instance_id)
    world.settle()
    unit(world, instance_id).refuses = 'no space left on device'
    world.start(instance_id)
    world.settle()
    operation = world.operations(instance_id)[-1]
    assert (operation.state, operation.error_code) == ('failed', 'guest_restart_failed')
    assert 'no space left' in world.row(instance_id).fault_message
    unit(world, instance_id).refuses = ''
    world.start(instance_id)
    world.settle()
    assert world.row(instance_id).fault_message is None and operating(world,
                                                                      instance_id) == 'HEALTHY'
