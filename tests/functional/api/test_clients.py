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

"""The clients people have: python-troveclient and openstacksdk, unmodified, against the edge in
this process.
"""

import argparse

import openstack
import pytest
import requests
from keystoneauth1 import session as keystone_session
from minicloud import inprocess
from openstack.config import cloud_region
from troveclient import exceptions as trove_errors
from troveclient.osc.v1 import database_instances
from troveclient.v1 import client as trove_client

from tests.functional.api import tokens, worlds
from tests.functional.api.stories import WORDS

ADDRESS = 'http://dbaas.example.net:8779'
ORDERS = WORDS['orders']


@pytest.fixture
def session_of(edge):
    """(token) -> a keystoneauth session with the edge in its catalog."""
    def make(token):
        body = tokens.document(token)
        endpoint = f'{ADDRESS}/v1.0/{tokens.KNOWN[token].project}'
        body.add_service('database', 'trove').add_standard_endpoints(
            public=endpoint, internal=endpoint, admin=endpoint, region='RegionOne')
        transport = requests.Session()
        for scheme in ('http', 'https'):
            transport.mount(f'{scheme}://dbaas.example.net:8779',
                            inprocess.WSGIAdapter(edge.application))
        return keystone_session.Session(auth=inprocess.TokenAuth(token, body), session=transport)
    return make


@pytest.fixture
def trove(session_of):
    return trove_client.Client(session=session_of('demo'), region_name='RegionOne')


@pytest.fixture
def sdk(session_of):
    region = cloud_region.from_session(session_of('demo'), region_name='RegionOne')
    return openstack.connection.Connection(config=region)


def test_troveclient_lives_with_an_instance(edge, trove):
    made = trove.instances.create(
        'least', 10, volume={'size': 1}, databases=[{
            'name': 'shop'
        }], users=[{
            'name': 'app',
            'password': 'secret-1',
            'databases': [{
                'name': 'shop'
            }]
        }], datastore='mariadb', datastore_version='10.11', nics=[{
            'network_id': edge.cloud.network('private')['id']
        }], access={'is_public': False})
    assert made.status == 'BUILD'
    assert [one.id for one in trove.instances.list()] == [made.id]
    trove.instances.delete(made)
    assert trove.instances.get(made.id).status == 'SHUTDOWN'


def test_troveclient_pages_through_instances(edge, trove):
    worlds.quota_of_thousand(edge)
    worlds.twenty_five(edge)
    first = trove.instances.list()
    second = trove.instances.list(marker=first.next)
    assert (len(first), len(second), second.next) == (20, 5, None)
    assert not {one.id for one in first} & {one.id for one in second}


def test_troveclient_works_on_databases_and_users(edge, trove):
    worlds.orders(edge)
    trove.databases.create(ORDERS, [{'name': 'blog'}])
    assert sorted(one.name for one in trove.databases.list(ORDERS)) == ['blog', 'shop']
    trove.users.create(ORDERS, [{'name': 'amy@home', 'password': 'secret-2', 'host': '10.20.%',
                                 'databases': [{'name': 'blog'}]}])
    assert trove.users.get(ORDERS, 'amy@home', '10.20.%').host == '10.20.%'
    assert trove.users.get(ORDERS, 'ana.lyst', '10.20.%').name == 'ana.lyst'
    page = trove.users.list(ORDERS, limit=1)
    following = trove.users.list(ORDERS, limit=1, marker=page.next)
    assert [page[0].name, following[0].name] == ['amy@home', 'ana.lyst']
    trove.users.grant(ORDERS, 'app', ['blog'])
    assert sorted(one.name for one in trove.users.list_access(ORDERS, 'app')) == ['blog', 'shop']
    trove.users.revoke(ORDERS, 'app', 'blog')
    trove.users.update_attributes(ORDERS, 'app', newuserattr={'password': 'secret-3'})
    trove.users.delete(ORDERS, 'amy@home', '10.20.%')
    trove.databases.delete(ORDERS, 'blog')
    with pytest.raises(trove_errors.NotFound, match='cannot be found on the instance'):
        trove.users.delete(ORDERS, 'amy@home', '10.20.%')


def test_troveclient_changes_an_instance(edge, trove):
    worlds.orders(edge)
    trove.instances.update(ORDERS, name='invoices')
    assert trove.instances.get(ORDERS).name == 'invoices'
    trove.instances.update(ORDERS, remove_configuration=True)
    trove.instances.modify(ORDERS)
    with pytest.raises(trove_errors.NotFound):
        trove.instances.update(ORDERS, configuration=WORDS['nobody'])
    with pytest.raises(trove_errors.BadRequest, match='is not a replica'):
        trove.instances.update(ORDERS, detach_replica_source=True)
    with pytest.raises(trove_errors.BadRequest, match='cannot be found'):
        trove.instances.upgrade(ORDERS, 'eleven')
    with pytest.raises(trove_errors.BadRequest, match='one way at a time'):
        trove.instances.update(ORDERS, name='never', remove_configuration=True, is_public=True)
    trove.instances.update(ORDERS, is_public=True,
                           allowed_cidrs=['203.0.113.0/24', '2001:db8::/32'])
    found = trove.instances.get(ORDERS)
    assert (found.name, found.status, found.operating_status) == ('invoices', 'ACTIVE', '')


def test_openstackclient_updates_an_instance(edge, trove):
    worlds.orders(edge)
    app = argparse.Namespace(client_manager=argparse.Namespace(database=trove))
    command = database_instances.UpdateDatabaseInstance(app, None)
    for words in (['--name', 'invoices', '--is-public', '--allowed-cidr', '203.0.113.0/24', ORDERS],
                  ['--name', 'orders', 'invoices']):
        command.take_action(command.get_parser('update').parse_args(words))
    assert trove.instances.get(ORDERS).name == 'orders'
    assert edge.ask(
        'GET',
        f'/instances/{ORDERS}/operations').json['operations'][0]['kind'] == 'instance_update_access'


def test_openstackclient_resizes_instances(edge, trove):
    worlds.orders(edge)
    worlds.replicas(edge)
    app = argparse.Namespace(client_manager=argparse.Namespace(database=trove))
    for command, words in ((database_instances.ResizeDatabaseInstanceVolume, [
            ORDERS, '3'
    ]), (database_instances.ResizeDatabaseInstanceFlavor, [WORDS['source'], 'db.medium'])):
        made = command(app, None)
        made.take_action(made.get_parser('resize').parse_args(words))
    assert [trove.instances.get(one).status
            for one in (ORDERS, WORDS['source'])] == ['RESIZE', 'RESIZE']


def test_openstacksdk_resizes_instances(edge, sdk):
    worlds.orders(edge)
    worlds.replicas(edge)
    sdk.database.get_instance(ORDERS).resize_volume(sdk.database, 3)
    sdk.database.get_instance(WORDS['source']).resize(sdk.database, 'm2')
    assert [sdk.database.get_instance(one).status
            for one in (ORDERS, WORDS['source'])] == ['RESIZE', 'RESIZE']


def test_openstacksdk_renames_an_instance(edge, sdk):
    worlds.orders(edge)
    sdk.database.update_instance(ORDERS, name='invoices')
    assert sdk.database.get_instance(ORDERS).name == 'invoices'


def test_troveclient_acts_as_an_administrator(edge, session_of):
    worlds.orders(edge)
    worlds.silent(edge)
    admin = trove_client.Client(session=session_of('admin'), region_name='RegionOne')
    admin.mgmt_instances.stop(ORDERS)
    admin.mgmt_instances.reboot(WORDS['silent'])
    assert admin.mgmt_instances.show(WORDS['silent']).status == 'REBOOT'


def test_troveclient_enables_root(edge, trove):
    worlds.orders(edge)
    assert not trove.root.is_root_enabled(ORDERS).rootEnabled
    assert trove.root.create(ORDERS)[0] == 'root'
    assert trove.root.is_root_enabled(ORDERS).rootEnabled
    trove.root.disable_instance_root(ORDERS)


def test_troveclient_reads_the_rest(edge, trove, session_of):
    worlds.orders(edge)
    trove.instances.restart(ORDERS)
    assert [one.name for one in trove.datastores.list()] == ['mariadb']
    assert trove.datastore_versions.get('mariadb', '10.11').id == WORDS['version']
    assert [one.str_id for one in trove.flavors.list()] == ['10', 'm2']
    assert trove.flavors.get(10).ram == 1024
    assert trove.limits.list()[0].max_instances == 10
    admin = trove_client.Client(session=session_of('admin'), region_name='RegionOne')
    assert {one.resource
            for one in admin.quota.show(tokens.DEMO)} == {'instances', 'ram', 'volumes', 'backups'}
    assert admin.quota.update(tokens.DEMO, {'instances': 7}) == {'instances': 7}


def test_troveclient_gets_the_reason(edge, trove):
    with pytest.raises(trove_errors.NotFound, match='cannot be found'):
        trove.instances.get(WORDS['nobody'])
    with pytest.raises(trove_errors.BadRequest,
                       match="instance\\['flavorRef'\\] gigantic cannot be found"):
        trove.instances.create('a', 'gigantic', volume={'size': 1})
    with pytest.raises(trove_errors.RequestEntityTooLarge):
        trove.instances.create('a', 10, volume={'size': 100})
    with pytest.raises(trove_errors.Unauthorized):
        trove.quota.update(tokens.DEMO, {'instances': 7})


def test_openstacksdk_finds_and_deletes_an_instance(edge, sdk):
    # It cannot make one: its instance has no flavorRef.
    made = edge.ask('POST', '/instances',
                    {'instance': {
                        'name': 'least',
                        'flavorRef': 10,
                        'volume': {
                            'size': 1
                        }
                    }})
    found = sdk.database.find_instance('least')
    assert (found.id, found.status) == (made.json['instance']['id'], 'BUILD')
    sdk.database.delete_instance(found)
    assert sdk.database.get_instance(found.id).status == 'SHUTDOWN'
    assert [flavor.name for flavor in sdk.database.flavors()] == ['db.small', 'db.medium']


def test_openstacksdk_follows_pages(edge, sdk):
    worlds.quota_of_thousand(edge)
    worlds.twenty_five(edge)
    assert len(list(sdk.database.instances())) == 25


def test_openstacksdk_restarts_and_enables_root(edge, sdk):
    worlds.orders(edge)
    instance = sdk.database.get_instance(ORDERS)
    assert instance.is_root_enabled(sdk.database) is False
    assert instance.enable_root_user(sdk.database)['name'] == 'root'
    assert [one.name for one in sdk.database.databases(instance)] == ['shop']
    assert {one.name for one in sdk.database.users(instance)} == {'app', 'ana.lyst'}
    instance.restart(sdk.database)
    assert sdk.database.get_instance(ORDERS).status == 'REBOOT'
