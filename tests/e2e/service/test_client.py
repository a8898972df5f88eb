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

"""A user with the openstack client and the mariadb client: create, look, connect."""

import concurrent.futures
import ipaddress

import pytest

from tests.e2e.service.running import Refused, new_password

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_the_response_to_a_create_repeats_the_request(service, shop):
    assert shop.asked['name'] == shop.name
    assert shop.asked['status'] == 'BUILD'
    assert (shop.asked['datastore'], shop.asked['datastore_version']) == ('mariadb', '10.11')
    assert shop.asked['volume'] == 1


def test_the_client_lists_and_shows_it(service, shop):
    row = next(row for row in service.openstack('database', 'instance', 'list')
               if row['ID'] == shop.id)
    assert (row['Name'], row['Status'], row['Datastore'], row['Size']) == (shop.name, 'ACTIVE',
                                                                           'mariadb', 1)
    shown = service.openstack('database', 'instance', 'show', shop.name)
    assert shown['id'] == shop.id and shown['operating_status'] == 'HEALTHY'
    assert 0 < shown['volume_used'] < shown['volume'] == 1
    addresses = {entry['address'] for entry in shown['addresses']}
    assert shop.address in addresses
    # The management network is nobody's business.
    management = service.settings.subnet('management')
    assert not any(ipaddress.ip_address(address) in management for address in addresses)


def test_users_connect_with_what_they_were_given(shop):
    assert shop.as_clerk('SELECT CURRENT_USER(), DATABASE()') == ['clerk@%\torders']
    shop.as_clerk('CREATE TABLE bill (id INT PRIMARY KEY); INSERT INTO bill VALUES (7)')
    assert shop.query('auditor', shop.second_password, 'SELECT id FROM bill', 'orders') == ['7']
    shop.as_clerk('DROP TABLE bill')
    version = shop.as_clerk('SELECT VERSION()')[0]
    assert version.startswith('10.11.') and 'MariaDB' in version


@pytest.mark.parametrize(('user', 'password'), [
    ('clerk', 'wrong'), ('clerk', ''), ('root', ''), ('os_admin', ''), ('', ''), ('mysql', ''),
    ('mariadb.sys', ''), ('nobody', 'wrong')])
def test_a_wrong_password_is_refused(shop, user, password):
    with pytest.raises(Refused, match='Access denied'):
        shop.query(user, password, 'SELECT 1')


def test_the_other_users_password_is_refused(shop):
    with pytest.raises(Refused, match='Access denied'):
        shop.query('clerk', shop.second_password, 'SELECT 1')


def test_a_user_sees_only_databases_it_was_granted(service, shop):
    service.client('database', 'db', 'create', shop.id, 'vault')
    try:
        assert 'vault' in [
            row['Name'] for row in service.openstack('database', 'db', 'list', shop.id)
        ]
        seen = set(shop.as_clerk('SHOW DATABASES'))
        assert seen == {'information_schema', 'orders', 'stock'}
        for statement in ('USE vault', 'CREATE TABLE vault.x (id INT)', 'DROP DATABASE vault',
                          'SELECT user FROM mysql.user', 'CREATE DATABASE mine',
                          'GRANT ALL ON *.* TO clerk', "SELECT 1 INTO OUTFILE '/tmp/x'"):
            with pytest.raises(Refused, match='denied'):
                shop.as_clerk(statement)
    finally:
        service.client('database', 'db', 'delete', shop.id, 'vault')
    assert 'vault' not in [
        row['Name'] for row in service.openstack('database', 'db', 'list', shop.id)
    ]


def test_the_client_makes_changes_and_removes_users(service, shop):
    first, second = new_password(), new_password()
    service.passwords |= {first, second}
    service.client('database', 'user', 'create', shop.id, 'helper', first, '--databases', 'stock')
    assert shop.query('helper', first, 'SELECT DATABASE()', 'stock') == ['stock']
    rows = {row['Name']: row for row in service.openstack('database', 'user', 'list', shop.id)}
    assert set(rows) == {'clerk', 'auditor', 'helper'}
    assert rows['helper']['Host'] == '%' and rows['helper']['Databases'] == 'stock'
    service.client('database', 'user', 'update', 'attributes', shop.id, 'helper', '--new_password',
                   second)
    assert shop.query('helper', second, 'SELECT 1') == ['1']
    service.client('database', 'user', 'delete', shop.id, 'helper')
    with pytest.raises(Refused, match='Access denied'):
        shop.query('helper', second, 'SELECT 1')


#: Commands of the openstack client that the stand-in for the cloud must answer, and what must be in
#: the answer.
CLOUD_COMMANDS = {
    'server list --all-projects': 'Name',
    'flavor list': 'RAM',
    'port list': 'MAC Address',
    'volume list --all-projects': 'Attached to',
    'image list': 'Status',
    'network list': 'Subnets',
    'security group rule list': 'IP Protocol',
    'subnet list': 'Subnet',
    'keypair list': 'Fingerprint'
}


def test_the_openstack_client_lists_everything_of_an_instance(service, shop):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = dict(
            zip(
                CLOUD_COMMANDS,
                pool.map(lambda command: service.openstack(*command.split(), user='trove'),
                         CLOUD_COMMANDS), strict=True))
    for command, column in CLOUD_COMMANDS.items():
        assert answers[command], f'{command} answers nothing'
        assert column in answers[command][0], command
    server = service.server(shop.id)
    row = next(row for row in answers['server list --all-projects'] if row['ID'] == server)
    assert (row['Name'], row['Status'], row['Flavor']) == (shop.name, 'ACTIVE', 'db.small')
    ports = {row['Name']: row for row in answers['port list']}
    assert shop.address in str(ports[f'trove-{shop.id}-tenant']) and f'trove-{shop.id}' in ports
    volume = next(row for row in answers['volume list --all-projects']
                  if row['Name'] == f'trove-{shop.id}')
    assert volume['Status'] == 'in-use' and server in str(volume['Attached to'])
    assert '3306:3306' in {rule['Port Range'] for rule in answers['security group rule list']}


def test_the_openstack_client_makes_a_floating_address_and_shows_the_console(service, shop):
    address = service.openstack('floating', 'ip', 'create', 'public', user='trove')
    try:
        assert address['floating_ip_address'].startswith(f'{service.settings.network}.2.')
        port = service.openstack('port', 'show', f'trove-{shop.id}-tenant', user='trove')
        service.client('floating', 'ip', 'set', '--port', port['id'], address['id'], user='trove')
        # It is what the world would use, and it leads to the same server.
        assert service.query(address['floating_ip_address'], 'clerk', shop.password,
                             'SELECT CURRENT_USER()') == ['clerk@%']
    finally:
        service.client('floating', 'ip', 'delete', address['id'], user='trove')
    assert 'cloud-init' in service.client('console', 'log', 'show', service.server(shop.id),
                                          user='trove')
