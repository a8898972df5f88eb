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
"""SQL text; no other module puts values into a statement. Values are quoted identifiers or
literals.
"""

from psycopg2 import sql

from trove.guestagent.datastore.postgres import scram

#: Prefix of the roles that own databases, before the number of the database.
OWNER_PREFIX = 'trove_db_'
TEMPLATE = 'template0'
LOCALE = 'C.UTF-8'
_UTF8 = 'UTF8'


def owner(number: int) -> str:
    """Return the role that owns the database with this number; its members are the users."""
    return f'{OWNER_PREFIX}{number}'


def _fill(text: str, **parts: str) -> sql.Composed:
    """Return a statement with names (``{name}``) and literals (``{_value}``) filled in."""
    return sql.SQL(text).format(
        **{
            key: sql.Literal(value) if key.startswith('_') else sql.Identifier(value)
            for key, value in parts.items()
        })


# --- databases
# ---------------------------------------------------------------------------------------

#: Rows (name, encoding, collation) of all complete databases. A database that still belongs to the
#: agent is incomplete: its creation was interrupted.
LIST_DATABASES = """
SELECT d.datname, pg_catalog.pg_encoding_to_char(d.encoding),
coalesce(d.daticulocale || '-x-icu', d.datcollate)
FROM pg_catalog.pg_database d
WHERE d.datdba <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = 'os_admin')"""


def find_database(name: str) -> sql.Composed:
    """Return a query of the row (number, name of the owner)."""
    return _fill('SELECT d.oid, pg_catalog.pg_get_userbyid(d.datdba) FROM pg_catalog.pg_database d '
                 'WHERE d.datname = {_name}', _name=name)


def icu_locale(collate: str) -> sql.Composed:
    """Return a query of the ICU locale of a collation."""
    return _fill(
        'SELECT colliculocale FROM pg_catalog.pg_collation '
        "WHERE collprovider = 'i' AND collname = {_name}",
        _name=collate)


def create_database(name: str, character_set: str | None, collate: str | None,
                    icu: str | None) -> sql.Composed:
    """Return a statement for a database that nobody can connect to yet.

    :param icu: ICU locale of ``collate``; None if it is no ICU collation.
    """
    encoding = character_set or _UTF8
    # The locale C fits every encoding, C.UTF-8 only UTF-8.
    locale = collate if collate and not icu else LOCALE if encoding.upper().replace(
        '-', '') == _UTF8 else 'C'
    text = (
        'CREATE DATABASE {name} TEMPLATE {template} ENCODING {_encoding} LC_COLLATE {_locale} '
        'LC_CTYPE {_locale} ALLOW_CONNECTIONS false')
    parts = {'name': name, 'template': TEMPLATE, '_encoding': encoding, '_locale': locale}
    if icu:
        text += ' LOCALE_PROVIDER icu ICU_LOCALE {_icu}'
        parts['_icu'] = icu
    return _fill(text, **parts)


def own_database(name: str, number: int, *, bare: bool) -> list[sql.Composed]:
    """Return statements that give a database to its own role.

    :param bare: the database is new: close it for all but the role, then allow connections.
    """
    closed = [
        _fill('REVOKE ALL ON DATABASE {name} FROM PUBLIC', name=name),
        allow_connections(name)
    ] if bare else []
    return [*closed, _fill('ALTER DATABASE {name} OWNER TO {role}', name=name, role=owner(number))]


def drop_database(name: str) -> list[sql.Composed]:
    """Return statements that drop a database and end its sessions, also if it is a template."""
    return [_fill('ALTER DATABASE {name} WITH IS_TEMPLATE false', name=name),
            _fill('DROP DATABASE {name} WITH (FORCE)', name=name)]


# --- roles
# -------------------------------------------------------------------------------------------

def _list(values: list[str]) -> sql.Composable:
    """Return a list for IN (…), with NULL for an empty list, which then matches nothing."""
    return sql.SQL(', ').join(map(sql.Literal, values)) if values else sql.SQL('NULL')


#: Rows (name) of all roles with login.
LIST_USERS = 'SELECT rolname FROM pg_catalog.pg_roles WHERE rolcanlogin AND NOT rolsuper'


def find_role(name: str) -> sql.Composed:
    return _fill('SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = {_name}', _name=name)


def create_role(name: str) -> sql.Composed:
    """Return a statement that creates a role without login."""
    return _fill('CREATE ROLE {name} NOLOGIN', name=name)


def may_log_in(name: str) -> sql.Composed:
    return _fill('SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = {_name}', _name=name)


def forbid_login(name: str) -> sql.Composed:
    return _fill('ALTER ROLE {name} NOLOGIN PASSWORD NULL', name=name)


def create_user(name: str, password: str) -> sql.Composed:
    return _fill('CREATE ROLE {name} LOGIN PASSWORD {_verifier}', name=name,
                 _verifier=scram.verifier(password))


def set_password(name: str, password: str) -> sql.Composed:
    return _fill('ALTER ROLE {name} PASSWORD {_verifier}', name=name,
                 _verifier=scram.verifier(password))


def rename_user(name: str, new_name: str) -> sql.Composed:
    return _fill('ALTER ROLE {name} RENAME TO {new_name}', name=name, new_name=new_name)


def holdings(name: str) -> sql.Composed:
    """Return a query of the databases where a role owns or was granted something."""
    return _fill(
        """SELECT DISTINCT d.datname FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_database d
ON d.oid = CASE WHEN s.dbid = 0 AND s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass
THEN s.objid ELSE s.dbid END
WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
AND s.refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = {_name})""", _name=name)


def databases_of(name: str) -> sql.Composed:
    """Return a query of the databases that belong to a role."""
    return _fill(
        'SELECT datname FROM pg_catalog.pg_database '
        'WHERE pg_catalog.pg_get_userbyid(datdba) = {_name}',
        _name=name)


def reassign(name: str, heir: str) -> sql.Composed:
    """Return a statement that gives another role what ``name`` owns in the session's database.

    The statement also gives away every database that ``name`` owns.
    """
    return _fill('REASSIGN OWNED BY {name} TO {heir}', name=name, heir=heir)


def drop_owned(name: str) -> sql.Composed:
    """Return a statement that drops what a role owns or was granted in the session's database."""
    return _fill('DROP OWNED BY {name}', name=name)


def allow_connections(database: str) -> sql.Composed:
    return _fill('ALTER DATABASE {database} WITH ALLOW_CONNECTIONS true', database=database)


def drop_role(name: str) -> sql.Composed:
    return _fill('DROP ROLE {name}', name=name)


def end_sessions(name: str, database: str | None = None) -> sql.Composed:
    """:param database: end only the sessions in this database."""
    text = ('SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity '
            'WHERE usename = {_name}')
    if database is None:
        return _fill(text, _name=name)
    return _fill(text + ' AND datname = {_database}', _name=name, _database=database)


# --- grants
# ------------------------------------------------------------------------------------------

def access_of(names: list[str]) -> sql.Composed:
    """Return a query of rows (user, database) where the users may connect, for any reason."""
    return sql.SQL("""
SELECT r.rolname, d.datname FROM pg_catalog.pg_roles r CROSS JOIN pg_catalog.pg_database d
WHERE r.rolname IN ({names}) AND d.datallowconn
AND pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT')
""").format(names=_list(names))


def grant(name: str, database: str, number: int) -> list[sql.Composed]:
    """Return statements for membership in the role that owns the database.

    Sessions begin as that role, so objects of one user belong to all users of the database.
    """
    role = owner(number)
    return [
        _fill('GRANT {role} TO {name}', role=role, name=name),
        _fill('ALTER ROLE {name} IN DATABASE {database} SET role TO {_role}', name=name,
              database=database, _role=role)
    ]


def revoke(name: str, database: str, number: int) -> list[sql.Composed]:
    """Return statements that revoke all access of a user, and end the user's sessions."""
    return [
        _fill('REVOKE {role} FROM {name}', role=owner(number), name=name),
        _fill('REVOKE ALL ON DATABASE {database} FROM PUBLIC', database=database),
        _fill('REVOKE ALL ON DATABASE {database} FROM {name} CASCADE', database=database,
              name=name),
        _fill('ALTER ROLE {name} IN DATABASE {database} RESET role', name=name, database=database),
        end_sessions(name, database)
    ]


def member(role: str, name: str) -> sql.Composed:
    return _fill('GRANT {role} TO {name}', role=role, name=name)


def owner_roles() -> sql.Composed:
    """Return a query of the roles that own the tenant's databases."""
    return _fill(
        'SELECT rolname FROM pg_catalog.pg_roles '
        'WHERE NOT rolcanlogin AND pg_catalog.starts_with(rolname, {_prefix})',
        _prefix=OWNER_PREFIX)


# --- the tenant's administrator
# ------------------------------------------------------------------------

#: Predefined roles for data and statistics, without access to files and programs.
ADMINISTRATOR_OF = ('pg_monitor', 'pg_signal_backend', 'pg_checkpoint', 'pg_read_all_data',
                    'pg_write_all_data')


def administrator(name: str, password: str) -> list[sql.Composed]:
    """Return statements for the rights of an administrator.

    The rights lead neither to the operating system nor to other administrators. CREATEROLE is
    missing: up to version 15 it allows membership in pg_execute_server_program.
    """
    rights = 'LOGIN CREATEDB BYPASSRLS NOSUPERUSER NOCREATEROLE NOREPLICATION'
    return [_fill(f'ALTER ROLE {{name}} {rights} PASSWORD {{_verifier}}',
                  name=name, _verifier=scram.verifier(password)),
            *(_fill('GRANT {role} TO {name}', role=role, name=name) for role in ADMINISTRATOR_OF)]


# --- a new cluster ----------------------------------------------------------------------------

#: Only the agent may connect to its own database and to the template of new ones.
CLOSE_DATABASES = ('REVOKE ALL ON DATABASE postgres FROM PUBLIC',
                   'REVOKE ALL ON DATABASE template1 FROM PUBLIC',
                   'REVOKE CREATE ON SCHEMA public FROM PUBLIC')


def other_administrators(agent: str) -> sql.Composed:
    """Return a query of roles with access to the operating system or to the agent's rights."""
    return _fill(
        """SELECT rolname FROM pg_catalog.pg_roles r WHERE rolname <> {_agent}
AND (rolsuper OR rolcreaterole OR rolreplication AND rolcanlogin)""", _agent=agent)


def no_administrator(name: str) -> sql.Composed:
    return _fill('ALTER ROLE {name} NOSUPERUSER NOCREATEROLE NOREPLICATION', name=name)
