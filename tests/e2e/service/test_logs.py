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

"""Logs with the clients people have: the openstack client, the older trove client, and the object
store behind them.
"""

import json

import pytest
from control.rest import RestError

from tests.e2e.service.running import new_password, log_line
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CONTAINER = 'database_logs'
GREETING = 'größe 数据库 🐬'


class Log:
    """A log of the shared instance."""

    def __init__(self, service, shop, machines, name):
        self.service, self.shop, self.machines, self.name = service, shop, machines, name
        self.prefix = f'{shop.id}/mariadb-{name}/'

    def set(self, *options, user='demo'):
        """``openstack database log set``; what it shows."""
        return self.service.openstack('database', 'log', 'set', self.shop.id, self.name, *options,
                                      user=user)

    def show(self, user='demo'):
        return self.service.openstack('database', 'log', 'show', self.shop.id, self.name, user=user)

    def pieces(self):
        """The stored pieces as the client lists them, by name."""
        listed = self.service.openstack('object', 'list', CONTAINER, '--long', '--prefix',
                                        self.prefix)
        return {row['Name']: row['Bytes'] for row in listed}

    def save(self, path):
        """``openstack database log save``; the text."""
        self.service.client('database', 'log', 'save', self.shop.id, self.name, '--file', str(path))
        return path.read_text(encoding='utf-8')

    def in_guest(self, *command):
        return self.machines.run(self.service.server(self.shop.id), *command)


@pytest.fixture
def general(service, shop, holdings):
    """The general log, switched on; gone with all that was stored of it when the test is over."""
    log = Log(service, shop, holdings.machines, 'general')
    log.set('--enable')
    yield log
    log.set('--disable')
    log.set('--discard')


def test_a_tenant_lists_the_logs_that_are_exposed_and_an_administrator_all(service, shop):
    rows = {row['Name']: row for row in service.openstack('database', 'log', 'list', shop.id)}
    assert set(rows) == {'general', 'slow_query'}
    assert {row['Type'] for row in rows.values()} == {'USER'}
    assert rows['slow_query']['Status'] == 'Disabled' and rows['slow_query']['Container'] == 'None'
    every = {
        row['Name']: row
        for row in service.openstack('database', 'log', 'list', shop.id, user='admin')
    }
    assert set(every) == {'error', 'general', 'guest', 'slow_query'}
    assert every['error']['Type'] == every['guest']['Type'] == 'SYS'
    assert every['error']['Pending'] > 0


def test_what_was_published_is_read_with_the_client(service, shop, general, tmp_path):
    shop.as_clerk(f"SET NAMES utf8mb4; SELECT '{GREETING}'")
    shown = general.set('--publish')
    assert shown['container'] == CONTAINER and shown['prefix'] == general.prefix
    assert shown['published'] > 0 and shown['status'] in ('Published', 'Partial')
    text = general.save(tmp_path / 'first.log')
    assert GREETING in text
    assert len(text.encode()) == sum(general.pieces().values())
    # Bytes of the file, not characters.
    assert shown['published'] == len(text.encode())
    shop.as_clerk(f"SET NAMES utf8mb4; SELECT 'more {GREETING}'")
    shown = general.set('--publish')
    longer = general.save(tmp_path / 'second.log')
    assert longer.startswith(text) and f'more {GREETING}' in longer and len(general.pieces()) == 2
    assert shown['published'] == len(longer.encode())
    assert longer == general.in_guest('head', '-c', str(shown['published']),
                                      '/var/lib/mysql/logs/general.log')
    tail = service.client('database', 'log', 'tail', shop.id, 'general', '--lines', '1')
    assert longer.endswith(tail[-20:])


def test_the_record_matches_the_stored_objects(service, shop, general):
    shown = general.set('--publish')
    record = json.loads(
        service.client('object', 'save', CONTAINER, shown['metafile'], '--file', '-'))
    assert record['log_name'] == 'general' and record['log_type'] == 'USER'
    assert record['log_size'] == shown['published'] and len(record['log_header_digest']) == 64
    head = service.openstack('object', 'show', CONTAINER, next(iter(general.pieces())))
    assert int(head['properties']['Lines']) > 0


def test_the_older_client_reads_them_too(service, shop, general, tmp_path):
    shop.as_clerk(f"SET NAMES utf8mb4; SELECT '{GREETING}'")
    path = tmp_path / 'older.log'

    def run(*words):
        done = service.shell('eval "$(sandbox/openrc demo)" && trove "$@"', *words)
        assert done.returncode == 0, f'{" ".join(words)}: {done.stderr}'
        return done.stdout
    run('log-publish', shop.id, 'general')
    assert 'general' in run('log-list', shop.id)
    run('log-save', shop.id, 'general', '--file', str(path))
    assert GREETING in path.read_text(encoding='utf-8')


def test_a_rotated_log_starts_over(shop, general, tmp_path):
    shop.as_clerk("SELECT 'before the rotation'")
    general.set('--publish')
    former = set(general.pieces())
    general.in_guest('mv', '/var/lib/mysql/logs/general.log', '/var/lib/mysql/logs/general.log.1')
    general.in_guest('mariadb', '-e', 'FLUSH LOCAL GENERAL LOGS')
    shop.as_clerk("SELECT 'after the rotation'")
    assert general.show()['status'] == 'Rotated'
    general.set('--publish')
    text = general.save(tmp_path / 'rotated.log')
    assert 'after the rotation' in text and 'before the rotation' not in text
    assert not former & set(general.pieces())


def test_discarding_leaves_nothing_in_the_object_store(service, shop, general):
    general.set('--publish')
    assert general.pieces()
    shown = general.set('--discard')
    assert shown['container'] == 'None' and shown['published'] == 0 and shown['pending'] > 0
    assert service.openstack('object', 'list', CONTAINER, '--prefix',
                             f'{shop.id}/mariadb-general') == []


def test_passwords_that_the_agent_sets_are_in_no_log(service, shop, general, tmp_path):
    first, second = new_password(), new_password()
    service.passwords |= {first, second}
    # Every statement of everybody else is slow now.
    slow = Log(service, shop, general.machines, 'slow_query')
    slow.set('--enable')
    general.in_guest('mariadb', '-e', 'SET GLOBAL long_query_time = 0')
    try:
        service.client('database', 'user', 'create', shop.id, 'logged', first, '--databases',
                       'stock')
        service.client('database', 'user', 'update', 'attributes', shop.id, 'logged',
                       '--new_password', second)
        service.client('database', 'user', 'delete', shop.id, 'logged')
        shop.as_clerk("SELECT 'slowly'")
        for log in (general, slow):
            log.set('--publish')
            text = log.save(tmp_path / f'{log.name}.log')
            assert first not in text and second not in text
            for statement in ('CREATE USER', 'SET PASSWORD', 'ALTER USER'):
                assert statement not in text
        assert 'slowly' in text
    finally:
        general.in_guest('mariadb', '-e', 'SET GLOBAL long_query_time = 10')
        slow.set('--disable')
        slow.set('--discard')


def test_an_administrator_publishes_the_error_log_into_the_account_of_the_project(
        service, shop, holdings):
    log = Log(service, shop, holdings.machines, 'error')
    log.set('--publish', user='admin')
    pieces = log.pieces()
    text = ''.join(
        service.client('object', 'save', CONTAINER, name, '--file', '-') for name in sorted(pieces))
    assert 'ready for connections' in text
    log.set('--discard', user='admin')
    assert log.pieces() == {}
    with pytest.raises(RestError, match='administrators'):
        service.trove('POST', f'/instances/{shop.id}/log', {'name': 'error'})


def test_the_engine_reaches_the_object_store_as_little_as_the_broker(service, shop, holdings):
    url = f'{service.settings.url("swift")}/info'
    server = service.server(shop.id)
    program = (
        "import sys, urllib.request\nopener = "
        "urllib.request.build_opener(urllib.request.ProxyHandler({}))\n"
        "try:\n    print(opener.open(sys.argv[1], timeout=5).status)\n"
        "except OSError as error:\n    print(error)")
    assert holdings.machines.run(server, 'python3', '-c', program, url).strip() == '200'
    refused = holdings.machines.run(server, 'setpriv', '--reuid', 'mysql', '--clear-groups',
                                    'python3', '-c', program, url)
    assert '200' not in refused, refused


def test_a_guest_holds_no_token_and_no_key_of_the_object_store(service, shop, general):
    general.set('--publish')
    key = service.openstack('container', 'show', CONTAINER)['properties']['Temp-Url-Key-2']
    found = general.in_guest(
        'sh', '-c', 'cat /etc/trove/*.conf /etc/trove/conf.d/* /var/lib/trove-guest/* '
        '/var/lib/mysql/trove/* 2>/dev/null; journalctl --no-pager')
    for secret in (key, 'gAAAA', 'temp_url_sig'):
        assert secret not in found


def test_an_object_store_that_is_away_costs_only_the_publish(service, shop, general):
    service.kill('swift')
    try:
        with pytest.raises(RestError, match='object store'):
            service.trove('POST', f'/instances/{shop.id}/log', {'name': 'general', 'publish': 1})
        assert service.show(shop.id)['status'] == 'ACTIVE'
        assert general.show()['status'] in ('Ready', 'Partial', 'Published')
    finally:
        service.start('swift')
    assert general.set('--publish')['published'] > 0


def test_what_is_written_is_seen_in_the_use_of_the_volume(service, shop):
    before = service.show(shop.id)['volume']['used']
    shop.as_clerk('CREATE TABLE ballast (a LONGBLOB)')
    try:
        shop.as_clerk("INSERT INTO ballast VALUES (REPEAT('x', 60000000)), (REPEAT('y', 60000000))")
        used = wait_for(
            'the volume to be seen fuller', lambda:
            (shown
             if (shown := service.show(shop.id)['volume']['used']) > before + 0.1 else None), 90)
        log_line(f'used grew from {before} to {used} GB')
    finally:
        shop.as_clerk('DROP TABLE ballast')
