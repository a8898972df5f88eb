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

"""The DevStack plugin, with stand-ins for DevStack and the programs it starts.

``trove-manage`` is the real one where the fixture ``stacked`` is used.
"""

import configparser
import dataclasses
import importlib.util
import os
import pathlib
import sqlite3
import subprocess
import sys

from keystoneauth1 import loading
from oslo_config import generator
import pytest

from trove.common.rpc import keys

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parents[2]
PLUGIN = REPOSITORY / 'devstack'
PHASES = ('pre-install', 'install', 'post-config', 'extra', 'test-config')
PUBLIC = '11111111-2222-3333-4444-555555555555'


def load_programs():
    specification = importlib.util.spec_from_file_location('devstack_programs',
                                                           HERE / 'programs.py')
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@dataclasses.dataclass
class Host:
    """A host DevStack runs on."""

    place: pathlib.Path

    def run(self, *calls, **environment):
        """Source the plugin once for each (mode, phase), as stack.sh does.

        Returns the end of the process.
        """
        lines = [
            'set -o errexit', 'set -o xtrace', f'. {HERE}/stand_ins.sh', f'. {PLUGIN}/settings'
        ]
        lines += [f'. {PLUGIN}/plugin.sh {mode} {phase}' for mode, phase in calls]
        (self.place / 'record').write_text('')
        return subprocess.run(
            ['bash', '-c', '\n'.join(lines)], capture_output=True, text=True, env={
                'PATH': f'{self.place}/bin:{os.environ["PATH"]}',
                'HOME': str(self.place),
                'PLACE': str(self.place),
                'RECORD': f'{self.place}/record',
                'PROGRAMS': f'{self.place}/bin',
                'TROVE_DIR': str(REPOSITORY),
                'TROVE_CONF_DIR': f'{self.place}/etc/trove',
                'OS_CLOUD': 'devstack-admin',
                **environment
            })

    def stack(self, **environment):
        ended = self.run(*(('stack', phase) for phase in PHASES), **environment)
        assert ended.returncode == 0, ended.stderr[-4000:]
        return ended

    def record(self):
        return (self.place / 'record').read_text().splitlines()

    def made(self):
        return load_programs().json.loads((self.place / 'made.json').read_text())

    def read(self, name='trove.conf'):
        parser = configparser.ConfigParser(interpolation=None, default_section='no defaults')
        with open(self.place / 'etc' / 'trove' / name, encoding='utf-8') as file:
            parser.read_file(file)
        return parser


@pytest.fixture
def host(tmp_path):
    load_programs().install(tmp_path / 'bin')
    return Host(tmp_path)


@pytest.fixture(scope='module')
def stacked(tmp_path_factory):
    """(host, end of stack.sh) after one run with the settings as they come."""
    place = tmp_path_factory.mktemp('devstack')
    load_programs().install(place / 'bin')
    host = Host(place)
    return host, host.stack(PROGRAMS=str(pathlib.Path(sys.executable).parent))


@pytest.fixture(scope='module')
def record(stacked):
    host, _ = stacked
    return host.record()


def registered(name):
    """Return the services' options as ``{(group, option)}``, from the sample file's list."""
    expected = [
        line.partition('=')[2].strip()
        for line in (REPOSITORY / 'etc' / 'trove' / name).read_text().splitlines()
        if line.startswith('namespace')
    ]
    known = {(getattr(group, 'name', group) or 'DEFAULT', option.dest)
             for _, listed in generator._list_opts(expected)
             for group, options in listed
             for option in options}
    return known | {('keystone_authtoken', option.dest)
                    for option in loading.get_plugin_options('password')}


@pytest.mark.parametrize(('name', 'generated_from'),
                         [('trove.conf', 'config-generator.conf'),
                          ('trove-guestagent.conf', 'guestagent-config-generator.conf')])
def test_every_option_that_is_written_exists(stacked, name, generated_from):
    host, _ = stacked
    written = {(section, option)
               for section, options in host.read(name).items()
               for option in options}
    known = {(group, option.replace('-', '_')) for group, option in registered(generated_from)}
    assert len(written) > 3
    assert written - known == set()


def test_the_services_take_the_file(stacked, conf):
    host, _ = stacked
    conf(['--config-file', str(host.place / 'etc' / 'trove' / 'trove.conf')], project='trove')
    conf.clear_override('inst_rpc_key_encr_key')
    keys.check_keys(conf)
    made = host.made()
    assert conf.nova_keypair == 'trove-mgmt'
    assert conf.management_networks == [made['network']['trove-mgmt']['id']]
    assert conf.management_security_groups == [made['security group']['trove-mgmt']['id']]
    assert conf.network.public_network_id == PUBLIC
    assert conf.guest_bus.guest_hosts == ['192.0.2.10:5672']
    assert conf.service_credentials.password == 'canary-service-password'
    assert conf.resize_time_out == 900
    assert len(conf.inst_rpc_key_encr_key) == 64


def test_the_buses_are_two_accounts_on_two_virtual_hosts(stacked, record):
    host, _ = stacked
    read, users = host.read(), host.made()['users']
    assert host.made()['vhosts'] == ['trove', 'trove-guests']
    assert read['DEFAULT'][
        'transport_url'] == f'rabbit://trove:{users["trove"]}@192.0.2.10:5672/trove'
    assert read['guest_bus']['transport_url'] == \
        f'rabbit://trove-guests:{users["trove-guests"]}@192.0.2.10:5672/trove-guests'
    assert read['guest_bus'][
        'management_url'] == f'http://trove-guests:{users["trove-guests"]}@192.0.2.10:15672'
    assert users['trove'] != users['trove-guests']
    assert 'rabbitmq-plugins -q enable rabbitmq_management' in record
    assert 'rabbitmqctl -q set_user_tags trove-guests administrator' in record
    assert not [line for line in record if 'set_permissions -p trove-guests trove ' in line]


def test_the_keypair_is_made_and_named(stacked, record):
    host, _ = stacked
    key = host.place / 'data' / 'trove' / 'keys' / 'trove-mgmt'
    assert key.exists()
    assert f'openstack keypair create --public-key {key}.pub trove-mgmt' in record
    assert host.read()['DEFAULT']['nova_keypair'] == 'trove-mgmt'


def test_the_management_network_leads_to_the_broker_only(record):
    subnet = next(line for line in record if line.startswith('openstack subnet create'))
    assert '--gateway none' in subnet
    assert '--host-route destination=192.0.2.10/32,gateway=192.168.254.1' in subnet
    assert 'openstack router set --external-gateway public trove-mgmt-router' in record
    assert any(line.startswith('openstack router add port trove-mgmt-router ') for line in record)
    assert not [line for line in record if 'security group rule create' in line]


def test_service_user_and_endpoints(record):
    assert 'create_service_user trove admin' in record
    assert 'get_or_add_user_project_role ResellerAdmin trove service' in record
    url = 'http://192.0.2.10:8779/v1.0/$(project_id)s'
    assert f'get_or_create_endpoint database RegionOne {url} {url} {url}' in record


def test_the_datastore_is_registered_with_the_image(stacked, record):
    host, _ = stacked
    image = host.made()['image']['trove-mariadb-10.11']['id']
    with sqlite3.connect(host.place / 'trove.sqlite') as connection:
        rows = connection.execute(
            'SELECT d.name, v.name, v.manager, v.image_id, d.default_version_id = v.id FROM '
            'datastores d JOIN datastore_versions v ON v.datastore_id = d.id').fetchall()
    assert rows == [('mariadb', '10.11', 'mariadb', image, 1)]
    output = f'{host.place}/data/trove/images/mariadb-10.11'
    assert f'image/build mariadb-10.11 --output {output} --qcow2' in record


def test_the_services_are_started_under_their_names(stacked, record):
    host, _ = stacked
    started = {line.split()[1]: line for line in record if line.startswith('run_process')}
    assert list(started) == ['tr-api', 'tr-tmgr', 'tr-cond']
    assert (f'bin/uwsgi --procname-prefix trove-api --ini {host.place}/etc/trove/trove-uwsgi.ini'
            in started['tr-api'])
    assert f'trove-taskmanager --config-file {host.place}/etc/trove/trove.conf' in started[
        'tr-tmgr']
    assert f'trove-conductor --config-file {host.place}/etc/trove/trove.conf' in started['tr-cond']
    uwsgi = host.read('trove-uwsgi.ini')['uwsgi']
    assert uwsgi['module'] == 'trove.wsgi.api:application'
    assert uwsgi['http'] == '0.0.0.0:8779'
    assert uwsgi['env'] == f'OS_TROVE_CONFIG_FILES={host.place}/etc/trove/trove.conf'
    assert importlib.util.find_spec('trove.wsgi.api')
    assert 'service_available' in (host.place / 'tempest.conf').read_text()


def test_no_secret_is_shown_or_readable(stacked, record):
    host, ended = stacked
    secrets = [
        path.read_text().strip() for path in (host.place / 'data' / 'trove' / 'secrets').iterdir()
    ]
    assert len(set(secrets)) == 3
    for secret in [*secrets, 'canary-service-password']:
        # DevStack's own variables are traced while they are set; what comes after is the plugin's.
        shown = ended.stderr[ended.stderr.index('plugin.sh stack pre-install'):]
        assert secret not in shown + ended.stdout + '\n'.join(record)
    private = [
        host.place / 'etc' / 'trove' / 'trove.conf',
        *(host.place / 'data' / 'trove' / 'secrets').iterdir()
    ]
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}


def test_a_second_run_finds_what_the_first_has_made(host):
    host.stack()
    first, configuration = host.made(), host.read()
    host.stack()
    assert host.made() == first
    assert host.read() == configuration
    again = [
        line for line in host.record()
        if line.startswith(('openstack', 'rabbitmqctl', 'ssh-keygen'))
    ]
    assert not [
        line for line in again if ' create ' in line or ' add' in line or 'ssh-keygen' in line
    ]


def test_settings_of_the_operator_win(host):
    (host.place / 'given.qcow2').write_bytes(b'another disk')
    host.stack(TROVE_MGMT_KEYPAIR_NAME='ops', TROVE_SERVICE_PORT='9000',
               TROVE_DATASTORE_VERSION='10.11', TROVE_MGMT_SUBNET_RANGE='10.9.0.0/16',
               TROVE_IMAGE_FILE=f'{host.place}/given.qcow2', TROVE_RESIZE_TIME_OUT='77',
               TROVE_VOLUME_TYPE='lvmdriver-1', TROVE_MGMT_NETWORK_NAME='lan',
               ENABLED_SERVICES='key,mysql,tls-proxy', SERVICE_PROTOCOL='https',
               TROVE_CONTROL_TRANSPORT_URL='rabbit://a:b@elsewhere/c',
               TROVE_GUEST_TRANSPORT_URL='rabbit://d:e@elsewhere/f',
               TROVE_GUEST_MANAGEMENT_URL='https://d:e@elsewhere:15671')
    read, record = host.read(), host.record()
    assert read['DEFAULT']['nova_keypair'] == 'ops'
    assert read['DEFAULT']['resize_time_out'] == '77'
    assert read['DEFAULT']['cinder_volume_type'] == 'lvmdriver-1'
    assert read['DEFAULT']['reserved_network_cidrs'] == '10.9.0.0/16'
    assert read['DEFAULT']['management_networks'] == host.made()['network']['lan']['id']
    assert read['DEFAULT']['transport_url'] == 'rabbit://a:b@elsewhere/c'
    assert read['guest_bus']['management_url'] == 'https://d:e@elsewhere:15671'
    assert read['oslo_middleware']['enable_proxy_headers_parsing'] == 'True'
    assert not [line for line in record if line.startswith(('image/build', 'rabbitmq'))]


def test_without_a_broker_the_operator_must_name_one(host):
    ended = host.run(('stack', 'post-config'), ENABLED_SERVICES='key,mysql')
    assert ended.returncode == 1
    assert 'TROVE_GUEST_MANAGEMENT_URL' in ended.stderr.splitlines()[-1]
    assert not [line for line in host.record() if line.startswith('create_service_user')]


def test_a_cloud_that_refuses_ends_the_run(host):
    (host.place / 'bin' / 'openstack').write_text('#!/bin/sh\nexit 1\n')
    ended = host.run(('stack', 'post-config'), ('stack', 'extra'))
    assert ended.returncode != 0
    assert not [line for line in host.record() if line.startswith('run_process')]


def test_unstack_stops_and_clean_removes(host):
    assert host.run(('stack', 'post-config')).returncode == 0
    assert host.run(('unstack', '')).returncode == 0
    assert host.record() == ['stop_process tr-api', 'stop_process tr-tmgr', 'stop_process tr-cond']
    ended = host.run(('clean', ''))
    assert ended.returncode == 0, ended.stderr
    assert not (host.place / 'etc' / 'trove').exists()
    assert not (host.place / 'data' / 'trove').exists()
    assert host.made()['users'] == {}
    assert host.made()['vhosts'] == []


def test_a_host_without_its_services_is_left_alone(host):
    ended = subprocess.run(
        ['bash', '-c', f'set -e; . {HERE}/stand_ins.sh; . {PLUGIN}/plugin.sh stack extra'], env={
            'PATH': os.environ['PATH'],
            'PLACE': str(host.place),
            'RECORD': f'{host.place}/record'
        }, check=False)
    assert ended.returncode == 0
    assert not (host.place / 'record').exists()
