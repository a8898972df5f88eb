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

"""Insert or update of many rows in one statement, on each supported database engine.

The statement is compiled once for each kind of row and executed with the rows as parameters, which
the drivers of MySQL and PostgreSQL combine into one statement. Compiling for each number of rows
would cost several times as much as sending.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, case
from sqlalchemy.dialects import mysql, postgresql, sqlite

#: (stored row, arriving row) -> condition under which the arriving row replaces the stored one.
#: Both have columns as attributes. The condition has columns and literals only, no parameters.
Guard = Callable[[Any, Any], ColumnElement[bool]]


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], guard: Guard,
           guarded_by: Sequence[str]) -> None:
    """Insert ``rows``; update a stored row of the same key where ``guard`` applies.

    :param rows: mappings with the same columns; no key twice.
    :param guarded_by: columns that ``guard`` reads, in an order of assignment that does not change
        its result in between.
    """
    if rows:
        statement = _upserting(connection.dialect.name, table, tuple(rows[0]), guard,
                               tuple(guarded_by))
        connection.execute(statement, list(rows))


@functools.cache
def _upserting(dialect: str, table: Table, columns: tuple[str, ...], guard: Guard,
               guarded_by: tuple[str, ...]) -> Any:
    keys = [column.name for column in table.primary_key]
    changing = [name for name in columns if name not in keys]
    if dialect in ('mysql', 'mariadb'):
        new = mysql.insert(table)
        newer = guard(table.c, new.inserted)
        # MySQL assigns from left to right, and later assignments read the earlier ones: the columns
        # that the guard reads come last.
        order = [name for name in changing if name not in guarded_by] + list(guarded_by)
        return new.on_duplicate_key_update(
            [(name, case((newer, new.inserted[name]), else_=table.c[name])) for name in order])
    fresh = postgresql.insert(table) if dialect == 'postgresql' else sqlite.insert(table)
    return fresh.on_conflict_do_update(
        index_elements=keys, set_={name: fresh.excluded[name] for name in changing},
        where=guard(table.c, fresh.excluded))


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows`` except those with an existing key."""
    if rows:
        connection.execute(_inserting(connection.dialect.name, table), list(rows))


@functools.cache
def _inserting(dialect: str, table: Table) -> Any:
    keys = [column.name for column in table.primary_key]
    if dialect in ('mysql', 'mariadb'):
        # An update to itself: INSERT IGNORE would also ignore values that do not fit.
        return mysql.insert(table).on_duplicate_key_update([(keys[0], table.c[keys[0]])])
    fresh = postgresql.insert(table) if dialect == 'postgresql' else sqlite.insert(table)
    return fresh.on_conflict_do_nothing(index_elements=keys)
