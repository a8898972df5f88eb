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

"""SQL text of the MySQL family: the only place where values become part of a statement.

Sessions run with an sql_mode in which the backslash is an escape character in literals and the double quote is none for
identifiers (``session_settings`` of the accounts); these builders are right for no other mode.
"""

import re

_ESCAPES = str.maketrans({
    '\\': '\\\\',
    "'": "''",
    '\0': '\\0',
    '\n': '\\n',
    '\r': '\\r',
    '\x1a': '\\Z'
})
#: What stands in statements for passwords: the hash of mysql_native_password, and that of caching_sha2_password.
_HASH = re.compile(r'\*[0-9A-F]{40}|0x[0-9A-F]{100,}')


def literal(value: str) -> str:
    """A string literal."""
    return "'" + value.translate(_ESCAPES) + "'"


def literals(values: list[str]) -> str:
    """A list for IN (...); never empty SQL: an empty list matches nothing."""
    return ', '.join(map(literal, values)) or 'NULL'


def identifier(name: str) -> str:
    """A quoted identifier."""
    return '`' + name.replace('`', '``') + '`'


def pattern(name: str) -> str:
    """The text that GRANT stores for exactly this database: its wildcards escaped."""
    return name.replace('\\', '\\\\').replace('%', '\\%').replace('_', '\\_')


def name_of_pattern(stored: str) -> str:
    """The database a stored pattern was made for; a pattern made by the tenant with bare wildcards comes as it is."""
    return re.sub(r'\\([\\%_])', r'\1', stored)


def account(name: str, host: str) -> str:
    """'name'@'host'."""
    return f'{literal(name)}@{literal(host)}'


# --- databases ---------------------------------------------------------------------------------------


def create_database(name: str, character_set: str | None, collate: str | None, *,
                    or_ignore: bool = False) -> str:
    text = f'CREATE DATABASE {"IF NOT EXISTS " if or_ignore else ""}{identifier(name)}'
    if character_set:
        text += f' CHARACTER SET = {literal(character_set)}'
    if collate:
        text += f' COLLATE = {literal(collate)}'
    return text


def drop_database(name: str) -> str:
    return f'DROP DATABASE {identifier(name)}'


LIST_DATABASES = ('SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME '
                  'FROM information_schema.SCHEMATA')


# --- users and grants --------------------------------------------------------------------------------

def create_user(name: str, host: str, identified: str, *, or_ignore: bool = False) -> str:
    """:param identified: the clause with the hash of the password, which each server has in a form of its own."""
    return f'CREATE USER {"IF NOT EXISTS " if or_ignore else ""}{account(name, host)} {identified}'


def drop_user(name: str, host: str) -> str:
    return f'DROP USER {account(name, host)}'


def set_password(name: str, host: str, identified: str) -> str:
    return f'ALTER USER {account(name, host)} {identified}'


def rename_user(name: str, host: str, new_name: str, new_host: str) -> str:
    return f'RENAME USER {account(name, host)} TO {account(new_name, new_host)}'


def grant_database(stored: str, name: str, host: str) -> str:
    """:param stored: the pattern as it shall stand in mysql.db."""
    return f'GRANT ALL PRIVILEGES ON {identifier(stored)}.* TO {account(name, host)}'


def revoke_database(stored: str, name: str, host: str, revoke: str = 'REVOKE') -> tuple[str, str]:
    """:param stored: the pattern as it stands in mysql.db, which a tenant may have written without escapes.

    :param revoke: the words with which a server takes away what may not be there.
    """
    where = f'ON {identifier(stored)}.* FROM {account(name, host)}'
    # ALL PRIVILEGES leaves the grant option behind, which the tenant's root may have given.
    return f'{revoke} GRANT OPTION {where}', f'{revoke} ALL PRIVILEGES {where}'


def grants_of(accounts: list[tuple[str, str]]) -> str:
    """Rows (user, host, stored pattern). information_schema is of no use: its grantee text is not escaped."""
    wanted = ', '.join(f'({literal(name)}, {literal(host)})'
                       for name, host in accounts) or '(NULL, NULL)'
    return f'SELECT User, Host, Db FROM mysql.db WHERE (User, Host) IN ({wanted})'


def redacted(statement: str) -> str:
    """A statement that may be logged: without password hashes."""
    return _HASH.sub('…', statement)
