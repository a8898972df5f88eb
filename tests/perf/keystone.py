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

"""Keystone stand-in for the token check, over HTTP in a thread; the real filter caches its answers.

Tokens are those of :mod:`tests.functional.api.tokens`, with the catalog of a small cloud.
"""

import http.server
import json
import threading
from typing import Any

from keystoneauth1 import fixture

from tests.functional.api import tokens

#: Services beside those of the stand-in, so that the document of a token has its usual size.
_SERVICES = ('orchestration', 'object-store', 'dns', 'key-manager', 'load-balancer', 'database',
             'metric')


def document(token: str, keystone: str) -> dict[str, Any]:
    """Validation of tokens.

    :param keystone: its own address.
    """
    body = tokens.document(token)
    project = tokens.KNOWN[token].project
    addresses = {
        kind: f'http://{kind}.example.net/{project}'
        for kind in _SERVICES
    } | {
        'identity': keystone
    }
    for kind, address in addresses.items():
        body.add_service(kind, kind).add_standard_endpoints(public=address, internal=address,
                                                            admin=address, region='RegionOne')
    return body


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self) -> None:  # noqa: N802 (the library's name)
        token = self.headers.get('X-Subject-Token', '')
        if self.path.rstrip('/') in ('', '/v3'):
            versions = fixture.DiscoveryList(href=self._address, v2=False)
            body = {'version': versions.versions[0]} if self.path.startswith('/v3') else versions
            self._answer(200 if self.path.startswith('/v3') else 300, body)
        elif self.path.startswith('/v3/auth/tokens') and token in tokens.KNOWN:
            self.server.validated.append(token)  # type: ignore[attr-defined]
            self._answer(200, document(token, self._address))
        else:
            self._answer(404, {'error': {'code': 404, 'title': 'Not Found', 'message': 'no'}})

    def do_POST(self) -> None:  # noqa: N802
        self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self._answer(201, document('service', self._address), ('X-Subject-Token', 'service'))

    @property
    def _address(self) -> str:
        return f'http://{self.headers["Host"]}'

    def _answer(self, status: int, body: dict[str, Any], *headers: tuple[str, str]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (('Content-Type', 'application/json'), ('Content-Length', str(
                len(data))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: Any) -> None:
        """Log nothing: the validated tokens are in ``validated``."""


class Keystone:
    """Server; ``validated`` lists the tokens of the validation requests."""

    def __init__(self) -> None:
        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), _Handler)
        self._server.daemon_threads = True
        self.validated: list[str] = []
        self._server.validated = self.validated  # type: ignore[attr-defined]
        self.address = f'http://127.0.0.1:{self._server.server_port}'
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
