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
"""One suite, every engine: the whole life of an instance, spoken to with the engine's own client over the network.

What an engine cannot do, its description says; such calls answer with the contract's error.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib import parse

import pytest
from control.rest import RestError

from tests.e2e.service.engines import DENIED, ENGINES, Engine
from tests.e2e.service.holdings import Holdings
from tests.e2e.service.instances import Instance
from tests.e2e.service.running import Refused, Service, factor, new_password, report, unique
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

#: Seconds from the request to ACTIVE on a warm sandbox, on a machine of its own.
CREATE_SECONDS = 15
GIB = 1024 ** 3
EMOJI = '\U0001F511'


@pytest.fixture(scope='module', params=ENGINES, ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


@pytest.fixture(scope='module')
def instance(service: Service, holdings: Holdings, engine: Engine) -> Iterator[Instance]:
    made = Instance(service, holdings, engine)
    yield made
    service.delete(made.id)
    service.wait_gone(made.id)


@pytest.fixture
def needs(engine: Engine):
    """Skips a test about something that the engine does not have; that is tried in a test of its own."""
    def check(capability: str) -> None:
        if not engine.can(capability):
            pytest.skip(f'{engine.name} has no {capability}, see test_what_an_engine_cannot_do')
    return check


# --- create, connect -------------------------------------------------------------------------------------

def test_it_is_there_in_time_and_can_be_used(service, instance):
    report(f'{instance.engine.name}: POST to ACTIVE in {instance.seconds:.1f} s')
    assert instance.seconds <= CREATE_SECONDS * factor()
    shown = service.show(instance.id)
    assert shown['datastore']['type'] == instance.engine.manager
    assert shown['datastore']['version'] == instance.engine.version
    instance.as_clerk(instance.engine.write('first', 'one'))
    assert instance.as_clerk(instance.engine.read('first')) == ['one']
    assert instance.engine.whoami(instance.as_clerk(instance.engine.who())) == 'clerk'


def test_its_operating_status_is_healthy(service, instance):
    wait_for('the agent has said so', lambda: service.show(instance.id)['operating_status'] == 'HEALTHY', 60)


def test_nobody_else_comes_in(instance):
    for user, password in (('clerk', 'wrong'), ('clerk', ''), ('nobody', instance.password), ('os_admin', ''),
                           ('root', ''), ('postgres', ''), ('default', '')):
        with pytest.raises(Refused, match=f'(?i){DENIED}'):
            instance.ask(user, password, instance.engine.who())


def test_only_the_engines_port_is_open_to_tenants(service, instance):
    group = service.rows('SELECT security_group_id AS id FROM instances WHERE id = :id', id=instance.id)
    rules = [rule for rule in instance.holdings.cloud.network.security_group_rules(security_group_id=group[0].id)
             if rule.direction == 'ingress' and rule.protocol == 'tcp']
    from trove.common import engines as described
    assert {f'{rule.port_range_min}' for rule in rules} == set(described.of(instance.engine.manager).tcp_ports)


def test_the_agent_is_small(instance):
    pid = instance.inside('systemctl', 'show', '-P', 'MainPID', 'trove-guestagent').strip()
    status = dict(line.split(':', 1) for line in instance.inside('cat', f'/proc/{pid}/status').splitlines())
    resident = int(status['VmRSS'].split()[0]) / 1024
    report(f'{instance.engine.name}: the agent has {resident:.0f} MB resident')
    assert resident <= 60


# --- databases, users, grants, root ------------------------------------------------------------------------

def test_databases_come_and_go(needs, instance):
    needs('databases')
    assert instance.names('databases') == ['orders', 'stock']
    instance.call('POST', '/databases', {'databases': [{'name': 'archive'}, {'name': 'scratch'}]})
    assert instance.names('databases') == ['archive', 'orders', 'scratch', 'stock']
    with pytest.raises(RestError, match='archive') as refused:
        instance.call('POST', '/databases', {'databases': [{'name': 'archive'}]})
    assert refused.value.status == 400
    for name in ('archive', 'scratch'):
        instance.call('DELETE', f'/databases/{name}')
    assert instance.names('databases') == ['orders', 'stock']
    with pytest.raises(RestError) as refused:
        instance.call('DELETE', '/databases/archive')
    assert refused.value.status == 404


def test_users_come_change_and_go(service, instance):
    first, second = new_password(), new_password()
    service.passwords.add(second)
    databases = ('stock',) if instance.engine.can('databases') else ()
    instance.call('POST', '/users', {'users': [instance.user('helper', first, *databases)]})
    assert instance.names('users') == ['clerk', 'helper']
    database = 'stock' if databases else ''
    assert instance.ask('helper', first, instance.engine.who(), database)
    instance.call('PUT', '/users', {'users': [{'name': 'helper', 'password': second}]})
    with pytest.raises(Refused, match=f'(?i){DENIED}'):
        instance.ask('helper', first, instance.engine.who(), database)
    assert instance.ask('helper', second, instance.engine.who(), database)
    instance.call('PUT', '/users/helper', {'user': {'name': 'assistant'}})
    assert instance.names('users') == ['assistant', 'clerk']
    assert instance.engine.whoami(instance.ask('assistant', second, instance.engine.who(), database)) == 'assistant'
    assert instance.call('GET', '/users/assistant')['user']['name'] == 'assistant'
    with pytest.raises(RestError) as refused:
        instance.call('POST', '/users', {'users': [instance.user('clerk', new_password())]})
    assert refused.value.status == 400
    instance.call('DELETE', '/users/assistant')
    assert instance.names('users') == ['clerk']
    with pytest.raises(Refused, match=f'(?i){DENIED}'):
        instance.ask('assistant', second, instance.engine.who(), database)
    with pytest.raises(RestError) as refused:
        instance.call('GET', '/users/assistant')
    assert refused.value.status == 404


def test_a_grant_opens_a_database_and_a_revoke_closes_it(needs, instance):
    needs('grants')
    password = new_password()
    instance.call('POST', '/users', {'users': [instance.user('helper', password)]})
    try:
        with pytest.raises(Refused, match=f'(?i){DENIED}'):
            instance.ask('helper', password, 'SELECT 1', 'stock')
        instance.call('PUT', '/users/helper/databases', {'databases': [{'name': 'stock'}]})
        assert instance.call('GET', '/users/helper/databases') == {'databases': [{'name': 'stock'}]}
        instance.ask('helper', password, instance.engine.write('a', 'b'), 'stock')
        with pytest.raises(Refused, match=f'(?i){DENIED}'):
            instance.ask('helper', password, 'SELECT 1', 'orders')
        instance.call('DELETE', '/users/helper/databases/stock')
        assert instance.call('GET', '/users/helper/databases') == {'databases': []}
        with pytest.raises(Refused, match=f'(?i){DENIED}'):
            instance.ask('helper', password, 'SELECT 1', 'stock')
    finally:
        instance.call('DELETE', '/users/helper')


def test_root_is_enabled_and_disabled(service, instance):
    assert instance.call('GET', '/root') == {'rootEnabled': False}
    given = instance.call('POST', '/root')['user']
    service.passwords.add(given['password'])
    assert instance.engine.whoami(instance.ask(given['name'], given['password'], instance.engine.who())) == given['name']
    assert instance.call('GET', '/root') == {'rootEnabled': True}
    second = instance.call('POST', '/root')['user']['password']
    service.passwords.add(second)
    with pytest.raises(Refused, match=f'(?i){DENIED}'):
        instance.ask(given['name'], given['password'], instance.engine.who())
    assert instance.ask(given['name'], second, instance.engine.who())
    instance.call('DELETE', '/root')
    with pytest.raises(Refused, match=f'(?i){DENIED}'):
        instance.ask(given['name'], second, instance.engine.who())
    assert instance.call('GET', '/root') == {'rootEnabled': False}
    assert instance.names('users') == ['clerk']


def test_what_an_engine_cannot_do(service, instance):
    """It says so, with the error of the contract, and nothing happens."""
    engine = instance.engine
    calls = [('databases', 'GET', '/databases', None), ('databases', 'POST', '/databases', {'databases': [{'name': 'ab'}]}),
             ('databases', 'DELETE', '/databases/ab', None), ('users', 'GET', '/users', None),
             ('grants', 'GET', '/users/clerk/databases', None), ('root', 'GET', '/root', None),
             ('grants', 'PUT', '/users/clerk/databases', {'databases': [{'name': 'ab'}]})]
    refused_for = set()
    for capability, method, path, body in calls:
        if not engine.can(capability):
            with pytest.raises(RestError, match=f'not supported for datastore {engine.manager}') as refused:
                instance.call(method, path, body)
            assert refused.value.status == 422
            refused_for.add(capability)
    if not engine.can('databases'):
        with pytest.raises(RestError, match='not supported') as refused:
            service.create(unique('never'), datastore=engine.datastore, databases=[{'name': 'ab'}])
        assert refused.value.status == 400
    assert refused_for == {'databases', 'users', 'grants', 'root'} - {
        capability for capability in ('databases', 'users', 'grants', 'root') if engine.can(capability)}


# --- hostile names ---------------------------------------------------------------------------------------

HOSTILE = ["o'brien", 'dou"ble', 'back\\slash', 'per%cent', 'under_score', 'tick`', 'semi;colon', '$(id)', '{0}', '%s', ':x',
           '--', '/*', "'; DROP DATABASE orders; --", 'select', '\u00e9t\u00e9', EMOJI, 'nul\0', 'new\nline', 'tab\t', ' lead',
           'trail ', 'two words', 'a' * 63, 'a' * 64, 'a' * 65, '\u00e9' * 31, '\u00e9' * 32, EMOJI * 15, EMOJI * 16, 'dot.json',
           'a@b', '+group', '@name', '#hash', '>secret', '~*', 'half\ud83d']


def user_id(name: str) -> str:
    """A user in a path: by contract quoted once for HTTP, and once more for the resource."""
    return parse.quote(parse.quote(f'{name}@%', safe=''), safe='')


def _kept(instance: Instance) -> None:
    """Nothing else came to harm."""
    assert instance.as_clerk(instance.engine.read('first')) == ['one']


@pytest.mark.parametrize('name', HOSTILE, ids=ascii)
def test_a_database_has_exactly_its_name_or_is_refused(needs, instance, name):
    needs('databases')
    before = instance.names('databases')
    try:
        instance.call('POST', '/databases', {'databases': [{'name': name}]})
    except RestError as refused:
        assert refused.status == 400 and len(str(refused)) > 10
        assert instance.names('databases') == before
    else:
        assert sorted(instance.names('databases')) == sorted([*before, name])
        instance.call('PUT', '/users/clerk/databases', {'databases': [{'name': name}]})
        instance.ask('clerk', instance.password, 'SELECT 1', name)
        instance.call('DELETE', f'/databases/{parse.quote(name, safe="")}')
        assert instance.names('databases') == before
    _kept(instance)


@pytest.mark.parametrize('name', HOSTILE, ids=ascii)
def test_a_user_has_exactly_its_name_or_is_refused(instance, name):
    password = new_password()
    databases = ('orders',) if instance.engine.can('databases') else ()
    try:
        instance.call('POST', '/users', {'users': [instance.user(name, password, *databases)]})
    except RestError as refused:
        assert refused.status == 400 and len(str(refused)) > 10
        assert instance.names('users') == ['clerk']
    else:
        assert sorted(instance.names('users')) == sorted(['clerk', name])
        assert instance.engine.whoami(instance.ask(name, password, instance.engine.who())) == name
        instance.call('DELETE', f'/users/{user_id(name)}')
        assert instance.names('users') == ['clerk']
    _kept(instance)


@pytest.mark.parametrize('part', HOSTILE, ids=ascii)
def test_a_password_is_exactly_this_one_or_is_refused(instance, part):
    password = f'{new_password()}{part}'
    databases = ('orders',) if instance.engine.can('databases') else ()
    try:
        instance.call('POST', '/users', {'users': [{'name': 'helper', 'password': password,
                                                    **({'databases': [{'name': 'orders'}]} if databases else {})}]})
    except RestError as refused:
        assert refused.status == 400 and password not in str(refused)
        assert instance.names('users') == ['clerk']
    else:
        assert instance.ask('helper', password, instance.engine.who())
        with pytest.raises(Refused, match=f'(?i){DENIED}'):
            instance.ask('helper', password[:-1], instance.engine.who())
        instance.call('DELETE', '/users/helper')
    _kept(instance)


def test_wildcards_in_a_grant_stand_for_themselves(needs, instance):
    needs('grants')
    password = new_password()
    names = [name for name in ('foo_bar', 'fooXbar', 'fo-o', 'foo-')]
    instance.call('POST', '/databases', {'databases': [{'name': name} for name in names]})
    instance.call('POST', '/users', {'users': [instance.user('helper', password, 'foo_bar')]})
    try:
        instance.ask('helper', password, instance.engine.write('a', 'b'), 'foo_bar')
        for name in names[1:]:
            with pytest.raises(Refused, match=f'(?i){DENIED}'):
                instance.ask('helper', password, 'SELECT 1', name)
        assert instance.call('GET', '/users/helper/databases') == {'databases': [{'name': 'foo_bar'}]}
    finally:
        instance.call('DELETE', '/users/helper')
        for name in names:
            instance.call('DELETE', f'/databases/{name}')


# --- configuration -----------------------------------------------------------------------------------------

class Group:
    """A configuration group, gone at the end."""

    def __init__(self, instance: Instance, **values: Any) -> None:
        self._instance = instance
        made = instance.service.trove('POST', '/configurations', {'configuration': {
            'name': unique('group'), 'values': values, 'datastore': instance.engine.datastore}})
        self.id = made['configuration']['id']

    def __enter__(self) -> 'Group':
        return self

    def __exit__(self, *exception: object) -> None:
        if self._instance.service.show(self._instance.id).get('configuration'):
            self.detach()
        self._instance.service.trove('DELETE', f'/configurations/{self.id}')

    def attach(self) -> None:
        self._instance.call('PUT', '', {'instance': {'configuration': self.id}})
        self._settled('instance_attach_configuration')

    def detach(self) -> None:
        self._instance.call('PUT', '', {'instance': {}})
        self._settled('instance_detach_configuration')

    def _settled(self, kind: str) -> None:
        wait_for(f'{kind} is over', lambda: self._instance.operation(kind)['state'] in ('succeeded', 'failed'), 90,
                 passing=(StopIteration,), state=lambda: self._instance.service.story(self._instance.id))


def test_options_are_in_force_at_once(service, instance):
    name, value = instance.engine.at_once
    before = instance.option(name)
    assert before != instance.engine.shown[name]
    began = instance.began()
    with Group(instance, **{name: value}) as group:
        group.attach()
        assert instance.operation('instance_attach_configuration')['state'] == 'succeeded', service.story(instance.id)
        assert instance.option(name) == instance.engine.shown[name]
        assert service.show(instance.id)['status'] == 'ACTIVE'
        assert service.show(instance.id)['configuration']['id'] == group.id
        group.detach()
        assert instance.option(name) == before
    assert instance.began() == began, 'without a restart'


def test_options_that_need_a_restart_wait_for_one(service, instance):
    (dynamic, now), (static, later) = instance.engine.at_once, instance.engine.at_restart
    before = instance.option(static)
    with Group(instance, **{dynamic: now, static: later}) as group:
        group.attach()
        assert instance.option(dynamic) == instance.engine.shown[dynamic], 'what can be taken is taken'
        assert instance.option(static) == before
        service.wait_status(instance.id, 'RESTART_REQUIRED', 20)
        instance.call('POST', '/action', {'restart': {}})
        service.wait_active(instance.id)
        assert instance.option(static) == instance.engine.shown[static]
        group.detach()
        service.wait_status(instance.id, 'RESTART_REQUIRED', 20)
        instance.call('POST', '/action', {'restart': {}})
        service.wait_active(instance.id)
    assert instance.option(static) == before
    _kept(instance)


def test_what_is_the_services_cannot_be_set(instance):
    name, value = instance.engine.impossible
    with pytest.raises(RestError, match=name) as refused:
        Group(instance, **{name: value})
    assert refused.value.status == 422


# --- restart, resize, rebuild ---------------------------------------------------------------------------------

def test_a_restart_keeps_the_data(service, instance):
    began = instance.began()
    instance.action({'restart': {}})
    assert instance.operation('instance_restart')['state'] == 'succeeded', service.story(instance.id)
    assert instance.began() != began
    _kept(instance)


def test_the_engine_comes_back_when_it_is_killed(service, instance):
    began = instance.began()
    pid = instance.inside('systemctl', 'show', '-P', 'MainPID', instance.engine.unit).strip()
    instance.inside('kill', '-9', pid)
    wait_for('the engine serves again', lambda: instance.began() != began, 60, passing=(Refused,))
    _kept(instance)


def test_the_volume_grows_and_the_file_system_with_it(service, instance):
    assert instance.capacity() < GIB
    shown = instance.action({'resize': {'volume': {'size': 2}}})
    assert shown['volume']['size'] == 2
    assert instance.capacity() > 1.8 * GIB
    assert instance.operation('instance_resize_volume')['state'] == 'succeeded', service.story(instance.id)
    _kept(instance)


def test_another_flavor_is_another_configuration(service, instance):
    memory = {'mariadb': 'innodb_buffer_pool_size', 'postgresql': 'shared_buffers', 'redis': 'maxmemory'}

    def amount() -> int:
        number, unit = re.fullmatch(r'(\d+)(\w*)', instance.option(memory[instance.engine.name])).groups()
        return int(number) * {'': 1, 'kB': 1024, 'MB': 1024 ** 2, 'GB': GIB}[unit]

    before = amount()
    shown = instance.action({'resize': {'flavorRef': '2'}})
    assert shown['flavor']['id'] == '2'
    assert instance.operation('instance_resize_flavor')['state'] == 'succeeded', service.story(instance.id)
    assert amount() > before
    _kept(instance)


def test_a_rebuild_keeps_data_users_and_address(service, instance):
    """The machine is made anew from its image; what is on the volume is all that stays."""
    image = service.rows('SELECT v.image_id FROM datastore_versions v JOIN instances i ON i.datastore_version_id = v.id '
                         'WHERE i.id = :id', id=instance.id)[0].image_id
    began = instance.began()
    instance.inside('touch', '/var/tmp/of-the-former-machine')
    service.trove('POST', f'/mgmt/instances/{instance.id}/action', {'rebuild': {'image_id': image}}, user='admin')
    service.wait_active(instance.id)
    assert instance.operation('instance_rebuild')['state'] == 'succeeded', service.story(instance.id)
    assert 'of-the-former-machine' not in instance.inside('ls', '/var/tmp')
    assert service.address(service.show(instance.id)) == instance.address
    assert instance.began() != began
    assert instance.names('users') == ['clerk']
    _kept(instance)


# --- logs ----------------------------------------------------------------------------------------------------

def test_logs_are_listed_and_switched(instance):
    logs = {log['name']: log for log in instance.call('GET', '/log')['logs']}
    switched = [name for name, log in logs.items() if log['type'] == 'USER']
    for name in switched:
        shown = instance.call('POST', '/log', {'name': name, 'enable': 1})['log']
        assert shown['status'] not in ('Disabled', 'Unavailable'), shown
        instance.as_clerk(instance.engine.read('first'))
        wait_for('the log has something', lambda: [
            log for log in instance.call('GET', '/log')['logs'] if log['name'] == name][0]['pending'] > 0, 20)
        shown = instance.call('POST', '/log', {'name': name, 'disable': 1})['log']
        assert shown['status'] in ('Disabled', 'Ready', 'Partial', 'Published'), shown
    _kept(instance)


# --- delete --------------------------------------------------------------------------------------------------

def test_nothing_is_left_of_a_deleted_instance(service, holdings, engine):
    before = holdings.settled()
    made = service.create(unique('gone'), datastore=engine.datastore)
    service.wait_active(made)
    service.delete(made)
    service.wait_gone(made)
    holdings.assert_as_before(before)
