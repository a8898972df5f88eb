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

"""Identities of guests that a broker has lost are restored from the database."""

import pytest

from trove.common.rpc import topology
from trove.db import events, session
from trove.taskmanager.guest_bus import EVENT, Difference, Identities
from trove.taskmanager.manager import Manager


@pytest.fixture
def identities(world):
    return Identities(world.conf, world.broker, world.keys, world.clock)


def made(world, name):
    instance_id = world.create(name=name)
    world.settle()
    return instance_id


def shown_events(instance_id):
    return [row.text for row in session.read(events.of_resource, instance_id, 100)
            if row.type == EVENT]


def test_nothing_differs_while_the_broker_is_whole(world, identities):
    made(world, 'a')
    assert identities.differences() == [] == identities.repair()


def test_a_broker_that_lost_everything_is_whole_again(world, identities):
    ids = sorted(made(world, name) for name in 'abc')
    world.broker.guests.clear()
    assert [item.instance_id for item in identities.differences()] == ids
    assert [item.instance_id for item in identities.repair()] == ids
    assert sorted(world.broker.guests) == ids
    assert identities.differences() == []
    for instance_id in ids:
        [text] = shown_events(instance_id)
        assert 'binding, exchange, permissions, queue, user' in text


def test_the_parts_that_are_missing_are_named(world, identities):
    instance_id = made(world, 'a')
    lost = f'user {topology.user(instance_id)}'
    world.broker.lost = {lost}
    assert identities.repair() == [Difference(instance_id, missing=(lost,))]
    assert shown_events(instance_id) == [
        "The broker had lost the guest's user; they were restored."]


def test_identities_without_an_instance_are_removed(world, identities):
    made(world, 'a')
    stranger = '11111111-2222-4333-8444-555555555555'
    world.broker.guests.add(stranger)
    [difference] = identities.repair()
    assert (difference.instance_id, difference.missing) == (stranger, ())
    assert stranger not in world.broker.guests


def test_instances_that_are_being_created_or_deleted_are_left_to_their_operation(world, identities):
    instance_id = made(world, 'a')
    fresh = world.create(name='b')
    world.delete(instance_id)
    world.broker.guests.clear()
    assert identities.repair() == []
    assert world.broker.guests == set()
    assert fresh != instance_id


def test_an_instance_that_is_deleted_meanwhile_keeps_no_identity(world, identities, monkeypatch):
    instance_id = made(world, 'a')
    world.broker.guests.clear()
    ensure = world.broker.ensure_guest

    def deleted_first(identity, key):
        world.delete(instance_id)
        world.settle()
        ensure(identity, key)

    monkeypatch.setattr(world.broker, 'ensure_guest', deleted_first)
    assert identities.repair() == []
    assert world.broker.guests == set()


@pytest.mark.parametrize('action', ['reboot', 'rebuild', 'start'])
def test_new_starts_restore_the_identity(world, action):
    instance_id = made(world, 'a')
    world.broker.guests.clear()
    getattr(world, action)(instance_id)
    world.settle()
    assert world.broker.guests == {instance_id}


def test_the_task_manager_repairs_by_itself(world):
    instance_id = made(world, 'a')
    world.broker.guests.clear()
    manager = Manager(world.new_runner().tools, 'here')
    manager.repair_guest_bus()
    assert world.broker.guests == {instance_id}
