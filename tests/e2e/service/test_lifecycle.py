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

"""Another image, another version, another host, stopping and starting: what a real machine and
engine make of it.
"""

import datetime
import json
import pathlib
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from control.rest import RestError

from tests.e2e.service.conftest import Shop
from tests.e2e.service.running import Refused, factor, report, log_line, unique
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300 * factor())]

NEXT, BROKEN = '10.11.90', '10.11.91'


@pytest.fixture(scope='module')
def shop(service) -> Iterator[Shop]:
    """An instance of our own, with data and a user beside those of its creation."""
    made = Shop(service)
    made.as_clerk('CREATE TABLE kept (id INT PRIMARY KEY); INSERT INTO kept VALUES (1), (2), (3)')
    group = service.trove(
        'POST', '/configurations', {
            'configuration': {
                'name': made.name,
                'values': {
                    'max_connections': 77
                },
                'datastore': {
                    'type': 'mariadb',
                    'version': '10.11'
                }
            }
        })
    made.call('PUT', '', {'instance': {'configuration': group['configuration']['id']}})
    wait_for('the group is attached', lambda: configured(made), 60 * factor())
    made.call('POST', '/log', {'name': 'general', 'enable': 1})
    yield made
    service.delete(made.id)
    service.wait_gone(made.id)
    service.trove('DELETE', f'/configurations/{group["configuration"]["id"]}')


def configured(shop) -> bool:
    """Its group is in force."""
    return shop.as_clerk('SELECT @@max_connections') == ['77']


class Images:
    """Images made from that of the sandbox, each a root tree of hard links with something changed.
    """

    def __init__(self, service) -> None:
        self._service = service
        self._original = self._find(service.image_of('10.11'))
        self._trees: list[pathlib.Path] = []
        self._versions: list[str] = []
        self._images: list[str] = []

    def _find(self, image_id: str) -> pathlib.Path:
        shown = self._service.session('admin').call('GET', 'image', f'/v2/images/{image_id}')
        return pathlib.Path(shown['rootfs_path'])

    def make(self, name: str, changes: dict[str, tuple[str, int]]) -> str:
        """An image; returns its id. :param changes: path in the tree -> (content, mode)."""
        tree = self._service.settings.directory / 'images' / f'e2e-{name}'
        shutil.rmtree(tree, ignore_errors=True)
        self._trees.append(tree)
        subprocess.run(['cp', '--archive', '--link',
                        str(self._original.resolve()),
                        str(tree)], check=True)
        for path, (content, mode) in changes.items():
            changed = tree / path
            changed.unlink(missing_ok=True)  # a link: the original keeps its own
            changed.write_text(content)
            changed.chmod(mode)
        made = self._service.session('admin').call(
            'POST', 'image', '/v2/images', {
                'name': f'e2e-{name}',
                'visibility': 'public',
                'rootfs_path': str(tree),
                'container_format': 'bare',
                'disk_format': 'raw'
            })
        self._images.append(made['id'])
        return made['id']

    def version(self, name: str, image_id: str) -> None:
        """A version of the datastore with an image."""
        self._service.trove(
            'POST', '/mgmt/datastore-versions', {
                'version': {
                    'datastore_name': 'mariadb',
                    'datastore_manager': 'mariadb',
                    'name': name,
                    'version': name,
                    'image': image_id,
                    'active': True
                }
            }, user='admin')
        self._versions.append(name)

    def close(self) -> None:
        """Nothing of it stays."""
        listed = self._service.trove('GET', '/mgmt/datastore-versions', user='admin')['versions']
        for version in listed:
            if version['name'] in self._versions:
                self._service.trove('DELETE', f'/mgmt/datastore-versions/{version["id"]}',
                                    user='admin')
        for image_id in self._images:
            self._service.session('admin').call('DELETE', 'image', f'/v2/images/{image_id}')
        for tree in self._trees:
            shutil.rmtree(tree)


@pytest.fixture(scope='module')
def images(service) -> Iterator[Images]:
    """Must be asked for before ``shop``: it may go when no machine runs from it any more."""
    made = Images(service)
    yield made
    made.close()


@pytest.fixture(scope='module')
def next_image(images) -> str:
    """Copy of the sandbox's image under another name."""
    image_id = images.make('next',
                           {'etc/trove/image.json': (json.dumps({'name': 'e2e-next'}), 0o644)})
    images.version(NEXT, image_id)
    return image_id


def image_name(holdings, server: str) -> str:
    return json.loads(holdings.machines.run(server, 'cat', '/etc/trove/image.json')).get('name', '')


def manage(service, shop, action: dict) -> None:
    service.trove('POST', f'/mgmt/instances/{shop.id}/action', action, user='admin')


def settled(service, shop, kind: str, seconds: float = 240.0) -> dict:
    """The newest operation of a kind, once it has ended."""
    def look() -> dict | None:
        found = service.operation(shop.id, kind)
        return found if found['finished'] else None

    return wait_for(f'{kind} has ended', look, seconds * factor(),
                    state=lambda: service.story(shop.id))


def succeeded(service, shop, kind: str) -> dict:
    operation = settled(service, shop, kind)
    assert operation['state'] == 'succeeded', service.story(shop.id)
    service.wait_active(shop.id)
    serves(shop)
    return operation


def serves(shop) -> None:
    """All of its data and users are what they were."""
    def look() -> bool:
        assert shop.as_clerk('SELECT id FROM kept ORDER BY id') == ['1', '2', '3']
        assert shop.query('auditor', shop.second_password, 'SELECT 1') == ['1']
        return True
    wait_for('the data are served', look, 30 * factor(), passing=(Refused,))


def uptime(shop) -> int:
    return int(shop.as_clerk("SHOW GLOBAL STATUS LIKE 'Uptime'")[0].split('\t')[1])


def seconds_of(operation: dict) -> float:
    began, ended = (datetime.datetime.fromisoformat(operation[key])
                    for key in ('created', 'finished'))
    return (ended - began).total_seconds()


# --- stopping and starting -----------------------------------------------------------------------

def test_stopped_and_started(service, images, shop):
    manage(service, shop, {'stop': {}})
    settled(service, shop, 'instance_stop')
    wait_for('it shows', lambda: service.show(shop.id)['operating_status'] == 'SHUTDOWN', 20)
    with pytest.raises(Refused):
        shop.as_clerk('SELECT 1')
    manage(service, shop, {'start': {}})
    succeeded(service, shop, 'instance_start')
    wait_for('it is healthy', lambda: service.show(shop.id)['operating_status'] == 'HEALTHY', 20)


def test_a_stopped_database_is_started_by_a_restart(service, images, shop):
    manage(service, shop, {'stop': {}})
    settled(service, shop, 'instance_stop')
    wait_for('it shows', lambda: service.show(shop.id)['operating_status'] == 'SHUTDOWN', 20)
    shop.call('POST', '/action', {'restart': {}})
    succeeded(service, shop, 'instance_restart')


def test_a_server_that_is_off_is_started(service, images, shop):
    service.compute('POST', f'/servers/{service.server(shop.id)}/action', {'os-stop': None})
    wait_for(
        'it is off', lambda: service.compute('GET', f'/servers/{service.server(shop.id)}')['server']
        ['status'] == 'SHUTOFF', 60)
    manage(service, shop, {'start': {}})
    operation = succeeded(service, shop, 'instance_start')
    report(f'a server that was off serves again after {seconds_of(operation):.1f} s')


def test_rebooted(service, holdings, images, shop):
    def starts() -> str:
        return holdings.machines.run(service.server(shop.id), 'cat',
                                     '/var/lib/trove-guest/boot.json')

    before = starts()
    service.client('database', 'instance', 'reboot', shop.id, user='admin')
    succeeded(service, shop, 'instance_reboot')
    assert starts() != before, 'the agent was started anew with its machine'


# --- access  -----------------------------------------------------------------------------

def test_access_changes_while_connections_stay(service, images, shop):
    here = f'{service.settings.host_address("private")}/32'
    shop.call('PUT', '', {'instance': {'access': {'allowed_cidrs': ['192.0.2.0/24']}}})
    settled(service, shop, 'instance_update_access')
    with pytest.raises(Refused):
        shop.as_clerk('SELECT 1')
    shop.call('PUT', '', {'instance': {'access': {'allowed_cidrs': [here]}}})
    assert settled(service, shop, 'instance_update_access')['state'] == 'succeeded'
    serves(shop)
    assert service.show(shop.id)['access'] == {'is_public': False, 'allowed_cidrs': [here]}


# --- another host --------------------------------------------------------------------------------

@pytest.mark.parametrize('live', [True, False])
def test_moved_to_another_host(service, images, shop, live):
    def host() -> str:
        return service.compute(
            'GET', f'/servers/{service.server(shop.id)}')['server']['OS-EXT-SRV-ATTR:host']

    before, ran = host(), uptime(shop)
    other = next(name for name in ('minicloud', 'minicloud-2') if name != before)
    manage(service, shop, {'migrate': {'host': other, 'live': live}})
    succeeded(service, shop, 'instance_migrate_live' if live else 'instance_migrate')
    assert host() == other
    assert (uptime(shop) >= ran) is live, 'live: the database was never stopped'


# --- another image -------------------------------------------------------------------------------

def test_a_rebuild_keeps_everything_but_the_root_disk(service, holdings, images, shop):
    server, volume = service.server(shop.id), service.show(shop.id)['volume']['size']
    engine = holdings.machines.run(server, 'stat', '-c', '%i', '/var/lib/mysql/data/ibdata1')
    holdings.machines.run(server, 'touch', '/root/on-the-root-disk')
    service.client('database', 'instance', 'rebuild', shop.id, service.image_of('10.11'),
                   user='admin')
    service.wait_status(shop.id, 'BUILD', 20)
    operation = succeeded(service, shop, 'instance_rebuild')
    assert service.server(shop.id) == server and service.show(shop.id)['volume']['size'] == volume
    assert holdings.machines.run(server, 'stat', '-c', '%i',
                                 '/var/lib/mysql/data/ibdata1') == engine
    with pytest.raises(AssertionError):
        holdings.machines.run(server, 'stat', '/root/on-the-root-disk')
    assert configured(shop) and shop.as_clerk('SELECT @@general_log') == [
        '1'
    ], 'also what is switched on'
    report(f'a rebuild took {seconds_of(operation):.1f} s')


def test_a_change_of_version(service, holdings, next_image, shop):
    server = service.server(shop.id)
    # As after a server of an older series, so that MariaDB's own upgrade has something to do.
    holdings.machines.run(server, 'sh', '-c',
                          'printf 10.6.12-MariaDB > /var/lib/mysql/data/mysql_upgrade_info')
    service.client('database', 'instance', 'upgrade', shop.id, NEXT)
    shown = service.wait_status(shop.id, 'UPGRADE', 20)
    assert (shown['datastore']['version'], shown['datastore']['desired_version']) == ('10.11', NEXT)
    operation = succeeded(service, shop, 'instance_upgrade')
    shown = service.show(shop.id)
    assert shown['datastore']['version'] == NEXT and 'desired_version' not in shown['datastore']
    assert image_name(holdings, server) == 'e2e-next'
    texts = ' '.join(event['text'] for event in shop.call('GET', '/events')['events'])
    assert 'after its own upgrade' in texts, texts
    assert configured(shop)
    report(f'a change of version took {seconds_of(operation):.1f} s')


def test_a_version_that_does_not_work_is_left_again(service, holdings, images, next_image, shop):
    """Its engine does not start.

    The instance has its former image, version, data and configuration afterwards.
    """
    image_id = images.make('broken', {
        'usr/sbin/mariadbd': ('#!/bin/sh\necho "[ERROR] broken on purpose" >&2\n'
                              'exit 1\n', 0o755)
    })
    images.version(BROKEN, image_id)
    server, before = service.server(shop.id), service.show(shop.id)['datastore']['version']
    configuration = holdings.machines.run(server, 'cat',
                                          '/etc/mysql/mariadb.conf.d/70-trove-base.cnf')
    shop.call('PATCH', '', {'instance': {'datastore_version': BROKEN}})
    operation = settled(service, shop, 'instance_upgrade')
    assert operation['state'] == 'failed', service.story(shop.id)
    assert operation['error']['code'].startswith('guest_prepare_'), operation['error']
    shown = service.wait_active(shop.id)
    assert shown['datastore']['version'] == before and 'desired_version' not in shown['datastore']
    assert shown['fault']['message'] == operation['error']['message']
    assert holdings.machines.run(server, 'cat',
                                 '/etc/mysql/mariadb.conf.d/70-trove-base.cnf') == configuration
    serves(shop)
    assert configured(shop)
    report(
        f'the way back from a version that does not work took {seconds_of(operation):.1f} s with '
        f'the way there'
    )


# --- operations ----------------------------------------------------------------------------------

def test_cancelled_and_tried_again(service, holdings, images, shop):
    server = service.server(shop.id)
    manage(service, shop, {'rebuild': {'image_id': service.image_of('10.11')}})
    service.wait_step(shop.id, 'AgentOfNewImage')
    operation_id = service.operation(shop.id, 'instance_rebuild')['id']
    with pytest.raises(RestError) as refused:
        service.trove('POST', f'/operations/{operation_id}/action', {'cancel': {}})
    assert refused.value.status in (401, 403), 'an administrator has asked for it'
    service.trove('POST', f'/operations/{operation_id}/action', {'cancel': {}}, user='admin')
    operation = settled(service, shop, 'instance_rebuild')
    assert (operation['state'], operation['error']['code']) == ('cancelled', 'cancelled_by_request')
    service.wait_active(shop.id)
    serves(shop)
    former = image_name(holdings, server)
    service.trove('POST', f'/operations/{operation_id}/action', {'retry': {}}, user='admin')
    again = succeeded(service, shop, 'instance_rebuild')
    assert again['id'] != operation_id
    assert image_name(holdings, server) != former or former == ''


def test_a_resize_that_was_given_up_is_put_in_order_by_a_start(service, images, shop):
    service.trove('POST', f'/instances/{shop.id}/action', {'resize': {'flavorRef': '2'}})
    service.wait_step(shop.id, 'EngineStarted')
    service.trove('POST', f'/instances/{shop.id}/action', {'reset_status': {}}, user='admin')
    assert service.operation(shop.id, 'instance_resize_flavor')['error']['code'] == 'reset'
    server = service.compute('GET', f'/servers/{service.server(shop.id)}')['server']
    assert server['status'] == 'VERIFY_RESIZE', 'Nova waits for a confirmation'
    manage(service, shop, {'start': {}})
    log_line(f'in order after {seconds_of(succeeded(service, shop, "instance_start")):.1f} s')
    server = service.compute('GET', f'/servers/{service.server(shop.id)}')['server']
    assert (server['status'], server['flavor']['id']) == ('ACTIVE', '1')


def test_a_forced_delete_in_the_middle_of_a_rebuild_leaves_nothing(service, holdings, images):
    before = holdings.settled()
    instance_id = service.create(unique('forced'))
    service.wait_active(instance_id)
    service.trove('POST', f'/mgmt/instances/{instance_id}/action',
                  {'rebuild': {'image_id': service.image_of('10.11')}}, user='admin')
    service.wait_step(instance_id, 'AgentOfNewImage')
    service.trove('POST', f'/instances/{instance_id}/action',
                  {'reset_status': {
                      'force_delete': True
                  }}, user='admin')
    assert service.operation(instance_id, 'instance_rebuild')['error']['code'] == 'reset'
    service.delete(instance_id)
    service.wait_gone(instance_id)
    holdings.assert_as_before(before, 60 * factor())
