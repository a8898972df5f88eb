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

"""What the query of a list may ask for beside a page: filters, an order, a window of time.

All of it is additive: a list that is asked for nothing is as it always was.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime

import webob

from trove.common import exception
from trove.common.listing import Order, Window

#: Longest text that a column could be equal to.
_LONGEST = 255
_MOMENT = re.compile(r'\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?\Z')

#: Names of the parameters of a window, for the URL table.
WINDOW = ('created_after', 'created_before', 'updated_after', 'updated_before')
#: The same of an order.
ORDER = ('sort_key', 'sort_dir')


def text(request: webob.Request, name: str) -> str | None:
    """A filter by a text; None when it is not given or empty.

    :raises trove.common.exception.BadRequest: nothing could be equal to it.
    """
    given = request.GET.get(name) or None
    if given is not None and len(given) > _LONGEST:
        raise exception.BadRequest(
            f"Query parameter '{name}' must have at most {_LONGEST} characters.")
    return given


def word(request: webob.Request, name: str, words: Collection[str]) -> str | None:
    """A filter by one of some words, in any case.

    :raises trove.common.exception.BadRequest: it is none of them.
    """
    given = request.GET.get(name) or None
    if given is None:
        return None
    found = next((known for known in words if known.casefold() == given.casefold()), None)
    if found is None:
        raise exception.BadRequest(f"Query parameter '{name}' must be one of {', '.join(words)}.")
    return found


def order(request: webob.Request, keys: Collection[str]) -> Order:
    """``sort_key`` and ``sort_dir``.

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
    """:raises trove.common.exception.BadRequest: a bound is no time."""
    return Window(*(_moment(request, name) for name in WINDOW))


def _moment(request: webob.Request, name: str) -> datetime | None:
    given = request.GET.get(name) or None
    if given is None:
        return None
    # What stands unquoted in a URL has lost the plus of its zone.
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


def flag(request: webob.Request, name: str) -> bool:
    """A boolean as OpenStack services take them; whatever is not true is false."""
    return request.GET.get(name, '').lower() in ('1', 't', 'true', 'on', 'y', 'yes')
