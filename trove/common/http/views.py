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

"""Parts that all views share: times, links, references."""

from datetime import datetime

import webob
from oslo_config import cfg

CONF = cfg.CONF

_PREFIXES_KEY = 'trove.link_prefixes'


def timestamp(moment: datetime | None) -> str | None:
    """Return UTC without zone and fraction; a client parses exactly this layout."""
    return None if moment is None else moment.strftime('%Y-%m-%dT%H:%M:%S')


def base_url(request: webob.Request) -> str:
    """Return the URL of the service as its clients reach it, without a slash at the end.

    That is ``public_endpoint``, else scheme and host of the request, which oslo.middleware takes
    from the headers of a proxy if ``enable_proxy_headers_parsing`` is set.
    """
    return (CONF.public_endpoint or request.host_url).rstrip('/')


def links(request: webob.Request, collection: str, resource_id: str) -> list[dict[str, str]]:
    """Return the two links of an object."""
    own, bookmark = request.environ.get(_PREFIXES_KEY) or _prefixes(request)
    path = f'{collection}/{resource_id}'
    return [{'rel': 'self', 'href': own + path}, {'rel': 'bookmark', 'href': bookmark + path}]


def _prefixes(request: webob.Request) -> tuple[str, str]:
    """Return the beginnings of all links of a response."""
    base = f'{base_url(request)}/'
    found = request.environ[_PREFIXES_KEY] = (f'{base}v1.0/{request.context.project_id}/', base)
    return found


def reference(value: str | int) -> str:
    """Return the id in a reference: an id, or the last segment of a URL."""
    return str(value).rstrip('/').rpartition('/')[2]
