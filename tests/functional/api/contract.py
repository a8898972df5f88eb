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

"""Every answer held against the OpenAPI document."""

import functools
import re
from typing import Any
from urllib import parse

import jsonschema
import webob

from trove.common import api, exception
from trove.common.http.mapper import RouteMapper

_ROUTER = RouteMapper(api.ROUTES, ('json', 'xml'))


@functools.cache
def document() -> dict[str, Any]:
    return api.contract()


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """Return the document's operation for a call, None for an unknown path or method."""
    path = re.sub('/{2,}', '/', parse.unquote(path))
    if re.fullmatch(r'/|/healthcheck|/v1\.0(/|\.json|\.xml)?', path):
        path = '/v1.0/' if path.startswith('/v1.0') else path
        return document()['paths'][path].get(method.lower())
    try:
        route = _ROUTER.match(method, path.removeprefix('/v1.0')).route
    except exception.NotFound:
        return None
    return document()['paths'][f'/v1.0{route.path}'][method.lower()]


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    found = part
    while '$ref' in found:
        found = functools.reduce(lambda inner, key: inner[key], found['$ref'].split('/')[1:],
                                 document())
    return found


def check(method: str, path: str, response: webob.Response) -> None:
    """:raises AssertionError: the document does not know such an answer."""
    operation = operation_of(method, path)
    if operation is None or response.status_int == 406:
        # Nobody's path, or a version nobody has: refused before there is a route.
        assert response.status_int in (401, 403, 404, 406), response.status
        return
    described = operation['responses'].get(str(response.status_int))
    assert described, f'{method} {path}: {response.status} is not documented'
    content = resolved(described).get('content')
    if content is None:
        assert response.body == b'', f'{method} {path}: an undocumented body: {response.text}'
        return
    media_type = response.headers['Content-Type'].partition(';')[0]
    assert media_type in content, f'{method} {path}: {media_type} is not documented'
    if media_type == 'application/json':
        schema = {**content[media_type]['schema'], 'components': document()['components']}
        errors = [f'{error.json_path}: {error.message}' for error in
                  jsonschema.Draft202012Validator(schema).iter_errors(response.json)]
        assert not errors, f'{method} {path}: {errors}'


class Watched:
    """WSGI application that checks the responses of another."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        method, path = environ['REQUEST_METHOD'], environ['PATH_INFO']
        response = webob.Request(environ).get_response(self.application)
        # With the version in Accept the path has none.
        if not re.match('/v[0-9]', path) and 'version=' in environ.get('HTTP_ACCEPT', ''):
            path = f'/v1.0{path}'
        check(method, path, response)
        return response(environ, start_response)
