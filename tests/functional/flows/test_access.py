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

"""Access rules changed on a running instance."""

import json

import pytest

from tests.functional.world import NOTHING, ONE_INSTANCE
from trove.common import exception
from trove.db import instance_addresses, instance_faults, instances, session

ANYBODY = {('tcp', 3306, '0.0.0.0/0')}


@pytest.fixture
def instance_id(world):
    made = world.create(access={'allowed_cidrs': ['10.2.0.0/24', '10.3.0.0/24']})
    world.settle()
    return made


def let_in(world):
    return {(rule['protocol'], rule['port_range_min'], rule['remote_ip_prefix'])
            for rule in world.cloud.all('security_group_rule')
            if rule['direction'] == 'ingress' and rule['remote_ip_prefix']}


def public_addresses(world, instance_id):
    found = session.read(instance_addresses.shown_of, [instance_id])[instance_id]
    return [row.address for row in found if row.kind == 'public']


def change(world, instance_id, **access):
    world.change_access(instance_id, **access)
    assert world.status(instance_id) == 'ACTIVE', 'a change of access has no status of its own'
    world.settle()
    return world.operations(instance_id)[-1]


def test_only_the_difference_is_changed_and_what_is_new_comes_first(world, instance_id):
    world.cloud.requests.clear()
    operation = change(world, instance_id, allowed_cidrs=['10.3.0.0/24', '2001:db8::/32'])
    assert operation.state == 'succeeded'
    assert let_in(world) == {('tcp', 3306, '10.3.0.0/24'), ('tcp', 3306, '2001:db8::/32')}
    methods = [
        method for method, path in world.cloud.requests
        if 'security-group-rules' in path and method != 'GET'
    ]
    assert methods == ['POST', 'DELETE']
    assert json.loads(world.row(instance_id).access) == {
        'is_public': False,
        'allowed_cidrs': ['10.3.0.0/24', '2001:db8::/32']
    }


def test_an_empty_list_means_the_same_as_at_creation(world, instance_id):
    change(world, instance_id, is_public=False)
    assert let_in(world) == ANYBODY
    assert json.loads(world.row(instance_id).access) == {'is_public': False, 'allowed_cidrs': []}


def test_without_a_default_of_the_operator_an_empty_list_lets_nobody_in(world, instance_id, conf):
    conf.set_override('trove_security_group_rule_cidr', '')
    change(world, instance_id)
    assert let_in(world) == set()


def test_public_comes_and_goes(world, instance_id):
    change(world, instance_id, is_public=True)
    [address] = public_addresses(world, instance_id)
    assert address.startswith('10.9.0.')
    assert world.holds() == {**ONE_INSTANCE, 'floatingip': 1}
    change(world, instance_id, is_public=True, allowed_cidrs=['10.4.0.0/24'])
    assert public_addresses(world, instance_id) == [address], 'what stays public keeps its address'
    change(world, instance_id, allowed_cidrs=['10.4.0.0/24'])
    assert public_addresses(world, instance_id) == []
    assert world.holds() == ONE_INSTANCE
    assert world.events(instance_id).count('instance_update_access.public_address') == 3


def test_a_failed_change_is_reverted_and_reported(world):
    instance_id = world.create(access={'allowed_cidrs': ['10.2.0.0/24']}, network='island')
    world.settle()
    operation = change(world, instance_id, is_public=True, allowed_cidrs=['10.4.0.0/24'])
    assert (operation.state, operation.error_code) == ('failed', 'floating_ip_failed')
    row = world.row(instance_id)
    assert let_in(world) == {('tcp', 3306, '10.2.0.0/24')}
    assert json.loads(row.access) == {'allowed_cidrs': ['10.2.0.0/24']}
    assert world.status(instance_id) == 'ERROR'
    assert 'router' in row.fault_message
    world.change_access(instance_id, allowed_cidrs=['10.4.0.0/24'])
    world.settle()
    assert world.status(instance_id) == 'ACTIVE' and world.row(instance_id).fault_message is None
    world.delete(instance_id)
    world.settle()
    assert world.holds() == NOTHING


def test_an_error_of_something_else_stays(world, instance_id):
    with session.writer() as connection:
        instances.change(connection, instance_id, world.clock(), error_code='leftovers')
        instance_faults.store(connection, instance_id, 'A port is left.', None, world.clock())
    world.change_access(instance_id, allowed_cidrs=['10.4.0.0/24'])
    world.settle()
    assert let_in(world) == {('tcp', 3306, '10.4.0.0/24')}
    assert (world.row(instance_id).error_code, world.row(instance_id).fault_message) == (
        'leftovers', 'A port is left.')


def test_one_change_at_a_time(world, instance_id):
    world.change_access(instance_id, is_public=True)
    with pytest.raises(exception.Unprocessable):
        world.change_access(instance_id, is_public=False)
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404' and world.holds() == NOTHING


def test_an_address_that_a_user_attached_is_not_ours(world, instance_id):
    """A delete releases only the addresses that were allocated with the instance."""
    neutron = world.runner.tools.cloud(None).network
    public = world.cloud.named('network', 'public')['id']
    port = next(port for port in neutron.find_ports(instance_id) if port.name.endswith('-tenant'))
    theirs = neutron.ensure_public_address(port, network_id=public, project_id='demo',
                                           description='my own')
    world.change_access(instance_id, is_public=False, allowed_cidrs=[])
    world.settle()
    assert [record['id'] for record in world.cloud.all('floatingip')] == [theirs.id]
    world.delete(instance_id)
    world.settle()
    assert world.status(instance_id) == '404'
    assert [(record['id'], record['port_id'])
            for record in world.cloud.all('floatingip')] == [(theirs.id, None)]
