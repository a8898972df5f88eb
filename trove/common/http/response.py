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

"""Responses of controllers, and how they are written in the format that the client accepts."""

import http
from collections.abc import Callable
from typing import Any, NamedTuple

from trove.common.http import serializers

#: A WSGI application.
Application = Callable[[dict[str, Any], Any], Any]

#: Header with the id of the operation that a request has started.
OPERATION_HEADER = 'X-Trove-Operation-Id'


class Response(NamedTuple):
    """Status, body and headers of a response; a body of None means zero bytes.

    A controller that responds with 200 returns the body alone.
    """
    status: int = 200
    body: dict[str, Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()


def accepted(operation_id: str | None) -> Response:
    """Return a 202 without a body.

    :param operation_id: operation that does the work, None if there is nothing left to do.
    """
    return followed(202, operation_id)


def followed(status: int, operation_id: str | None, body: dict[str, Any] | None = None) -> Response:
    """Return a response with the header that names the operation, if there is one."""
    return Response(status, body, ((OPERATION_HEADER, operation_id),) if operation_id else ())


def written(format_: serializers.Format, response: Response, root: str = '') -> Application:
    """Return a WSGI application that sends a response.

    ``Content-Type`` is sent with an empty body too, because clients rely on it.

    :param root: name of the XML root element of a body without a wrapper key.
    """
    body = b'' if response.body is None else format_.dump(response.body, root)
    status = f'{response.status} {http.HTTPStatus(response.status).phrase}'
    headers = [('Content-Type', format_.content_type), ('Content-Length', str(len(body))),
               *response.headers]

    def send(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, list(headers))
        return [] if environ['REQUEST_METHOD'] == 'HEAD' else [body]
    return send
