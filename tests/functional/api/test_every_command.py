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

"""Every command of the installed client: each does its work, or prints the contract's error.

A command that the client gains and nobody drives here fails :func:`test_no_command_is_left_out`.
"""

import types
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from osc_lib.exceptions import CommandError
from troveclient import exceptions as trove_errors

from tests.functional.api import tokens, worlds
from tests.functional.api.shell import COMMANDS, Openstack, Staff
from tests.functional.api.stories import WORDS
from trove.db import operations, session

ORDERS = WORDS['orders']


class Refused(NamedTuple):
    """End of a command that cannot be done here.

    :ivar status: of the answer; None for a failure of the client itself.
    """
    status: int | None
    words: str


class Drive(NamedTuple):
    """One call of one command.

    :ivar expects: a check of what is printed, a refusal, or None for a command that prints nothing.
    :ivar records: kind of the operation that is open afterwards.
    """
    words: str
    arguments: tuple[str, ...]
    expects: Callable[[Any], Any] | Refused | None = None
    world: tuple[str, ...] = ()
    token: str = 'demo'
    records: str = ''


def names(*expected: str, key: str = 'Name') -> Callable[[Any], Any]:
    """The rows have these names."""
    return lambda rows: sorted(row[key] for row in rows) == sorted(expected)


def has(**fields: Any) -> Callable[[Any], Any]:
    """The object has these fields."""
    return lambda shown: {key: shown.get(key.replace('__', '.')) for key in fields} == fields


NO_CLUSTER = Refused(None,
                     'No cluster|could not be found|cannot be found|was not found|Unable to find')
NOT_HERE = 'not supported|cannot be used'

DRIVES = [
    # --- backups ---------------------------------------------------------------------------------
    Drive('database backup create',
          ('nightly', '-i', 'orders', '--description', 'd', '--incremental'),
          has(status='NEW', name='nightly', instance_id=ORDERS), records='backup_create'),
    Drive('database backup create',
          ('from', '--restore-from', 'http://elsewhere/v1/a/b/c', '--restore-datastore-version',
           WORDS['version'], '--restore-size', '1'), Refused(400, 'remote_location')),
    Drive('database backup delete', ('backup',), None, ('some_backups',)),
    Drive('database backup list', (), lambda rows: len(rows) == 4, ('some_backups',)),
    Drive('database backup list', ('--datastore', 'mariadb', '-i', 'orders', '--limit', '2'),
          lambda rows: len(rows) >= 2, ('some_backups',)),
    Drive('database backup list', ('--all-projects',), lambda rows: len(rows) == 5,
          ('some_backups',), 'admin'),
    Drive('database backup list', ('--all-projects',), Refused(403, 'backup:index:all_projects'),
          ('some_backups',)),
    Drive('database backup list instance', ('orders',), lambda rows: len(rows) == 3,
          ('some_backups',)),
    Drive('database backup show', ('increment',),
          has(id=WORDS['increment'], parent_id=WORDS['backup']), ('some_backups',)),
    Drive('database backup show', ('nothing',), Refused(None, 'No backup')),
    Drive('database backup strategy create', ('--instance-id', ORDERS, '--swift-container', 'mine'),
          has(instance_id=ORDERS, swift_container='mine', backend='swift')),
    Drive('database backup strategy list', (), lambda rows: len(rows) == 2, ('strategies',)),
    Drive('database backup strategy list', ('--project-id', tokens.DEMO, '--instance-id', ORDERS),
          lambda rows: len(rows) == 1, ('strategies',), 'admin'),
    Drive('database backup strategy delete', ('--instance-id', ORDERS), None, ('strategies',)),
    # --- clusters --------------------------------------------------------------------------------
    Drive('database cluster create',
          ('many', 'mariadb', '10.11', '--instance', 'flavor=10,volume=1'),
          Refused(501, 'Clusters are not supported for datastore mariadb')),
    Drive('database cluster list', (), names()),
    *(Drive(f'database cluster {word}', ('many', *more), NO_CLUSTER)
      for word, more in (('delete', ()), ('force delete',
                                          ()), ('grow', ('--instance', 'flavor=10,volume=1')),
                         ('list instances', ()), ('modules', ()), ('reset status', ()),
                         ('show', ()), ('shrink', ('one',)), ('upgrade', ('10.12',)))),
    # --- configurations --------------------------------------------------------------------------
    Drive('database configuration attach', (ORDERS, WORDS['group']), None, ('parameters', 'groups'),
          records='instance_attach_configuration'),
    Drive('database configuration attach', (ORDERS, WORDS['foreign-group']),
          Refused(404, 'cannot be found'), ('parameters', 'groups')),
    Drive('database configuration create',
          ('tuned', '{"max_connections": 200}', '--datastore', 'mariadb'),
          has(name='tuned', datastore_version_name='10.11'), ('parameters',)),
    Drive('database configuration default', ('orders',),
          lambda shown: int(shown['max_connections']) > 0),
    Drive('database configuration delete', ('small',), None, ('groups',)),
    Drive('database configuration detach', (ORDERS,), None),
    Drive('database configuration instances', (WORDS['attached-group'],), names('with-group'),
          ('attached',)),
    Drive('database configuration list', (), names('small'), ('groups',)),
    Drive('database configuration set',
          (WORDS['group'], '{"max_connections": 7}', '--name', 'smaller'), None,
          ('parameters', 'groups')),
    Drive('database configuration show', ('small',), has(name='small'), ('groups',)),
    Drive('database configuration parameter list', ('10.11', '--datastore', 'mariadb'),
          names(*worlds.PARAMETERS), ('parameters',)),
    Drive('database configuration parameter set', (WORDS['group'], '{"autocommit": true}'), None,
          ('parameters', 'groups')),
    Drive('database configuration parameter set', (WORDS['group'], '{"max_connections": "7"}'),
          Refused(422, 'must be an integer'), ('parameters', 'groups')),
    Drive('database configuration parameter show', (WORDS['version'], 'max_connections'),
          has(name='max_connections', max=100000), ('parameters',)),
    # --- databases, users, root ------------------------------------------------------------------
    Drive('database db create', ('orders', 'blog'), None),
    Drive('database db create', ('orders', 'shop'), Refused(400, 'already exists')),
    Drive('database db delete', ('orders', 'shop'), None),
    Drive('database db list', ('orders',), names('shop')),
    Drive('database user create', ('orders', 'amy', 'secret-9', '--databases', 'shop'), None),
    Drive('database user delete', ('orders', 'ana.lyst', '--host', '10.20.%'), None),
    Drive('database user delete', ('orders', 'nobody'),
          Refused(None, 'cannot be found on the instance')),
    Drive('database user grant access', ('orders', 'ana.lyst', 'shop', '--host', '10.20.%'), None),
    Drive('database user list', (ORDERS,), names('app', 'ana.lyst')),
    Drive('database user revoke access', ('orders', 'app', 'shop'), None),
    Drive('database user show', ('orders', 'app'), has(name='app', databases=[{
        'name': 'shop'
    }])),
    Drive('database user show access', ('orders', 'app'), names('shop')),
    Drive('database user update attributes',
          ('orders', 'app', '--new_password', 'secret-8', '--new_name', 'apply'), None),
    Drive('database root disable', ('orders',), Refused(404, 'never been enabled')),
    Drive('database root enable', ('orders', '--root_password', 'secret-7'),
          has(name='root', password='secret-7')),
    Drive('database root show', ('orders',), has(is_root_enabled=False)),
    # --- flavors, limits, quotas -----------------------------------------------------------------
    Drive('database flavor list', (), names('db.small', 'db.medium')),
    Drive('database flavor list',
          ('--datastore-type', 'mariadb', '--datastore-version-id', WORDS['version']),
          names('db.medium'), ('bound_flavor',)),
    Drive('database flavor show', ('10',), has(name='db.small', ram=1024)),
    Drive('database flavor show', ('db.medium',), has(name='db.medium', id='m2')),
    Drive('database limit list', (), lambda rows: len(rows) >= 1),
    Drive('database quota show', (tokens.DEMO,),
          names('instances', 'ram', 'volumes', 'backups', key='Resource'), token='admin'),
    Drive('database quota show', (tokens.OTHER,), Refused(403, 'quota:show')),
    Drive('database quota update', (tokens.DEMO, 'instances', '7'), has(instances=7),
          token='admin'),
    Drive('database quota update', (tokens.DEMO, 'instances', '7'), Refused(401, 'admin')),
    # --- instances -------------------------------------------------------------------------------
    Drive(
        'database instance create',
        ('least', '--flavor', 'db.small', '--size', '1', '--datastore', 'mariadb',
         '--datastore-version', '10.11', '--databases', 'one', 'two', '--users', 'joe:secret-6',
         '--nic', 'net-id=<private>', '--allowed-cidr', '203.0.113.0/24', '--locality', 'affinity'),
        has(name='least', status='BUILD', flavor='10', volume=1), records='instance_create'),
    Drive('database instance create',
          ('again', '--flavor', '10', '--size', '1', '--backup', 'backup'), Refused(400, NOT_HERE),
          ('some_backups',)),
    Drive('database instance create', ('again', '--replica-of', 'orders'), Refused(400, NOT_HERE)),
    Drive('database instance create',
          ('again', '--flavor', '10', '--size', '1', '--module', 'module'), has(status='BUILD'),
          ('some_modules',)),
    Drive('database instance delete', ('orders',), None, records='instance_delete'),
    Drive('database instance delete', ('--force', ORDERS), None, token='admin',
          records='instance_delete'),
    Drive('database instance detach', ('replica',), None, ('replicas',),
          records='instance_detach_replica'),
    Drive('database instance detach', ('orders',), Refused(400, 'is not a replica')),
    Drive('database instance eject', ('source',), None, ('silent_source',),
          records='instance_eject'),
    Drive('database instance force delete', (ORDERS,), None, token='admin',
          records='instance_delete'),
    Drive('database instance force delete', (ORDERS,), Refused(403, 'instance:reset_status')),
    Drive('database instance list', (), names('orders', 'source', 'replica'), ('replicas',)),
    Drive('database instance list', ('--all-projects',), names('orders', 'theirs'), ('foreign',),
          'admin'),
    Drive('database instance promote', ('replica',), None, ('replicas',),
          records='instance_promote'),
    Drive('database instance reboot', (ORDERS,), None, token='admin', records='instance_reboot'),
    Drive('database instance rebuild', (ORDERS, WORDS['image']), None, token='admin',
          records='instance_rebuild'),
    Drive('database instance reset status', (ORDERS,), None, token='admin'),
    Drive('database instance resize flavor', ('orders', 'db.medium'), None,
          records='instance_resize_flavor'),
    Drive('database instance resize volume', ('orders', '3'), None,
          records='instance_resize_volume'),
    Drive('database instance resize volume', ('orders', '1'), Refused(400, 'larger')),
    Drive('database instance restart', ('orders',), None, records='instance_restart'),
    Drive(
        'database instance show', ('orders',),
        has(name='orders', id=ORDERS, status='ACTIVE', operating_status='HEALTHY',
            datastore='mariadb', datastore_version='10.11', volume=2, volume_used=0.5)),
    Drive('database instance show', ('nothing',), Refused(None, 'No instance')),
    Drive('database instance update', ('orders', '--name', 'invoices'), None),
    Drive('database instance update', (ORDERS, '--is-public', '--allowed-cidr', '203.0.113.0/24'),
          None, records='instance_update_access'),
    Drive('database instance upgrade', ('orders', 'eleven'), Refused(400, 'cannot be found')),
    # --- logs ------------------------------------------------------------------------------------
    Drive('database log list', ('orders',), names('general'), ('logs',)),
    Drive('database log show', ('orders', 'general'), has(name='general', pending=15), ('logs',)),
    Drive('database log set', ('orders', 'general', '--disable'),
          has(name='general', status='Disabled'), ('logs',)),
    Drive('database log set', ('orders', 'nothing', '--enable'), Refused(400, 'nothing'),
          ('logs',)),
    # --- certificates ----------------------------------------------------------------------------
    Drive('database ssl show', ('orders',), has(status='off', mode='builtin')),
    Drive('database ssl show', ('orders', '--include-certificate'), has(status='off')),
    Drive('database ssl enable', ('orders', 'http://keys/1', '--mode', 'basic'),
          Refused(400, 'Not supported')),
    Drive('database ssl disable', ('orders',), Refused(400, 'Not supported')),
    Drive('database ssl rollback', ('orders',), Refused(400, 'Not supported')),
    # --- datastores ------------------------------------------------------------------------------
    Drive('datastore list', (), names('mariadb')),
    Drive('datastore show', ('mariadb',), has(name='mariadb')),
    Drive('datastore delete', ('mariadb',), Refused(None, 'still has versions'), token='admin'),
    Drive('datastore version list', ('mariadb',), names('10.11')),
    Drive('datastore version show', ('10.11', '--datastore', 'mariadb'), has(id=WORDS['version'])),
    Drive('datastore version create',
          ('8.0', 'mysql', 'mysql', WORDS['image'], '--active', '--default'), None, token='admin'),
    Drive('datastore version create', ('8.0', 'mysql', 'mysql', WORDS['image']),
          Refused(None, 'admin.*401')),
    Drive('datastore version set', (WORDS['old-version'], '--enable', '--version-name', 'new'),
          None, token='admin'),
    Drive('datastore version delete', (WORDS['old-version'],), None, token='admin'),
    Drive('datastore version delete', (WORDS['version'],), Refused(None, 'used.*400'),
          token='admin'),
]

#: Driven in a test of their own below.
ELSEWHERE = {'database log save', 'database log tail', 'database backup execution delete'}


def test_no_command_is_left_out():
    driven = {drive.words.replace(' ', '_')
              for drive in DRIVES} | {words.replace(' ', '_')
                                      for words in ELSEWHERE}
    assert driven == COMMANDS.keys()
    assert len(COMMANDS) >= 84


def identify(drive):
    return f'{drive.words}: {" ".join(drive.arguments)[:40]}'


@pytest.mark.parametrize('drive', DRIVES, ids=identify)
def test_a_command(edge, drive):
    worlds.orders(edge)
    for word in drive.world:
        getattr(worlds, word)(edge)
    arguments = [
        argument.replace('<private>',
                         edge.cloud.network('private')['id']) for argument in drive.arguments
    ]
    shell = Openstack(edge, drive.token)
    if isinstance(drive.expects, Refused):
        with pytest.raises((trove_errors.ClientException, trove_errors.CommandError, CommandError),
                           match=drive.expects.words) as refused:
            shell(drive.words, *arguments)
        if drive.expects.status is not None:
            assert refused.value.http_status == drive.expects.status
        return
    printed = shell(drive.words, *arguments)
    if drive.expects is not None:
        assert drive.expects(printed), printed
    if drive.records:
        with session.reader() as connection:
            assert drive.records in {row.kind for row in operations.count_open(connection)}


def test_a_log_is_read_where_it_was_published(edge, tmp_path, capsys):
    worlds.orders(edge)
    worlds.logs(edge)
    edge.conf.set_override('guest_log_wait', 0)
    staff, shell = Staff(edge), Openstack(edge, 'demo')
    shell('database log tail', 'orders', 'general')
    assert 'No published' in capsys.readouterr().out
    shell('database log set', 'orders', 'general', '--publish')
    staff.work()
    assert shell('database log show', 'orders', 'general')['published'] == 15
    capsys.readouterr()
    shell('database log tail', 'orders', 'general', '--lines', '2')
    assert capsys.readouterr().out.split() == ['twö', 'three']
    target = tmp_path / 'general.log'
    shell('database log save', 'orders', 'general', '--file', str(target))
    assert target.read_text() == 'one\ntwö\nthree\n'


def test_an_execution_is_none_of_ours(edge):
    """The command speaks to the workflow service only."""
    shell, deleted = Openstack(edge, 'demo'), []
    shell.database.backups._get_mistral_client = lambda: types.SimpleNamespace(
        executions=types.SimpleNamespace(delete=deleted.append))
    assert shell('database backup execution delete', 'an-execution') is None
    assert deleted == ['an-execution']
