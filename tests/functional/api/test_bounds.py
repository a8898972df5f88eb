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

"""Limits of a create: what can be stored, sent to a guest, and created there."""

import time

import pytest

from trove.common import engines, exception
from trove.guestagent.datastore.mariadb.engine import MariaDB
from trove.instance import databases_and_users


#: Seconds of processor time that checking a body may take; comparing all with all takes twenty.
CHECKING = 4.0


def refused(edge, **fields):
    body = {'instance': {'name': 'orders', 'flavorRef': '10', 'volume': {'size': 2}, **fields}}
    response = edge.ask('POST', '/instances', body)
    assert response.status_int == 400, response.text
    return response.json['badRequest']['message']


@pytest.mark.parametrize(
    'flavor', ('detail', 'http://nova/flavors/detail', '%2e%2e', '%2E%2E%2Fdetail', '10?a', '10#a',
               'a b', 'ü1', '😀1', 'x' * 255, 10**3000, '10/os-extra_specs', '10\\..'))
def test_a_flavor_is_an_id_and_never_a_path_in_nova(edge, flavor):
    edge.cloud.requests.clear()
    assert "instance['flavorRef']" in refused(edge, flavorRef=flavor)
    assert not [path for _method, path in edge.cloud.requests if path.endswith(('/detail', '/10'))]


@pytest.mark.parametrize('fields,named', (({
    'access': {
        'allowed_cidrs': [f'10.{number // 256}.{number % 256}.0/24' for number in range(5000)]
    }
}, "instance['access']['allowed_cidrs']"), ({
    'databases': [{
        'name': f'base{number}'
    } for number in range(1001)]
}, "instance['databases']"), ({
    'users': [{
        'name': f'user{number}',
        'password': 'p'
    } for number in range(1001)]
}, "instance['users']")))
def test_lists_have_an_end(edge, fields, named):
    assert named in refused(edge, **fields)


@pytest.mark.parametrize('users', ([{
    'name': 'app',
    'password': 'p',
    'databases': [{
        'name': f'base{number}'
    } for number in range(3000)]
}], [{
    'name': '',
    'password': ''
}] * 20000))
def test_a_long_list_is_refused_without_much_ado(edge, users):
    """One request must not keep a worker from all others."""
    began = time.process_time()
    assert "instance['users']" in refused(edge, users=users)
    assert time.process_time() - began < CHECKING


@pytest.mark.parametrize(
    'path,status',
    (('/instances?marker=%00', 400), ('/instances?marker=%2500', 400), ('/instances?x=%00', 400),
     ('/instances/%00', 404), ('/instances/a%00/operations', 404), ('/operations/%00', 404),
     ('/flavors/%00', 404)))
def test_null_characters_stay_outside(edge, path, status):
    response = edge.ask('GET', path)
    assert response.status_int == status
    assert '\\u0000' not in response.text


@pytest.mark.parametrize(
    'name', ('trove_x', 'repl_x', 'mysql', 'mariadb.sys', 'healthcheck', 'public', 'PUBLIC', 'root',
             'os_admin', 'a😀', 'a\ufffe', 'a' * 32, 'ü', 'a b', 'a@b', '1', '%a', 'a\u00a0'))
def test_a_user_the_edge_takes_is_one_the_guest_takes(edge, name):
    """Otherwise a whole machine is built before the refusal."""
    user = {'name': name, 'password': 'pä😀'}
    try:
        [checked] = databases_and_users.check_users('mariadb', [user], 'users')
    except exception.BadRequest:
        return
    MariaDB().check_user(checked['name'], checked['host'], checked['password'])


@pytest.mark.parametrize(
    'host',
    ('%', '127.0.0.1', '::1', 'localhost', '10.0.%', '%.1', '10.0.0.1', '%%', '1', '10', 'a'))
@pytest.mark.parametrize('strict', (True, False))
def test_a_host_the_edge_takes_is_one_the_guest_takes(edge, host, strict):
    edge.conf.set_override('hostname_require_valid_ip', strict)
    try:
        databases_and_users.check_host('mariadb', host, 'host')
    except exception.BadRequest:
        return
    MariaDB().check_user('app', host)


@pytest.mark.parametrize('name', ('mysql', 'MYSQL', 'Sys', 'information_schema', 'lost+found',
                                  'a b', 'a#b', 'ab', 'x' * 64, '-a', 'a ', 'test', '#mysql50#a'))
def test_a_database_the_edge_takes_is_one_the_guest_takes(edge, name):
    try:
        [checked] = databases_and_users.check_databases('mariadb', [{'name': name}], 'databases')
    except exception.BadRequest:
        return
    MariaDB().check_database(checked)


@pytest.mark.parametrize('manager', sorted(name for name, engine in engines.known().items()
                                           if engines.DATABASES in engine.capabilities))
def test_a_database_is_one_that_a_path_can_name(edge, manager):
    """A name that no URL could delete is refused: a quoted slash is a slash to our servers."""
    with pytest.raises(exception.BadRequest, match=r"databases\[0\]\['name'\] 'north/south' must"):
        databases_and_users.check_databases(manager, [{'name': 'north/south'}], 'databases')
