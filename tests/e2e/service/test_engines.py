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
"""One suite, every engine: the whole life of an instance, spoken to with the engine's own client
over the network.

Calls that an engine's description excludes get the contract's error.
"""

import re
from typing import Any

import pytest
from control.rest import RestError

from tests.e2e.service.engines import DENIED
from tests.e2e.service.instances import Instance
from tests.e2e.service.running import Refused, factor, new_password, report, unique
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

#: Seconds from the request to ACTIVE on a warm sandbox, on a machine of its own.
CREATE_SECONDS = 15
GIB = 1024 ** 3


# --- create, connect -----------------------------------------------------------------------------

def test_it_is_there_in_time_and_can_be_used(service, instance):
    report(f'{instance.engine.name}: POST to ACTIVE in {instance.seconds:.1f} s')
    assert instance.seconds <= CREATE_SECONDS * factor()
    shown = service.show(instance.id)
    assert shown['datastore']['type'] == instance.engine.manager
    assert shown['datastore']['version'] == instance.engine.version
    instance.is_unharmed()
    assert instance.engine.whoami(instance.as_clerk(instance.engine.who())) == 'clerk'


def test_its_operating_status_is_healthy(service, instance):
    wait_for('the agent has reported it',
             lambda: service.show(instance.id)['operating_status'] == 'HEALTHY', 60)


def test_nobody_else_comes_in(instance):
    for user, password in (('clerk', 'wrong'), ('clerk', ''), ('nobody', instance.password),
                           ('os_admin', ''), ('root', ''), ('postgres', ''), ('default', '')):
        with pytest.raises(Refused, match=f'(?i){DENIED}'):
            instance.ask(user, password, instance.engine.who())


def test_only_the_engines_port_is_open_to_tenants(service, instance):
    group = service.rows('SELECT security_group_id AS id FROM instances WHERE id = :id',
                         id=instance.id)
    rules = [
        rule for rule in instance.holdings.cloud.network.security_group_rules(
            security_group_id=group[0].id) if rule.direction == 'ingress' and rule.protocol == 'tcp'
    ]
    from trove.common import engines as described
    assert {f'{rule.port_range_min}'
            for rule in rules} == set(described.of(instance.engine.manager).tcp_ports)


def test_the_agent_is_small(instance):
    pid = instance.inside('systemctl', 'show', '-P', 'MainPID', 'trove-guestagent').strip()
    status = dict(
        line.split(':', 1) for line in instance.inside('cat', f'/proc/{pid}/status').splitlines())
    resident = int(status['VmRSS'].split()[0]) / 1024
    report(f'{instance.engine.name}: the agent has {resident:.0f} MB resident')
    assert resident <= 60


# --- databases, users, grants, root --------------------------------------------------------------

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
    assert instance.engine.whoami(instance.ask('assistant', second, instance.engine.who(),
                                               database)) == 'assistant'
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
    shown = instance.ask(given['name'], given['password'], instance.engine.who())
    assert instance.engine.whoami(shown) == given['name']
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
    """The call gets the contract's error, and nothing happens."""
    engine = instance.engine
    one = {'databases': [{'name': 'ab'}]}
    calls = [('databases', 'GET', '/databases', None), ('databases', 'POST', '/databases', one),
             ('databases', 'DELETE', '/databases/ab', None), ('users', 'GET', '/users', None),
             ('grants', 'GET', '/users/clerk/databases', None),
             ('grants', 'PUT', '/users/clerk/databases', one), ('root', 'GET', '/root', None)]
    refused_for = set()
    for capability, method, path, body in calls:
        if not engine.can(capability):
            with pytest.raises(RestError,
                               match=f'not supported for datastore {engine.manager}') as refused:
                instance.call(method, path, body)
            assert refused.value.status == 422
            refused_for.add(capability)
    if not engine.can('databases'):
        with pytest.raises(RestError, match='not supported') as refused:
            service.create(unique('never'), datastore=engine.datastore, databases=[{'name': 'ab'}])
        assert refused.value.status == 400
    assert refused_for == {'databases', 'users', 'grants', 'root'} - {
        capability
        for capability in ('databases', 'users', 'grants', 'root')
        if engine.can(capability)
    }


# --- configuration -------------------------------------------------------------------------------

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
        wait_for(f'{kind} is over', lambda: self._instance.operation(kind)['state'] in
                 ('succeeded', 'failed'), 90, passing=(StopIteration,),
                 state=lambda: self._instance.service.story(self._instance.id))


def test_options_are_in_force_at_once(service, instance):
    name, value = instance.engine.at_once
    before = instance.option(name)
    assert before != instance.engine.shown[name]
    began = instance.began()
    with Group(instance, **{name: value}) as group:
        group.attach()
        assert instance.operation(
            'instance_attach_configuration')['state'] == 'succeeded', service.story(instance.id)
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
        assert instance.option(
            dynamic) == instance.engine.shown[dynamic], 'what can be taken is taken'
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
    instance.is_unharmed()


def test_what_is_the_services_cannot_be_set(instance):
    name, value = instance.engine.impossible
    with pytest.raises(RestError, match=name) as refused:
        Group(instance, **{name: value})
    assert refused.value.status == 422


# --- restart, resize, rebuild --------------------------------------------------------------------

def test_a_restart_keeps_the_data(service, instance):
    began = instance.began()
    instance.action({'restart': {}})
    assert instance.operation('instance_restart')['state'] == 'succeeded', service.story(
        instance.id)
    assert instance.began() != began
    instance.is_unharmed()


def test_the_engine_comes_back_when_it_is_killed(service, instance):
    began = instance.began()
    pid = instance.inside('systemctl', 'show', '-P', 'MainPID', instance.engine.unit).strip()
    instance.inside('kill', '-9', pid)
    wait_for('the engine serves again', lambda: instance.began() != began, 60, passing=(Refused,))
    instance.is_unharmed()


def test_the_volume_grows_and_the_file_system_with_it(service, instance):
    assert instance.capacity() < GIB
    shown = instance.action({'resize': {'volume': {'size': 2}}})
    assert shown['volume']['size'] == 2
    assert instance.capacity() > 1.8 * GIB
    assert instance.operation('instance_resize_volume')['state'] == 'succeeded', service.story(
        instance.id)
    instance.is_unharmed()


def test_another_flavor_is_another_configuration(service, instance):
    def amount() -> int:
        number, unit = re.fullmatch(r'(\d+)(\w*)', instance.option(instance.engine.sized)).groups()
        return int(number) * {'': 1, 'kB': 1024, 'MB': 1024 ** 2, 'GB': GIB}[unit]

    before = amount()
    shown = instance.action({'resize': {'flavorRef': '2'}})
    assert shown['flavor']['id'] == '2'
    assert instance.operation('instance_resize_flavor')['state'] == 'succeeded', service.story(
        instance.id)
    assert amount() > before
    instance.is_unharmed()


def test_a_rebuild_keeps_data_users_and_address(service, instance):
    """The machine is made anew from its image; what is on the volume is all that stays."""
    image = service.rows(
        'SELECT v.image_id FROM datastore_versions v JOIN instances i '
        'ON i.datastore_version_id = v.id WHERE i.id = :id', id=instance.id)[0].image_id
    began = instance.began()
    instance.inside('touch', '/var/tmp/of-the-former-machine')
    service.trove('POST', f'/mgmt/instances/{instance.id}/action', {'rebuild': {
        'image_id': image
    }}, user='admin')
    service.wait_active(instance.id)
    assert instance.operation('instance_rebuild')['state'] == 'succeeded', service.story(
        instance.id)
    assert 'of-the-former-machine' not in instance.inside('ls', '/var/tmp')
    assert service.address(service.show(instance.id)) == instance.address
    assert instance.began() != began
    assert instance.names('users') == ['clerk']
    instance.is_unharmed()


# --- logs ----------------------------------------------------------------------------------------

def test_logs_are_listed_and_switched(instance):
    logs = {log['name']: log for log in instance.call('GET', '/log')['logs']}
    switched = [name for name, log in logs.items() if log['type'] == 'USER']
    for name in switched:
        shown = instance.call('POST', '/log', {'name': name, 'enable': 1})['log']
        assert shown['status'] not in ('Disabled', 'Unavailable'), shown
        instance.as_clerk(instance.engine.read('first'))
        wait_for(
            'the log has something',
            lambda: [log for log in instance.call('GET', '/log')['logs']
                     if log['name'] == name][0]['pending'] > 0, 20)
        shown = instance.call('POST', '/log', {'name': name, 'disable': 1})['log']
        assert shown['status'] in ('Disabled', 'Ready', 'Partial', 'Published'), shown
    instance.is_unharmed()


# --- delete --------------------------------------------------------------------------------------

def test_nothing_is_left_of_a_deleted_instance(service, holdings, engine):
    before = holdings.settled()
    made = service.create(unique('gone'), datastore=engine.datastore)
    service.wait_active(made)
    service.delete(made)
    service.wait_gone(made)
    holdings.assert_as_before(before)
