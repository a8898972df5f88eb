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

"""Rest of the contract on a real instance: modules, an agent's report about itself,
and refusals.
"""

import base64

import pytest
from control.rest import RestError

from tests.e2e.service.running import Refused, unique
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def module(service):
    """Module with a greeting; removed after the test."""
    contents = base64.b64encode(b'message=hello from a module').decode()
    made = service.trove(
        'POST', '/modules', {
            'module': {
                'name': unique('greeting'),
                'module_type': 'ping',
                'contents': contents,
                'live_update': 1
            }
        })['module']
    yield made
    service.trove('DELETE', f'/modules/{made["id"]}')


def test_a_module_is_applied_shown_and_removed(service, shop, module):
    place = f'/instances/{shop.id}/modules'
    [applied] = service.trove('POST', place, {'modules': [{'id': module['id']}]})['modules']
    assert (applied['status'], applied['message']) == ('OK', 'hello from a module')
    [applied] = service.trove('GET', f'{place}?include_contents=True')['modules']
    assert base64.b64decode(applied['contents']) == b'message=hello from a module'
    assert applied['md5'] == module['md5']
    assert service.trove('GET', f'/modules/{module["id"]}')['module']['instance_count'] == 1
    service.trove('DELETE', f'{place}/{module["id"]}')
    assert service.trove('GET', place)['modules'] == []


def test_a_module_is_applied_again(service, shop, module):
    place = f'/instances/{shop.id}/modules'
    service.trove('POST', place, {'modules': [{'id': module['id']}]})
    contents = base64.b64encode(b'message=changed').decode()
    service.trove('PUT', f'/modules/{module["id"]}', {'module': {'contents': contents}})
    service.trove('PUT', f'/modules/{module["id"]}/instances', {'reapply': {}})
    wait_for(
        'the module applied again',
        lambda: [applied['message']
                 for applied in service.trove('GET', place)['modules']] == ['changed'], 30)
    service.trove('DELETE', f'{place}/{module["id"]}')


def test_the_contents_of_modules_are_not_in_the_database(service, module):
    [row] = service.rows('SELECT contents FROM modules WHERE id = :id', id=module['id'])
    assert row.contents.startswith('v1:') and 'hello' not in row.contents


def test_an_agent_reports_about_itself(service, shop):
    shown = service.trove('GET', f'/mgmt/instances/{shop.id}/diagnostics',
                          user='admin')['diagnostics']
    assert shown['version'] and 10_000 < shown['vmRss'] < 100_000 and shown['threads'] > 1
    hardware = service.trove('GET', f'/mgmt/instances/{shop.id}/hwinfo', user='admin')['hwinfo']
    assert hardware['num_cpus'] >= 1 and hardware['mem_total'] > 100_000


def test_a_backup_fails_with_the_reason_and_can_be_deleted(service, shop):
    before = service.usage()['backups']
    made = service.openstack('database', 'backup', 'create', unique('nightly'), '-i', shop.id)
    assert made['status'] == 'NEW'

    def failed():
        shown = service.trove('GET', f'/backups/{made["id"]}')['backup']
        return shown if shown['status'] == 'FAILED' else None

    shown = wait_for('the backup failed', failed, 30)
    assert shown['fault']['code'] == 'not_supported_by_datastore'
    assert service.trove('GET', f'/instances/{shop.id}')['instance']['status'] == 'ACTIVE'
    service.client('database', 'backup', 'delete', made['id'])
    wait_for(
        'the backup gone', lambda: made['id'] not in
        {row['id']
         for row in service.trove('GET', '/backups')['backups']}, 30)
    assert service.usage()['backups'] == before


def test_what_no_datastore_can_do_is_refused_and_makes_nothing(service, shop):
    for words in (('database', 'instance', 'create', 'again', '--replica-of', shop.id),
                  ('database', 'ssl', 'disable', shop.id)):
        with pytest.raises(Refused, match='ot supported'):
            service.client(*words)
    with pytest.raises(RestError):
        service.trove('POST', f'/instances/{shop.id}/action', {'promote_to_replica_source': {}})
