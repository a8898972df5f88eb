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

"""Restart: the engine is another one afterwards, the data are the same."""

import pytest
from control.rest import RestError

from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture(scope='module', autouse=True)
def kept(shop):
    """Data that must survive."""
    shop.as_clerk('CREATE TABLE kept (id INT PRIMARY KEY); INSERT INTO kept VALUES (42)')
    yield
    shop.as_clerk('DROP TABLE kept')


def uptime(shop) -> int:
    """Seconds since the engine was started."""
    return int(shop.as_clerk("SHOW GLOBAL STATUS LIKE 'Uptime'")[0].split('\t')[1])


def test_a_restart_starts_the_engine_anew(service, shop):
    before = wait_for('the engine has run for a while', lambda: uptime(shop) >= 3 and uptime(shop),
                      10)
    service.client('database', 'instance', 'restart', shop.id)
    service.wait_status(shop.id, 'REBOOT', 20)
    # One thing at a time.
    with pytest.raises(RestError) as refused:
        shop.call('POST', '/action', {'restart': {}})
    assert refused.value.status in (409, 422)
    service.wait_active(shop.id)
    assert uptime(shop) < before + 3, 'the engine was not started anew'
    assert shop.as_clerk('SELECT id FROM kept') == ['42']
    operation = service.operation(shop.id, 'instance_restart')
    assert operation['state'] == 'succeeded'
    events = [event['type'] for event in shop.call('GET', '/events')['events']]
    assert events[:2] == ['instance_restart.end', 'instance_restart.start']


def test_the_engine_comes_back_when_it_is_killed(service, holdings, shop):
    server = service.server(shop.id)
    before = holdings.machines.run(server, 'pidof', 'mariadbd').split()
    holdings.machines.run(server, 'kill', '-9', *before)
    wait_for('the engine serves again', lambda: shop.as_clerk('SELECT id FROM kept') == ['42'], 60,
             passing=(Exception,))
    assert holdings.machines.run(server, 'pidof', 'mariadbd').split() != before
    service.wait_active(shop.id)


def test_the_agent_comes_back_when_it_is_killed(service, holdings, shop):
    server = service.server(shop.id)
    before = holdings.machines.agent(server)
    holdings.machines.run(server, 'kill', '-9', str(before))
    wait_for('the agent runs again', lambda: holdings.machines.agent(server) not in (0, before), 60)
    wait_for('the agent answers', lambda: shop.call('GET', '/databases'), 60, passing=(RestError,))
    service.wait_active(shop.id)
