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
"""The guest image, booted: what is in it, what runs, what it gives away to nobody."""

import base64
import dataclasses
import json
import os
import socket
import uuid

import pytest

from minicloud.hypervisor import NetworkSpec, RuleSpec, State

from .conftest import EVERYTHING_OUT, PING, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

KEY = base64.b64encode(os.urandom(32)).decode()
PASSWORD = 'canary-' + os.urandom(12).hex()
GUEST = '5e0e5b1c-52b5-4ad5-8d3e-3d7ff0f0a001'
#: Nothing listens there: the agent starts and keeps trying.
USER_DATA = f'''#cloud-config
write_files:
- path: /etc/trove/conf.d/guest_info.conf
  owner: root:root
  permissions: "0600"
  content: |
    [DEFAULT]
    guest_id = {GUEST}
    datastore_manager = mariadb
    datastore_version = 10.11
    tenant_id = t
    instance_rpc_encr_key = {KEY}
    boot_epoch = 1
    [guest_bus]
    transport_url = rabbit://guest-{GUEST}:{PASSWORD}@BROKER:9/guest
'''.encode()
MYSQL_UID = 3306
ANYTHING_IN = RuleSpec('ingress-4', 'ingress', 'IPv4')


@pytest.fixture(scope='module')
def bare(site):
    """Machine without any data about Trove."""
    spec = site.boot(site.port(EVERYTHING_OUT, PING), name='bare', config_drive=True)
    yield spec
    site.hypervisor.delete_server(spec.id)


@pytest.fixture(scope='module')
def guest(site):
    spec = site.boot(site.port(EVERYTHING_OUT, PING), name='guest', config_drive=True,
                     user_data=USER_DATA.replace(b'BROKER', site.host.encode()))
    yield spec
    site.hypervisor.delete_server(spec.id)


def test_its_manifest_describes_it(site, bare):
    manifest = json.loads(site.run(bare, 'cat /etc/trove/image.json'))
    assert (manifest['datastore'], manifest['version'], manifest['manager']) == ('mariadb', '10.11',
                                                                                 'mariadb')
    assert manifest['packages']['mariadb-server'].split(':')[-1].startswith(
        manifest['engine_version'])
    assert manifest['engine_version'] in site.run(bare, 'mariadbd --version')
    assert manifest['engine_users'] == {'mysql': MYSQL_UID}
    version = site.run(bare, '/opt/trove-guest/bin/python3 -Ic '
                             '"from trove import version; print(version.release())"')
    assert version.strip() == manifest['agent_version']


@pytest.mark.long
def test_an_engine_of_another_suite_brings_nothing_else_from_there(site):
    manifest = json.loads((site.image.parents[1] / 'valkey-8.0' / 'image.json').read_text())
    assert manifest['engine_users'] == {
        'valkey': 6380
    } and manifest['engine_version'].startswith('8.0.')
    from_backports = {name for name, version in manifest['packages'].items() if '~bpo' in version}
    assert from_backports == {'valkey-server', 'valkey-tools'}


def test_nothing_failed_and_nothing_starts_by_itself(site, bare):
    assert site.run(bare, 'systemctl list-units --failed --no-legend --plain') == ''
    assert site.run(bare, 'systemctl is-active mariadb', check_status=False).strip() == 'inactive'
    assert site.run(bare, 'systemctl is-enabled mariadb', check_status=False).strip() == 'disabled'


def test_without_its_configuration_the_agent_does_not_start(site, bare):
    shown = site.run(bare, 'systemctl show trove-guestagent -p ActiveState -p ConditionResult')
    assert shown.split() == ['ActiveState=inactive', 'ConditionResult=no']


def test_the_engine_user_has_its_fixed_number(site, bare):
    assert site.run(bare, 'id -u mysql; id -g mysql').split() == [str(MYSQL_UID)] * 2
    assert site.run(
        bare, 'stat -c %u:%g /opt/trove-guest/seed/mariadb').strip() == f'{MYSQL_UID}:{MYSQL_UID}'


def test_nobody_can_log_in(site, bare):
    passwords = site.run(bare, 'cut -d: -f2 /etc/shadow').split()
    assert passwords and all(word[0] in '!*' for word in passwords)
    assert site.run(bare, 'ls /etc/ssh/ssh_host_* /usr/sbin/sshd 2>/dev/null',
                    check_status=False) == ''


def test_the_tree_itself_is_anonymous(site):
    assert (site.image / 'etc/machine-id').read_bytes() == b''
    assert not (site.image / 'etc/hostname').exists()
    assert list((site.image / 'etc/trove/conf.d').iterdir()) == []
    assert list((site.image / 'var/lib').glob('cloud/*')) == []
    for left in ('var/lib/apt/lists', 'var/cache/apt', 'usr/sbin/policy-rc.d', 'root/.cache'):
        assert not (site.image / left).exists(), left


def test_no_code_of_the_control_plane(site):
    package = next((site.image / 'opt/trove-guest/lib').glob('python3*')) / 'site-packages/trove'
    assert (package / 'cmd/guest.py').exists()
    for left in ('db', 'cloud', 'taskmanager', 'cmd/api.py', 'guestagent/api.py',
                 'conductor/manager.py'):
        assert not (package / left).exists(), left


def test_with_its_configuration_the_agent_runs_at_once(site, guest):
    assert eventually(
        lambda: site.run(guest, 'systemctl show -P MainPID trove-guestagent').strip() != '0')
    assert eventually(
        lambda: 'starts as 00000001.' in site.run(guest, 'journalctl -u trove-guestagent'))
    started, booted = (int(site.run(guest, command).strip()) for command in (
        'systemctl show -P ExecMainStartTimestampMonotonic trove-guestagent',
        'systemctl show -P UserspaceTimestampMonotonic'))
    assert (started - booted) / 1e6 < 6


def test_the_agent_is_small(site, guest):
    pid = site.run(guest, 'systemctl show -P MainPID trove-guestagent').strip()
    status = dict(
        line.split(':', 1) for line in site.run(guest, f'cat /proc/{pid}/status').splitlines())
    assert int(status['VmRSS'].split()[0]) < 60 * 1024
    assert status['NoNewPrivs'].strip() == '1'


def test_secrets_stay_only_where_the_agent_reads_them(site, guest):
    find = f"grep -rlE '{PASSWORD}|{KEY}' /etc /var /run /tmp /root /opt 2>/dev/null"
    only = ['/etc/trove/conf.d/guest_info.conf']
    assert eventually(lambda: site.run(guest, find, check_status=False).split() == only, 60)
    assert site.run(guest, 'stat -c %a:%U /etc/trove/conf.d/guest_info.conf').strip() == '600:root'
    journal = site.run(guest, 'journalctl --no-pager')
    for secret in (PASSWORD, KEY):
        assert secret not in journal
        assert secret not in site.hypervisor.console_log(guest.id)


def test_the_engine_starts_from_the_seed_in_its_cage(site, guest):
    site.run(guest,
             'cp -a /opt/trove-guest/seed/mariadb/. /var/lib/mysql/ && systemctl start mariadb')
    assert site.run(guest, 'mariadb -NBe "select current_user()"').strip() == 'root@localhost'
    assert site.run(guest, 'mariadb -NBe "show databases like \'test\'"') == ''
    zone = 'mariadb -NBe "select convert_tz(\'2026-01-01 12:00:00\', \'UTC\', \'Europe/Berlin\')"'
    assert site.run(guest, zone).strip() == '2026-01-01 13:00:00'
    pid = site.run(guest, 'systemctl show -P MainPID mariadb').strip()
    cage = f'nsenter --target {pid} --mount --setuid {MYSQL_UID} --setgid {MYSQL_UID} -- '
    for hidden in ('/etc/trove', '/var/lib/cloud', '/var/lib/trove-guest'):
        assert 'denied' in site.run(guest, f'{cage} ls {hidden}', check_status=False)
    assert 'Read-only' in site.run(guest, f'nsenter --target {pid} --mount touch /etc/x',
                                   check_status=False)


def _connects(site, spec, address: str, port: int, uid: int) -> bool:
    """Return whether a program of a user in the machine can open a connection."""
    program = f'import socket; socket.create_connection((\'{address}\', {port}), 3)'
    return site.run(
        spec, f'setpriv --reuid {uid} --regid {uid} --clear-groups '
        f'python3 -c "{program}" 2>/dev/null && echo yes', check_status=False) == 'yes\n'


def test_on_a_shared_side_the_engine_cannot_reach_the_broker(site, guest):
    assert eventually(
        lambda: f'daddr {site.host} reject' in site.run(guest, 'nft list table inet trove_guest'))
    with socket.create_server((site.host, 0)) as broker:
        port = broker.getsockname()[1]
        assert _connects(site, guest, site.host, port, 0)
        assert not _connects(site, guest, site.host, port, MYSQL_UID)


def test_a_separate_side_is_closed_both_ways(site):
    """The broker is on a network of its own: the engine has the tenant's network and nothing else.
    """
    management = NetworkSpec(str(uuid.uuid4()), 'management')
    host = site.plug(management, 2)
    side = site.port(EVERYTHING_OUT, ANYTHING_IN, network=management, number=2)
    side = dataclasses.replace(side, fixed_ips=tuple(
        fixed._replace(gateway=None) for fixed in side.fixed_ips))
    tenant = site.port(EVERYTHING_OUT, ANYTHING_IN)
    spec = site.boot(side, tenant, name='two-sides', config_drive=True,
                     user_data=USER_DATA.replace(b'BROKER', host.encode()))
    try:
        assert eventually(
            lambda: 'oifname "eth0" reject' in site.run(spec, 'nft list table inet trove_guest'))
        for address, engine_may in ((host, False), (site.host, True)):
            with socket.create_server((address, 0)) as server:
                port = server.getsockname()[1]
                assert _connects(site, spec, address, port, 0)
                assert _connects(site, spec, address, port, MYSQL_UID) is engine_may
        site.run(spec, 'systemd-run --quiet python3 -m http.server 3306')
        assert eventually(lambda: _answers(tenant.fixed_ips[0].address, 3306))
        assert not _answers(side.fixed_ips[0].address, 3306)
    finally:
        site.hypervisor.delete_server(spec.id)
        site.hypervisor.unplug_network(management.id)


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


def test_after_a_reboot_it_comes_back_as_it_was(site, guest):
    site.hypervisor.reboot_server(guest, hard=False)
    assert eventually(lambda: site.state(guest) is State.RUNNING)
    site.await_up(guest)
    assert site.run(guest, 'cat /proc/sys/kernel/hostname').strip() == 'guest'
    assert eventually(
        lambda: '00000001.00000002' in site.run(guest, 'journalctl -b -u trove-guestagent'))
    assert guest.ports[0].fixed_ips[0].address in site.run(guest, 'ip -br address')
