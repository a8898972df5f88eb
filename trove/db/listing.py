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

"""Conditions and orders that lists of several tables have in common."""

import operator
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, or_, select

from trove.common.listing import Order, Window


def within(table: Table, window: Window) -> list[ColumnElement[bool]]:
    """The conditions of a window of time on ``created`` and ``updated``."""
    bounds = ((table.c.created, operator.ge, window.created_after),
              (table.c.created, operator.le, window.created_before),
              (table.c.updated, operator.ge, window.updated_after),
              (table.c.updated, operator.le, window.updated_before))
    return [compare(column, bound) for column, compare, bound in bounds if bound is not None]


def columns(table: Table, order: Order) -> list[Any]:
    """What rows are sorted by: the key, and the id so that no two rows are equal."""
    return [table.c[order.key], table.c.id] if order.key else [table.c.id]


def directed(wanted: Sequence[Any], descending: bool) -> list[Any]:
    return [column.desc() if descending else column for column in wanted]


def behind(table: Table, wanted: Sequence[Any], marker: str,
           descending: bool) -> ColumnElement[bool]:
    """Rows that stand behind the marker's, which may have been deleted since: equal keys are told apart by the id.

    :param wanted: the columns of the order, the last one the id.
    :param marker: id of the last row of the page before.
    """
    def beyond(column: Any, value: Any) -> Any:
        return column < value if descending else column > value

    if len(wanted) == 1:
        return beyond(table.c.id, marker)
    key, last = wanted[0], table.alias()
    value = select(last.c[key.name]).where(last.c.id == marker).scalar_subquery()
    return or_(beyond(key, value), and_(key == value, beyond(table.c.id, marker)))
