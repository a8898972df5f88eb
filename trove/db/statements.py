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

"""Helpers for statements on any table."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, delete, select


def grouped(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    """Return rows by the value of a column, in their order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(getattr(row, column), []).append(row)
    return found


def delete_rows(connection: Connection, key: Any, condition: Any) -> None:
    """Delete rows by their key, if any match.

    A DELETE without a match would lock the gap into which rows of other instances are inserted.

    :param key: column of the primary key.
    """
    found = list(connection.execute(select(key).where(condition)).scalars())
    if found:
        connection.execute(delete(key.table).where(key.in_(found)))
