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
"""Databases, users, grants and the tenant's administrator.

Each database belongs to a role of its own without login; access to the database is membership in
it. So everything in a database belongs to all its users, no grant needs a session in that database,
and a removed user leaves nothing behind.
"""

import contextlib
from collections.abc import Iterable

from trove.guestagent.datastore.engine import (
    Database, EngineError, User, reserved_database, reserved_user)
from trove.guestagent.datastore.postgres import access, connection, names, statements

#: Account of the tenant's administrator in the API.
ROOT = 'postgres'
ANYWHERE = '%'
#: SQLSTATEs for an encoding or a locale that is unknown or does not match.
_CHARSET_STATES = frozenset({'22023', '42704', '42809', '0A000'})
_HELD = '2BP01'


class Accounts(names.NameRules):
    """SQL about accounts, as a part of an :class:`Engine`."""

    def __init__(self, socket_directory: str, port: int) -> None:
        self._socket_directory = socket_directory
        self._port = port

    def _session(
        self, database: str = connection.HOME, *, timeout: float = connection.STATEMENT_TIMEOUT
    ) -> contextlib.AbstractContextManager[connection.Session]:
        return connection.session(self._socket_directory, self._port, database=database,
                                  timeout=timeout)

    # --- databases --------------------------------------------------------------------------------

    def list_databases(self) -> list[Database]:
        with self._session() as session:
            rows = session.rows(statements.LIST_DATABASES)
        found = [{
            'name': name,
            'character_set': charset,
            'collate': collate
        } for name, charset, collate in rows if not reserved_database(self.description, name)]
        return sorted(found, key=lambda database: database['name'])

    def create_database(self, database: Database, *, or_ignore: bool = False) -> None:
        self.check_database(database)
        name = database['name']
        charset, collate = database.get('character_set') or None, database.get('collate') or None
        with self._session() as session:
            found = session.rows(statements.find_database(name))
            if not found:
                icu = session.scalar(statements.icu_locale(collate)) if collate else None
                try:
                    session.execute(statements.create_database(name, charset, collate, icu))
                except connection.Refused as refused:
                    if refused.state not in _CHARSET_STATES:
                        raise
                    raise EngineError(refused.message, code='guest_invalid_charset') from None
            elif found[0][1] != access.AGENT:
                if not or_ignore:
                    raise EngineError(f'The database {name!r} already exists.',
                                      code='guest_exists_database')
                return
            self._own(session, name)

    def _own(self, session: connection.Session, name: str) -> int:
        """Ensure that a database belongs to its own role; return the number of the database.

        A database that a tenant created in SQL belongs to another role at first.

        :raises EngineError: no such database.
        """
        found = session.rows(statements.find_database(name))
        if not found:
            raise EngineError(f'The database {name!r} cannot be found.',
                              code='guest_not_found_database')
        number, owner = found[0]
        if owner == statements.owner(number):
            return number
        if not session.rows(statements.find_role(statements.owner(number))):
            session.execute(statements.create_role(statements.owner(number)))
        for statement in statements.own_database(name, number, bare=owner == access.AGENT):
            session.execute(statement)
        if owner != access.AGENT:
            # Objects of the former owner become those of all users of the database.
            self._hand_over(session, name, owner, number)
        if session.rows(statements.find_role(ROOT)):
            session.execute(statements.member(statements.owner(number), ROOT))
        return number

    def _hand_over(self, session: connection.Session, name: str, former: str, number: int) -> None:
        """Give the objects of a database's former owner to the role of the database.

        REASSIGN OWNED also moves the owner's other databases, so these get their own roles first.
        """
        for (other,) in session.rows(statements.databases_of(former)):
            self._own(session, other)
        with self._session(name) as inside:
            inside.execute(statements.reassign(former, statements.owner(number)))

    def delete_database(self, name: str) -> None:
        self.check_database({'name': name})
        with self._session() as session:
            found = session.rows(statements.find_database(name))
            if not found:
                raise EngineError(f'The database {name!r} cannot be found.',
                                  code='guest_not_found_database')
            for statement in statements.drop_database(name):
                session.execute(statement)
            owner = statements.owner(found[0][0])
            if session.rows(statements.find_role(owner)):
                self._drop_role(session, owner)

    # --- users ------------------------------------------------------------------------------------

    def user_names(self) -> list[tuple[str, str]]:
        with self._session() as session:
            return self._user_names(session)

    def _user_names(self, session: connection.Session) -> list[tuple[str, str]]:
        found = [(name, ANYWHERE) for (name,) in session.rows(statements.LIST_USERS)
                 if not reserved_user(self.description, name)]
        return sorted(found, key='@'.join)

    def list_users(self, names: Iterable[tuple[str, str]] | None = None) -> list[User]:
        with self._session() as session:
            selected = self._user_names(session) if names is None else list(names)
            access_of = self._access(session, [name for name, _ in selected])
        return [{
            'name': name,
            'host': ANYWHERE,
            'databases': [{
                'name': database
            } for database in access_of.get(name, ())]
        } for name, _ in selected]

    def _access(self, session: connection.Session, users: list[str]) -> dict[str, list[str]]:
        """Return user -> sorted databases the user may connect to."""
        found: dict[str, set[str]] = {}
        for user, database in session.rows(statements.access_of(users)) if users else ():
            if not reserved_database(self.description, database):
                found.setdefault(user, set()).add(database)
        return {user: sorted(databases) for user, databases in found.items()}

    def create_user(self, user: User, *, or_ignore: bool = False) -> None:
        name, password = user['name'], user.get('password')
        databases = [database['name'] for database in user.get('databases') or ()]
        self.check_user(name, ANYWHERE, password or '')
        with self._session() as session:
            numbers = self._numbers(session, databases)
            existed = self._exists(session, name)
            if existed and not or_ignore:
                raise EngineError(f'The user {name!r} already exists.', code='guest_exists_user')
            if not existed:
                session.execute(statements.create_user(name, password or ''))
            try:
                self._grant(session, name, numbers)
            except EngineError:
                # Do not leave a user with half of the requested grants.
                if not existed:
                    self._drop_role(session, name)
                raise

    def _numbers(self, session: connection.Session, databases: Iterable[str]) -> dict[str, int]:
        """Return database -> its number, after ensuring that its own role owns it.

        :raises EngineError: a name is invalid, or a database is missing.
        """
        requested = list(databases)
        for database in requested:
            self.check_database({'name': database})
        return {database: self._own(session, database) for database in requested}

    @staticmethod
    def _grant(session: connection.Session, name: str, numbers: dict[str, int]) -> None:
        for database, number in numbers.items():
            for statement in statements.grant(name, database, number):
                session.execute(statement)

    @staticmethod
    def _exists(session: connection.Session, name: str) -> bool:
        return bool(session.rows(statements.find_role(name)))

    def _require(self, session: connection.Session, name: str) -> None:
        if (name, ANYWHERE) not in self._user_names(session):
            raise EngineError(f'The user {name!r} cannot be found.', code='guest_not_found_user')

    def delete_user(self, name: str, host: str) -> None:
        """Remove a user; its objects stay, with the role of their database."""
        self.check_user(name, host)
        with self._session() as session:
            self._require(session, name)
            session.execute(statements.forbid_login(name))
            session.rows(statements.end_sessions(name))
            self._drop_role(session, name)

    def _drop_role(self, session: connection.Session, name: str) -> None:
        try:
            session.execute(statements.drop_role(name))
            return
        except connection.Refused as refused:
            if refused.state != _HELD:
                raise
        for (database,) in session.rows(statements.holdings(name)):
            self._remove_from_database(session, name, database)
        session.execute(statements.drop_role(name))

    def _remove_from_database(self, session: connection.Session, name: str, database: str) -> None:
        """Remove a role's objects and rights from one database."""
        ours = reserved_database(self.description, database)
        heir = access.AGENT if ours else statements.owner(self._own(session, database))
        if not ours:
            session.execute(statements.allow_connections(database))
        with self._session(database) as inside:
            if name != heir:
                inside.execute(statements.reassign(name, heir))
            inside.execute(statements.drop_owned(name))

    def change_password(self, name: str, host: str, password: str) -> None:
        self.check_user(name, host, password)
        with self._session() as session:
            self._require(session, name)
            session.execute(statements.set_password(name, password))

    def rename_user(self, name: str, host: str, new_name: str, new_host: str) -> None:
        self.check_user(name, host)
        self.check_user(new_name, new_host)
        with self._session() as session:
            self._require(session, name)
            if self._exists(session, new_name):
                raise EngineError(f'The user {new_name!r} already exists.',
                                  code='guest_exists_user')
            session.execute(statements.rename_user(name, new_name))

    # --- grants -----------------------------------------------------------------------------------

    def list_access(self, name: str, host: str) -> list[str]:
        self.check_user(name, host)
        with self._session() as session:
            self._require(session, name)
            return self._access(session, [name]).get(name, [])

    def grant(self, name: str, host: str, databases: Iterable[str]) -> None:
        """Grant access; all databases must exist."""
        self.check_user(name, host)
        with self._session() as session:
            self._require(session, name)
            self._grant(session, name, self._numbers(session, databases))

    def revoke(self, name: str, host: str, database: str) -> None:
        self.check_user(name, host)
        self.check_database({'name': database})
        with self._session() as session:
            self._require(session, name)
            if database not in self._access(session, [name]).get(name, ()):
                raise EngineError(f'The user {name!r} has no access to {database!r}.',
                                  code='guest_not_found_database')
            for statement in statements.revoke(name, database, self._own(session, database)):
                session.execute(statement)

    # --- root -------------------------------------------------------------------------------------

    def enable_root(self, password: str) -> str:
        names.check_password(password)
        with self._session() as session:
            if not self._exists(session, ROOT):
                session.execute(statements.create_role(ROOT))
            for statement in statements.administrator(ROOT, password):
                session.execute(statement)
            for (owner,) in session.rows(statements.owner_roles()):
                session.execute(statements.member(owner, ROOT))
        return ROOT

    def disable_root(self) -> None:
        """Disable the administrator's login; databases may belong to the role, so it stays."""
        with self._session() as session:
            if self._exists(session, ROOT):
                session.execute(statements.forbid_login(ROOT))
                session.rows(statements.end_sessions(ROOT))

    def root_enabled(self) -> bool:
        with self._session() as session:
            return bool(session.scalar(statements.may_log_in(ROOT)))
