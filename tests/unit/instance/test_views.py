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

"""Views of an instance, field by field."""

import datetime
import types

import pytest
import webob
from oslo_config import cfg

from trove.common import cfg as options
from trove.common import context
from trove.instance import views

NOW = datetime.datetime(2031, 4, 2, 8, 15, 30, 999)
GIB = 1024 ** 3


@pytest.fixture(autouse=True)
def conf():
    options.register(cfg.CONF)
    yield cfg.CONF
    for name in ('ip_regex', 'black_list_regex'):
        cfg.CONF.clear_override(name)


def request(*, is_admin=False):
    blank = webob.Request.blank('/', base_url='http://h:8779')
    return types.SimpleNamespace(
        host_url=blank.host_url, environ=blank.environ,
        context=context.RequestContext(project_id='p', is_admin=is_admin, overwrite=False))


def row(**values):
    known = dict.fromkeys(
        ('slave_of_id', 'hostname', 'access', 'fault_message', 'fault_created', 'fault_details',
         'configuration_id', 'configuration_name', 'cluster_id', 'shard_id', 'locality',
         'error_code', 'drift', 'operation_kind', 'cancel_wanted', 'desired_version_name',
         'service_facts', 'volume_used', 'volume_total', 'encrypted_key', 'volume_id'))
    known.update(id='i', name='orders', flavor_id='10', datastore_name='mariadb',
                 version_name='10.11', version_number='10.11.6', region_id='R1',
                 volume_support=True, volume_size=2, tenant_id='p', created=NOW, updated=NOW,
                 service_status='healthy', service_status_updated=NOW, server_status='ACTIVE',
                 compute_instance_id='s', restart_required=False, backup_running=False,
                 deleted=False, deletion_protection=False)
    return types.SimpleNamespace(**{**known, **values})


def address(text, kind='private', family=4, network_id='n'):
    return types.SimpleNamespace(address=text, kind=kind, family=family, network_id=network_id)


def test_the_least():
    shown = views.summary(request(), row(), [], [], NOW)
    assert set(shown) == {
        'id', 'name', 'status', 'operating_status', 'links', 'flavor', 'datastore', 'region',
        'access', 'deletion_protection', 'volume'
    }
    assert shown['access'] == {}
    assert (shown['status'], shown['operating_status']) == ('ACTIVE', 'HEALTHY')


def test_addresses_private_first_and_of_version_four():
    shown = views.summary(request(), row(), [address('10.0.0.7'), address('fd00::7', family=6),
                                             address('198.51.100.9', kind='public')], [], NOW)
    assert shown['ip'] == ['10.0.0.7', '198.51.100.9']
    assert shown['addresses'] == [{'address': '10.0.0.7', 'type': 'private', 'network': 'n'},
                                  {'address': '198.51.100.9', 'type': 'public'}]
    assert shown['access'] == {'is_public': True}


def test_both_expressions_are_needed_to_hide_addresses(conf):
    found = [address('10.0.0.7'), address('192.168.0.7')]
    conf.set_override('ip_regex', '^10')
    assert len(views.summary(request(), row(), found, [], NOW)['ip']) == 2
    conf.set_override('black_list_regex', '^10.99')
    assert views.summary(request(), row(), found, [], NOW)['ip'] == ['10.0.0.7']


def test_a_host_name_stands_for_the_addresses():
    shown = views.summary(request(), row(hostname='db.example.org'), [address('10.0.0.7')], [], NOW)
    assert shown['hostname'] == 'db.example.org'
    assert not {'ip', 'addresses'} & set(shown)


def test_access_is_shown_as_stored():
    shown = views.summary(request(), row(access='{"is_public": true}'), [address('10.0.0.7')], [],
                          NOW)
    assert shown['access'] == {'is_public': True}


def test_times_have_no_zone_and_no_fraction():
    shown = views.detail(request(), row(service_status_updated=None), [], [], NOW)
    assert shown['created'] == '2031-04-02T08:15:30'
    assert shown['service_status_updated'] is None


def test_a_fault_has_details_for_administrators_only():
    failed = row(fault_message='It failed.', fault_created=NOW, fault_details='trace')
    assert views.detail(request(), failed, [], [], NOW)['fault']['details'] is None
    assert views.detail(request(is_admin=True), failed, [], [], NOW)['fault']['details'] == 'trace'


def test_what_only_administrators_see():
    extra = set(views.detail(request(is_admin=True), row(), [], [], NOW)) - set(
        views.detail(request(), row(), [], [], NOW))
    assert extra == {'tenant_id', 'server_id', 'volume_id', 'encrypted_rpc_messaging'}


@pytest.mark.parametrize('values, volume', [
    ({
        'volume_used': GIB,
        'volume_total': 2 * GIB
    }, {
        'size': 2,
        'used': 1.0,
        'used_percent': 50.0
    }),
    ({
        'volume_used': GIB // 3,
        'volume_total': GIB
    }, {
        'size': 2,
        'used': 0.33,
        'used_percent': 33.33
    }),
    ({
        'volume_used': GIB
    }, {
        'size': 2,
        'used': 1.0
    }),
    ({
        'volume_used': 0,
        'volume_total': GIB
    }, {
        'size': 2,
        'used': 0.0,
        'used_percent': 0.0
    }),
    ({}, {
        'size': 2
    }),
    ({
        'volume_used': GIB,
        'operation_kind': 'instance_restart'
    }, {
        'size': 2
    }),
])
def test_volume_use(values, volume):
    assert views.complete(request(), row(**values), [], [], NOW)['volume'] == volume


def test_engines_without_volumes_show_local_storage():
    shown = views.complete(request(), row(volume_support=False, volume_size=None, volume_used=GIB),
                           [], [], NOW)
    assert 'volume' not in shown
    assert shown['local_storage'] == {'used': 1.0}


def test_replication():
    replica = types.SimpleNamespace(id='r')
    shown = views.summary(request(), row(slave_of_id='src'), [], [replica], NOW)
    assert shown['replica_of']['id'] == 'src'
    assert [one['id'] for one in shown['replicas']] == ['r']


def test_the_password_is_shown_when_there_is_one():
    assert views.created(request(), row(), [], [], NOW, password='x')['password'] == 'x'
    assert 'password' not in views.created(request(), row(), [], [], NOW)
