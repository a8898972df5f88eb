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

"""The samples of the API reference are what the service takes and answers.

Set TROVE_UPDATE_SAMPLES=1 to write the answers anew after a change that was meant.
"""

import json
import os
import pathlib
import re

import pytest
import webob

from tests.functional.api import worlds
from tests.functional.api.stories import WORDS

SAMPLES = pathlib.Path(__file__).parents[3] / 'api-ref/source/samples'

#: Values that differ from run to run, with their replacements in the samples.
_CHANGING = (
    (re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ'), '2031-04-02T08:15:00Z'),
    (re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?!Z)'), '2031-04-02T08:15:00'),
    (re.compile(r'"remaining": \d+'), '"remaining": 200'),
    (re.compile(r'"(threads|fdSize|vmSize|vmPeak|vmRss|vmHwm|mem_total|num_cpus)": \d+'),
     r'"\1": 64'),
)
_KNOWN = set(WORDS.values()) | {
    'aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002',
    '0d2d6b8c-1f5e-4f0e-9b3a-7c1e5f2a8d66'
}
_UUID = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_PASSWORD = re.compile(r'("password": )"[A-Za-z0-9]{36}"')

INSTANCE = f'/instances/{WORDS["orders"]}'
OPERATION = '/operations/aaaaaaaa-0000-4000-8000-000000000001'
OPENED = '/operations/aaaaaaaa-0000-4000-8000-000000000003'

ANSWERS = {
    'instances-list': '/instances',
    'instances-detail': '/instances/detail',
    'instance-show': INSTANCE,
    'operations-list': f'{INSTANCE}/operations',
    'operation-show': OPERATION,
    'events-list': f'{INSTANCE}/events',
    'databases-list': f'{INSTANCE}/databases',
    'users-list': f'{INSTANCE}/users',
    'user-show': f'{INSTANCE}/users/app',
    'access-list': f'{INSTANCE}/users/app/databases',
    'root-show': f'{INSTANCE}/root',
    'logs-list': f'{INSTANCE}/log',
    'datastores-list': '/datastores',
    'datastore-show': '/datastores/mariadb',
    'versions-list': '/datastores/mariadb/versions',
    'version-show': '/datastores/mariadb/versions/10.11',
    'volume-types-list': f'/datastores/mariadb/versions/{WORDS["version"]}/volume-types',
    'flavors-list': '/flavors',
    'flavor-show': '/flavors/10',
    'limits': '/limits',
    'quotas': f'/mgmt/quotas/{WORDS["demo"]}',
    'fault': f'/instances/{WORDS["nobody"]}',
    'instance-configuration': f'{INSTANCE}/configuration',
    'configurations-list': '/configurations',
    'configuration-show': f'/configurations/{WORDS["group"]}',
    'configuration-instances': f'/configurations/{WORDS["attached-group"]}/instances',
    'parameters-list': '/datastores/mariadb/versions/10.11/parameters',
    'parameter-show': '/datastores/mariadb/versions/10.11/parameters/max_connections',
    'clusters-list': '/clusters',
    'backups-list': '/backups',
    'instance-backups': f'{INSTANCE}/backups',
    'backup-show': f'/backups/{WORDS["increment"]}',
    'backup-strategies-list': '/backup_strategies',
    'modules-list': '/modules',
    'module-show': f'/modules/{WORDS["module"]}',
    'module-instances': f'/modules/{WORDS["module"]}/instances',
    'instance-modules': f'{INSTANCE}/modules',
    'ssl-show': f'{INSTANCE}/ssl',
}

#: The same for administrators.
MGMT_ANSWERS = {
    'mgmt-instances-list': '/mgmt/instances',
    'mgmt-instance-show': f'/mgmt{INSTANCE}',
    'root-history': f'/mgmt{INSTANCE}/root',
    'diagnostics': f'/mgmt{INSTANCE}/diagnostics',
    'hwinfo': f'/mgmt{INSTANCE}/hwinfo',
    'mgmt-versions-list': '/mgmt/datastore-versions',
    'mgmt-version-show': f'/mgmt/datastore-versions/{WORDS["version"]}',
    'mgmt-parameters-list': f'/mgmt/datastores/versions/{WORDS["old-version"]}/parameters',
    'mgmt-parameter-show': f'/mgmt/datastores/versions/{WORDS["version"]}/parameters/max_connections',
}

#: Worlds of responses that need more than ``orders``.
MORE = {
    'logs-list': (worlds.logs,),
    'operations-list': (worlds.history,),
    'operation-show': (worlds.history,),
    'events-list': (worlds.history,),
    'configurations-list': (worlds.groups,),
    'configuration-show': (worlds.groups,),
    'configuration-instances': (worlds.attached,),
    'parameters-list': (worlds.parameters,),
    'parameter-show': (worlds.parameters,),
    'mgmt-parameters-list': (worlds.parameters,),
    'mgmt-parameter-show': (worlds.parameters,),
    'backups-list': (worlds.some_backups,),
    'instance-backups': (worlds.some_backups,),
    'backup-show': (worlds.some_backups,),
    'backup-strategies-list': (worlds.strategies,),
    'modules-list': (worlds.some_modules,),
    'module-show': (worlds.some_modules,),
    'module-instances': (worlds.some_modules, worlds.applied_module),
    'instance-modules': (worlds.some_modules, worlds.applied_module)
}

#: request sample -> (method, path, token, status, sample of the answer)
REQUESTS = {
    'instance-create-request': ('POST', '/instances', 'demo', 200, 'instance-create'),
    'instance-access-request': ('PUT', INSTANCE, 'demo', 202, None),
    'instance-edit-request': ('PATCH', INSTANCE, 'demo', 202, None),
    'instance-restart-request': ('POST', f'{INSTANCE}/action', 'demo', 202, None),
    'instance-resize-flavor-request': ('POST', f'{INSTANCE}/action', 'demo', 202, None),
    'instance-resize-volume-request': ('POST', f'{INSTANCE}/action', 'demo', 202, None),
    'databases-create-request': ('POST', f'{INSTANCE}/databases', 'demo', 202, None),
    'users-create-request': ('POST', f'{INSTANCE}/users', 'demo', 202, None),
    'users-passwords-request': ('PUT', f'{INSTANCE}/users', 'demo', 202, None),
    'user-update-request': ('PUT', f'{INSTANCE}/users/app', 'demo', 202, None),
    'log-publish-request': ('POST', f'{INSTANCE}/log', 'demo', 200, 'log-publish'),
    'access-grant-request': ('PUT', f'{INSTANCE}/users/app/databases', 'demo', 202, None),
    'instance-reset-request': ('POST', f'{INSTANCE}/action', 'admin', 202, None),
    'configuration-create-request': ('POST', '/configurations', 'demo', 200,
                                     'configuration-create'),
    'configuration-edit-request': ('PATCH', f'/configurations/{WORDS["group"]}', 'demo', 200, None),
    'configuration-update-request': ('PUT', f'/configurations/{WORDS["group"]}', 'demo', 202, None),
    'cluster-create-request': ('POST', '/clusters', 'demo', 501, None),
    'operation-action-request': ('POST', f'{OPENED}/action', 'demo', 202, None),
    'mgmt-action-request': ('POST', f'/mgmt{INSTANCE}/action', 'admin', 202, None),
    'mgmt-version-create-request': ('POST', '/mgmt/datastore-versions', 'admin', 202, None),
    'mgmt-version-change-request': ('PATCH', f'/mgmt/datastore-versions/{WORDS["version"]}',
                                    'admin', 202, None),
    'mgmt-parameter-create-request': ('POST',
                                      f'/mgmt/datastores/versions/{WORDS["version"]}/parameters',
                                      'admin', 200, 'mgmt-parameter-create'),
    'backup-create-request': ('POST', '/backups', 'demo', 202, 'backup-create'),
    'backup-strategy-create-request': ('POST', '/backup_strategies', 'demo', 202,
                                       'backup-strategy-create'),
    'module-create-request': ('POST', '/modules', 'demo', 200, 'module-create'),
    'module-update-request': ('PUT', f'/modules/{WORDS["module"]}', 'demo', 200, 'module-update'),
    'module-reapply-request': ('PUT', f'/modules/{WORDS["module"]}/instances', 'demo', 202, None),
    'instance-modules-request': ('POST', f'{INSTANCE}/modules', 'demo', 200,
                                 'instance-modules-applied'),
    'ssl-change-request': ('POST', f'{INSTANCE}/ssl', 'demo', 400, None),
    'agent-upgrade-request': ('POST', f'/mgmt{INSTANCE}/upgrade', 'admin', 202, None),
    'quotas-update-request': ('PUT', f'/mgmt/quotas/{WORDS["demo"]}', 'admin', 200,
                              'quotas-update'),
}


def settled(body):
    """The text of a body with everything that changes made the same."""
    text = json.dumps(body, indent=4)
    for pattern, constant in _CHANGING:
        text = pattern.sub(constant, text)
    changing = {}
    for found in _UUID.findall(text):
        if found not in _KNOWN:
            changing.setdefault(found, f'00000000-0000-4000-8000-{len(changing):012d}')
    for found, constant in changing.items():
        text = text.replace(found, constant)
    return _PASSWORD.sub(r'\1"EXAMPLE"', text) + '\n'


def compare(name, body):
    path = SAMPLES / f'{name}.json'
    if os.environ.get('TROVE_UPDATE_SAMPLES'):
        path.write_text(settled(body))
    assert settled(body) == path.read_text(), f'{name}.json is not what is answered'


@pytest.mark.parametrize('name', [*ANSWERS, *MGMT_ANSWERS])
def test_an_answer_is_as_the_sample(edge, name):
    worlds.orders(edge)
    for more in MORE.get(name, ()):
        more(edge)
    if name in ANSWERS:
        compare(name, edge.ask('GET', ANSWERS[name]).json)
    else:
        compare(name, edge.ask('GET', MGMT_ANSWERS[name], token='admin').json)


def test_the_versions_are_as_the_sample(edge):
    request = webob.Request.blank('/', base_url='https://dbaas.example.net:8779')
    compare('versions', request.get_response(edge.application).json)


def test_enabling_root_is_as_the_sample(edge):
    worlds.orders(edge)
    compare('root-enable', edge.ask('POST', f'{INSTANCE}/root').json)


@pytest.mark.parametrize('name', REQUESTS)
def test_a_sample_is_accepted(edge, name):
    worlds.orders(edge)
    if name.startswith('configuration-'):
        worlds.parameters(edge)
        worlds.groups(edge)
    if name.startswith('log-'):
        worlds.logs(edge)
    if 'module' in name:
        worlds.some_modules(edge)
    if name.startswith('backup-'):
        worlds.some_backups(edge)
    if name.startswith('operation-'):
        worlds.stopped(edge)
        worlds.unfinished(edge)
    method, path, token, status, answer = REQUESTS[name]
    text = (SAMPLES / f'{name}.json').read_text().replace(
        '4b0e1c1a-3c5f-4a7a-8c8e-1f5f6f0c2d33', edge.cloud.network('private')['id'])
    response = edge.ask(method, path, json.loads(text), token=token)
    assert response.status_int == status, response.text
    if answer is not None:
        compare(answer, response.json)


def test_an_answer_in_xml_is_as_the_sample(edge):
    worlds.orders(edge)
    text = edge.ask('GET', f'{INSTANCE}.xml').text
    for pattern, constant in _CHANGING:
        text = pattern.sub(constant, text)
    for found in _UUID.findall(text):
        text = text if found in _KNOWN else text.replace(found,
                                                         '00000000-0000-4000-8000-000000000000')
    path = SAMPLES / 'instance-show.xml'
    if os.environ.get('TROVE_UPDATE_SAMPLES'):
        path.write_text(text)
    assert text == path.read_text()


def test_a_sample_in_xml_is_accepted(edge):
    worlds.orders(edge)
    request = webob.Request.blank(f'/v1.0/{WORDS["demo"]}{INSTANCE}/users', method='POST',
                                  body=(SAMPLES / 'users-create-request.xml').read_bytes())
    request.headers.update({'X-Auth-Token': 'demo', 'Content-Type': 'application/xml'})
    response = request.get_response(edge.application)
    assert response.status_int == 202, response.text


def test_every_sample_is_tested():
    tested = {
        *ANSWERS, *MGMT_ANSWERS, *REQUESTS, *(answer for *_, answer in REQUESTS.values() if answer),
        'versions', 'root-enable'
    }
    assert {path.stem for path in SAMPLES.glob('*.json')} == tested
