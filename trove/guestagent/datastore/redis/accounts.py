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

"""Users of Redis, and what they may do: its access control lists.

Users belong to no database: each may work on all data. All of them, the administrator included, are
denied what would endanger the service or lead out of the machine; see :data:`USER` and
:data:`ROOT`.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from trove.guestagent.datastore.engine import Database, Engine, EngineError, User, reserved_user
from trove.guestagent.datastore.redis import connection

#: Account of a client that sends only a password.
DEFAULT = 'default'
ANYWHERE = '%'
MAX_USER = 64

#: Rights of every user: all commands on data, none on the server.
USER = ('~*', '&*', '+@all', '-@admin', '-@dangerous', '+info', '+config|get', '+keys', '+sort',
        '+sort_ro', '+flushdb', '+role', '+lastsave')
#: Rights of the tenant's administrator: also show clients and slow commands, save, and empty all
#: databases. Not included: change options or users, load code, replicate, stop the server, or
#: connect it to others.
ROOT = (*USER, '+flushall', '+swapdb', '+restore', '+monitor', '+slowlog', '+latency', '+bgsave',
        '+bgrewriteaof', '+client|list', '+client|kill', '+config|resetstat', '+acl|cat',
        '+acl|whoami', '+acl|genpass')


def password_hash(password: str) -> str:
    """Return the hash that the server keeps, so that the agent never sends a password in clear."""
    return '#' + hashlib.sha256(password.encode('utf-8')).hexdigest()


def check_name(name: str) -> None:
    """:raises EngineError: guest_invalid_name."""
    if not name or len(name) > MAX_USER:
        raise EngineError(f'The user name must have 1 to {MAX_USER} characters.',
                          code='guest_invalid_name')
    if any(character.isspace() or ord(character) < 32 or ord(character) == 127
           or 0xD800 <= ord(character) <= 0xDFFF for character in name):
        raise EngineError('The user name contains a blank or a character that cannot be written.',
                          code='guest_invalid_name')


class Accounts(Engine):
    """Users, as a part of an :class:`Engine`."""

    def _session(self, *, timeout: float = connection.STATEMENT_TIMEOUT
                 ) -> contextlib.AbstractContextManager[connection.Session]:
        raise NotImplementedError

    # --- checks -----------------------------------------------------------------------------------

    def check_user(self, name: str, host: str, password: str | None = None) -> None:
        if reserved_user(self.description, name):
            raise EngineError(f'The user name {name!r} is reserved.', code='guest_reserved_name')
        check_name(name)
        if host != ANYWHERE:
            raise EngineError('Users of this engine come from anywhere: the host can only be "%".',
                              code='guest_invalid_host')
        if password is not None and (not password or '\0' in password):
            raise EngineError('A user needs a password, without a NUL character.',
                              code='guest_invalid_password')

    def check_database(self, database: Database) -> None:
        raise EngineError(f'{self.description.manager} has no named databases.',
                          code='guest_not_supported')

    # --- users ------------------------------------------------------------------------------------

    def user_names(self) -> list[tuple[str, str]]:
        with self._session() as session:
            return [(name, ANYWHERE) for name in self._names(session)]

    def _names(self, session: connection.Session) -> list[str]:
        return sorted(name for name in session.call('ACL', 'USERS')
                      if not reserved_user(self.description, name))

    def list_users(self, names: Iterable[tuple[str, str]] | None = None) -> list[User]:
        return [{'name': name, 'host': host, 'databases': []}
                for name, host in (self.user_names() if names is None else names)]

    def create_user(self, user: User, *, or_ignore: bool = False) -> None:
        name, password = user['name'], user.get('password') or ''
        self.check_user(name, user.get('host') or ANYWHERE, password)
        for database in user.get('databases') or ():
            self.check_database(database)
        with self._session() as session:
            if name in session.call('ACL', 'USERS'):
                if not or_ignore:
                    raise EngineError(f'The user {name} already exists.', code='guest_exists_user')
                return
            session.call('ACL', 'SETUSER', name, 'reset', 'on', password_hash(password), *USER)
            self._keep(session, lambda: session.call('ACL', 'DELUSER', name))

    @staticmethod
    def _keep(session: connection.Session, undo: Callable[[], object]) -> None:
        """Write the lists to disk; undo the change on failure, since a restart would lose it."""
        try:
            session.call('ACL', 'SAVE')
        except EngineError as error:
            undo()
            raise EngineError(
                f'The change could not be written to the volume: {error.message}') from None

    def _required(self, session: connection.Session, name: str) -> dict[str, Any]:
        """Return the server's data of a user. :raises EngineError: guest_not_found_user."""
        found = session.call('ACL', 'GETUSER', name)
        if found is None:
            raise EngineError(f'The user {name} cannot be found.', code='guest_not_found_user')
        return dict(zip(found[::2], found[1::2], strict=True))

    def delete_user(self, name: str, host: str) -> None:
        """Remove a user; the server ends the user's sessions."""
        self.check_user(name, host)
        with self._session() as session:
            former = self._required(session, name)
            session.call('ACL', 'DELUSER', name)
            self._keep(session, lambda: session.call('ACL', 'SETUSER', name, *rules(former)))

    def change_password(self, name: str, host: str, password: str) -> None:
        self.check_user(name, host, password)
        with self._session() as session:
            former = self._required(session, name)
            session.call('ACL', 'SETUSER', name, 'resetpass', password_hash(password))
            self._keep(session, lambda: session.call('ACL', 'SETUSER', name, *rules(former)))

    def rename_user(self, name: str, host: str, new_name: str, new_host: str) -> None:
        """Rename a user; the server ends the sessions of the former name."""
        self.check_user(name, host)
        self.check_user(new_name, new_host)
        if new_name == name:
            return
        with self._session() as session:
            former = self._required(session, name)
            if new_name in session.call('ACL', 'USERS'):
                raise EngineError(f'The user {new_name} already exists.', code='guest_exists_user')
            session.call('ACL', 'SETUSER', new_name, *rules(former))
            session.call('ACL', 'DELUSER', name)

            def undo() -> None:
                session.call('ACL', 'SETUSER', name, *rules(former))
                session.call('ACL', 'DELUSER', new_name)

            self._keep(session, undo)

    # --- root -------------------------------------------------------------------------------------

    def enable_root(self, password: str) -> str:
        if not password or '\0' in password:
            raise EngineError('The administrator needs a password, without a NUL character.',
                              code='guest_invalid_password')
        with self._session() as session:
            former = self._required(session, DEFAULT)
            session.call('ACL', 'SETUSER', DEFAULT, 'reset', 'on', password_hash(password), *ROOT)
            self._keep(session, lambda: session.call('ACL', 'SETUSER', DEFAULT, *rules(former)))
        return DEFAULT

    def disable_root(self) -> None:
        with self._session() as session:
            former = self._required(session, DEFAULT)
            session.call('ACL', 'SETUSER', DEFAULT, 'reset')
            self._keep(session, lambda: session.call('ACL', 'SETUSER', DEFAULT, *rules(former)))
            session.call('CLIENT', 'KILL', 'USER', DEFAULT)

    def root_enabled(self) -> bool:
        with self._session() as session:
            return 'on' in self._required(session, DEFAULT)['flags']


def rules(user: dict[str, Any]) -> list[str]:
    """Return the rules that restore a user from the reply of ``ACL GETUSER``."""
    passwords = [f'#{digest}' for digest in user['passwords']]
    flags = [flag for flag in user['flags'] if flag in ('on', 'off', 'nopass', 'sanitize-payload',
                                                        'skip-sanitize-payload')]
    return [
        'reset', *flags, *passwords, *user['keys'].split(), *user['channels'].split(),
        *user['commands'].split()
    ]
