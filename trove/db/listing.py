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

"""Conditions and orders shared by the lists of several tables."""

import operator
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, or_, select

from trove.common.listing import Order, Window


def within(table: Table, window: Window) -> list[ColumnElement[bool]]:
    """Return the conditions of a time window on ``created`` and ``updated``."""
    bounds = ((table.c.created, operator.ge, window.created_after),
              (table.c.created, operator.le, window.created_before),
              (table.c.updated, operator.ge, window.updated_after),
              (table.c.updated, operator.le, window.updated_before))
    return [compare(column, bound) for column, compare, bound in bounds if bound is not None]


def columns(table: Table, order: Order) -> list[Any]:
    """Return the columns of an order: the key, and the id to make it total."""
    return [table.c[order.key], table.c.id] if order.key else [table.c.id]


def directed(ordered: Sequence[Any], descending: bool) -> list[Any]:
    return [column.desc() if descending else column for column in ordered]


def behind(table: Table, ordered: Sequence[Any], marker: str,
           descending: bool) -> ColumnElement[bool]:
    """Return the condition that a row follows the marker, which may be deleted meanwhile.

    :param ordered: columns of the order; the last is the id.
    :param marker: id of the last row of the previous page.
    """
    def beyond(column: Any, value: Any) -> Any:
        return column < value if descending else column > value

    if len(ordered) == 1:
        return beyond(table.c.id, marker)
    key, last = ordered[0], table.alias()
    value = select(last.c[key.name]).where(last.c.id == marker).scalar_subquery()
    return or_(beyond(key, value), and_(key == value, beyond(table.c.id, marker)))
