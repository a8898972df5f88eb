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

"""The commands ``openstack database …`` and ``openstack datastore …``, unmodified, against the edge
in this process.
"""

import json

import pytest
from osc_lib.exceptions import CommandError
from troveclient import exceptions as trove_errors
from troveclient.v1 import management

from tests.functional.api import tokens, worlds
from tests.functional.api.shell import Openstack
from tests.functional.api.stories import WORDS
from trove.db import operations, session


@pytest.fixture
def demo(edge):
    return Openstack(edge, 'demo')


@pytest.fixture
def admin(edge):
    return Openstack(edge, 'admin')


def test_configuration_groups(edge, demo):
    worlds.parameters(edge)
    made = demo('database configuration create', 'tuned', '{"max_connections": 200}', '--datastore',
                'mariadb', '--datastore-version', '10.11', '--description', 'what orders needs')
    assert (made['name'], made['datastore_version_name']) == ('tuned', '10.11')
    assert [row['Name'] for row in demo('database configuration list')] == ['tuned']
    demo('database configuration parameter set', made['id'], '{"autocommit": true}')
    assert json.loads(demo('database configuration show', 'tuned')['values']) == {
        'max_connections': 200, 'autocommit': True}
    demo('database configuration set', made['id'], '{"sql_mode": "ANSI"}', '--name', 'ansi')
    assert json.loads(demo('database configuration show', 'ansi')['values']) == {'sql_mode': 'ANSI'}
    assert demo('database configuration instances', 'ansi') == []
    demo('database configuration delete', 'ansi')
    assert demo('database configuration list') == []


def test_logs(edge, demo):
    worlds.orders(edge)
    worlds.logs(edge)
    [row] = demo('database log list', 'orders')
    assert (row['Name'], row['Status'], row['Pending'], row['Container']) == ('general', 'Ready',
                                                                              15, 'None')
    assert demo('database log show', 'orders',
                'general')['metafile'].endswith('mariadb-general_metafile')
    assert demo('database log set', 'orders', 'general', '--disable')['status'] == 'Disabled'
    assert demo('database log set', 'orders', 'general', '--publish',
                '--discard')['name'] == 'general'
    with pytest.raises(trove_errors.ClientException, match='another operation is running'):
        demo('database log set', 'orders', 'general', '--discard')


def test_refused_values_are_reported(edge, demo):
    worlds.parameters(edge)
    with pytest.raises(trove_errors.ClientException,
                       match="'max_connections' must be an integer") as refused:
        demo('database configuration create', 'tuned', '{"max_connections": "200"}', '--datastore',
             'mariadb')
    assert refused.value.http_status == 422


def test_parameters(edge, demo):
    worlds.parameters(edge)
    rows = demo('database configuration parameter list', '10.11', '--datastore', 'mariadb')
    assert {row['Name'] for row in rows} == set(worlds.PARAMETERS)
    assert len(demo('database configuration parameter list', WORDS['version'])) == len(rows)
    shown = demo('database configuration parameter show', '10.11', 'max_connections', '--datastore',
                 'mariadb')
    assert (shown['name'], shown['type'], shown['max'], shown['min']) == ('max_connections',
                                                                          'integer', 100000, 1)


def test_an_attached_group_lists_its_instances(edge, demo):
    worlds.attached(edge)
    assert [
        row['Name'] for row in demo('database configuration instances', WORDS['attached-group'])
    ] == ['with-group']


def test_datastores(edge, demo, admin):
    assert [row['Name'] for row in demo('datastore list')] == ['mariadb']
    assert demo('datastore show', 'mariadb')['name'] == 'mariadb'
    assert [row['Name'] for row in demo('datastore version list', 'mariadb')] == ['10.11']
    assert demo('datastore version show', '10.11', '--datastore',
                'mariadb')['id'] == WORDS['version']
    admin('datastore version create', '8.0', 'mysql', 'mysql', WORDS['image'], '--active',
          '--default')
    made = admin('datastore version show', '8.0', '--datastore', 'mysql')
    assert made['version'] == '8.0'
    admin('datastore version set', made['id'], '--disable', '--non-default', '--version-name',
          'old')
    assert admin('datastore version list', 'mysql')[0]['Name'] == 'old'
    assert [row['Name'] for row in demo('datastore list')] == ['mariadb']
    with pytest.raises(trove_errors.CommandError, match='still has versions'):
        admin('datastore delete', 'mysql')
    admin('datastore version delete', made['id'])
    admin('datastore delete', 'mysql')
    assert [row['Name'] for row in admin('datastore list')] == ['mariadb']


def test_quotas(admin):
    assert {row['Resource'] for row in admin('database quota show', tokens.DEMO)} == {
        'instances', 'ram', 'volumes', 'backups'}
    assert admin('database quota update', tokens.DEMO, 'instances', '7') == {'instances': 7}


def test_instances_of_all_projects(edge, admin):
    worlds.orders(edge)
    worlds.foreign(edge)
    worlds.gone(edge)
    rows = admin('database instance list', '--all-projects')
    assert {(row['Name'], row['Tenant ID'])
            for row in rows} == {('orders', tokens.DEMO), ('theirs', tokens.OTHER)}
    assert len(admin('database instance list', '--project-id', tokens.OTHER)) == 1


def test_reset_status_and_force_delete(edge, admin):
    worlds.failed(edge)
    worlds.building(edge)
    admin('database instance reset status', WORDS['failed'])
    admin('database instance force delete', WORDS['building'])
    rows = session.read(operations.of_resource, WORDS['building'], 10)
    assert {
        row.kind: row.state
        for row in rows
    } == {
        'instance_create': 'cancelled',
        'instance_delete': 'running'
    }


def test_force_delete_is_not_for_members(edge, demo):
    worlds.failed(edge)
    with pytest.raises(trove_errors.Forbidden, match='instance:reset_status'):
        demo('database instance force delete', WORDS['failed'])


def test_root_history_reaches_the_library(edge, admin):
    worlds.gone(edge)
    found = admin.client_manager.database.mgmt_instances.root_enabled_history(WORDS['gone'])
    assert (found.user, found.enabled) == ('demo-user', '2031-04-02T08:15:00')


def test_parameter_rules_are_managed_by_the_library(edge, admin):
    worlds.parameters(edge)
    rules = management.MgmtConfigurationParameters(admin.client_manager.database)
    rules.create(WORDS['version'], 'wait_timeout', 0, 'integer', 100, 1)
    assert rules.get_any_parameter_by_version(WORDS['version'], 'wait_timeout').max_size == 100
    rules.modify(WORDS['version'], 'wait_timeout', 1, 'integer', 200, 1)
    assert rules.get_any_parameter_by_version(WORDS['version'],
                                              'wait_timeout').restart_required is True
    rules.delete(WORDS['version'], 'wait_timeout')
    assert {rule.name
            for rule in rules.list_all_parameter_by_version(WORDS['version'])} == set(
                worlds.PARAMETERS)


def test_clusters(edge, demo):
    assert demo('database cluster list') == []
    with pytest.raises(trove_errors.ClientException,
                       match='not supported for datastore mariadb') as refused:
        demo('database cluster create', 'many', 'mariadb', '10.11', '--instance',
             'flavor=10,volume=1')
    assert refused.value.http_status == 501
    with pytest.raises(CommandError, match='No cluster'):
        demo('database cluster show', 'many')
