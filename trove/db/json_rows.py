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

"""Rows of long lists, fetched as one JSON text per row where the driver is slow.

PyMySQL decodes values in Python at a microsecond or more each, half the cost of a page of twenty
rows. On MySQL and MariaDB the server builds a JSON array per row, which Python's C parser decodes.
Other drivers fetch the columns.

mysqlclient, a C driver, would do without this module: a page of 20 costs 0.38 ms of CPU with it and
0.42 ms with PyMySQL and JSON (0.80 ms with PyMySQL and columns); a page of 1,000 costs 7.6, 8.6 and
20 ms. PyMySQL stays, because mysqlclient has no binary package for Linux and needs a compiler and
the headers of MariaDB, and because the connection URLs of operators name PyMySQL.
"""

import collections
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Connection, DateTime, Select, func

#: JSON values that mean true: of a column, of an expression, and after a temporary table.
_TRUE = frozenset({1, '1', 'true'})
_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (DateTime, datetime.fromisoformat), (Boolean, _TRUE.__contains__))


class Statement:
    """Statement that returns many rows.

    :param plain: the SELECT; all its columns have names.
    """

    def __init__(self, plain: Select) -> None:
        columns = list(plain.selected_columns)
        self._plain = plain
        self._as_json = plain.with_only_columns(func.json_array(*columns),
                                                maintain_column_froms=True)
        self._record = _record_of(tuple(column.name for column in columns))
        self._converted = [(position, convert) for position, column in enumerate(columns)
                           for kind, convert in _CONVERSIONS if isinstance(column.type, kind)]

    def rows(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Return all rows; values are read by column name or position."""
        if connection.dialect.name not in ('mysql', 'mariadb'):
            return connection.execute(self._plain, parameters).all()
        return [
            self._decode(text) for text in connection.execute(self._as_json, parameters).scalars()
        ]

    def _decode(self, text: str) -> Any:
        values = json.loads(text)
        for position, convert in self._converted:
            if values[position] is not None:
                values[position] = convert(values[position])
        return self._record(values)


@functools.cache
def _record_of(names: tuple[str, ...]) -> Callable[[list[Any]], Any]:
    made: Any = collections.namedtuple('Record', names)  # type: ignore[misc]
    return made._make
