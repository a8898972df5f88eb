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

"""Crash matrix: every flow and step, and a task manager that dies before, after, or once recorded.

The matrix is generated from the registry of flows, so that a new flow or step is included. The
successor finds the operation when the lease has expired. It must end it as without a crash: the
operation is closed, the status is right, and the cloud has exactly what the result implies.
"""

import dataclasses

import pytest

from tests.functional.world import LEASE, NOTHING, ONE_INSTANCE
from trove.common import exception
from trove.db import operations, session
from trove.taskmanager import flows
from trove.taskmanager.models import Runner

FLOWS = flows.registry()
#: Kinds tested elsewhere: test_refused.py, test_modules.py and test_configuration_crashes.py.
ELSEWHERE = {
    'backup_create', 'backup_delete', 'instance_promote', 'instance_eject',
    'instance_detach_replica', 'instance_upgrade_agent', 'module_reapply', 'configuration_edit',
    'configuration_update', 'instance_attach_configuration', 'instance_detach_configuration',
    'instance_update_configuration'
}
EVERY_STEP = [(kind, step) for kind, flow in FLOWS.items() if kind not in ELSEWHERE
              for step in flow.step_names]
UNDOABLE_STEPS = [step for step in FLOWS['instance_create'].step_names]
USERS = [{'name': 'app', 'password': 'Canary-5ecret', 'host': '%', 'databases': [{'name': 'shop'}]}]
DATABASES = [{'name': 'shop', 'character_set': None, 'collate': None}]
#: kind -> function that requests it; the test itself requests the create.
BEGIN = {
    'instance_delete': lambda world, instance_id: world.delete(instance_id),
    'instance_discard_log': lambda world, instance_id: world.discard_log(instance_id, 'error'),
    'instance_publish_log': lambda world, instance_id: world.publish_log(instance_id, 'error'),
    'instance_reboot': lambda world, instance_id: world.reboot(instance_id),
    'instance_resize_flavor': lambda world, instance_id: world.resize_flavor(
        instance_id, 'f-large'),
    'instance_resize_volume': lambda world, instance_id: world.resize_volume(instance_id, 5),
    'instance_migrate': lambda world, instance_id: world.migrate(instance_id),
    'instance_migrate_live': lambda world, instance_id: world.migrate(instance_id, live=True),
    'instance_rebuild': lambda world, instance_id: world.rebuild(instance_id),
    'instance_start': lambda world, instance_id: start_what_is_off(world, instance_id),
    'instance_upgrade': lambda world, instance_id: world.upgrade(instance_id),
    'instance_restart': lambda world, instance_id: world.restart(instance_id),
    'instance_stop': lambda world, instance_id: world.stop(instance_id),
    'instance_update_access': lambda world, instance_id: world.change_access(
        instance_id, is_public=True, allowed_cidrs=['10.5.0.0/16']),
}
#: kind -> resources that exist afterwards beside those of the instance
MORE = {'instance_update_access': {'floatingip': 1}}


def start_what_is_off(world, instance_id):
    """Switch the machine off, and then request a start."""
    server_id = world.row(instance_id).compute_instance_id
    world.cloud.set('server', server_id, vm_state='stopped')
    world.machines.stop_server(server_id)
    world.start(instance_id)


class Killed(BaseException):
    """Exception that stands for kill -9: the code after it does not run."""


class Mortal:
    """Step that kills its task manager in its first run."""

    def __init__(self, step, moment, method='run'):
        self._step = step
        self._moment = moment
        self._method = method
        self.dead = False

    def __getattr__(self, name):
        return getattr(self._step, name)

    def _act(self, method, work):
        if method != self._method or self.dead:
            return getattr(self._step, method)(work)
        if self._moment == 'before':
            self.dead = True
            raise Killed
        answer = getattr(self._step, method)(work)
        self.dead = True
        raise Killed(answer)

    def run(self, work):
        return self._act('run', work)

    def undo(self, work):
        return self._act('undo', work)


class DiesAfterRecording(Runner):
    """Task manager that dies after the record of a certain step."""

    last_step = ''

    def _record(self, claimed, result, attempt):
        name, position = claimed.step_name, claimed.position
        goes_on = super()._record(claimed, result, attempt)
        if name == self.last_step and claimed.position != position:
            raise Killed
        return goes_on


def doomed_runner(world, kind, step_name, moment, method='run'):
    flow = world.flows[kind]
    if moment == 'recorded':
        runner = world.new_runner()
        doomed = DiesAfterRecording(runner.flows, runner.tools, runner.owner)
        doomed.last_step = step_name
        return doomed
    steps = tuple(
        Mortal(step, moment, method) if step.name == step_name else step for step in flow.steps)
    return world.new_runner({**world.flows, kind: dataclasses.replace(flow, steps=steps)})


def run_to_death(world, runner):
    """Run the world until the doomed task manager dies."""
    with pytest.raises(Killed):
        world.settle(runner=runner)


def succeed(world):
    """Let another task manager take over after the lease has expired."""
    world.clock.advance(LEASE)
    world.settle(runner=world.new_runner())


@pytest.mark.parametrize('moment', ['before', 'after', 'recorded'])
@pytest.mark.parametrize(('kind', 'step'), EVERY_STEP)
def test_a_successor_ends_it(world, kind, step, moment):
    if kind == 'instance_create':
        instance_id = world.create(databases=DATABASES, users=USERS)
    else:
        instance_id = world.create(databases=DATABASES, users=USERS)
        world.settle()
        BEGIN[kind](world, instance_id)
    run_to_death(world, doomed_runner(world, kind, step, moment))
    succeed(world)

    operation = world.operations(instance_id)[-1]
    assert (operation.kind, operation.state, operation.active) == (kind, 'succeeded',
                                                                   None), world.journal()
    if kind == 'instance_delete':
        assert world.status(instance_id) == '404'
        assert world.holds() == NOTHING
        assert set(world.usage().values()) == {0}
        return
    assert world.status(instance_id) == 'ACTIVE'
    assert world.holds() == {**ONE_INSTANCE, **MORE.get(kind, {})}
    assert world.usage()['instances'] == 1
    data = world.machines.volumes[world.row(instance_id).volume_id]
    assert data.initialised == 1, 'a volume is made into a database once'
    assert set(data.databases) == {'shop'} and set(data.users) == {('app', '%')}


def create_with_everything(world):
    """Create an instance for which each step of the create has something to make and undo."""
    return world.create(locality='affinity', access={'is_public': True}, databases=DATABASES,
                        users=USERS, configuration_id=world.group(max_connections=100))


@pytest.mark.parametrize('moment', ['before', 'after', 'recorded'])
@pytest.mark.parametrize('step', UNDOABLE_STEPS)
def test_a_successor_reverts_it(world, step, moment):
    """The create fails at its end; the task manager dies during the revert."""
    world.conf.set_override('usage_timeout', 120)
    world.machines.silent = True
    instance_id = create_with_everything(world)
    runner = doomed_runner(world, 'instance_create', step, moment, 'undo')
    died = False
    try:
        world.settle(runner=runner)
    except Killed:
        died = True
        succeed(world)
    reached = step in ('Prepared', 'Healthy', 'ModulesApplied') or died
    assert reached, f'{step} was not undone'
    assert world.status(instance_id) == 'ERROR'
    assert world.holds() == NOTHING
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404' and set(world.usage().values()) == {0}


def test_each_undo_removes_what_its_own_step_made(world):
    """Steps that undo later would hide an undo that does nothing, if only the end were compared."""
    world.conf.set_override('usage_timeout', 120)
    world.machines.silent = True
    before, after = {}, {}

    class Watched:
        def __init__(self, step):
            self._step = step

        def __getattr__(self, name):
            return getattr(self._step, name)

        def undo(self, work):
            before[self.name] = world.holds()
            answer = self._step.undo(work)
            after[self.name] = world.holds()
            return answer

    flow = world.flows['instance_create']
    watched = dataclasses.replace(flow, steps=tuple(Watched(step) for step in flow.steps))
    create_with_everything(world)
    world.settle(runner=world.new_runner({**world.flows, 'instance_create': watched}))
    removed = {name: {kind for kind, number in before[name].items()
                      if number > after[name].get(kind, 0)} for name in before}
    assert removed['EnsureServerGroup'] == {'server_group'}, removed
    assert removed['EnsurePublicAddress'] == {'floatingip'}, removed
    assert world.holds() == NOTHING


@pytest.mark.parametrize('mode', ['before', 'after'])
@pytest.mark.parametrize(('service', 'path'), [
    ('network', '/security-groups$'), ('network', '/security-group-rules$'), ('network', '/ports$'),
    ('volume', '/volumes$'), ('compute', '/servers$')])
@pytest.mark.parametrize('nth', [1, 2])
def test_a_lost_reply_of_the_cloud_makes_nothing_twice(world, service, path, nth, mode):
    fault = world.cloud.faults.request(service, 'POST', path, mode=mode, nth=nth)
    instance_id = world.create()
    world.settle()
    assert fault.seen >= 1, 'the create does ask for it'
    assert world.status(instance_id) == 'ACTIVE'
    assert world.holds() == ONE_INSTANCE


@pytest.mark.parametrize('service', ['compute', 'network', 'volume'])
def test_a_cloud_that_is_away_for_a_while_only_delays(world, service):
    world.cloud.faults.request(service, 'GET', '.*', times=3, status=503)
    world.cloud.faults.request(service, 'POST', '.*', times=2, status=503)
    instance_id = world.create()
    world.settle()
    assert world.status(instance_id) == 'ACTIVE' and world.holds() == ONE_INSTANCE
    world.cloud.faults.request(service, 'DELETE', '.*', times=7, status=503)
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404' and world.holds() == NOTHING


def test_a_broker_that_is_away_only_delays(world):
    world.guest_bus.broken = world.control.broken = True
    instance_id = world.create()
    with pytest.raises(AssertionError):
        world.run(lambda: world.status(instance_id) != 'BUILD', seconds=20)
    world.guest_bus.broken = world.control.broken = False
    world.settle()
    assert world.status(instance_id) == 'ACTIVE'


def test_an_exceeded_cloud_quota_is_reported_and_nothing_is_left(world):
    world.cloud.faults.request(
        'volume', 'POST', '/volumes', times=99, status=413,
        message='VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded')
    instance_id = world.create()
    world.settle()
    row = world.row(instance_id)
    assert world.status(instance_id) == 'ERROR'
    assert row.error_code in ('cloud_quota_exceeded', 'volume_failed') and row.fault_message
    assert world.holds() == NOTHING


def test_the_cancelling_delete_of_a_dead_task_manager(world):
    """The task manager dies during a create, and the user deletes before a successor takes over."""
    instance_id = world.create()
    run_to_death(world, doomed_runner(world, 'instance_create', 'EnsureServer', 'after'))
    world.delete(instance_id)
    assert world.status(instance_id) == 'SHUTDOWN'
    succeed(world)
    assert world.status(instance_id) == '404' and world.holds() == NOTHING


def test_a_closed_claim_cannot_write(world):
    with pytest.raises(exception.ClaimLost):
        session.write(operations.save, 'none', 1, world.clock(), attempt=1)
