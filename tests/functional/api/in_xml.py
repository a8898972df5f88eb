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

"""Interpreter between stories in JSON and an edge in XML: requests are sent as XML, responses are
returned as JSON.

The interpreter knows the mapping and the URL table only, so a story that runs through it compares
both formats.
"""

import json
import re
from typing import Any
from urllib import parse
from xml.etree import ElementTree

import webob

from trove import versions
from trove.common import exception
from trove.common.http import serializers
from trove.common.api import ROUTES
from trove.common.http.mapper import RouteMapper
from trove.common.http.route import Route
from trove.common.http.serializers import table

#: Header of a story's request that cannot be written in XML.
JSON_ONLY = 'x-story-wire'

_XML = serializers.XML.content_type
_FAULT = {
    'type': 'object',
    'properties': {
        'code': {
            'type': 'integer'
        },
        'message': {
            'type': 'string'
        },
        'title': {
            'type': 'string'
        }
    }
}


class Interpreter:
    """WSGI application around the edge."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self._router = RouteMapper(ROUTES, ('json', 'xml'))
        #: Requests and answers that were XML.
        self.requests = self.answers = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = webob.Request(environ)
        path = request.path_info
        route = self._route(request)
        accept = request.headers.get('Accept', '')
        request.headers['Accept'] = accept.replace('+json', '+xml') if '+json' in accept else _XML
        if request.headers.pop(JSON_ONLY, '') != 'json':
            self._translate(request, route)
        response = request.get_response(self.application)
        is_json_requested = path.endswith('.json') and not (route and route.whole)
        if path != '/healthcheck' and not is_json_requested:
            self._translate_back(response, route)
        return response(environ, start_response)

    def _route(self, request: webob.Request) -> Route | None:
        path = re.sub('/{2,}', '/', parse.unquote(request.path_info))
        try:
            return self._router.match(request.method, path.removeprefix('/v1.0') or '/').route
        except exception.NotFound:
            return None

    def _translate(self, request: webob.Request, route: Route | None) -> None:
        if request.headers.get('Content-Type') != 'application/json' or not request.body:
            return
        try:
            body = json.loads(request.body)
        except ValueError:
            return
        root = ''
        if route and route.request_schema and 'xml' in route.request_schema.schema:
            root = route.request_schema.schema['xml']['name']
        if isinstance(body, dict) and (len(body) == 1 or root):
            request.body = serializers.XML.dump(body, root)
            request.headers['Content-Type'] = _XML
            self.requests += 1

    def _translate_back(self, response: webob.Response, route: Route | None) -> None:
        assert response.headers[
            'Content-Type'] == _XML, f'{response.headers["Content-Type"]}: {response.text}'
        response.headers['Content-Type'] = 'application/json'
        self.answers += 1
        if response.body:
            response.body = serializers.JSON.dump(_read(response.body, response.status_int, route))


def _read(data: bytes, status: int, route: Route | None) -> dict[str, Any]:
    if status >= 400:
        name = ElementTree.fromstring(data).tag.rpartition('}')[2]
        return serializers.XML.load(data, {'properties': {name: _FAULT}})
    root = ElementTree.fromstring(data)
    links = _page_links(root)
    schema = route.response_schema if route and route.response_schema else {
        'anyOf': [versions.INDEX, versions.SHOW]
    }
    body = serializers.XML.load(ElementTree.tostring(root), schema)
    if links:
        body['links'] = body[f'{next(iter(body))}_links'] = links
    return body


def _page_links(root: ElementTree.Element) -> list[dict[str, str]]:
    """Takes the links of the page off a list."""
    tag = root.tag.rpartition('}')[2]
    found = [child for child in root if child.tag.rpartition('}')[2] == 'links']
    if not found or not any(child.tag.rpartition('}')[2] == table.item_name(tag) for child in root):
        return []
    root.remove(found[-1])
    return [dict(link.attrib) for link in found[-1]]
