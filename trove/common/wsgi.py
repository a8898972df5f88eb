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

"""The WSGI machinery around the URL table: requests, answers, and the paste filters of ours.

The order of the pipeline (etc/trove/api-paste.ini) matters in one place: the fault wrapper stands outside of
everything that may refuse a request, so that every refusal has the same body.
"""

import http
import re
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_log import log as logging
import webob

from trove.common import context as contexts
from trove.common import errors, exception, faults, policy, serializers

CONF = cfg.CONF
LOG = logging.getLogger(__name__)

#: Bytes of a request body. The largest legitimate ones carry the contents of a module.
MAX_BODY = 16 * 1024 * 1024

CONTEXT_KEY = 'trove.context'
FORM_KEY = 'trove.form'
#: JSON schema of the body, for forms whose values are all text.
SCHEMA_KEY = 'trove.schema'
#: Set for the application of the version documents: the version in Accept is none of ours.
VERSION_REFUSED_KEY = 'trove.version_refused'
_QUERY_KEY = 'trove.query'

#: What WSGI calls an application.
Application = Callable[[dict[str, Any], Any], Any]

_SLASHES = re.compile('/{2,}')
_VERSIONED = re.compile(r'^/v\d')
_ACCEPT_VERSION = re.compile(
    r'application/vnd\.openstack\.trove(?:\+(?:json|xml))?\s*;\s*version=([^\s;,]+)')


#: Names the operation that a request has begun.
OPERATION_HEADER = 'X-Trove-Operation-Id'


class Response(NamedTuple):
    """What a controller returns when 200 with a body does not say it all. No body means zero bytes."""
    status: int = 200
    body: dict[str, Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Request(webob.Request):
    """webob's request with what our controllers ask of one."""

    @property
    def context(self) -> contexts.RequestContext:
        return self.environ[CONTEXT_KEY]

    @property
    def form(self) -> serializers.Form:
        """The wire form of the answer: the one the router found, or as good as can be said of an unknown path."""
        chosen = self.environ.get(FORM_KEY)
        if chosen is not None:
            return chosen
        suffix = self.environ.get('PATH_INFO', '').rpartition('.')[2]
        return serializers.by_suffix(suffix) or serializers.by_accept(self.headers.get(
            'Accept', ''))

    @property
    def GET(self) -> Any:  # noqa: N802 (webob's name)
        """The query, parsed once. :raises trove.common.exception.BadRequest: it is not text."""
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
        """The body as internal form, whatever form it came in.

        :param required: refuse an absent body; otherwise it is an empty object.
        :raises trove.common.exception.BadRequest, UnsupportedMediaType, OverLimit:
        """
        try:
            data = self._bytes()
        except (OSError, ValueError):
            # The sender has gone, or sends chunks that are none.
            raise exception.BadRequest('The body ended before it was whole.') from None
        if not data:
            if required:
                raise exception.BadRequest('The request needs a body.')
            return {}
        content_type = self.headers.get('Content-Type')
        form = serializers.by_content_type(content_type) if content_type else serializers.JSON
        if form is None:
            raise exception.UnsupportedMediaType(
                'Content type not supported; send the body as application/json or '
                'application/xml.')
        try:
            return form.load(data, self.environ.get(SCHEMA_KEY))
        except ValueError as error:
            raise exception.BadRequest(str(error)) from None

    def _bytes(self) -> bytes:
        """:raises trove.common.exception.OverLimit: before more than that was read."""
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
        # Without a length, as with chunks, the end is only found by reading.
        while length is None and (piece := self.body_file.read(MAX_BODY + 1)):
            pieces.append(piece)
            length = MAX_BODY + 1 if sum(map(len, pieces)) > MAX_BODY else None
        if length is not None:
            raise exception.OverLimit(f'The body is larger than {MAX_BODY} bytes.')
        return b''.join(pieces)


def response(form: serializers.Form, answer: Response, root: str = '') -> Application:
    """An answer on the wire. The content type is there even when the body is empty: clients rely on it.

    :param root: name of a body without wrapper key.
    """
    body = b'' if answer.body is None else form.dump(answer.body, root)
    status = f'{answer.status} {http.HTTPStatus(answer.status).phrase}'
    headers = [('Content-Type', form.content_type), ('Content-Length', str(len(body))),
               *answer.headers]

    def say(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, list(headers))
        return [] if environ['REQUEST_METHOD'] == 'HEAD' else [body]
    return say


class FaultWrapper:
    """Paste filter ``faultwrapper``: whatever is raised below becomes a fault."""

    def __init__(self, application: Any) -> None:
        self.application = application

    @classmethod
    def factory(cls, _global_conf: dict[str, str], **_local_conf: str) -> Any:
        return cls

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return self._retold(environ, start_response)
        except exception.TroveError as error:
            status, body = faults.of(error)
            if status >= 500:
                LOG.warning('%s %s answered with %s: %s %s', environ['REQUEST_METHOD'],
                            environ.get('PATH_INFO'), status, error.message, error.detail)
        except (db_exception.DBConnectionError, db_exception.DBDeadlock) as error:
            LOG.error('%s %s: the database does not answer, or is too busy: %s',
                      environ['REQUEST_METHOD'], environ.get('PATH_INFO'), error)
            status, body = faults.of(exception.ServiceUnavailable())
        except Exception:
            reference = str(uuid.uuid4())
            LOG.exception('%s %s failed unexpectedly, reference %s', environ['REQUEST_METHOD'],
                          environ.get('PATH_INFO'), reference)
            status, body = 500, faults.body(
                500, f'An unexpected error happened. Tell the operator this reference: '
                f'{reference}.', name=faults.UNEXPECTED)
        return response(Request(environ).form, Response(status, body))(environ, start_response)

    def _retold(self, environ: dict[str, Any], start_response: Any) -> Any:
        """The answer from below.

        An error that a library made into a page for people becomes a fault; one it told as JSON is told in the form
        that was asked for.
        """
        refused: list[tuple[int, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            code = int(status.partition(' ')[0])
            if code < 400:
                return start_response(status, headers, *more)
            kind = next((value for name, value in headers if name.lower() == 'content-type'), '')
            is_foreign = kind.startswith(
                serializers.JSON.content_type) and Request(environ).form.suffix != 'json'
            if is_foreign or kind.startswith(('text/html', 'text/plain')):
                refused.append((code, headers if is_foreign else []))
                return lambda _data: None
            return start_response(status, headers, *more)

        answer = self.application(environ, start)
        if not refused:
            return answer
        text = b''.join(answer)
        if hasattr(answer, 'close'):
            answer.close()
        return _told(text, *refused[0], Request(environ).form)(environ, start_response)


def _told(text: bytes, status: int, headers: list[tuple[str, str]],
          form: serializers.Form) -> Application:
    """Somebody else's error in our words. :param headers: of a JSON body that is to be kept; none for a page."""
    kept = tuple((name, value)
                 for name, value in headers
                 if name.lower() not in ('content-type', 'content-length'))
    try:
        if headers:
            return response(form, Response(status, serializers.JSON.load(text), kept))
    except ValueError:
        LOG.warning('An error %s from below is no JSON although it says so.', status)
    code = status if status in faults.NAMES else 500
    sentence = (errors.CODES['dependency_unavailable'].sentence if code == 503 else
                f'{http.HTTPStatus(status).phrase}.')
    return response(form, Response(code, faults.body(code, sentence), kept))


class ContextMiddleware:
    """Paste filter ``contextwrapper``: who asks, as the token check found it, for everything below."""

    def __init__(self, application: Any) -> None:
        self.application = application

    @classmethod
    def factory(cls, _global_conf: dict[str, str], **_local_conf: str) -> Any:
        return cls

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        context = contexts.RequestContext.from_environ(environ,
                                                       client_address=environ.get('REMOTE_ADDR'))
        context.is_admin = policy.is_admin(context)
        environ[CONTEXT_KEY] = context
        return self.application(environ, start_response)


class UrlMap:
    """The first fork of the road: version documents, health check, or the API itself."""

    def __init__(self, applications: dict[str, Any]) -> None:
        self._root = applications.pop('/')
        # Longest first, so that no prefix hides another.
        self._applications = sorted(applications.items(), key=lambda item: -len(item[0]))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = _SLASHES.sub('/', environ.get('PATH_INFO') or '/')
        if not _VERSIONED.match(path) and not path.startswith('/healthcheck'):
            asked = _ACCEPT_VERSION.search(environ.get('HTTP_ACCEPT', ''))
            if asked and asked.group(1) != '1.0':
                # Refused in there, so that this answer passes the filters that every answer does.
                environ[VERSION_REFUSED_KEY] = True
                return self._root(environ, start_response)
            if asked:
                path = f'/v1.0{path}'
        environ['PATH_INFO'] = path
        for prefix, application in self._applications:
            # A version's own document is public, so it is the root application's.
            if path.startswith(
                    f'{prefix}/') and path != f'{prefix}/' or path == prefix == '/healthcheck':
                environ['SCRIPT_NAME'] = environ.get('SCRIPT_NAME', '') + prefix
                environ['PATH_INFO'] = path[len(prefix):]
                return application(environ, start_response)
        return self._root(environ, start_response)


def versioned_urlmap(loader: Any, global_conf: dict[str, str], **local_conf: str) -> UrlMap:
    """Paste composite ``trove``: ``<path prefix>: <application>`` for each part of the service."""
    return UrlMap({
        prefix: loader.get_app(name, global_conf=global_conf)
        for prefix, name in local_conf.items()
    })
