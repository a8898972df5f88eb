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


def limit_of(request: webob.Request, maximum: int, *, capped: bool = True) -> int:
    """Rows of the page asked for; more than the maximum is silently the maximum.

    :param capped: False where any number may be asked for, and ``maximum`` is only what is given unasked.
    :raises trove.common.exception.BadRequest: not a positive number.
    """
    given = request.GET.get('limit')
    if given is None or given == '':
        return maximum
    if not given.isascii() or not given.isdigit() or not given.strip('0'):
        raise exception.BadRequest(
            f"Query parameter 'limit' must be a positive integer, not '{given[:40]}'.")
    asked = int(given.lstrip('0')[:9])
    return min(asked, maximum) if capped else asked


def marker_of(request: webob.Request) -> str | None:
    """Where the page before ended.

    One kind of client sends the marker as it stands in our link, the other decodes the link once more than it encodes
    it again. Decoding what is left of the quoting serves both.
    """
    given = request.GET.get('marker')
    marker = parse.unquote(given) if given else None
    if marker and '\0' in marker:
        raise exception.BadRequest("Query parameter 'marker' holds a null character.")
    return marker


def offset_of(request: webob.Request) -> int:
    """The marker of a list whose pages are counted: how many rows stood on the pages before.

    :raises trove.common.exception.BadRequest: not a number.
    """
    given = marker_of(request)
    if given is None:
        return 0
    if not given.isascii() or not given.isdigit():
        raise exception.BadRequest(
            f"Query parameter 'marker' must be a number here, not '{given[:40]}'.")
    return int(given.lstrip('0')[:9] or 0)


def links(request: webob.Request, marker: str) -> list[dict[str, str]]:
    """The next link: same path and query, new marker, always https (clients follow it as it is).

    The marker is quoted as a value and once more as part of the query.
    """
    query = [(name, value) for name, value in request.GET.items() if name != 'marker']
    query.append(('marker', parse.quote(marker, safe='')))
    return [{
        'rel': 'next',
        'href': f'https://{request.host}{request.path}?{parse.urlencode(query)}'
    }]


def page(request: webob.Request, collection: str, rows: list[dict[str, Any]],
         marker: str | None) -> dict[str, Any]:
    """The body of one page.

    :param marker: of the next page, None when this is the last: then there is no ``links`` key at all.
    """
    body: dict[str, Any] = {collection: rows}
    if marker is not None:
        body['links'] = links(request, marker)
        # The same under the name that gophercloud's pagers look for.
        body[f'{collection}_links'] = body['links']
    return body
