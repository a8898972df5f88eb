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

"""Resize of the flavor; after each failure the instance has its former flavor."""

import dataclasses

import pytest

from tests.functional.flows.test_crashes import Killed, doomed_runner, succeed
from tests.functional.world import NOTHING, ONE_INSTANCE
from trove.common import exception
from trove.taskmanager import flows
from trove.taskmanager.steps import flavor_resize

STEPS = flows.registry()['instance_resize_flavor'].step_names
SMALL, LARGE = ('f-small', 1024, 1), ('f-large', 4096, 2)


@pytest.fixture
def instance_id(world):
    made = world.create(databases=[{'name': 'shop', 'character_set': None, 'collate': None}])
    world.settle()
    assert world.status(made) == 'ACTIVE'
    return made


def resize(world, instance_id, flavor_id='f-large'):
    world.resize_flavor(instance_id, flavor_id)
    assert world.status(instance_id) == 'RESIZE'
    world.settle()
    return world.operations(instance_id)[-1]


def configuration(world, instance_id):
    return world.guest(instance_id).machine.path('/etc/memory/70-base.cnf')


def assert_whole(world, instance_id, flavor):
    """Assert that instance, server, machine, configuration and quota have this flavor."""
    world.clock.advance(60)
    world.tick()
    world.tick()
    row, server = world.row(instance_id), world.cloud.all('server')[0]
    assert (world.status(instance_id), row.service_status) == ('ACTIVE', 'healthy'), world.journal()
    assert (row.flavor_id, row.ram, row.vcpus) == flavor
    assert server['flavor']['id'] == flavor[0] and server['vm_state'] == 'active'
    assert world.machines.specs[server['id']].ram_mb == flavor[1]
    assert world.usage()['ram'] == flavor[1]
    unit = world.guest(instance_id).machine.unit('memory')
    assert unit.active == 'active' and unit.on, 'it also comes back after a reboot'
    data = world.machines.volumes[row.volume_id]
    assert data.initialised == 1 and set(data.databases) == {'shop'}
    assert world.holds() == ONE_INSTANCE


def assert_failed(world, instance_id, operation, code, flavor=SMALL):
    assert (operation.state, operation.error_code) == ('failed', code), world.journal()
    assert world.row(instance_id).fault_message == operation.error_text
    assert_whole(world, instance_id, flavor)


def test_it_becomes_larger_and_smaller_again(world, instance_id):
    world.conf.set_override('volume_rootdisk_support', True)
    path = configuration(world, instance_id)
    small = open(path).read()
    assert resize(world, instance_id).state == 'succeeded', world.journal()
    assert_whole(world, instance_id, LARGE)
    large = open(path).read()
    assert large != small, 'the engine is given more memory'
    assert resize(world, instance_id, 'f-small').state == 'succeeded', world.journal()
    assert_whole(world, instance_id, SMALL)
    assert open(path).read() == small
    world.delete(instance_id)
    world.settle()
    assert world.holds() == NOTHING and set(world.usage().values()) == {0}


def confirm_by_itself(world):
    """Confirm the resize, as a Nova with automatic confirmation does."""
    with world.cloud._state.transaction() as tx:
        for server in tx.list('server', vm_state='resized'):
            tx.update('server', server['id'], vm_state='active', old_flavor=None, old_vm_state=None)


class Confirming:
    """Step that finds every resize confirmed by another client."""

    def __init__(self, step, world):
        self._step, self._world = step, world

    def __getattr__(self, name):
        return getattr(self._step, name)

    def run(self, work):
        confirm_by_itself(self._world)
        return self._step.run(work)

    def undo(self, work):
        confirm_by_itself(self._world)
        return self._step.undo(work)


def confirming_runner(world):
    flow = world.flows['instance_resize_flavor']
    steps = tuple(Confirming(step, world) for step in flow.steps)
    return world.new_runner({**world.flows, flow.kind: dataclasses.replace(flow, steps=steps)})


def test_a_nova_that_confirms_by_itself(world, instance_id):
    world.resize_flavor(instance_id, 'f-large')
    world.settle(runner=confirming_runner(world))
    assert world.operations(instance_id)[-1].state == 'succeeded', world.journal()
    assert_whole(world, instance_id, LARGE)


def refuse_large(world, instance_id):
    """Let the engine refuse to start with the configuration of the larger flavor."""
    machine = world.guest(instance_id).machine
    unit, write = machine.unit('memory'), machine.write

    def watched(path, content, **attributes):
        write(path, content, **attributes)
        if path.endswith('70-base.cnf'):
            unit.refuses = '' if content == small else 'cannot allocate memory'

    small = open(configuration(world, instance_id)).read()
    machine.write = watched


def test_an_engine_that_does_not_start_with_it(world, instance_id):
    refuse_large(world, instance_id)
    operation = resize(world, instance_id)
    assert 'cannot allocate memory' in operation.error_text
    assert_failed(world, instance_id, operation, 'guest_restart_failed')


def test_it_goes_back_also_from_what_was_confirmed(world, instance_id):
    refuse_large(world, instance_id)
    world.resize_flavor(instance_id, 'f-large')
    world.settle(runner=confirming_runner(world))
    assert_failed(world, instance_id, world.operations(instance_id)[-1], 'guest_restart_failed')


def test_nova_that_refuses(world, instance_id):
    world.cloud.faults.request('compute', 'POST', '/action$', status=400, times=1, message='no')
    assert_failed(world, instance_id, resize(world, instance_id), 'server_resize_failed')
    assert resize(world, instance_id).state == 'succeeded'
    assert world.row(instance_id).fault_message is None


def test_nova_without_room(world, instance_id):
    world.cloud.faults.request('compute', 'POST', '/action$', status=403, times=1,
                               message='Quota exceeded for ram')
    assert_failed(world, instance_id, resize(world, instance_id), 'cloud_quota_exceeded')


def test_nova_that_finds_no_host(world, instance_id):
    """Nova accepts the request, and the server has its former flavor again some time later."""
    world.resize_flavor(instance_id, 'f-large')
    world.run(lambda: world.cloud.all('server')[0]['task_state'] == 'resize_prep')
    with world.cloud._state.transaction() as tx:
        server = tx.list('server')[0]
        tx.update('server', server['id'], task_state=None, flavor=server['old_flavor'],
                  old_flavor=None)
    world.settle()
    assert_failed(world, instance_id, world.operations(instance_id)[-1], 'server_resize_failed')


@pytest.mark.parametrize('nth', [1, 2])
@pytest.mark.parametrize('mode', ['before', 'after'])
def test_a_lost_response_of_nova_only_delays(world, instance_id, mode, nth):
    fault = world.cloud.faults.request('compute', 'POST', '/action$', mode=mode, nth=nth)
    assert resize(world, instance_id).state == 'succeeded', world.journal()
    assert fault.seen
    assert_whole(world, instance_id, LARGE)


def test_a_confirmation_that_is_refused_leads_back(world, instance_id):
    world.cloud.faults.request('compute', 'POST', '/action$', status=400, nth=2, times=1,
                               message='no')
    assert_failed(world, instance_id, resize(world, instance_id), 'server_resize_failed')


def test_a_guest_that_does_not_stop_its_engine(world, instance_id):
    unit = world.guest(instance_id).machine.unit('memory')
    stop, unit.stop = unit.stop, lambda timeout: (_ for _ in ()).throw(OSError('busy'))
    operation = resize(world, instance_id)
    unit.stop = stop
    assert_failed(world, instance_id, operation, 'guest_error')


def test_a_guest_that_does_not_come_back_has_its_former_server_again(world, instance_id):
    server_id = world.row(instance_id).compute_instance_id
    boot = type(world.guest(instance_id)).start
    guest = world.guest(instance_id)
    # The agent starts only with the memory of the former flavor.
    guest.start = lambda: boot(guest) if world.machines.specs[server_id].ram_mb == 1024 else None
    operation = resize(world, instance_id)
    assert_failed(world, instance_id, operation, 'guest_timeout')


@pytest.mark.parametrize('step', STEPS[1:])
def test_a_delete_in_the_middle_gives_all_back(world, instance_id, step):
    world.resize_flavor(instance_id, 'f-large')
    world.run(lambda: world.operations(instance_id)[-1].position >= STEPS.index(step))
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404' and world.holds() == NOTHING
    assert set(world.usage().values()) == {0}


def test_a_reset_settles_the_quota(world, instance_id):
    world.resize_flavor(instance_id, 'f-large')
    assert world.usage()['ram'] == 4096
    world.reset(instance_id)
    assert world.usage()['ram'] == 1024


@pytest.mark.parametrize(('flavor', 'refusal'), [('f-small', exception.BadRequest),
                                                 ('nothing', exception.BadRequest),
                                                 ('f-large', exception.QuotaExceeded)])
def test_an_impossible_flavor_is_refused_and_changes_no_quota(world, instance_id, flavor, refusal):
    world.conf.set_override('max_ram_per_tenant', 2000)
    with pytest.raises(refusal):
        world.resize_flavor(instance_id, flavor)
    assert world.usage()['ram'] == 1024 and len(world.operations(instance_id)) == 1


def test_a_disk_does_not_shrink(world, instance_id):
    assert resize(world, instance_id).state == 'succeeded'
    with pytest.raises(exception.BadRequest, match='does not shrink'):
        world.resize_flavor(instance_id, 'f-small')


@pytest.mark.parametrize('moment', ['before', 'after'])
@pytest.mark.parametrize('step', STEPS[1:])
def test_a_successor_reverts_it(world, instance_id, step, moment, monkeypatch):
    def refused(self, work):
        raise exception.StepFailed('no', code='server_resize_failed')

    monkeypatch.setattr(flavor_resize.ResizeConfirmed, 'run', refused)
    world.resize_flavor(instance_id, 'f-large')
    with pytest.raises(Killed):
        world.settle(runner=doomed_runner(world, 'instance_resize_flavor', step, moment, 'undo'))
    succeed(world)
    assert_failed(world, instance_id, world.operations(instance_id)[-1], 'server_resize_failed')
