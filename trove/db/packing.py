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

"""Rows of a long list, cheaply with every driver.

PyMySQL is written in Python: it takes a microsecond or more for each value, which for a page of twenty rows is half of
what the whole answer costs. There the server makes one JSON text of each row, which is read at the speed of C. Other
drivers are asked for the columns as they are.
"""

import collections
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Connection, DateTime, Select, func

#: What stands in the text for "true": of a column, of an expression, and of one that went through a temporary table.
_TRUE = frozenset({1, '1', 'true'})
_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (DateTime, datetime.fromisoformat), (Boolean, _TRUE.__contains__))


class Statement:
    """A statement whose rows are many.

    :param plain: what to ask; its columns have names.
    """

    def __init__(self, plain: Select) -> None:
        columns = list(plain.selected_columns)
        self._plain = plain
        self._packed = plain.with_only_columns(func.json_array(*columns),
                                               maintain_column_froms=True)
        self._record = _record_of(tuple(column.name for column in columns))
        self._converted = [(position, convert) for position, column in enumerate(columns)
                           for kind, convert in _CONVERSIONS if isinstance(column.type, kind)]

    def rows(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """All rows; a value is had by its column's name, or by its position."""
        if connection.dialect.name not in ('mysql', 'mariadb'):
            return connection.execute(self._plain, parameters).all()
        return [
            self._unpacked(text) for text in connection.execute(self._packed, parameters).scalars()
        ]

    def _unpacked(self, text: str) -> Any:
        values = json.loads(text)
        for position, convert in self._converted:
            if values[position] is not None:
                values[position] = convert(values[position])
        return self._record(values)


@functools.cache
def _record_of(names: tuple[str, ...]) -> Callable[[list[Any]], Any]:
    made: Any = collections.namedtuple('Record', names)  # type: ignore[misc]
    return made._make
