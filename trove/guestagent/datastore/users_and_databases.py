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

"""Commands about databases, users, grants and root, for any engine.

The manager dispatches these commands; :func:`create_initial` serves the preparation of a guest.
"""

import secrets
import string
from collections.abc import Callable
from typing import Any

from trove.common.rpc import messages
from trove.guestagent.datastore.engine import Engine, EngineError, EngineUnavailable, User
from trove.guestagent.datastore.paging import page

PASSWORD_LENGTH = 36
_PASSWORD_CHARACTERS = string.ascii_letters + string.digits
#: Refusals that a report names one by one.
_MAX_PROBLEMS = 5


def user_key(user: User) -> str:
    """Return the sort key of a user in lists, which is also the marker of a page."""
    return f'{user["name"]}@{user["host"]}'


def new_password() -> str:
    return ''.join(secrets.choice(_PASSWORD_CHARACTERS) for _ in range(PASSWORD_LENGTH))


def create_initial(engine: Engine, databases: list[dict[str, Any]], users: list[dict[str, Any]],
                   root_password: str | None) -> list[str]:
    """Ensure the databases, users and root that a tenant requested with the instance.

    Existing ones are left as they are. A refused one does not stop the others.

    :returns: a sentence for each database or user that the engine refused, the first few of them.
    :raises EngineUnavailable: the engine does not answer. :raises EngineError: the engine refused
        root, although its password was returned to the tenant.
    """
    problems: list[str] = []

    def attempt(what: str, action: Callable[[], Any]) -> None:
        try:
            action()
        except EngineUnavailable:
            raise
        except EngineError as error:
            problems.append(f'{what}: {error.message}')

    able = engine.description.capabilities
    requested = {'databases': databases, 'users': users, 'root': root_password}
    if any(value and capability not in able for capability, value in requested.items()):
        return ['The engine does not support the requested databases, users or root access.']
    for database in databases:
        attempt(f'Database {database["name"]!r}',
                lambda: engine.create_database(database, or_ignore=True))
    for user in users:
        attempt(f'User {user["name"]!r}', lambda: engine.create_user(user, or_ignore=True))
    if root_password:
        engine.enable_root(root_password)
    if len(problems) > _MAX_PROBLEMS:
        problems[_MAX_PROBLEMS:] = [f'And {len(problems) - _MAX_PROBLEMS} more.']
    return problems


#: Handler of a short command: takes the command, returns its result.
Handler = Callable[[Any], dict[str, Any]]


class UsersAndDatabases:
    """Handlers of the commands about databases, users, grants and root of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        #: Kind of a command -> capability that the engine needs for it, and the handler.
        self.handlers: dict[str, tuple[str, Handler]] = {
            'ListDatabases': ('databases', self._list_databases),
            'CreateDatabases': ('databases', self._create_databases),
            'DeleteDatabase': ('databases', self._delete_database),
            'ListUsers': ('users', self._list_users),
            'GetUser': ('users', self._get_user),
            'CreateUsers': ('users', self._create_users),
            'DeleteUser': ('users', self._delete_user),
            'ChangePasswords': ('users', self._change_passwords),
            'UpdateUser': ('users', self._update_user),
            'ListAccess': ('grants', self._list_access),
            'GrantAccess': ('grants', self._grant_access),
            'RevokeAccess': ('grants', self._revoke_access),
            'EnableRoot': ('root', self._enable_root),
            'DisableRoot': ('root', self._disable_root),
        }

    def _host(self, host: str | None) -> str:
        described = self._engine.description
        return (host if host and described.has_hosts else described.default_host).lower()

    def _list_databases(self, command: messages.ListDatabases) -> dict[str, Any]:
        found = self._engine.list_databases()
        items, marker = page(found, [database['name'] for database in found], limit=command.limit,
                             marker=command.marker, include_marker=command.include_marker)
        return {'databases': items, 'next_marker': marker}

    def _create_databases(self, command: messages.CreateDatabases) -> dict[str, Any]:
        # Check all names before the first database is created.
        present = {database['name'] for database in self._engine.list_databases()}
        for database in command.databases:
            self._engine.check_database(database)
            if database['name'] in present:
                raise EngineError(f'The database {database["name"]!r} already exists.',
                                  code='guest_exists_database')
            present.add(database['name'])
        for database in command.databases:
            self._engine.create_database(database)
        return {}

    def _delete_database(self, command: messages.DeleteDatabase) -> dict[str, Any]:
        self._engine.delete_database(command.name)
        return {}

    def _list_users(self, command: messages.ListUsers) -> dict[str, Any]:
        names = self._engine.user_names()
        selected, marker = page(names, [f'{name}@{host}' for name, host in names],
                                limit=command.limit, marker=command.marker,
                                include_marker=command.include_marker)
        return {'users': self._engine.list_users(selected), 'next_marker': marker}

    def _get_user(self, command: messages.GetUser) -> dict[str, Any]:
        host = self._host(command.host)
        self._engine.check_user(command.name, host)
        known = (command.name, host) in self._engine.user_names()
        return {'user': self._engine.list_users([(command.name, host)])[0] if known else None}

    def _create_users(self, command: messages.CreateUsers) -> dict[str, Any]:
        # Check all users before the first one is created.
        users = [{**user, 'host': self._host(user.get('host'))} for user in command.users]
        present = set(self._engine.user_names())
        for user in users:
            self._engine.check_user(user['name'], user['host'], user.get('password') or '')
            for database in user.get('databases') or ():
                self._engine.check_database(database)
            if (user['name'], user['host']) in present:
                raise EngineError(f'The user {user_key(user)} already exists.',
                                  code='guest_exists_user')
            present.add((user['name'], user['host']))
        for user in users:
            self._engine.create_user(user)
        return {}

    def _delete_user(self, command: messages.DeleteUser) -> dict[str, Any]:
        self._engine.delete_user(command.name, self._host(command.host))
        return {}

    def _change_passwords(self, command: messages.ChangePasswords) -> dict[str, Any]:
        # Find all users and check all passwords before the first one is changed.
        present = set(self._engine.user_names())
        users = [{**user, 'host': self._host(user.get('host'))} for user in command.users]
        for user in users:
            self._engine.check_user(user['name'], user['host'], user['password'])
            if (user['name'], user['host']) not in present:
                raise EngineError(f'The user {user_key(user)} cannot be found.',
                                  code='guest_not_found_user')
        for user in users:
            self._engine.change_password(user['name'], user['host'], user['password'])
        return {}

    def _update_user(self, command: messages.UpdateUser) -> dict[str, Any]:
        name, host = command.name, self._host(command.host)
        new_name = command.changes.get('name', name)
        new_host = self._host(command.changes['host']) if 'host' in command.changes else host
        password = command.changes.get('password')
        self._engine.check_user(name, host)
        self._engine.check_user(new_name, new_host, password)
        if (name, host) not in self._engine.user_names():
            raise EngineError(f'The user {name}@{host} cannot be found.',
                              code='guest_not_found_user')
        if (new_name, new_host) != (name, host):
            self._engine.rename_user(name, host, new_name, new_host)
        if password is not None:
            self._engine.change_password(new_name, new_host, password)
        return {}

    def _list_access(self, command: messages.ListAccess) -> dict[str, Any]:
        return {
            'databases': [{
                'name': name
            } for name in self._engine.list_access(command.name, self._host(command.host))]
        }

    def _grant_access(self, command: messages.GrantAccess) -> dict[str, Any]:
        self._engine.grant(command.name, self._host(command.host), command.databases)
        return {}

    def _revoke_access(self, command: messages.RevokeAccess) -> dict[str, Any]:
        self._engine.revoke(command.name, self._host(command.host), command.database)
        return {}

    def _enable_root(self, command: messages.EnableRoot) -> dict[str, Any]:
        password = command.password or new_password()
        name = self._engine.enable_root(password)
        return {
            'user': {
                'name': name,
                'host': self._engine.description.default_host,
                'password': password
            }
        }

    def _disable_root(self, command: messages.DisableRoot) -> dict[str, Any]:
        self._engine.disable_root()
        return {}
