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

"""Deletes that remove everything in spite of failures of the cloud."""

import dataclasses

import pytest

from tests.functional.world import NOTHING
from trove.common import exception
from trove.taskmanager import flows
from trove.taskmanager.steps import identity, network, volume


@pytest.fixture
def instance_id(world):
    made = world.create(access={'is_public': True}, locality='affinity')
    world.settle()
    assert world.status(made) == 'ACTIVE'
    return made


@pytest.mark.parametrize(('service', 'path', 'status'), [('compute', '/servers/', 500),
                                                         ('network', '/ports/', 409),
                                                         ('network', '/security-groups/', 409),
                                                         ('network', '/floatingips/', 403),
                                                         ('volume', '/volumes/', 400),
                                                         ('compute', '/os-server-groups/', 503)])
def test_a_delete_insists_and_the_row_stays_until_all_is_gone(world, instance_id, service, path,
                                                              status):
    fault = world.cloud.faults.request(service, 'DELETE', path, status=status, times=8)
    world.delete(instance_id)
    world.run(lambda: fault.seen >= 7)
    assert world.status(instance_id) == 'SHUTDOWN'
    assert world.usage()['instances'] == 1
    world.settle()
    assert (world.status(instance_id), world.holds()) == ('404', NOTHING)
    assert set(world.usage().values()) == {0}


@pytest.mark.parametrize(('service', 'path'), [
    ('compute', '/servers/'), ('network', '/ports/'), ('network', '/security-groups/'),
    ('network', '/floatingips/'), ('volume', '/volumes/')])
def test_a_lost_response_changes_nothing(world, instance_id, service, path):
    world.cloud.faults.request(service, 'DELETE', path, mode='after')
    world.delete(instance_id)
    world.settle()
    assert (world.status(instance_id), world.holds()) == ('404', NOTHING)


@pytest.mark.parametrize('step', (network.EnsureSecurityGroup, network.EnsureManagementPort,
                                  volume.EnsureVolume, identity.EnsureGuestIdentity))
def test_what_a_frozen_task_manager_makes_of_a_deleted_instance_is_removed(world, step):
    """The lease expired, the create was cancelled and the instance deleted; then the late request
    arrives.
    """
    class Frozen(step):
        name = step.__name__

        def run(self, work):
            world.clock.advance(world.conf.taskmanager.lease_time + 1)
            world.delete(work.resource_id)
            world.settle(runner=world.new_runner())
            assert world.status(work.resource_id) == '404'
            return super().run(work)

    known = flows.registry()
    create = known['instance_create']
    steps = tuple(Frozen() if type(one) is step else one for one in create.steps)
    instance_id = world.create()
    frozen = world.new_runner({
        **known, 'instance_create': dataclasses.replace(create, steps=steps)
    })
    world.run(lambda: world.status(instance_id) == '404', runner=frozen)
    assert world.holds() != NOTHING, 'made too late'
    world.settle()
    assert (world.status(instance_id), world.holds()) == ('404', NOTHING)
    assert set(world.usage().values()) == {0}, 'given back once'


def test_a_broker_that_is_away_delays_the_end(world, instance_id):
    class Away(type(world.broker)):
        failures = 8

        def remove_guest(self, instance_id):
            if self.failures:
                self.failures -= 1
                raise exception.BrokerError(detail='away')
            super().remove_guest(instance_id)
    there = world.broker.guests
    world.broker = Away()
    world.broker.guests = there
    world.runner = world.new_runner()
    world.delete(instance_id)
    world.settle()
    assert (world.status(instance_id), world.holds()) == ('404', NOTHING)


def test_a_delete_that_cannot_end_names_the_rest_and_can_be_repeated(
        world, instance_id, conf):
    world.cloud.faults.request('volume', 'DELETE', '/volumes/', status=400, times=100000)
    conf.set_override('delete_deadline', 300)
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == 'ERROR'
    assert 'VolumesGone' in world.row(instance_id).fault_message
    assert world.usage()['instances'] == 1
    world.cloud.faults.clear()
    world.delete(instance_id)
    world.settle()
    assert (world.status(instance_id), world.holds()) == ('404', NOTHING)


def test_what_somebody_else_removed_is_gone_too(world, instance_id):
    cloud = world.runner.tools.cloud(None)
    cloud.compute.delete_server(world.row(instance_id).compute_instance_id)
    world.cloud.advance()
    for port in cloud.network.find_ports(instance_id):
        cloud.network.delete_port(port.id)
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404'


def test_pauses_grow_while_the_cloud_keeps_refusing(world, instance_id):
    fault = world.cloud.faults.request('volume', 'DELETE', '/volumes/', status=400, times=100000)
    world.delete(instance_id)
    world.run(lambda: fault.seen >= 3)
    for _ in range(300):
        world.tick()
        world.clock.advance(5)
    assert fault.seen < 45, 'a quarter of an hour and more, polled about once a minute in the end'
    world.cloud.faults.clear()
    world.settle()
    assert world.holds() == NOTHING
