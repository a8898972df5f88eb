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

"""SQL text of the MySQL family; no other module puts values into a statement.

The builders are right only for the sql_mode of ``session_settings``: a backslash escapes in
literals, and a double quote does not quote identifiers.
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
#: Hashes in statements: of mysql_native_password and of caching_sha2_password.
_HASH = re.compile(r'\*[0-9A-F]{40}|0x[0-9A-F]{100,}')


def literal(value: str) -> str:
    """Return a string literal."""
    return "'" + value.translate(_ESCAPES) + "'"


def literals(values: list[str]) -> str:
    """Return a list for IN (...), with NULL for an empty list, which then matches nothing."""
    return ', '.join(map(literal, values)) or 'NULL'


def identifier(name: str) -> str:
    """Return a quoted identifier."""
    return '`' + name.replace('`', '``') + '`'


def pattern(name: str) -> str:
    """Return the pattern that GRANT stores for exactly this database, wildcards escaped."""
    return name.replace('\\', '\\\\').replace('%', '\\%').replace('_', '\\_')


def name_of_pattern(stored: str) -> str:
    """Return the database of a stored pattern; a tenant's pattern with wildcards is unchanged."""
    return re.sub(r'\\([\\%_])', r'\1', stored)


def account(name: str, host: str) -> str:
    """Return ``'name'@'host'``."""
    return f'{literal(name)}@{literal(host)}'


# --- databases
# ---------------------------------------------------------------------------------------


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


# --- users and grants
# --------------------------------------------------------------------------------

def create_user(name: str, host: str, identified: str, *, or_ignore: bool = False) -> str:
    """:param identified: clause with the hash of the password, in the server's own notation."""
    return f'CREATE USER {"IF NOT EXISTS " if or_ignore else ""}{account(name, host)} {identified}'


def drop_user(name: str, host: str) -> str:
    return f'DROP USER {account(name, host)}'


def set_password(name: str, host: str, identified: str) -> str:
    return f'ALTER USER {account(name, host)} {identified}'


def rename_user(name: str, host: str, new_name: str, new_host: str) -> str:
    return f'RENAME USER {account(name, host)} TO {account(new_name, new_host)}'


def grant_database(stored: str, name: str, host: str) -> str:
    """:param stored: pattern to store in mysql.db."""
    return f'GRANT ALL PRIVILEGES ON {identifier(stored)}.* TO {account(name, host)}'


def revoke_database(stored: str, name: str, host: str, revoke: str = 'REVOKE') -> tuple[str, str]:
    """Return the statements that revoke a grant on a database.

    :param stored: pattern as it is in mysql.db; a tenant may have written it without escapes.
    :param revoke: statement that revokes without an error if the privilege is missing.
    """
    where = f'ON {identifier(stored)}.* FROM {account(name, host)}'
    # ALL PRIVILEGES does not include the grant option, which the tenant's root may have granted.
    return f'{revoke} GRANT OPTION {where}', f'{revoke} ALL PRIVILEGES {where}'


def grants_of(accounts: list[tuple[str, str]]) -> str:
    """Return a query of rows (user, host, stored pattern).

    The grantee of information_schema is not escaped, so the query reads mysql.db.
    """
    pairs = ', '.join(f'({literal(name)}, {literal(host)})'
                      for name, host in accounts) or '(NULL, NULL)'
    return f'SELECT User, Host, Db FROM mysql.db WHERE (User, Host) IN ({pairs})'


def redacted(statement: str) -> str:
    """Return a statement for the log, without password hashes."""
    return _HASH.sub('…', statement)
