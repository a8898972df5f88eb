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
"""Rules for names in PostgreSQL; the server would cut or reject other names later."""

import re

from trove.guestagent.datastore.engine import (
    Database, Engine, EngineError, reserved_database, reserved_user)

#: Maximum bytes, not characters; the server cuts a longer name without an error.
LONGEST = 63
_LONGEST_LOCALE = 64
_WORD = re.compile(r'[A-Za-z0-9_.@\-]+')


def check_name(what: str, name: str) -> None:
    """:raises EngineError: guest_invalid_name."""
    if not name:
        raise EngineError(f'The {what} name is empty.', code='guest_invalid_name')
    try:
        size = len(name.encode('utf-8'))
    except UnicodeEncodeError:
        raise EngineError(f'The {what} name contains an incomplete character.',
                          code='guest_invalid_name') from None
    if size > LONGEST:
        raise EngineError(f'The {what} name has {size} bytes; the engine takes at most {LONGEST}.',
                          code='guest_invalid_name')
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        raise EngineError(f'The {what} name contains a control character.',
                          code='guest_invalid_name')


def check_password(password: str | None) -> None:
    """:raises EngineError: guest_invalid_password."""
    if not password:
        raise EngineError('A user needs a password.', code='guest_invalid_password')
    if '\0' in password:
        raise EngineError('The password contains a NUL character.', code='guest_invalid_password')
    if any(0xD800 <= ord(character) <= 0xDFFF for character in password):
        raise EngineError('The password contains an incomplete character.',
                          code='guest_invalid_password')


def check_charset(character_set: str | None, collate: str | None) -> None:
    """Check only the characters; the server reports an unknown name itself.

    :raises EngineError: guest_invalid_charset.
    """
    for value in (character_set, collate):
        if value and not (len(value) <= _LONGEST_LOCALE and _WORD.fullmatch(value)):
            raise EngineError('The character set or collation has an invalid name.',
                              code='guest_invalid_charset')


class NameRules(Engine):
    """Checks of names, as a part of an :class:`Engine`."""

    def check_database(self, database: Database) -> None:
        name = database['name']
        if reserved_database(self.description, name):
            raise EngineError(f'The database name {name!r} is reserved.',
                              code='guest_reserved_name')
        check_name('database', name)
        check_charset(database.get('character_set'), database.get('collate'))

    def check_user(self, name: str, host: str, password: str | None = None) -> None:
        """Check name and password; hosts have no meaning, as roles may come from everywhere."""
        if reserved_user(self.description, name):
            raise EngineError(f'The user name {name!r} is reserved.', code='guest_reserved_name')
        check_name('user', name)
        if password is not None:
            check_password(password)
