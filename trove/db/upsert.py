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

"""Insert many rows or renew those that are there, in one statement, on each of our database engines."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, case
from sqlalchemy.dialects import mysql, postgresql, sqlite

#: (stored row, arriving row) -> whether the arriving one replaces it; both give columns by attribute.
Guard = Callable[[Any, Any], ColumnElement[bool]]


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], guard: Guard,
           guarded_by: Sequence[str]) -> None:
    """Write ``rows``, each only where there is none with its key or ``guard`` says it is newer.

    :param rows: all with the same columns; no key twice.
    :param guarded_by: the columns that ``guard`` looks at, in an order in which they can be overwritten one after the
        other without the guard changing its mind in between.
    """
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    changing = [name for name in rows[0] if name not in keys]
    if connection.dialect.name in ('mysql', 'mariadb'):
        new = mysql.insert(table).values(list(rows))
        newer = guard(table.c, new.inserted)
        # MySQL assigns from left to right and shows later assignments what earlier ones wrote, so what the guard looks
        # at comes last.
        order = [name for name in changing if name not in guarded_by] + list(guarded_by)
        connection.execute(new.on_duplicate_key_update(
            [(name, case((newer, new.inserted[name]), else_=table.c[name])) for name in order]))
        return
    insert = postgresql.insert if connection.dialect.name == 'postgresql' else sqlite.insert
    fresh = insert(table).values(list(rows))
    connection.execute(fresh.on_conflict_do_update(
        index_elements=keys, set_={name: fresh.excluded[name] for name in changing},
        where=guard(table.c, fresh.excluded)))


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows``, leaving alone what has their keys already."""
    if not rows:
        return
    if connection.dialect.name in ('mysql', 'mariadb'):
        new = mysql.insert(table).values(list(rows))
        key = next(iter(table.primary_key)).name
        # An update to itself, not INSERT IGNORE, which would also swallow values that do not fit.
        connection.execute(new.on_duplicate_key_update([(key, table.c[key])]))
        return
    insert = postgresql.insert if connection.dialect.name == 'postgresql' else sqlite.insert
    connection.execute(insert(table).values(list(rows)).on_conflict_do_nothing(
        index_elements=[column.name for column in table.primary_key]))
