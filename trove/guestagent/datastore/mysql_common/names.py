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

"""Rules for names in the MySQL family; the server would cut, change or reject other names later."""

import re

from trove.guestagent.datastore.engine import (
    Database, Engine, EngineError, reserved_database, reserved_user)

MAX_DATABASE = 64
MAX_CHARSET = 64
_HOST = re.compile(r'[0-9A-Za-z.:%_\-]{1,255}(/[0-9.]{1,15})?')
_WORD = re.compile(r'[A-Za-z0-9_]+')
#: Hosts of clients on the database server itself.
_LOCAL_HOSTS = frozenset({'localhost', '127.0.0.1', '::1'})


def _check_text(what: str, name: str, longest: int) -> None:
    if not name:
        raise EngineError(f'The {what} name is empty.', code='guest_invalid_name')
    if len(name) > longest:
        raise EngineError(
            f'The {what} name has {len(name)} characters; the engine takes at most {longest}.',
            code='guest_invalid_name')
    if name != name.strip():
        raise EngineError(f'The {what} name begins or ends with white space.',
                          code='guest_invalid_name')
    for character in name:
        if ord(character) < 32 or ord(character) == 127:
            raise EngineError(f'The {what} name contains a control character.',
                              code='guest_invalid_name')
        if ord(character) > 0xFFFF or 0xD800 <= ord(character) <= 0xDFFF:
            raise EngineError(f'The {what} name contains a character the engine cannot store in '
                              f'names (outside the basic multilingual plane).',
                              code='guest_invalid_name')


def check_database(name: str) -> None:
    """:raises EngineError: guest_invalid_name."""
    _check_text('database', name, MAX_DATABASE)


def check_user(name: str, longest: int) -> None:
    """:raises EngineError: guest_invalid_name."""
    _check_text('user', name, longest)


def check_host(host: str) -> None:
    """Check a host: an address, a name, or a pattern with ``%`` and ``_``.

    :raises EngineError: guest_invalid_host.
    """
    if not _HOST.fullmatch(host):
        raise EngineError('The host is not an address, host name or pattern of the engine.',
                          code='guest_invalid_host')
    if host.lower() in _LOCAL_HOSTS:
        raise EngineError(
            'The host is the database server itself, from where no user can connect.',
            code='guest_invalid_host')


def check_password(password: str | None, longest: int | None = None) -> None:
    """:param longest: maximum bytes of UTF-8; None for no limit.

    :raises EngineError: guest_invalid_password.
    """
    if not password:
        raise EngineError('A user needs a password.', code='guest_invalid_password')
    if longest is not None and len(password.encode('utf-8', 'surrogatepass')) > longest:
        raise EngineError(f'The password has more than {longest} bytes.',
                          code='guest_invalid_password')
    if '\0' in password:
        raise EngineError('The password contains a NUL character.', code='guest_invalid_password')


def check_charset(character_set: str | None, collate: str | None) -> None:
    """Check only the characters; the server reports an unknown name itself.

    :raises EngineError: guest_invalid_charset.
    """
    for value in (character_set, collate):
        if value and not (len(value) <= MAX_CHARSET and _WORD.fullmatch(value)):
            raise EngineError('The character set or collation has an invalid name.',
                              code='guest_invalid_charset')


class NameRules(Engine):
    """Checks of names, as a part of an :class:`Engine` of this family."""

    #: Maximum characters of a user name.
    max_user = 32
    #: Maximum bytes of a password in UTF-8; None for no limit.
    max_password: int | None = None

    def check_database(self, database: Database) -> None:
        name = database['name']
        if reserved_database(self.description, name):
            raise EngineError(f'The database name {name!r} is reserved.',
                              code='guest_reserved_name')
        check_database(name)
        check_charset(database.get('character_set'), database.get('collate'))

    def check_user(self, name: str, host: str, password: str | None = None) -> None:
        if reserved_user(self.description, name):
            raise EngineError(f'The user name {name!r} is reserved.', code='guest_reserved_name')
        check_user(name, self.max_user)
        check_host(host)
        if password is not None:
            check_password(password, self.max_password)
