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

"""Clients in the same process: keystoneauth sessions that call a WSGI application directly.

``session(app, ...)`` returns a session for novaclient and openstacksdk, with a service catalog and
a token of the application's :class:`minicloud.identity.TokenTable`. No socket is opened and no
thread is needed.
"""

import io
import urllib.parse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import requests
import requests.adapters
from keystoneauth1 import access
from keystoneauth1 import session as keystone_session
from keystoneauth1.identity import base

from minicloud import faults

if TYPE_CHECKING:
    from minicloud.app import Application

#: Pretended address of the application.
ADDRESS = 'http://minicloud.test'


class WSGIAdapter(requests.adapters.BaseAdapter):
    """Transport that passes requests to a WSGI application instead of the network."""

    def __init__(self, application: Callable[..., Any]):
        super().__init__()
        self._application = application

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
             ) -> requests.Response:
        """Send one request; a planned loss of the connection raises ConnectionError."""
        response: dict[str, Any] = {}

        def start_response(status: str, headers: list, exc_info: Any = None) -> None:
            response.update(status=status, headers=headers)
        try:
            result = self._application(_environ(request), start_response)
        except faults.ConnectionLost:
            raise requests.exceptions.ConnectionError(
                'the connection was lost, as planned', request=request) from None
        try:
            body = b''.join(result)
        finally:
            if hasattr(result, 'close'):
                result.close()
        return _response(request, response['status'], response['headers'], body)

    def close(self) -> None:
        """Do nothing: the adapter has no connections."""


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    parts = urllib.parse.urlsplit(request.url)
    body = request.body or b''
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = body.read() if hasattr(body, 'read') else b''.join(body)
    environ = {
        'REQUEST_METHOD': request.method, 'SCRIPT_NAME': '',
        'PATH_INFO': urllib.parse.unquote(parts.path, encoding='latin-1'),
        'QUERY_STRING': parts.query, 'SERVER_NAME': parts.hostname,
        'SERVER_PORT': str(parts.port or 80), 'SERVER_PROTOCOL': 'HTTP/1.1',
        'REMOTE_ADDR': '127.0.0.1', 'CONTENT_LENGTH': str(len(body)),
        'wsgi.version': (1, 0), 'wsgi.url_scheme': parts.scheme, 'wsgi.errors': io.StringIO(),
        'wsgi.input': io.BytesIO(body), 'wsgi.multithread': True, 'wsgi.multiprocess': False,
        'wsgi.run_once': False}
    for name, value in request.headers.items():
        key = name.upper().replace('-', '_')
        text = value.decode('latin-1') if isinstance(value, bytes) else str(value)
        if key == 'CONTENT_TYPE':
            environ[key] = text
        elif key not in ('CONTENT_LENGTH', 'TRANSFER_ENCODING'):
            environ[f'HTTP_{key}'] = text
    environ.setdefault('HTTP_HOST', parts.netloc)
    return environ


def _response(request: requests.PreparedRequest, status: str, headers: list, body: bytes
              ) -> requests.Response:
    response = requests.Response()
    code, _, reason = status.partition(' ')
    response.status_code, response.reason = int(code), reason
    response.headers = requests.structures.CaseInsensitiveDict(headers)
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    response.raw = io.BytesIO(body)
    response.request, response.url = request, request.url
    return response


class TokenAuth(base.BaseIdentityPlugin):
    """Auth plugin with a given token and catalog instead of fetched ones."""

    def __init__(self, token: str, body: dict[str, Any]):
        super().__init__(auth_url=f'{ADDRESS}/identity/v3')
        self._token = token
        self._body = body

    def get_auth_ref(self, session: keystone_session.Session, **kwargs: Any
                     ) -> access.AccessInfoV3:
        """Return the token's document."""
        return access.AccessInfoV3(self._body, self._token)


def catalog(project_id: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return service type -> address; ``more`` adds further services."""
    return {'compute': f'{ADDRESS}/compute/v2.1', 'network': f'{ADDRESS}/network',
            'volumev3': f'{ADDRESS}/volume/v3/{project_id}',
            'block-storage': f'{ADDRESS}/volume/v3/{project_id}',
            'image': f'{ADDRESS}/image', **(more or {})}


def _token_body(project_id: str, user_id: str, roles: tuple[str, ...], region: str,
                addresses: Mapping[str, str]) -> dict[str, Any]:
    """Return Keystone's response for the token."""
    domain = {'id': 'default', 'name': 'Default'}
    services = [{'id': kind, 'type': kind, 'name': kind, 'endpoints': [
        {'id': f'{kind}-{interface}', 'interface': interface, 'url': address,
         'region': region, 'region_id': region}
        for interface in ('public', 'internal', 'admin')]}
        for kind, address in addresses.items()]
    return {'token': {
        'methods': ['password'], 'issued_at': '2026-01-01T00:00:00.000000Z',
        'expires_at': '2999-01-01T00:00:00.000000Z',
        'user': {'id': user_id, 'name': user_id, 'domain': domain},
        'project': {'id': project_id, 'name': project_id, 'domain': domain},
        'roles': [{'id': role, 'name': role} for role in roles], 'catalog': services}}


def session(app: 'Application', project_id: str, user_id: str,
            roles: tuple[str, ...] = ('member',), region: str = 'RegionOne',
            services: Mapping[str, str] | None = None,
            adapters: Mapping[str, requests.adapters.BaseAdapter] | None = None
            ) -> keystone_session.Session:
    """Return a session of this user in this project.

    ``app`` must use a TokenTable. ``services`` are further entries of the catalog (type ->
    address), ``adapters`` further applications (address prefix -> adapter).
    """
    token = app.identifier.issue(project_id, user_id, tuple(roles))
    body = _token_body(project_id, user_id, roles, region, catalog(project_id, services))
    connection = requests.Session()
    connection.mount(ADDRESS, WSGIAdapter(app))
    for prefix, adapter in (adapters or {}).items():
        connection.mount(prefix, adapter)
    return keystone_session.Session(auth=TokenAuth(token, body), session=connection)
