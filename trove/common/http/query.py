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

"""Query parameters of lists: filters, order, bounds of time, and booleans.

Every parameter is optional; a list without parameters has its own order and is not filtered.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime

import webob

from trove.common import exception
from trove.common.listing import Order, Window

#: Characters of the longest column that a text is compared with.
_LONGEST = 255
_MOMENT = re.compile(r'\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?\Z')

#: Names of the parameters of a window.
WINDOW = ('created_after', 'created_before', 'updated_after', 'updated_before')
#: Names of the parameters of an order.
ORDER = ('sort_key', 'sort_dir')


def text(request: webob.Request, name: str) -> str | None:
    """Return a text, None if it is absent or empty.

    :raises trove.common.exception.BadRequest: the text is longer than any column.
    """
    given = request.GET.get(name) or None
    if given is not None and len(given) > _LONGEST:
        raise exception.BadRequest(
            f"Query parameter '{name}' must have at most {_LONGEST} characters.")
    return given


def word(request: webob.Request, name: str, words: Collection[str]) -> str | None:
    """Return one of some words, given in any case; None if it is absent or empty.

    :raises trove.common.exception.BadRequest: another word.
    """
    given = request.GET.get(name) or None
    if given is None:
        return None
    found = next((known for known in words if known.casefold() == given.casefold()), None)
    if found is None:
        raise exception.BadRequest(f"Query parameter '{name}' must be one of {', '.join(words)}.")
    return found


def order(request: webob.Request, keys: Collection[str]) -> Order:
    """Return the order by ``sort_key`` and ``sort_dir``.

    :raises trove.common.exception.BadRequest: an unknown key or direction.
    """
    key = request.GET.get('sort_key') or None
    direction = request.GET.get('sort_dir') or 'asc'
    if key is not None and key not in keys:
        raise exception.BadRequest(f"Query parameter 'sort_key' must be one of {', '.join(keys)}.")
    if direction not in ('asc', 'desc'):
        raise exception.BadRequest("Query parameter 'sort_dir' must be asc or desc.")
    return Order(key, direction == 'desc')


def window(request: webob.Request) -> Window:
    """Return the bounds of the times of creation and of the last change.

    :raises trove.common.exception.BadRequest: a bound is not a time.
    """
    return Window(*(_moment(request, name) for name in WINDOW))


def _moment(request: webob.Request, name: str) -> datetime | None:
    given = request.GET.get(name) or None
    if given is None:
        return None
    # Without quoting in the URL, the plus of a zone has become a blank.
    given = given.replace(' ', '+')
    try:
        if not _MOMENT.match(given):
            raise ValueError
        found = datetime.fromisoformat(given)
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError):
        raise exception.BadRequest(
            f"Query parameter '{name}' must be a time such as 2031-04-02T08:15:00, in UTC "
            f"unless it has a zone.") from None


#: Words of a boolean, in any case.
_TRUE = frozenset({'1', 't', 'true', 'on', 'y', 'yes'})
_FALSE = frozenset({'0', 'f', 'false', 'off', 'n', 'no'})
#: Parameters for which only the words true and false count; clients rely on it.
_ONLY_TRUE_AND_FALSE = frozenset({'include_clustered', 'count_only', 'deleted'})


def boolean(request: webob.Request, name: str) -> bool | None:
    """Return a boolean; None if it is absent or neither true nor false."""
    given = request.GET.get(name, '').lower()
    if name in _ONLY_TRUE_AND_FALSE:
        return {'true': True, 'false': False}.get(given)
    return True if given in _TRUE else False if given in _FALSE else None


def flag(request: webob.Request, name: str) -> bool:
    """Return a boolean that is false unless it is true."""
    return boolean(request, name) is True
