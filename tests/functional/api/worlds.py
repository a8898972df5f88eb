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

"""Worlds of stories: each word of a story's ``world`` list is a function here."""

import base64
import datetime
import pathlib
import hashlib
from typing import Any

from tests.functional.api import tokens
from tests.functional.api.edge import OLD_VERSION_ID, VERSION_ID, Edge
from tests.functional.api.stories import WORDS
from trove.db import (backup_strategies, backups, configurations, datastores, events,
                      instance_faults, instances, modules, operations, root_history,
                      service_statuses, session)


def orders(edge: Edge) -> None:
    """A healthy instance with a guest that answers, one database and two users."""
    key = edge.instance(WORDS['orders'], created=datetime.datetime(2031, 4, 2, 8, 15),
                        access={'is_public': False})
    guest = edge.guest(WORDS['orders'], key)
    guest.engine.create_database({
        'name': 'shop',
        'character_set': 'utf8mb4',
        'collate': 'utf8mb4_general_ci'
    })
    guest.engine.create_user({
        'name': 'app',
        'password': 'first-secret',
        'host': '%',
        'databases': [{
            'name': 'shop'
        }]
    })
    guest.engine.create_user({
        'name': 'ana.lyst',
        'password': 'second-secret',
        'host': '10.20.%',
        'databases': []
    })


def logs(edge: Edge) -> None:
    """The general log of ``orders`` is on and has three lines, the journal has two lines of the
    engine.
    """
    guest = edge.running[WORDS['orders']]
    guest.agent._manager.logs.switch('general', True)
    machine = guest.machine
    pathlib.Path(machine.path('/var/lib/mysql/logs/general.log')).write_text('one\ntwö\nthree\n')
    machine.unit('memory').logged += ['[Note] starting', '[Note] ready']


def building(edge: Edge) -> None:
    """An instance that is being created."""
    edge.instance(WORDS['building'], name='building', active=False)
    _operation(WORDS['building'], 'instance_create')


def foreign(edge: Edge) -> None:
    """A healthy instance of another project, with a guest that answers."""
    key = edge.instance(WORDS['foreign'], tenant=tokens.OTHER, name='theirs')
    edge.guest(WORDS['foreign'], key)


def stopped(edge: Edge) -> None:
    """An instance with a stopped engine."""
    edge.instance(WORDS['stopped'], name='stopped')
    with session.writer() as connection:
        service_statuses.set_status(connection, WORDS['stopped'], 'shutdown', session.utcnow())


def failed(edge: Edge) -> None:
    """An instance with a failed create."""
    edge.instance(WORDS['failed'], name='failed', active=False, error_code='volume_failed')
    with session.writer() as connection:
        instance_faults.store(connection, WORDS['failed'], 'The volume could not be made.',
                              'Cinder returned 500', datetime.datetime(2031, 4, 2, 9, 0))


def silent(edge: Edge) -> None:
    """An instance that looks healthy but has a silent guest."""
    edge.instance(WORDS['silent'], name='silent')


def replicas(edge: Edge) -> None:
    """A source and its replica."""
    edge.instance(WORDS['source'], name='source')
    edge.instance(WORDS['replica'], name='replica', slave_of_id=WORDS['source'])


def other_engine(edge: Edge) -> None:
    """An instance of an engine without databases and users."""
    version = '9b1f0c7e-9a42-4d0c-8a0e-6f0f3f6f9a99'
    with session.writer() as connection:
        datastore_id = datastores.ensure_datastore(connection, 'redis')
        connection.execute(datastores.VERSIONS.insert().values(
            id=version, datastore_id=datastore_id, name='7', version='7.0', manager='redis',
            image_id=None, image_tags='redis', active=True, registry_ext='', repl_strategy=''))
    edge.instance(WORDS['other-engine'], name='cache', datastore_version_id=version)


def twenty_five(edge: Edge) -> None:
    """More instances than fit on a page."""
    for number in range(25):
        edge.instance(f'{number:08x}-aaaa-4aaa-8aaa-aaaaaaaaaaaa', name=f'n{number:02d}',
                      volume_size=1)


def a_few(edge: Edge) -> None:
    """Five instances, two with the same name and creation time, one of another datastore, one a
    replica.
    """
    for number, (name, minute) in enumerate(
            (('delta', 3), ('alpha', 1), ('echo', 0), ('alpha', 1), ('bravo', 4))):
        edge.instance(f'{number:08x}-cccc-4ccc-8ccc-cccccccccccc', name=name, volume_size=1,
                      created=datetime.datetime(2031, 4, 2, 8, minute),
                      slave_of_id='00000000-cccc-4ccc-8ccc-cccccccccccc' if number == 4 else None)
    other_engine(edge)


def quota_of_thousand(edge: Edge) -> None:
    """A quota that is in nobody's way."""
    edge.conf.set_override('max_instances_per_tenant', 1000)
    edge.conf.set_override('max_volumes_per_tenant', -1)


def history(edge: Edge) -> None:
    """Operations and events of ``orders``: one that ended, one that runs."""
    instance_id = WORDS['orders']
    with session.writer() as connection:
        operations.create(connection, kind='instance_create', resource_type='instance',
                          resource_id=instance_id, now=datetime.datetime(2031, 4, 2, 8, 15),
                          deadline=1800, project_id=tokens.DEMO, request_id='req-1',
                          actor='demo-user', operation_id='aaaaaaaa-0000-4000-8000-000000000001')
        connection.execute(operations.OPERATIONS.update().values(
            active=None, state='succeeded', steps='["EnsureVolume", "EnsureServer"]', position=2,
            finished=datetime.datetime(2031, 4, 2, 8, 16)))
        operations.begin_step(connection, 'aaaaaaaa-0000-4000-8000-000000000001', 'EnsureVolume', 1,
                              datetime.datetime(2031, 4, 2, 8, 15))
        operations.create(connection, kind='instance_restart', resource_type='instance',
                          resource_id=instance_id, now=datetime.datetime(2031, 4, 2, 9, 0),
                          deadline=300, project_id=tokens.DEMO, request_id='req-2',
                          actor='demo-user', operation_id='aaaaaaaa-0000-4000-8000-000000000002')
        for minute in range(3):
            events.add(connection, resource_type='instance', resource_id=instance_id,
                       type='instance_create.step', text=f'Event {minute}.', now=datetime.datetime(
                           2031, 4, 2, 8, 15 + minute), project_id=tokens.DEMO,
                       operation_id='aaaaaaaa-0000-4000-8000-000000000001')


def unfinished(edge: Edge) -> None:
    """A resize that runs, an administrator's rebuild, a restart that failed, and a create that did.
    """
    _operation(WORDS['stopped'], 'instance_resize_volume',
               id_='aaaaaaaa-0000-4000-8000-000000000003',
               args={'size': 3, 'former_size': 2, 'quota': {'volumes': 1}})
    _operation(WORDS['foreign'], 'instance_rebuild', id_='aaaaaaaa-0000-4000-8000-000000000004',
               tenant=tokens.OTHER)
    for number, (instance_id, kind) in ((5, (WORDS['silent'], 'instance_restart')),
                                        (6, (WORDS['failed'], 'instance_create'))):
        operation_id = f'aaaaaaaa-0000-4000-8000-{number:012d}'
        _operation(instance_id, kind, id_=operation_id)
        with session.writer() as connection:
            connection.execute(operations.OPERATIONS.update().where(
                operations.OPERATIONS.c.id == operation_id).values(
                    active=None, state='failed', error_code='internal', finished=session.utcnow()))


def inactive_default(edge: Edge) -> None:
    """The default version of the datastore was switched off, and another one is active."""
    with session.writer() as connection:
        connection.execute(datastores.VERSIONS.update().where(
            datastores.VERSIONS.c.id == VERSION_ID).values(active=False))


def same_names(edge: Edge) -> None:
    """Two versions called 10.11."""
    with session.writer() as connection:
        version = datastores.version(connection, VERSION_ID)
        connection.execute(datastores.VERSIONS.insert().values(
            id='7b1f0c7e-9a42-4d0c-8a0e-6f0f3f6f9a77', datastore_id=version.datastore_id,
            name='10.11', version='10.11.99', manager='mariadb', image_id=version.image_id,
            active=True, registry_ext='', repl_strategy=''))


def no_volumes(edge: Edge) -> None:
    """The engine keeps its data on the disk of the server."""
    edge.conf.set_override('volume_support', False, 'mariadb')


def member(edge: Edge) -> None:
    """An instance that an older release left in a cluster."""
    edge.instance(WORDS['stopped'], name='member', cluster_id=WORDS['nobody'])


def later_version(edge: Edge) -> None:
    """A version 11.4 with an image of its own."""
    with session.writer() as connection:
        version = datastores.version(connection, VERSION_ID)
        connection.execute(datastores.VERSIONS.insert().values(
            id='8c1f0c7e-9a42-4d0c-8a0e-6f0f3f6f9a88', datastore_id=version.datastore_id,
            name='11.4', version='11.4.2', manager='mariadb', image_id=version.image_id,
            active=True, registry_ext='', repl_strategy=''))


def bound_flavor(edge: Edge) -> None:
    """The version is restricted to one flavor and one volume type."""
    with session.writer() as connection:
        datastores.bind(connection, VERSION_ID, 'flavor', 'm2', session.utcnow())
        datastores.bind(connection, VERSION_ID, 'volume_type', 'fast', session.utcnow())


#: Parameter rules: name -> type, whether it needs a restart, maximum, minimum.
PARAMETERS = {
    'max_connections': ('integer', False, '100000', '1'),
    'innodb_buffer_pool_size': ('integer', True, '68719476736', '0'),
    'autocommit': ('boolean', False, None, None),
    'long_query_time': ('float', False, '31536000.5', '0'),
    'sql_mode': ('string', False, None, None),
    'master_password': ('string', False, None, None),
}


def parameters(edge: Edge) -> None:
    """The active version has parameter rules; the inactive one has one."""
    with session.writer() as connection:
        for version_id, names in ((VERSION_ID, PARAMETERS), (OLD_VERSION_ID, ['max_connections'])):
            datastores.replace_parameters(connection, version_id, [{
                'name': name,
                'data_type': kind,
                'restart_required': restart,
                'max_size': largest,
                'min_size': smallest
            } for name, (kind, restart, largest, smallest) in PARAMETERS.items() if name in names])


def groups(edge: Edge) -> None:
    """A configuration group, and one of another project."""
    _group('group', 'small', tokens.DEMO, {'max_connections': 100, 'master_password': 'hidden-1'})
    _group('foreign-group', 'theirs', tokens.OTHER, {'max_connections': 7})


def attached(edge: Edge) -> None:
    """A group that an instance of the project and one of another project have."""
    _group('attached-group', 'used', tokens.DEMO, {'max_connections': 100})
    edge.instance(WORDS['stopped'], name='with-group', configuration_id=WORDS['attached-group'])
    edge.instance(WORDS['foreign'], tenant=tokens.OTHER, name='theirs',
                  configuration_id=WORDS['attached-group'])


def thirty_groups(edge: Edge) -> None:
    """More groups than fit on a page."""
    for number in range(30):
        _group(f'{number:08x}-bbbb-4bbb-8bbb-bbbbbbbbbbbb', f'g{number:02d}', tokens.DEMO, {})


def _group(word: str, name: str, tenant: str, requested: dict[str, Any]) -> None:
    configuration_id = WORDS.get(word, word)
    moment = datetime.datetime(2031, 4, 2, 8, 15)
    with session.writer() as connection:
        connection.execute(configurations.CONFIGURATIONS.insert().values(
            id=configuration_id, name=name, description='for tests', tenant_id=tenant,
            datastore_version_id=VERSION_ID, created=moment, updated=moment))
        configurations.replace_values(connection, configuration_id, requested)


def _backup(word: str, state: str, tenant: str = tokens.DEMO, minute: int = 0,
            **values: Any) -> None:
    moment = datetime.datetime(2031, 4, 2, 8, 15 + minute)
    with session.writer() as connection:
        backups.create(
            connection, {
                'id': WORDS[word],
                'name': word,
                'description': None,
                'tenant_id': tenant,
                'state': state,
                'instance_id': WORDS['orders'],
                'datastore_version_id': VERSION_ID,
                'storage_driver': 'swift',
                'backup_type': 'full',
                **values
            }, moment)


def some_backups(edge: Edge) -> None:
    """Backups of ``orders`` (a complete one, an increment on it, a failed one), a registered and a
    foreign one.
    """
    _backup('backup', 'COMPLETED', size=0.5)
    _backup('increment', 'COMPLETED', minute=1, parent_id=WORDS['backup'],
            backup_type='incremental', size=0.1)
    _backup('failed-backup', 'FAILED', minute=2, error_code='not_supported_by_datastore',
            error_text='Backups are not supported for datastore mariadb.')
    _backup('registered-backup', 'RESTORED', minute=3, instance_id=None, size=5,
            location=f'http://store/v1/AUTH_{tokens.DEMO}/kept/yesterday')
    _backup('foreign-backup', 'COMPLETED', tenant=tokens.OTHER, minute=4,
            instance_id=WORDS['foreign'])


def running_backup(edge: Edge) -> None:
    """A backup that is being made."""
    _backup('running-backup', 'BUILDING')
    with session.writer() as connection:
        connection.execute(backups.BACKUPS.update().where(
            backups.BACKUPS.c.id == WORDS['running-backup']).values(updated=session.utcnow()))


def some_modules(edge: Edge) -> None:
    """A module of the project, one of everybody, a hidden one, a foreign one, one for redis, one
    that may change.
    """
    with session.writer() as connection:
        datastore_id = datastores.ensure_datastore(connection, 'redis')
    _module(edge, 'module')
    _module(edge, 'public-module', tenant_id=None, is_admin=True)
    _module(edge, 'hidden-module', visible=False, is_admin=True)
    _module(edge, 'foreign-module', tenant_id=tokens.OTHER)
    _module(edge, 'redis-module', datastore_id=datastore_id)
    _module(edge, 'live-module', live_update=True, apply_order=1)


def _module(edge: Edge, word: str, **values: Any) -> None:
    contents = base64.b64encode(f'message=hello from {word}\n'.encode())
    whole = {
        'id': WORDS[word],
        'name': word,
        'type': 'ping',
        'description': None,
        'tenant_id': tokens.DEMO,
        'datastore_id': None,
        'datastore_version_id': None,
        'auto_apply': False,
        'visible': True,
        'live_update': False,
        'priority_apply': False,
        'apply_order': 5,
        'is_admin': False,
        'contents': edge.keys.seal(WORDS[word], contents),
        'md5': hashlib.md5(contents).hexdigest(),
        **values
    }
    with session.writer() as connection:
        modules.create(connection, whole, datetime.datetime(2031, 4, 2, 8, 15))


def applied_module(edge: Edge) -> None:
    """``orders`` has ``module``."""
    assert edge.ask('POST', f'/instances/{WORDS["orders"]}/modules',
                    {'modules': [{'id': WORDS['module']}]}).status_int == 200


def strategies(edge: Edge) -> None:
    """Where backups of the project go, and those of ``orders``."""
    with session.writer() as connection:
        for instance_id, container in (('', 'ours'), (WORDS['orders'], 'orders')):
            backup_strategies.put(connection, tokens.DEMO, instance_id, 'swift', container,
                                  session.utcnow())


def silent_source(edge: Edge) -> None:
    """A source with an agent that has been silent for long, and its replica."""
    replicas(edge)
    with session.writer() as connection:
        statuses = service_statuses.STATUSES
        connection.execute(statuses.update().where(
            statuses.c.instance_id == WORDS['source']).values(
                updated_at=datetime.datetime(2026, 1, 1)))


def gone(edge: Edge) -> None:
    """An instance that was deleted."""
    edge.instance(WORDS['gone'], name='gone')
    with session.writer() as connection:
        root_history.record_enabled(connection, WORDS['gone'], 'demo-user',
                                    datetime.datetime(2031, 4, 2, 8, 15))
        instances.mark_deleted(connection, WORDS['gone'], session.utcnow())


def _operation(instance_id: str, kind: str, *, id_: str | None = None, tenant: str = tokens.DEMO,
               args: dict[str, Any] | None = None) -> None:
    with session.writer() as connection:
        operations.create(connection, kind=kind, resource_type='instance', resource_id=instance_id,
                          operation_id=id_, now=session.utcnow(), deadline=1800, project_id=tenant,
                          args=args)


def make(edge: Edge, requested: list[str]) -> dict[str, Any]:
    """Make what a story wants; returns the words only known now."""
    for name in requested:
        globals()[name.replace('-', '_')](edge)
    private, second = edge.cloud.network('private'), edge.cloud.network('second')
    return {'private': private['id'], 'private-subnet': private['subnet'], 'second': second['id'],
            'second-subnet': second['subnet']}
