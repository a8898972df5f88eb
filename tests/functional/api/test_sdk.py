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

"""Every call of openstacksdk's database proxy: each works, or raises the contract's error."""

import re
from collections.abc import Callable
from typing import Any

import openstack
import pytest
import requests
from keystoneauth1 import session as keystone_session
from minicloud import inprocess
from openstack import exceptions
from openstack.config import cloud_region
from openstack.database.v1 import _proxy

from tests.functional.api import tokens, worlds
from tests.functional.api.shell import ADDRESS
from tests.functional.api.stories import WORDS
from trove.db import instances, session

ORDERS = WORDS['orders']


@pytest.fixture
def sdk(edge):
    body = tokens.document('demo')
    endpoint = f'{ADDRESS}/v1.0/{tokens.DEMO}'
    body.add_service('database', 'trove').add_standard_endpoints(
        public=endpoint, internal=endpoint, admin=endpoint, region='RegionOne')
    transport = requests.Session()
    # Links are those of public_endpoint, which is https.
    for scheme in ('http', 'https'):
        transport.mount(f'{scheme}://dbaas.example.net:8779',
                        inprocess.WSGIAdapter(edge.application))
    login = keystone_session.Session(auth=inprocess.TokenAuth('demo', body), session=transport)
    worlds.orders(edge)
    return openstack.connection.Connection(
        config=cloud_region.from_session(login, region_name='RegionOne')).database


def made_one(sdk):
    """The client knows no flavorRef."""
    sdk.create_instance(name='least', flavor=10, volume={'size': 1})


def deleted_one(sdk):
    sdk.delete_instance(ORDERS)
    assert sdk.get_instance(ORDERS).status == 'SHUTDOWN'


def updated_one(sdk):
    assert sdk.update_instance(ORDERS, name='invoices')
    assert sdk.get_instance(ORDERS).name == 'invoices'


def gone(sdk):
    instance = sdk.get_instance(ORDERS)
    session.write(instances.mark_deleted, ORDERS, session.utcnow())
    sdk.wait_for_delete(instance, interval=0.01, wait=5)


def made_database(sdk):
    sdk.create_database(ORDERS, name='blog')
    assert sorted(one.name for one in sdk.databases(ORDERS)) == ['blog', 'shop']


#: call -> what drives it, and what it is refused with: the class of the failure and words of it
CALLS: dict[str, tuple[Callable[[Any], Any], type[Exception] | None, str]] = {
    'create_instance': (made_one, exceptions.BadRequestException,
                        r"instance\['flavorRef'\] is required"),
    'get_instance': (lambda sdk: sdk.get_instance(ORDERS).status == 'ACTIVE', None, ''),
    'find_instance': (lambda sdk: sdk.find_instance('orders').id == ORDERS, None, ''),
    'instances': (lambda sdk: [one.name for one in sdk.instances()] == ['orders'], None, ''),
    'update_instance': (updated_one, None, ''),
    'delete_instance': (deleted_one, None, ''),
    'wait_for_status': (
        lambda sdk: sdk.wait_for_status(sdk.get_instance(ORDERS), 'active', interval=0.01, wait=5),
        None, ''),
    'wait_for_delete': (gone, None, ''),
    'create_database': (made_database, None, ''),
    'databases': (lambda sdk: [one.name for one in sdk.databases(ORDERS)] == ['shop'], None, ''),
    # They can be listed only; looking for one begins with a call that the client does not let
    # itself make.
    'find_database': (lambda sdk: sdk.find_database('shop', ORDERS), exceptions.MethodNotSupported,
                      'fetch'),
    'get_database': (lambda sdk: sdk.get_database('shop', ORDERS), exceptions.MethodNotSupported,
                     'fetch'),
    'delete_database': (
        lambda sdk: sdk.delete_database('shop', ORDERS) or not list(sdk.databases(ORDERS)), None,
        ''),
    # It is sent to a path that was never there.
    'create_user': (lambda sdk: sdk.create_user(ORDERS, name='amy', password='secret-1'),
                    exceptions.NotFoundException, 'could not be found'),
    'users': (lambda sdk: {one.name
                           for one in sdk.users(ORDERS)} == {'app', 'ana.lyst'}, None, ''),
    'find_user': (lambda sdk: sdk.find_user('app', ORDERS), exceptions.MethodNotSupported, 'fetch'),
    'get_user': (lambda sdk: sdk.get_user('app', ORDERS), exceptions.MethodNotSupported, 'fetch'),
    'delete_user': (lambda sdk: sdk.delete_user('app', ORDERS) or
                    [one.name for one in sdk.users(ORDERS)] == ['ana.lyst'], None, ''),
    'flavors': (lambda sdk: [one.name
                             for one in sdk.flavors()] == ['db.small', 'db.medium'], None, ''),
    'get_flavor': (lambda sdk: sdk.get_flavor('10').ram == 1024, None, ''),
    'find_flavor': (lambda sdk: sdk.find_flavor('db.medium').name == 'db.medium', None, ''),
}


def test_no_call_is_left_out():
    assert {name for name, value in vars(_proxy.Proxy).items()
            if callable(value) and not name.startswith('_')} == CALLS.keys()


@pytest.mark.parametrize('name', CALLS)
def test_a_call(sdk, name):
    drive, failure, words = CALLS[name]
    if failure is None:
        assert drive(sdk) is not False
        return
    with pytest.raises(failure) as raised:
        drive(sdk)
    assert re.search(words, str(raised.value))
