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

"""JSON over HTTP with a Keystone token, for use before any client library is installed."""

import base64
import json
import time
import urllib.error
import urllib.request
from typing import Any

#: Requests stay on this machine, so proxies of the environment are ignored.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RestError(Exception):
    """Failed request; ``status`` is 0 if there was no response."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def request(method: str, url: str, body: Any = None, *, headers: dict[str, str] | None = None,
            timeout: float = 30.0) -> tuple[Any, dict[str, str]]:
    """Send one request.

    :returns: the decoded body ({} if empty) and the headers, with names in lower case.
    :raises RestError: no connection, or a status of 400 or more.
    """
    data = None if body is None else json.dumps(body).encode()
    sent = urllib.request.Request(url, data, {
        'Content-Type': 'application/json',
        'Accept': 'application/json',
        **(headers or {})
    }, method=method)
    try:
        with _OPENER.open(sent, timeout=timeout) as response:
            text = response.read()
            return (json.loads(text) if text else {},
                    {name.lower(): value for name, value in response.headers.items()})
    except urllib.error.HTTPError as error:
        details = error.read().decode(errors='replace')[:500]
        # Version documents have the status 300.
        if error.code == 300:
            return json.loads(details) if details.startswith('{') else {}, {}
        raise RestError(f'{method} {url} failed with the status {error.code}: {details}',
                        error.code) from error
    except (OSError, ValueError) as error:
        raise RestError(f'{method} {url}: {error}') from error


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header of HTTP basic authentication."""
    return {'Authorization': 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()}


def responds(url: str, headers: dict[str, str] | None = None) -> bool:
    """Return whether an HTTP server responds without a server error."""
    try:
        request('GET', url, headers=headers, timeout=3.0)
    except RestError:
        return False
    return True


class Session:
    """Authenticated user of Keystone in a project, with the service catalog."""

    def __init__(self, keystone: str, user: str, password: str, project: str) -> None:
        self._keystone = keystone
        self._identity = {'auth': {
            'identity': {'methods': ['password'], 'password': {'user': {
                'name': user, 'domain': {'name': 'Default'}, 'password': password}}},
            'scope': {'project': {'name': project, 'domain': {'name': 'Default'}}}}}
        self._token = ''
        self._until = 0.0
        self._catalog: dict[str, str] = {}
        self.project_id = ''
        self.user_id = ''

    def login(self) -> None:
        """Get a token and the catalog.

        :raises RestError: Keystone refused the user or does not respond.
        """
        body, headers = request('POST', f'{self._keystone}/auth/tokens', self._identity)
        token = body['token']
        self._token, self._until = headers['x-subject-token'], time.monotonic() + 1800
        self.project_id, self.user_id = token['project']['id'], token['user']['id']
        self._catalog = {service['type']: endpoint['url'].rstrip('/')
                         for service in token['catalog'] for endpoint in service['endpoints']
                         if endpoint['interface'] == 'public'}

    def endpoint(self, service: str) -> str:
        """Return the URL of a service of the catalog, by its type."""
        self._ensure()
        if service not in self._catalog:
            raise RestError(f'the catalog has no service of type {service}')
        return self._catalog[service]

    def call(self, method: str, service: str, path: str, body: Any = None) -> dict[str, Any]:
        """Send one request to a service of the catalog and return the body.

        :raises RestError: see :func:`request`.
        """
        return self.exchange(method, service, path, body)[0]

    def exchange(self, method: str, service: str, path: str,
                 body: Any = None) -> tuple[Any, dict[str, str]]:
        """Send one request and return the body and the headers, with names in lower case."""
        url = self.endpoint(service) + path
        return request(method, url, body, headers={'X-Auth-Token': self._token})

    def _ensure(self) -> None:
        if time.monotonic() >= self._until:
            self.login()
