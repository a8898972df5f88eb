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

"""Upload to a URL: one request, with verified certificates, without redirects and proxies.

The query of such a URL grants access, so no text of this module contains it.
"""

import http.client
import ssl
import urllib.parse
from collections.abc import Mapping


class WebError(Exception):
    """Failed upload. ``status`` is the HTTP status, or None without a response."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


def put(url: str, content: bytes, headers: Mapping[str, str], *, verify: bool, timeout: float,
        authorities: str = '') -> None:
    """Store content at a URL.

    :param verify: verify the server's certificate.
    :param timeout: seconds for connecting, and for each read or write.
    :param authorities: PEM of certificates trusted in addition to those of this machine.
    :raises WebError: the server refused the content, or did not respond.
    """
    parts = urllib.parse.urlsplit(url)
    where = f'{parts.scheme}://{parts.netloc}'
    connection = _connection(parts, verify, timeout, authorities)
    try:
        connection.request('PUT', f'{parts.path}?{parts.query}', body=content,
                           headers=dict(headers))
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException) as error:
        raise WebError(f'{where} does not answer: {type(error).__name__}: {error}') from None
    finally:
        connection.close()
    if not 200 <= response.status < 300:
        raise WebError(f'{where} answered {response.status} {response.reason}', response.status)


def _connection(parts: urllib.parse.SplitResult, verify: bool, timeout: float,
                authorities: str) -> http.client.HTTPConnection:
    if parts.scheme != 'https':
        return http.client.HTTPConnection(parts.hostname or '', parts.port, timeout=timeout)
    context = ssl.create_default_context()
    if authorities:
        try:
            context.load_verify_locations(cadata=authorities)
        except ssl.SSLError as error:
            raise WebError(
                f'the certificates to trust cannot be used: {error.reason or error}') from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(parts.hostname or '', parts.port, timeout=timeout,
                                       context=context)
