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

"""Pages of sorted lists, with one rule for every engine and every list."""

import bisect
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar('Item')


def page(items: Sequence[Item], keys: Sequence[str], *, limit: int, marker: str | None,
         include_marker: bool = False) -> tuple[list[Item], str | None]:
    """Return the items after ``marker`` and the marker of the next page.

    :param keys: sort key of each item, ascending by code point.
    :param limit: maximum items to return; 0 for all.
    :param marker: key of the last item of the previous page; it need not exist any more.
    :param include_marker: begin with the marker's own item.
    :returns: items, and the key of the last one if more follow, else None.
    """
    find = bisect.bisect_left if include_marker else bisect.bisect_right
    start = find(keys, marker) if marker else 0
    end = min(start + limit, len(items)) if limit else len(items)
    return list(items[start:end]), keys[end - 1] if start < end < len(items) else None
