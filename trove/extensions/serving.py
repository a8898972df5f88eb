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

"""Calls to the guest of a serving instance, for the controllers of databases, users and root.

These controllers are synchronous by contract: the client waits for the reply of the guest.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from oslo_config import cfg
from trove.db.rows import InstanceRow

from trove.common import engines, exception, notification, states
from trove.common.rpc import clients, messages
from trove.common.rpc.messages import base
from trove.common.http.request import Request
from trove.db import notifications
from trove.instance import models, service

CONF = cfg.CONF

#: Characters of the longest name that a message to a guest can hold.
MAX_NAME = 255

_MAX_ITEMS = 1000
_WITH_NAME = base.needing(base.record(name=base.text(MAX_NAME)), 'name')
_USER = base.record(name=base.text(MAX_NAME), password=base.nullable(base.text(MAX_NAME)),
                    host=base.nullable(base.text(MAX_NAME)), databases=base.list_of(
                        _WITH_NAME, 10 * _MAX_ITEMS))
#: Layouts of replies, for ``reply`` of :func:`call`.
DATABASES = {'databases': base.list_of(_WITH_NAME, _MAX_ITEMS)}
ACCESS = {'databases': base.list_of(_WITH_NAME, 10 * _MAX_ITEMS)}
USERS = {'users': base.list_of(base.needing(_USER, 'name'), _MAX_ITEMS)}
USER = {'user': base.nullable(base.needing(_USER, 'name'))}
ROOT = {'user': _USER}
_MARKER = base.nullable(base.text(4 * MAX_NAME))

#: capability -> beginning of a refusal
_SUBJECTS = {
    engines.DATABASES: 'Databases are',
    engines.USERS: 'Users are',
    engines.GRANTS: 'Grants are',
    engines.ROOT: 'Root is'
}

#: message to a guest -> type of its notification; other messages have none
_EVENTS: dict[type[messages.Command], str] = {
    messages.CreateDatabases: 'database_create', messages.DeleteDatabase: 'database_delete',
    messages.CreateUsers: 'user_create', messages.DeleteUser: 'user_delete',
    messages.UpdateUser: 'user_update_attributes', messages.GrantAccess: 'user_grant',
    messages.RevokeAccess: 'user_revoke', messages.ChangePasswords: 'user_change_password',
}

#: Failures of a guest that name a database.
_OF_DATABASES = frozenset({'guest_not_found_database', 'guest_exists_database'})


def instance(request: Request, instance_id: str, capability: str, *,
             only_own: bool = False) -> InstanceRow:
    """Return the instance of a request, if its engine is serving.

    :param capability: capability that the engine needs, of :mod:`trove.common.engines`.
    :raises trove.common.exception.Unprocessable: there is no server, the engine does not have the
        capability, or the engine is not running.
    """
    row = service.find(request, instance_id, only_own=only_own)
    models.require_server(row)
    if capability not in engines.of(row.manager).capabilities:
        raise exception.Unprocessable(
            f'{_SUBJECTS[capability]} not supported for datastore {row.manager}.')
    if row.service_status not in states.ServiceStatus.SERVING:
        raise exception.Unprocessable(
            f'Instance {row.id} is not ready, its database service status is '
            f'{states.OPERATING_WORDS.get(row.service_status, row.service_status)}.')
    return row


def call(row: InstanceRow, message: messages.Command, *, names: Sequence[str] = (),
         databases: Sequence[str] = (), is_long: bool = False,
         reply: Mapping[str, base.Check] | None = None) -> dict[str, Any]:
    """Send a message to the guest and return its reply.

    :param names: users or databases of the message, for failures.
    :param databases: databases of the message, if ``names`` are users.
    :param is_long: wait as long as for a long call.
    :param reply: keys of the reply and their checks; other keys are dropped. A guest is untrusted.
    :raises trove.common.exception.NotFound: a user or a database does not exist.
    :raises trove.common.exception.BadRequest: a user or a database exists already.
    :raises trove.common.exception.GuestError: another failure, or no reply in time.
    """
    timeout = CONF.agent_call_high_timeout if is_long else CONF.agent_call_low_timeout
    try:
        with notifications.wrap(_EVENTS.get(type(message)), tenant_id=row.tenant_id,
                                request_id=notification.request_id(), **_payload(row, message)):
            return _checked(clients.guest(row).call(message, timeout), reply or {})
    except exception.GuestError as error:
        failure = _translated(
            error, list((databases or names) if error.code in _OF_DATABASES else names))
        if failure is None:
            raise
        raise failure from error


def _checked(reply: dict[str, Any], checks: Mapping[str, base.Check]) -> dict[str, Any]:
    try:
        checked = {key: check(key, reply.get(key)) for key, check in checks.items()}
        return {**checked, 'next_marker': _MARKER('next_marker', reply.get('next_marker'))}
    except ValueError as problem:
        raise exception.GuestError('The guest gave an answer that cannot be used.',
                                   detail=str(problem)) from None


def _payload(row: InstanceRow, message: messages.Command) -> dict[str, Any]:
    """Return the payload of a notification about a message: names only, never a password."""
    payload: dict[str, Any] = {'instance_id': row.id}
    match message:
        case messages.CreateDatabases():
            payload['databases'] = notification.names(message.databases)
        case messages.DeleteDatabase():
            payload['name'] = message.name
        case messages.CreateUsers() | messages.ChangePasswords():
            payload['users'] = notification.names(message.users)
        case messages.GrantAccess():
            payload |= {
                'username': message.name,
                'hostname': message.host,
                'databases': list(message.databases)
            }
        case messages.RevokeAccess():
            payload |= {
                'username': message.name,
                'hostname': message.host,
                'database': message.database
            }
        case messages.UpdateUser() | messages.DeleteUser():
            payload |= {'username': message.name, 'hostname': message.host}
    return payload


def _translated(error: exception.GuestError, names: list[str]) -> exception.TroveError | None:
    """Translate a guest error into an API error; None if its message can be shown as it is."""
    if not names:
        return None
    # The message of the guest has the name, if there are several.
    name = next((name for name in sorted(names, key=len, reverse=True) if name in error.message),
                names[0])
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
    """Return the failure for a name that no guest can have.

    :param kind: ``User`` or ``Database``.
    """
    return exception.NotFound(f'{kind} {name[:MAX_NAME]} cannot be found on the instance.')
