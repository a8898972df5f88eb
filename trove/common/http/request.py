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

"""Request of a client, as filters and controllers read it."""

from typing import Any

import webob

from trove.common import context as contexts
from trove.common import exception
from trove.common.http import serializers

#: Bytes of a request body. The largest legitimate bodies carry the contents of a module.
MAX_BODY = 16 * 1024 * 1024

CONTEXT_KEY = 'trove.context'
FORMAT_KEY = 'trove.format'
#: JSON schema of the body, for formats in which every value is text.
SCHEMA_KEY = 'trove.schema'
#: Policy rules that the dispatcher has enforced for the caller's project.
RULES_KEY = 'trove.rules'
#: Set for the versions application: ``Accept`` names a version that does not exist.
VERSION_REFUSED_KEY = 'trove.version_refused'
_QUERY_KEY = 'trove.query'


class Request(webob.Request):
    """webob's request with the context of the caller, the formats and the limits of this API."""

    @property
    def context(self) -> contexts.RequestContext:
        return self.environ[CONTEXT_KEY]

    @property
    def response_format(self) -> serializers.Format:
        """Return the format chosen by the dispatcher, else the one that path and header name."""
        chosen = self.environ.get(FORMAT_KEY)
        if chosen is not None:
            return chosen
        suffix = self.environ.get('PATH_INFO', '').rpartition('.')[2]
        return serializers.by_suffix(suffix) or serializers.by_accept(self.headers.get(
            'Accept', ''))

    @property
    def GET(self) -> Any:  # noqa: N802 (webob's name)
        """Return the query, parsed once.

        :raises trove.common.exception.BadRequest: the query is not UTF-8 or has a null character.
        """
        parsed = self.environ.get(_QUERY_KEY)
        if parsed is None or parsed[0] != self.environ.get('QUERY_STRING'):
            parsed = self.environ[_QUERY_KEY] = (self.environ.get('QUERY_STRING'), self._query())
        return parsed[1]

    def _query(self) -> Any:
        try:
            found = super().GET
        except UnicodeError:
            raise exception.BadRequest(
                'The query of the URL holds characters that are not valid UTF-8.') from None
        if any('\0' in value for value in found.values()):
            raise exception.BadRequest('The query of the URL holds a null character.')
        return found

    def json_body(self, *, required: bool = True) -> dict[str, Any]:
        """Return the body as an object, whichever format the client sent.

        :param required: refuse an empty body; otherwise an empty body is an empty object.
        :raises trove.common.exception.BadRequest: the body is missing, incomplete or malformed.
        :raises trove.common.exception.UnsupportedMediaType: the format is unknown.
        :raises trove.common.exception.OverLimit: the body is larger than :data:`MAX_BODY`.
        """
        try:
            data = self._bytes()
        except (OSError, ValueError):
            # The client has disconnected, or its chunks are malformed.
            raise exception.BadRequest('The body ended before it was whole.') from None
        if not data:
            if required:
                raise exception.BadRequest('The request needs a body.')
            return {}
        content_type = self.headers.get('Content-Type')
        format_ = serializers.by_content_type(content_type) if content_type else serializers.JSON
        if format_ is None:
            raise exception.UnsupportedMediaType(
                'Content type not supported; send the body as application/json or '
                'application/xml.')
        try:
            return format_.load(data, self.environ.get(SCHEMA_KEY))
        except ValueError as error:
            raise exception.BadRequest(str(error)) from None

    def _bytes(self) -> bytes:
        """Return the body; reading stops when the limit is exceeded."""
        try:
            length = self.content_length
        except ValueError:
            raise exception.BadRequest(
                'The header Content-Length must be a number of bytes.') from None
        if not length and not self.environ.get('wsgi.input_terminated'):
            return b''
        if length is not None and length <= MAX_BODY:
            return self.body
        pieces: list[bytes] = []
        # The end of a body without a length, as with chunks, is found only by reading.
        while length is None and (piece := self.body_file.read(MAX_BODY + 1)):
            pieces.append(piece)
            length = MAX_BODY + 1 if sum(map(len, pieces)) > MAX_BODY else None
        if length is not None:
            raise exception.OverLimit(f'The body is larger than {MAX_BODY} bytes.')
        return b''.join(pieces)
