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

"""Filters and order that every list of the API shares, as queries of the database take them."""

from datetime import datetime
from typing import NamedTuple


class Window(NamedTuple):
    """Bounds of the times of creation and of the last change: UTC without zone, inclusive."""

    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None


class Order(NamedTuple):
    """Column to sort by, None for the list's own order; rows with equal values are sorted by id."""

    key: str | None = None
    descending: bool = False
