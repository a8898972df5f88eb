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

"""Errors that handlers raise to refuse a request, and their format in each service.

A handler raises an :class:`ApiError`. Its changes are rolled back, and the service that received
the request renders the body in its own format.
"""

import html
import http
import json

import webob

#: Status -> member of the body in Nova and Cinder; other statuses use ``computeFault``.
_FAULT_NAMES = {
    400: 'badRequest', 401: 'unauthorized', 403: 'forbidden', 404: 'itemNotFound',
    405: 'badMethod', 409: 'conflictingRequest', 413: 'overLimit', 415: 'badMediaType',
    429: 'overLimit', 501: 'notImplemented', 503: 'serviceUnavailable'}

_NEUTRON_TYPES = {
    400: 'HTTPBadRequest', 403: 'PolicyNotAuthorized', 404: 'HTTPNotFound',
    405: 'HTTPMethodNotAllowed', 409: 'Conflict', 500: 'HTTPInternalServerError',
    501: 'HTTPNotImplemented', 503: 'HTTPServiceUnavailable'}


class ApiError(Exception):
    """Refusal with its HTTP status and the message for the caller.

    ``type`` is the value of Neutron's ``NeutronError.type``; the other services ignore it.
    """

    status = 500

    def __init__(self, message: str, type: str | None = None, status: int | None = None,
                 headers: dict[str, str] | None = None):
        super().__init__(message)
        self.message = message
        self.type = type
        if status is not None:
            self.status = status
        self.headers = headers or {}


class BadRequest(ApiError):
    """400: the request is invalid."""

    status = 400


class Unauthorized(ApiError):
    """401: the token is missing or invalid."""

    status = 401


class Forbidden(ApiError):
    """403: not allowed, or over a compute quota."""

    status = 403


class NotFound(ApiError):
    """404: missing, or not visible to this project."""

    status = 404


class MethodNotAllowed(ApiError):
    """405: the path exists, the verb does not."""

    status = 405


class NotAcceptable(ApiError):
    """406: a microversion that this service does not support."""

    status = 406


class Conflict(ApiError):
    """409: refused in the present state, or over a network quota."""

    status = 409


class OverLimit(ApiError):
    """413: over a block storage quota."""

    status = 413


class UnsupportedMediaType(ApiError):
    """415: a content type that this route does not accept."""

    status = 415


class NotSupported(ApiError):
    """501: part of the service's API that these machines cannot do."""

    status = 501


def json_response(status: int, body: object, headers: dict[str, str] | None = None
                  ) -> webob.Response:
    """Return a JSON response; None is an empty body."""
    response = webob.Response(status=status)
    if body is None:
        response.headers.pop('Content-Type', None)
        response.body = b''
    else:
        response.content_type = 'application/json'
        response.charset = None
        response.body = json.dumps(body).encode()
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def render_fault(error: ApiError) -> webob.Response:
    """Render the error in the format of Nova and Cinder."""
    name = _FAULT_NAMES.get(error.status, 'computeFault')
    member = {'code': error.status, 'message': error.message}
    if name == 'overLimit':
        member['retryAfter'] = '0'
        error.headers.setdefault('Retry-After', '0')
    return json_response(error.status, {name: member}, error.headers)


def render_neutron(error: ApiError) -> webob.Response:
    """Render the error in the format of Neutron."""
    kind = error.type or _NEUTRON_TYPES.get(error.status, 'HTTPInternalServerError')
    return json_response(error.status, {'NeutronError': {
        'type': kind, 'message': error.message, 'detail': ''}}, error.headers)


def render_glance(error: ApiError) -> webob.Response:
    """Render the error in the format of Glance: an HTML page, whatever the client accepts."""
    title = f'{error.status} {http.HTTPStatus(error.status).phrase}'
    page = (f'<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n'
            f'  <h1>{title}</h1>\n  {html.escape(error.message)}<br /><br />\n\n\n'
            ' </body>\n</html>')
    response = webob.Response(status=error.status, content_type='text/html', charset='UTF-8')
    response.text = page
    for name, value in error.headers.items():
        response.headers[name] = value
    return response
