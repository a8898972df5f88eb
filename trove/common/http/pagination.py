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

"""Pages of a collection: ``limit`` and ``marker`` in, a next link out."""

from typing import Any
from urllib import parse

import webob

from trove.common import exception
from trove.common.http import views


def limit_of(request: webob.Request, maximum: int, *, capped: bool = True) -> int:
    """Return the number of rows of the page; a larger limit counts as the maximum.

    :param capped: False where any limit is allowed, and ``maximum`` is only the default.
    :raises trove.common.exception.BadRequest: the limit is not a positive number.
    """
    given = request.GET.get('limit')
    if given is None or given == '':
        return maximum
    if not given.isascii() or not given.isdigit() or not given.strip('0'):
        raise exception.BadRequest(
            f"Query parameter 'limit' must be a positive integer, not '{given[:40]}'.")
    limit = int(given.lstrip('0')[:9])
    return min(limit, maximum) if capped else limit


def marker_of(request: webob.Request) -> str | None:
    """Return the marker: the end of the page before.

    Some clients send the marker as it is in the link, others decode the link once more than they
    encode it. The remaining quoting is decoded for both.
    """
    given = request.GET.get('marker')
    marker = parse.unquote(given) if given else None
    if marker and '\0' in marker:
        raise exception.BadRequest("Query parameter 'marker' holds a null character.")
    return marker


def offset_of(request: webob.Request) -> int:
    """Return the marker of a list with numbered rows: the number of rows on the pages before.

    :raises trove.common.exception.BadRequest: the marker is not a number.
    """
    given = marker_of(request)
    if given is None:
        return 0
    if not given.isascii() or not given.isdigit():
        raise exception.BadRequest(
            f"Query parameter 'marker' must be a number here, not '{given[:40]}'.")
    return int(given.lstrip('0')[:9] or 0)


def links(request: webob.Request, marker: str) -> list[dict[str, str]]:
    """Return the next link, which clients follow: same path and query, new marker.

    The marker is quoted as a value and once more as part of the query.
    """
    query = [(name, value) for name, value in request.GET.items() if name != 'marker']
    query.append(('marker', parse.quote(marker, safe='')))
    base = views.base_url(request)
    # A server that mounts the service below a path has this path in both.
    path = request.path.removeprefix(parse.urlsplit(base).path)
    return [{'rel': 'next', 'href': f'{base}{path}?{parse.urlencode(query)}'}]


def page(request: webob.Request, collection: str, rows: list[dict[str, Any]],
         marker: str | None) -> dict[str, Any]:
    """Return the body of one page.

    :param marker: marker of the next page; None for the last page, which has no ``links`` key.
    """
    body: dict[str, Any] = {collection: rows}
    if marker is not None:
        body['links'] = links(request, marker)
        # The pagers of gophercloud look for this name.
        body[f'{collection}_links'] = body['links']
    return body
