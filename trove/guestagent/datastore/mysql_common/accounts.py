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

"""Databases, users, grants and root of the MySQL family; subclasses contain what differs."""

import abc
import contextlib
from collections.abc import Iterable
from typing import ClassVar

from trove.guestagent.datastore.engine import (
    Database, EngineError, User, reserved_database, reserved_user)
from trove.guestagent.datastore.mysql_common import connection, names, statements

ROOT = 'root'
ANYWHERE = '%'

_NO_SUCH_THREAD = '(1094)'


def key(name: str, host: str) -> str:
    """Return the sort key of a user, which is also the marker of a page."""
    return f'{name}@{host}'


class MySQLAccounts(names.NameRules):
    """SQL about accounts, as a part of an :class:`Engine`."""

    socket = '/run/mysqld/mysqld.sock'
    #: Settings of the agent's sessions, after SET SESSION: the sql_mode that the statements need,
    #: and settings that keep them out of logs that tenants can read.
    session_settings: ClassVar[str]
    #: Statement that revokes a privilege without an error if it is missing.
    revoke_words: ClassVar[str]
    #: Statement that ends a session.
    kill: ClassVar[str]

    def _session(self, *, timeout: float = connection.STATEMENT_TIMEOUT
                 ) -> contextlib.AbstractContextManager[connection.Session]:
        return connection.session(self.socket, self.session_settings, timeout=timeout)

    # --- differences ------------------------------------------------------------------------------

    @abc.abstractmethod
    def accounts_query(self) -> str:
        """Return a query of rows (user, host) for all accounts that are no roles."""

    @abc.abstractmethod
    def identified(self, password: str) -> str:
        """Return the clause of CREATE USER and ALTER USER with the hash of a password."""

    @abc.abstractmethod
    def make_root(self, sql: connection.Session, password: str) -> None:
        """Create root from anywhere anew, with the privileges of a tenant's administrator."""

    def pattern(self, database: str) -> str:
        """Return the database pattern that a grant on exactly this database stores."""
        return statements.pattern(database)

    def name_of_pattern(self, stored: str) -> str:
        """Return the database of a stored grant."""
        return statements.name_of_pattern(stored)

    # --- databases --------------------------------------------------------------------------------

    def list_databases(self) -> list[Database]:
        with self._session() as sql:
            rows = sql.rows(statements.LIST_DATABASES)
        # The server shows directories without a database of its own as '#mysql50#…'.
        found = [
            {
                'name': name,
                'character_set': charset,
                'collate': collate
            }
            for name, charset, collate in rows
            if not reserved_database(self.description, name) and not name.startswith('#mysql50#')
        ]
        return sorted(found, key=lambda database: database['name'])

    def create_database(self, database: Database, *, or_ignore: bool = False) -> None:
        self.check_database(database)
        with self._session() as sql:
            sql.execute(statements.create_database(database['name'], database.get('character_set'),
                                                   database.get('collate'), or_ignore=or_ignore))

    def delete_database(self, name: str) -> None:
        self.check_database({'name': name})
        with self._session() as sql:
            sql.execute(statements.drop_database(name))

    # --- users ------------------------------------------------------------------------------------

    def user_names(self) -> list[tuple[str, str]]:
        with self._session() as sql:
            return self._user_names(sql)

    def _user_names(self, sql: connection.Session) -> list[tuple[str, str]]:
        rows = sql.rows(self.accounts_query())
        found = [
            (name, host)
            for name, host in rows
            if name and host.lower() != 'localhost' and not reserved_user(self.description, name)
        ]
        return sorted(found, key=lambda pair: key(*pair))

    def list_users(self, names: Iterable[tuple[str, str]] | None = None) -> list[User]:
        with self._session() as sql:
            selected = self._user_names(sql) if names is None else list(names)
            access: dict[tuple[str, str], set[str]] = {}
            stored_grants = sql.rows(statements.grants_of(selected)) if selected else []
            for name, host, stored in stored_grants:
                access.setdefault((name, host), set()).add(self.name_of_pattern(stored))
        return [{
            'name': name,
            'host': host,
            'databases': [{
                'name': database
            } for database in self._shown(access.get((name, host), ()))]
        } for name, host in selected]

    def _shown(self, databases: Iterable[str]) -> list[str]:
        return sorted(name for name in databases if not reserved_database(self.description, name))

    def create_user(self, user: User, *, or_ignore: bool = False) -> None:
        name, host, password = user['name'], user.get('host') or ANYWHERE, user.get('password')
        databases = [database['name'] for database in user.get('databases') or ()]
        self.check_user(name, host, password or '')
        for database in databases:
            self.check_database({'name': database})
        with self._session() as sql:
            existed = self._exists(sql, name, host)
            if existed and not or_ignore:
                raise EngineError(f'The user {key(name, host)} already exists.',
                                  code='guest_exists_user')
            sql.execute(
                statements.create_user(name, host, self.identified(password or ''),
                                       or_ignore=or_ignore))
            try:
                for database in databases:
                    sql.execute(statements.grant_database(self.pattern(database), name, host))
            except EngineError:
                # Do not leave a user with half of the requested grants.
                if not existed:
                    sql.execute(statements.drop_user(name, host))
                raise

    def _exists(self, sql: connection.Session, name: str, host: str) -> bool:
        return bool(
            sql.rows(f'SELECT 1 FROM mysql.user WHERE User = BINARY {statements.literal(name)} '
                     f'AND Host = {statements.literal(host)}'))

    def _require(self, sql: connection.Session, name: str, host: str) -> None:
        if not self._exists(sql, name, host):
            raise EngineError(f'The user {key(name, host)} cannot be found.',
                              code='guest_not_found_user')

    def delete_user(self, name: str, host: str) -> None:
        self.check_user(name, host)
        with self._session() as sql:
            self._require(sql, name, host)
            sql.execute(statements.drop_user(name, host))

    def change_password(self, name: str, host: str, password: str) -> None:
        self.check_user(name, host, password)
        with self._session() as sql:
            self._require(sql, name, host)
            sql.execute(statements.set_password(name, host, self.identified(password)))

    def rename_user(self, name: str, host: str, new_name: str, new_host: str) -> None:
        self.check_user(name, host)
        self.check_user(new_name, new_host)
        with self._session() as sql:
            self._require(sql, name, host)
            if self._exists(sql, new_name, new_host):
                raise EngineError(f'The user {key(new_name, new_host)} already exists.',
                                  code='guest_exists_user')
            sql.execute(statements.rename_user(name, host, new_name, new_host))

    # --- grants -----------------------------------------------------------------------------------

    def list_access(self, name: str, host: str) -> list[str]:
        self.check_user(name, host)
        with self._session() as sql:
            self._require(sql, name, host)
            stored = [row[2] for row in sql.rows(statements.grants_of([(name, host)]))]
        return self._shown({self.name_of_pattern(text) for text in stored})

    def grant(self, name: str, host: str, databases: Iterable[str]) -> None:
        """Grant access; databases need not exist, as the family keeps a grant until they do."""
        self.check_user(name, host)
        requested = list(databases)
        for database in requested:
            self.check_database({'name': database})
        with self._session() as sql:
            self._require(sql, name, host)
            for database in requested:
                sql.execute(statements.grant_database(self.pattern(database), name, host))

    def revoke(self, name: str, host: str, database: str) -> None:
        self.check_user(name, host)
        self.check_database({'name': database})
        with self._session() as sql:
            self._require(sql, name, host)
            stored = [row[2] for row in sql.rows(statements.grants_of([(name, host)]))
                      if self.name_of_pattern(row[2]) == database]
            if not stored:
                raise EngineError(f'The user {key(name, host)} has no access to {database!r}.',
                                  code='guest_not_found_database')
            for text in stored:
                for statement in statements.revoke_database(text, name, host, self.revoke_words):
                    sql.execute(statement)

    # --- root -------------------------------------------------------------------------------------

    def enable_root(self, password: str) -> str:
        names.check_password(password, self.max_password)
        with self._session() as sql:
            self.make_root(sql, password)
        return ROOT

    def disable_root(self) -> None:
        with self._session() as sql:
            for (host,) in sql.rows(_REMOTE_ROOTS):
                sql.execute(f'DROP USER IF EXISTS {statements.account(ROOT, host)}')
            self._end_remote_sessions(sql)

    def root_enabled(self) -> bool:
        with self._session() as sql:
            return bool(sql.rows(_REMOTE_ROOTS))

    def _end_remote_sessions(self, sql: connection.Session) -> None:
        # A dropped account keeps its open sessions, and their privileges, until they end.
        for (thread,) in sql.rows("SELECT ID FROM information_schema.PROCESSLIST "
                                  "WHERE USER = 'root' AND HOST NOT IN ('localhost', '')"):
            try:
                sql.execute(f'{self.kill} {int(thread)}')
            except EngineError as error:
                if _NO_SUCH_THREAD not in error.message:
                    raise


_REMOTE_ROOTS = "SELECT Host FROM mysql.user WHERE User = 'root' AND Host <> 'localhost'"
