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

"""What the calls on databases, users and root share: an instance that serves, and its guest's answer or failure.

These calls are synchronous by contract: the guest is asked while the client waits.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from oslo_config import cfg
from trove.db.session import Row

from trove.common import engines, exception, notification, states
from trove.common.rpc import clients, messages
from trove.common.rpc.messages import base
from trove.common.http.request import Request
from trove.db import notifications
from trove.instance import models, service

CONF = cfg.CONF

#: Longer names are nobody's; a guest would not even read the message.
MAX_NAME = 255

_MOST = 1000
_NAMED = base.needing(base.record(name=base.text(MAX_NAME)), 'name')
_USER = base.record(name=base.text(MAX_NAME), password=base.nullable(base.text(MAX_NAME)),
                    host=base.nullable(base.text(MAX_NAME)), databases=base.list_of(
                        _NAMED, 10 * _MOST))
#: What answers may hold, for ``gives`` of :func:`ask`.
DATABASES = {'databases': base.list_of(_NAMED, _MOST)}
ACCESS = {'databases': base.list_of(_NAMED, 10 * _MOST)}
USERS = {'users': base.list_of(base.needing(_USER, 'name'), _MOST)}
USER = {'user': base.nullable(base.needing(_USER, 'name'))}
ROOT = {'user': _USER}
_MARKER = base.nullable(base.text(4 * MAX_NAME))

#: capability -> what it is called in a refusal
_CALLED = {
    engines.DATABASES: 'Databases are',
    engines.USERS: 'Users are',
    engines.GRANTS: 'Grants are',
    engines.ROOT: 'Root is'
}

#: message to a guest -> the event it is on the notification bus; the others are not told
_EVENTS: dict[type[messages.Command], str] = {
    messages.CreateDatabases: 'database_create', messages.DeleteDatabase: 'database_delete',
    messages.CreateUsers: 'user_create', messages.DeleteUser: 'user_delete',
    messages.UpdateUser: 'user_update_attributes', messages.GrantAccess: 'user_grant',
    messages.RevokeAccess: 'user_revoke', messages.ChangePasswords: 'user_change_password',
}

#: Failures in which a guest means a database.
_OF_DATABASES = frozenset({'guest_not_found_database', 'guest_exists_database'})


def instance(request: Request, rule: str, instance_id: str, capability: str, *,
             only_own: bool = False) -> Row:
    """The instance, if the caller may and its engine serves now.

    :param capability: what the engine must be able to do, of :mod:`trove.common.engines`.

    :raises trove.common.exception.Unprocessable: no server, another kind of engine, or the engine is not running.
    """
    row = service.find(request, rule, instance_id, only_own=only_own)
    models.require_server(row)
    if capability not in engines.of(row.manager).capabilities:
        raise exception.Unprocessable(
            f'{_CALLED[capability]} not supported for datastore {row.manager}.')
    if row.service_status not in states.ServiceStatus.SERVING:
        raise exception.Unprocessable(
            f'Instance {row.id} is not ready, its database service status is '
            f'{states.OPERATING_WORDS.get(row.service_status, row.service_status)}.')
    return row


def ask(row: Row, message: messages.Command, *, named: Sequence[str] = (),
        databases: Sequence[str] = (), patient: bool = False,
        gives: Mapping[str, base.Check] | None = None) -> dict[str, Any]:
    """Ask the guest and wait.

    :param named: the users or databases the message is about, for failures.
    :param databases: the databases, where ``named`` are users.
    :param patient: allow the time of a long call.
    :param gives: the keys of the answer and what they may hold; others are dropped. A guest may be anybody's.
    :raises trove.common.exception.NotFound, BadRequest, GuestError:
    """
    timeout = CONF.agent_call_high_timeout if patient else CONF.agent_call_low_timeout
    try:
        with notifications.wrap(_EVENTS.get(type(message)), tenant_id=row.tenant_id,
                                request_id=notification.request_id(), **_told_of(row, message)):
            return _bounded(clients.guest(row).call(message, timeout), gives or {})
    except exception.GuestError as error:
        failure = _told(error, list((databases or named) if error.code in _OF_DATABASES else named))
        if failure is None:
            raise
        raise failure from error


def _bounded(answer: dict[str, Any], gives: Mapping[str, base.Check]) -> dict[str, Any]:
    try:
        checked = {key: check(key, answer.get(key)) for key, check in gives.items()}
        return {**checked, 'next_marker': _MARKER('next_marker', answer.get('next_marker'))}
    except ValueError as problem:
        raise exception.GuestError('The guest gave an answer that cannot be used.',
                                   detail=str(problem)) from None


def _told_of(row: Row, message: messages.Command) -> dict[str, Any]:
    """What a message is about, for notifications: names only, never a password."""
    told: dict[str, Any] = {'instance_id': row.id}
    match message:
        case messages.CreateDatabases():
            told['databases'] = notification.names(message.databases)
        case messages.DeleteDatabase():
            told['name'] = message.name
        case messages.CreateUsers() | messages.ChangePasswords():
            told['users'] = notification.names(message.users)
        case messages.GrantAccess():
            told |= {
                'username': message.name,
                'hostname': message.host,
                'databases': list(message.databases)
            }
        case messages.RevokeAccess():
            told |= {
                'username': message.name,
                'hostname': message.host,
                'database': message.database
            }
        case messages.UpdateUser() | messages.DeleteUser():
            told |= {'username': message.name, 'hostname': message.host}
    return told


def _told(error: exception.GuestError, named: list[str]) -> exception.TroveError | None:
    """The failure in the words of the API; None: the guest's own words will do."""
    if not named:
        return None
    # The guest names the one it means; with a single one there is no doubt anyway.
    name = next((name for name in sorted(named, key=len, reverse=True) if name in error.message),
                named[0])
    if error.code == 'guest_not_found_user':
        return exception.NotFound(f'User {name} cannot be found on the instance.')
    if error.code == 'guest_not_found_database':
        return exception.NotFound(f'Database {name} cannot be found on the instance.')
    if error.code == 'guest_exists_user':
        return exception.BadRequest(f'User "{name}" already exists.')
    if error.code == 'guest_exists_database':
        return exception.BadRequest(f'Database "{name}" already exists.')
    return None


def no_such(kind: str, name: str) -> exception.NotFound:
    """:param kind: ``User`` or ``Database``."""
    return exception.NotFound(f'{kind} {name[:MAX_NAME]} cannot be found on the instance.')
