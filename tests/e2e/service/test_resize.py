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

"""Resizes of a real machine: the data are the same, what is shown is what the engine has."""

import pytest
from control.rest import RestError

from tests.e2e.service.conftest import Shop

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

GIB = 1024 ** 3


@pytest.fixture(scope='module')
def shop(service):
    """An instance of our own: it is larger afterwards."""
    made = Shop(service)
    made.as_clerk(
        'CREATE TABLE IF NOT EXISTS resized (id INT PRIMARY KEY); REPLACE INTO resized VALUES (7)')
    return made


def capacity(holdings, server: str) -> int:
    """Bytes of the file system that holds the data, as the machine sees it."""
    blocks, size = holdings.machines.run(server, 'stat', '-f', '-c', '%b %S',
                                         '/var/lib/mysql').split()
    return int(blocks) * int(size)


def test_the_volume_grows_and_the_file_system_with_it(service, holdings, shop):
    server, before = service.server(shop.id), service.usage()['volumes']
    assert capacity(holdings, server) < GIB
    service.client('database', 'instance', 'resize', 'volume', shop.id, '2')
    service.wait_status(shop.id, 'RESIZE', 20)
    with pytest.raises(RestError) as refused:
        shop.call('POST', '/action', {'resize': {'volume': {'size': 3}}})
    assert refused.value.status in (409, 422)
    shown = service.wait_active(shop.id)
    assert shown['volume']['size'] == 2
    assert capacity(holdings, server) > 1.8 * GIB
    assert shop.as_clerk('SELECT id FROM resized') == ['7']
    assert service.usage()['volumes'] == before + 1
    assert service.operation(
        shop.id, 'instance_resize_volume')['state'] == 'succeeded', service.story(shop.id)


def test_a_volume_does_not_shrink(service, shop):
    with pytest.raises(RestError) as refused:
        shop.call('POST', '/action', {'resize': {'volume': {'size': 1}}})
    assert refused.value.status == 400
    assert service.show(shop.id)['status'] == 'ACTIVE'


def test_another_flavor(service, holdings, shop):
    server, before = service.server(shop.id), service.usage()['ram']
    pool = int(shop.as_clerk('SELECT @@innodb_buffer_pool_size')[0])
    service.client('database', 'instance', 'resize', 'flavor', shop.id, '2')
    service.wait_status(shop.id, 'RESIZE', 20)
    shown = service.wait_active(shop.id)
    assert shown['flavor']['id'] == '2'
    assert service.server(shop.id) == server, 'the same server'
    assert int(
        shop.as_clerk('SELECT @@innodb_buffer_pool_size')[0]) > pool, 'configured for the new size'
    assert shop.as_clerk('SELECT id FROM resized') == ['7']
    assert service.usage()['ram'] == before + 1024
    assert service.operation(
        shop.id, 'instance_resize_flavor')['state'] == 'succeeded', service.story(shop.id)
