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

"""JSON over HTTP with a Keystone token, as much as the sandbox needs before any client is installed."""

import base64
import json
import time
import urllib.error
import urllib.request
from typing import Any

#: Requests go to this machine only, whatever proxy the environment names.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RestError(Exception):
    """An answer that was not expected. ``status`` is 0 when there was none."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def request(method: str, url: str, body: Any = None, *, headers: dict[str, str] | None = None,
            timeout: float = 30.0) -> tuple[Any, dict[str, str]]:
    """One request.

    :returns: the decoded body ({} when there is none) and the headers, with small names.
    :raises RestError: not reached, or a status of 400 and more.
    """
    data = None if body is None else json.dumps(body).encode()
    sent = urllib.request.Request(url, data, {
        'Content-Type': 'application/json',
        'Accept': 'application/json',
        **(headers or {})
    }, method=method)
    try:
        with _OPENER.open(sent, timeout=timeout) as answer:
            text = answer.read()
            return (json.loads(text) if text else {},
                    {name.lower(): value for name, value in answer.headers.items()})
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors='replace')[:500]
        # Version documents answer 300.
        if error.code == 300:
            return json.loads(said) if said.startswith('{') else {}, {}
        raise RestError(f'{method} {url} answered {error.code}: {said}', error.code) from error
    except (OSError, ValueError) as error:
        raise RestError(f'{method} {url}: {error}') from error


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP basic authentication."""
    return {'Authorization': 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()}


def answers(url: str, headers: dict[str, str] | None = None) -> bool:
    """Whether something sensible listens there."""
    try:
        request('GET', url, headers=headers, timeout=3.0)
    except RestError:
        return False
    return True


class Session:
    """A user of Keystone in a project, and the addresses in the catalog."""

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

        :raises RestError: refused, or Keystone is away.
        """
        body, headers = request('POST', f'{self._keystone}/auth/tokens', self._identity)
        token = body['token']
        self._token, self._until = headers['x-subject-token'], time.monotonic() + 1800
        self.project_id, self.user_id = token['project']['id'], token['user']['id']
        self._catalog = {service['type']: endpoint['url'].rstrip('/')
                         for service in token['catalog'] for endpoint in service['endpoints']
                         if endpoint['interface'] == 'public'}

    def endpoint(self, service: str) -> str:
        """Address of a service of the catalog, by its type."""
        self._ensure()
        if service not in self._catalog:
            raise RestError(f'the catalog has no service of type {service}')
        return self._catalog[service]

    def call(self, method: str, service: str, path: str, body: Any = None) -> dict[str, Any]:
        """One request to a service of the catalog.

        :raises RestError: see :func:`request`.
        """
        return self.answer(method, service, path, body)[0]

    def answer(self, method: str, service: str, path: str,
               body: Any = None) -> tuple[Any, dict[str, str]]:
        """The same, with the headers of the answer, with small names."""
        url = self.endpoint(service) + path
        return request(method, url, body, headers={'X-Auth-Token': self._token})

    def _ensure(self) -> None:
        if time.monotonic() >= self._until:
            self.login()
