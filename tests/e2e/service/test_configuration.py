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

"""Configuration groups on real engines: what waits is named exactly, what cannot be never leaves a
database down.

That options come and go at all stands in test_engines.py.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.service.engines import FIRST_ENGINE_OFTEN, Engine
from tests.e2e.service.holdings import Holdings
from tests.e2e.service.instances import Instance
from tests.e2e.service.running import Service, log_line, unique
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

#: Seconds until a change behind our back has been reported: two reports of a guest, and some.
REPORTED = 75


@pytest.fixture(scope='module', params=FIRST_ENGINE_OFTEN, ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


def finished(service: Service, operation_id: str) -> dict[str, Any]:
    """An operation, when it has ended."""
    def look() -> dict[str, Any] | None:
        found = service.trove('GET', f'/operations/{operation_id}')['operation']
        return found if found['finished'] else None
    return wait_for(f'operation {operation_id} is over', look, 120)


class Group:
    """A configuration group."""

    def __init__(self, service: Service, engine: Engine, **values: Any) -> None:
        self._service = service
        self.id: str = service.trove('POST', '/configurations', {
            'configuration': {
                'name': unique('group'),
                'values': values,
                'datastore': engine.datastore
            }
        })['configuration']['id']

    def put(self, **values: Any) -> dict[str, Any]:
        """Replace the values, and wait until they are applied to all instances.

        :returns: the operation, with what came of it.
        """
        self._service.trove('PUT', f'/configurations/{self.id}',
                            {'configuration': {
                                'values': values
                            }})
        newest = self._service.rows(
            'SELECT id FROM operations WHERE resource_id = :id ORDER BY created DESC', id=self.id)
        return finished(self._service, newest[0].id)

    def up_to_date(self) -> dict[str, bool]:
        """Instance -> whether it has the values."""
        found = self._service.trove('GET', f'/configurations/{self.id}/instances')['instances']
        return {instance['id']: instance['up_to_date'] for instance in found}


@pytest.fixture(scope='module')
def group(service: Service, engine: Engine, instances: list[Instance]) -> Group:
    """The group that both instances have."""
    name, value = engine.at_once
    made = Group(service, engine, **{name: value})
    for instance in instances:
        instance.call('PUT', '', {'instance': {'configuration': made.id}})
        assert over(instance)['state'] == 'succeeded', service.story(instance.id)
    return made


@pytest.fixture(scope='module')
def instances(service: Service, holdings: Holdings, engine: Engine) -> Iterator[list[Instance]]:
    made = [Instance(service, holdings, engine), Instance(service, holdings, engine)]
    yield made
    for instance in made:
        service.delete(instance.id)
    for instance in made:
        service.wait_gone(instance.id)


@pytest.fixture
def one(instances: list[Instance]) -> Instance:
    return instances[0]


def over(instance: Instance) -> dict[str, Any]:
    """The newest operation on an instance, when it has ended."""
    return finished(instance.service, instance.service.operations(instance.id)[0]['id'])


def restarted(instance: Instance) -> dict[str, Any]:
    instance.call('POST', '/action', {'restart': {}})
    return over(instance)


def until(instance: Instance, what: str, so: Callable[[dict[str, Any]], Any],
          seconds: float = 30) -> dict[str, Any]:
    """Wait until an instance shows something. :returns: the instance as it is shown then."""
    def look() -> dict[str, Any] | None:
        shown = instance.service.show(instance.id)
        return shown if so(shown) else None
    return wait_for(what, look, seconds, state=lambda: instance.service.story(instance.id))


def test_the_defaults_are_those_of_the_flavor(one, engine):
    shown = one.call('GET', '/configuration')['instance']['configuration']
    assert shown, 'each engine has options of its own'
    assert engine.sized in shown and (engine.name != 'mariadb' or shown[engine.sized] == '460M')


def test_an_edit_reaches_every_instance(group, instances, engine):
    (dynamic, now), (static, later) = engine.at_once, engine.at_restart
    ended = group.put(**{dynamic: now, static: later})
    assert ended['state'] == 'succeeded', ended
    assert {child['resource_id']: child['state'] for child in ended['children']} == {
        instance.id: 'succeeded' for instance in instances}
    assert group.up_to_date() == {instance.id: True for instance in instances}
    for instance in instances:
        shown = until(instance, 'a restart is required',
                      lambda shown: shown['status'] == 'RESTART_REQUIRED')
        assert shown['pending_restart'] == [static], 'exactly what waits'
        assert instance.option(dynamic) == engine.shown[dynamic]
    ended = group.put(**{dynamic: now})
    assert ended['state'] == 'succeeded', ended
    for instance in instances:
        until(instance, 'nothing waits',
              lambda shown: shown['status'] == 'ACTIVE' and 'pending_restart' not in shown)


def test_what_an_engine_refuses_changes_nothing(group, instances, engine):
    (name, value), (dynamic, now) = engine.refused, engine.at_once
    before = {instance.id: instance.option(dynamic) for instance in instances}
    good = {dynamic: now + 1 if isinstance(now, int) else '13MB'}
    ended = group.put(**good, **{name: value})
    assert (ended['state'], ended['error']['code']) == ('failed',
                                                        'configuration_not_applied'), ended
    assert {child['error']['code']
            for child in ended['children']} == {'guest_configuration_refused'}
    for instance in instances:
        assert instance.option(dynamic) == before[instance.id]
        assert instance.service.show(instance.id)['status'] == 'ACTIVE'
        assert name in instance.service.show(instance.id)['fault']['message']
    assert group.up_to_date() == {instance.id: False for instance in instances}
    ended = group.put(**good)
    assert ended['state'] == 'succeeded', ended
    assert 'fault' not in instances[0].service.show(instances[0].id)


@pytest.mark.parametrize('how', ['restart', 'crash', 'reboot'])
def test_a_database_is_never_left_down(service, group, one, engine, how):
    """The options pass every check, and the engine does not start with them."""
    (name, value), (dynamic, now) = engine.deadly, engine.at_once
    assert group.put(**{dynamic: now, name: value})['state'] == 'succeeded'
    until(one, 'a restart is required', lambda shown: shown['status'] == 'RESTART_REQUIRED')
    if how == 'restart':
        ended = restarted(one)
        assert (ended['state'], ended['error']['code']) == ('failed',
                                                            'guest_configuration_taken_back'), ended
    elif how == 'reboot':
        service.trove('POST', f'/mgmt/instances/{one.id}/action', {'reboot': {}}, user='admin')
        assert over(one)['state'] == 'succeeded', service.story(one.id)
    else:
        pid = one.inside('systemctl', 'show', '-P', 'MainPID', engine.unit).strip()
        one.inside('kill', '-9', pid)
    shown = until(one, 'it runs with its former values and gives the reason', lambda shown: (
        shown['operating_status'] == 'RESTART_REQUIRED' and 'fault' in shown), 90)
    log_line(f'{engine.name}, {how}: {shown["fault"]["message"][:300]}')
    assert shown['status'] == 'RESTART_REQUIRED' and shown['pending_restart'] == [name]
    wait_for('the database serves', lambda: one.option(dynamic) == engine.shown[dynamic], 30,
             passing=(Exception,))
    assert group.put(**{dynamic: now})['state'] == 'succeeded'
    until(one, 'all is well', lambda shown: shown['status'] == 'ACTIVE' and 'fault' not in shown)
    assert restarted(one)['state'] == 'succeeded', service.story(one.id)


def test_a_reboot_makes_true_what_waits(service, group, one, engine):
    (dynamic, now), (static, later) = engine.at_once, engine.at_restart
    assert group.put(**{dynamic: now, static: later})['state'] == 'succeeded'
    until(one, 'a restart is required', lambda shown: shown['status'] == 'RESTART_REQUIRED')
    service.trove('POST', f'/mgmt/instances/{one.id}/action', {'reboot': {}}, user='admin')
    assert over(one)['state'] == 'succeeded', service.story(one.id)
    until(one, 'nothing waits',
          lambda shown: shown['status'] == 'ACTIVE' and 'pending_restart' not in shown)
    assert one.option(static) == engine.shown[static]


def test_foreign_changes_are_found_and_reported(service, group, one, engine):
    name, _value = engine.at_once
    assert one.option(name) == engine.shown[name]
    one.inside(*engine.behind_our_back(name, engine.another))
    assert one.option(name) == engine.another
    shown = until(one, 'the drift is shown', lambda shown: 'drifted_options' in shown, REPORTED)
    assert shown['drifted_options'] == [name] and shown['status'] == 'ACTIVE'
    events = [event['type'] for event in one.call('GET', '/events')['events']]
    assert events.count('instance.options_drifted') == 1
    one.inside(*engine.behind_our_back(name, engine.shown[name]))
    until(one, 'the drift is over', lambda shown: 'drifted_options' not in shown, REPORTED)


def test_an_instance_is_made_with_a_group(service, holdings, engine, group):
    name, value = engine.at_restart
    dynamic, now = engine.at_once
    assert group.put(**{dynamic: now, name: value})['state'] == 'succeeded'
    made = Instance(service, holdings, engine, configuration=group.id)
    try:
        assert made.option(name) == engine.shown[name], 'also what would need a restart'
        assert service.show(made.id)['configuration']['id'] == group.id
        assert group.up_to_date()[made.id]
    finally:
        service.delete(made.id)
        service.wait_gone(made.id)
