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

"""Dispatcher: maps a request to its route, calls the controller and writes the response."""

from typing import Any

from trove.common import exception
from trove.common.http import serializers
from trove.common.http.mapper import RouteMapper
from trove.common.http.request import FORMAT_KEY, SCHEMA_KEY, Request
from trove.common.http.response import Response, written


class Dispatcher:
    """WSGI application of a URL table. Failures are raised; the fault wrapper converts them."""

    def __init__(self, mapper: RouteMapper) -> None:
        self._mapper = mapper

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        try:
            path = environ['PATH_INFO'].encode('latin-1').decode()
        except UnicodeError:
            raise exception.NotFound('The resource could not be found.') from None
        if '\0' in path:
            # Some databases refuse a null character in a parameter, and no resource has one.
            raise exception.NotFound('The resource could not be found.')
        route, arguments, suffix = self._mapper.match(request.method, path)
        environ[FORMAT_KEY] = (serializers.by_suffix(suffix)
                               or serializers.by_accept(environ.get('HTTP_ACCEPT', '')))
        environ[SCHEMA_KEY] = route.request_schema and route.request_schema.schema
        response = route.handler(request, **arguments)
        if not isinstance(response, Response):
            response = Response(200, response)
        return written(request.response_format, response, route.root)(environ, start_response)
