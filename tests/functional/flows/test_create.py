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

"""Create: the resources it makes, and failures of the cloud, the broker and the guest."""

import configparser

import pytest

from tests.functional.simulated_hypervisor import files_of
from tests.functional.world import NOTHING, ONE_INSTANCE
from trove.common import exception
from trove.common.rpc import keys
from trove.db import instance_addresses, root_history
from trove.db import session


def created(world, **request):
    instance_id = world.create(**request)
    world.settle()
    assert world.status(instance_id) == 'ACTIVE', world.journal()
    return instance_id


def addresses(world, instance_id):
    rows = session.read(instance_addresses.shown_of, [instance_id]).get(instance_id, [])
    return {row.kind: row.address for row in rows}


def let_in(world, group_ids):
    return {(rule['protocol'], rule['port_range_min'], rule['remote_ip_prefix'])
            for rule in world.cloud.all('security_group_rule')
            if rule['security_group_id'] in group_ids and rule['direction'] == 'ingress'}


@pytest.mark.parametrize(
    'name,shown',
    (('Bestellungen für 2031', None), ('한국어', None), ('orders 😀 1', 'orders   1'),
     (' orders\n', 'orders'), ('a\tb\x7fc\u2028d', 'a b c d'), ('1😀', '1'), ('x' * 255, None)))
def test_an_instance_may_be_called_what_nova_refuses(world, name, shown):
    instance_id = created(world, name=name)
    assert world.row(instance_id).name == name
    [server] = world.cloud.all('server')
    assert server['name'] == (shown or name)


def test_users_see_their_address_and_not_ours(world):
    found = addresses(world, created(world))
    assert set(found) == {'private'}
    assert found['private'].startswith('10.2.0.')


def test_the_guest_learns_who_it_is_and_nothing_more(world):
    instance_id = created(world)
    key = world.keys.open(instance_id, world.row(instance_id).encrypted_key)
    [spec] = world.machines.specs.values()
    files = files_of(spec.user_data)
    assert set(files) == {
        '/etc/trove/conf.d/guest_info.conf', '/etc/trove/conf.d/trove-guestagent.conf'
    }
    config = configparser.RawConfigParser()
    config.read_string(files['/etc/trove/conf.d/guest_info.conf'])
    assert dict(config['DEFAULT']) == {
        'guest_id': instance_id,
        'datastore_manager': 'mariadb',
        'datastore_version': '10.11',
        'tenant_id': 'demo',
        'network_isolation': 'True',
        'instance_rpc_encr_key': keys.encode(key),
        'boot_epoch': '1'
    }
    assert config['guest_bus']['transport_url'] == (
        f'rabbit://guest-{instance_id}:{keys.broker_password(key)}@broker:5672/guests')


def test_the_database_is_open_to_those_who_may_and_the_management_side_to_nobody(world):
    instance_id = created(world, access={'allowed_cidrs': ['10.2.0.0/24', '2001:db8::/32']})
    [spec] = world.machines.specs.values()
    assert [port.name
            for port in spec.ports] == [f'trove-{instance_id}-tenant', f'trove-{instance_id}']
    groups = {port['name']: port['security_groups'] for port in world.cloud.all('port')}
    assert let_in(world, groups[f'trove-{instance_id}-tenant']) == {('tcp', 3306, '10.2.0.0/24'),
                                                                    ('tcp', 3306, '2001:db8::/32')}
    assert let_in(world, groups[f'trove-{instance_id}']) == set()


@pytest.mark.parametrize('access', [None, {}, {'allowed_cidrs': []}])
def test_default_access_rules(world, access):
    group_id = world.row(created(world, access=access)).security_group_id
    assert let_in(world, [group_id]) == {('tcp', 3306, '0.0.0.0/0')}


def test_a_public_instance_has_a_floating_address(world):
    instance_id = created(world, access={'is_public': True})
    assert addresses(world, instance_id)['public'].startswith('10.9.0.')
    [floating] = world.cloud.all('floatingip')
    assert floating['project_id'] == 'demo'
    world.delete(instance_id)
    world.settle()
    assert world.holds() == NOTHING


def test_a_public_instance_needs_a_router(world):
    instance_id = world.create(access={'is_public': True}, network='island')
    world.settle()
    assert world.row(instance_id).error_code == 'floating_ip_failed'
    assert 'router' in world.row(instance_id).fault_message
    assert world.holds() == NOTHING


def test_locality_makes_a_server_group_that_goes_with_the_instance(world):
    instance_id = created(world, locality='affinity')
    assert world.row(instance_id).server_group_id
    assert world.holds() == {**ONE_INSTANCE, 'server_group': 1}
    world.delete(instance_id)
    world.settle()
    assert world.holds() == NOTHING


def test_a_root_password_counts_as_root_enabled(world):
    instance_id = created(world, root_password='Canary-r00t')
    assert session.read(root_history.get, instance_id).user == 'demo-user'
    data = world.machines.volumes[world.row(instance_id).volume_id]
    assert data.root_password == 'Canary-r00t'


@pytest.mark.parametrize(('service', 'method', 'path'),
                         [('network', 'POST', '/security-groups$'),
                          ('network', 'POST', '/security-group-rules$'),
                          ('network', 'POST', '/ports$'), ('volume', 'POST', '/volumes$'),
                          ('compute', 'POST', '/servers$'), ('network', 'GET', '/ports$'),
                          ('volume', 'GET', '/volumes/'), ('compute', 'GET', '/servers/')])
def test_a_cloud_that_stumbles_once_only_delays(world, service, method, path):
    world.cloud.faults.request(service, method, path, mode='before')
    created(world)
    assert world.holds() == ONE_INSTANCE


@pytest.mark.parametrize(
    ('service', 'path', 'status', 'message', 'code'),
    [('volume', '/volumes$', 413, 'VolumeLimitExceeded: Maximum number of volumes',
      'cloud_quota_exceeded'),
     ('network', '/ports$', 409, "Quota exceeded for resources: ['port'].", 'cloud_quota_exceeded'),
     ('compute', '/servers$', 403, 'Quota exceeded for cores', 'cloud_quota_exceeded'),
     ('compute', '/servers$', 400, 'Flavor is too small', 'server_failed'),
     ('network', '/security-groups$', 400, 'no', 'security_group_failed'),
     ('network', '/ports$', 400, 'no', 'port_failed'),
     ('volume', '/volumes$', 500, 'broken', 'volume_failed')])
def test_a_cloud_that_refuses_ends_it_with_a_code_and_nothing_left(world, service, path, status,
                                                                   message, code):
    world.cloud.faults.request(service, 'POST', path, status=status, message=message, times=99)
    instance_id = world.create()
    world.settle()
    assert (world.status(instance_id), world.row(instance_id).error_code) == ('ERROR', code)
    assert world.holds() == NOTHING
    assert message not in world.row(instance_id).fault_message
    assert message in world.row(instance_id).fault_details
    assert 'instance_create.error' in world.events(instance_id)


def test_a_volume_that_fails(world):
    world.cloud.faults.work('volume.create')
    instance_id = world.create()
    world.settle()
    assert (world.status(instance_id), world.row(instance_id).error_code) == ('ERROR',
                                                                              'volume_failed')
    assert world.holds() == NOTHING


def test_a_server_that_somebody_else_removes_is_missed(world):
    instance_id = world.create()
    world.machines.silent = True
    world.run(lambda: world.machines.specs)
    world.tick()
    world.new_runner().tools.cloud(None).compute.delete_server(
        world.row(instance_id).compute_instance_id)
    world.settle()
    assert world.row(instance_id).error_code == 'server_missing'
    assert world.holds() == NOTHING


class Thief:
    """Guest-side fault that swallows commands to guests that start from now on."""

    def __init__(self, world):
        self.taken = 0
        self.at_large = True
        self._bus = world.guest_bus
        world.machines.prepare = self._lurk

    def _lurk(self, guest):
        start = guest.start

        def robbed_start():
            start()
            endpoints = self._bus._servers[f'guestagent.{guest.instance_id}']._endpoints
            honest = endpoints[0].deliver

            def deliver(context, envelope):
                return self._take() if self.at_large else honest(context, envelope)
            endpoints[0].deliver = deliver
        guest.start = robbed_start

    def _take(self):
        self.taken += 1


def test_a_command_that_is_lost_is_sent_again(world):
    thief = Thief(world)
    instance_id = world.create()
    world.run(lambda: thief.taken)
    thief.at_large = False
    began = world.seconds()
    world.settle()
    assert world.status(instance_id) == 'ACTIVE'
    assert 25 <= world.seconds() - began <= 40


def test_a_guest_that_is_never_done_ends_it_before_the_deadline(world, conf):
    conf.set_override('usage_timeout', 300)
    thief = Thief(world)
    instance_id = world.create()
    world.settle()
    row = world.row(instance_id)
    assert (world.status(instance_id), row.error_code) == ('ERROR', 'guest_timeout')
    assert 'simulated machine' in row.fault_details
    assert world.holds() == NOTHING
    assert 8 <= thief.taken <= 11, 'sent again twice a minute, not at each look'


def test_a_bus_that_is_away_for_a_while_only_delays(world):
    instance_id = world.create()
    world.run(lambda: world.machines.guests)
    world.guest_bus.broken = True
    for _ in range(6):
        world.tick()
        world.clock.advance(1)
    world.guest_bus.broken = False
    world.settle()
    assert world.status(instance_id) == 'ACTIVE'


def test_an_identity_that_cannot_be_made_at_once(world):
    class Stumbling(type(world.broker)):
        failures = 3

        def ensure_guest(self, instance_id, key):
            if self.failures:
                self.failures -= 1
                raise exception.BrokerError(detail='away')
            super().ensure_guest(instance_id, key)
    world.broker = Stumbling()
    world.runner = world.new_runner()
    created(world)
    assert world.holds() == ONE_INSTANCE


def test_an_operators_cloud_init_file_is_merged_and_a_broken_one_left_out(world, conf, tmp_path):
    conf.set_override('cloudinit_location', str(tmp_path))
    (tmp_path / 'mariadb.cloudinit').write_text('runcmd: [[touch, /operator-was-here]]\n')
    created(world)
    [spec] = world.machines.specs.values()
    assert b'operator-was-here' in spec.user_data
    (tmp_path / 'mariadb.cloudinit').write_text('runcmd: [')
    second = created(world, name='second')
    assert world.row(second).compute_instance_id
    assert 'is left out' in world.journal()


def test_the_number_of_cloud_calls(world):
    created(world)
    world.cloud.requests.clear()
    created(world, name='second')
    posts = [path for verb, path in world.cloud.requests if verb != 'GET']
    assert len(posts) == 6, posts
    assert len(world.cloud.requests) <= 20, world.cloud.requests


def test_a_database_that_the_engine_refuses_is_reported_and_the_rest_works(world):
    """The API accepts the name and the engine does not."""
    instance_id = created(
        world, databases=[{
            'name': 'x' * 65,
            'character_set': None,
            'collate': None
        }, {
            'name': 'shop',
            'character_set': None,
            'collate': None
        }], users=[{
            'name': 'app',
            'password': 'Canary-5ecret',
            'host': '%',
            'databases': []
        }])
    row = world.row(instance_id)
    assert row.fault_message.startswith(
        'A database or user asked for at creation could not be made. Database ')
    assert 'Canary' not in row.fault_message
    assert 'instance_create.objects' in world.events(instance_id)
    data = world.machines.volumes[row.volume_id]
    assert set(data.databases) == {'shop'} and set(data.users) == {('app', '%')}
    assert row.service_status == 'healthy'
    world.restart(instance_id)
    world.settle()
    assert world.row(instance_id).fault_message is None
