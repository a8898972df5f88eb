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
"""First boot of a machine: cloud-init applies its user data."""

import json
import os
import stat
import subprocess

import pytest

from minicloud.hypervisor import KeyPair, State

from .conftest import EVERYTHING_OUT, PING, pings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
USER_DATA = b'''#cloud-config
write_files:
- path: /etc/from-user-data
  content: by user data
  permissions: "0600"
'''
KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5 somebody'


@pytest.fixture(scope='module')
def machine(site):
    spec = site.boot(site.port(EVERYTHING_OUT, PING), name='My first_db.',
                     user_data=USER_DATA, metadata={'trove_instance_id': 'x1'},
                     key_pairs=(KeyPair('mine', KEY),), config_drive=True,
                     volumes=(site.volume(),))
    yield spec
    site.hypervisor.delete_server(spec.id)


def test_user_data_was_obeyed(site, machine):
    assert site.run(machine, 'stat -c %a /etc/from-user-data; cat '
                             '/etc/from-user-data') == '600\nby user data'


def test_the_data_source_was_the_config_drive(site, machine):
    assert 'DataSourceConfigDrive' in site.run(machine, 'cat /run/cloud-init/result.json')


def test_name_and_metadata_arrived(site, machine):
    assert site.run(machine, 'cat /proc/sys/kernel/hostname').strip() == 'my-first-db'
    found = json.loads(site.run(
        machine, 'cat /var/lib/cloud/seed/config_drive/openstack/latest/meta_data.json'))
    assert found['uuid'] == machine.id
    assert found['meta'] == {'trove_instance_id': 'x1'}
    assert found['public_keys'] == {'mine': KEY}


def test_the_drive_is_for_root_only(site, machine):
    root = site.layout.machine(machine.id) / 'root/var/lib/cloud/seed/config_drive'
    assert stat.S_IMODE(os.stat(root).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(root / 'openstack/latest/user_data').st_mode) == 0o600


def test_user_data_shows_nowhere_else(site, machine):
    directory = site.layout.machine(machine.id)
    for name in ('machine.json', 'start', 'console.log'):
        assert b'by user data' not in (directory / name).read_bytes()


def test_address_route_and_name_server(site, machine):
    address = machine.ports[0].fixed_ips[0].address
    assert f'{address}/24' in site.run(machine, 'ip -br address show eth0')
    assert f'default via {site.host} ' in site.run(machine, 'ip route')
    assert site.host in site.run(machine, 'cat /run/systemd/resolve/resolv.conf')
    assert pings(address)


def test_nothing_of_the_host_shows(site, machine):
    assert site.run(machine, 'ls /sys/class/net').split() == ['eth0', 'lo']


def test_the_volume_is_there_under_its_serial(site, machine):
    serial = machine.volumes[0].serial
    assert site.run(machine, f'readlink -f /dev/disk/by-id/virtio-{serial}').strip() == '/dev/vdb'
    assert site.run(machine, 'blockdev --getsize64 /dev/vdb').strip() == str(1024 ** 3)


def test_the_console_shows_the_boot_without_control_characters(site, machine):
    console = site.hypervisor.console_log(machine.id)
    assert 'Welcome to' in console
    assert '\x1b' not in console and '\r' not in console
    assert len(site.hypervisor.console_log(machine.id, 3).splitlines()) == 3
    assert site.hypervisor.console_log('nobody') == ''


def test_memory_is_bounded_where_the_host_can(site, machine):
    groups = [path for path in ('/sys/fs/cgroup/memory', '/sys/fs/cgroup')
              if os.path.exists(f'{path}/{site.layout.prefix}/{machine.id}')]
    if not groups:
        scope = subprocess.run(
            ['systemctl', 'show', '-P', 'MemoryMax', site.layout.machine_name(machine.id)
             + '.scope'], capture_output=True, text=True, check=True)
        assert int(scope.stdout) == 512 * 1024 ** 2
        return
    group = f'{groups[0]}/{site.layout.prefix}/{machine.id}'
    name = 'memory.max' if os.path.exists(f'{group}/memory.max') else 'memory.limit_in_bytes'
    with open(f'{group}/{name}', encoding='ascii') as stream:
        assert int(stream.read()) == 512 * 1024 ** 2
    with open(f'/proc/{site.leader(machine)}/cgroup', encoding='ascii') as stream:
        assert f'/{site.layout.prefix}/{machine.id}' in stream.read()


def test_made_again_it_stays_as_it_is(site, machine):
    leader = site.leader(machine)
    site.hypervisor.create_server(machine)
    assert site.leader(machine) == leader
    assert site.state(machine) == State.RUNNING
