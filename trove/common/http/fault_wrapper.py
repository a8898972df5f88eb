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

"""Paste filter ``faultwrapper``: every exception and foreign error page becomes a fault.

In the pipeline (etc/trove/api-paste.ini) it stands outside of every filter that may refuse a
request, so that all refusals have the same body.
"""

import http
import uuid
from typing import Any

from keystoneauth1 import exceptions as keystone_errors
from oslo_db import exception as db_exception
from oslo_log import log as logging

from trove.common import errors, exception
from trove.common.http import faults, serializers
from trove.common.http.request import Request
from trove.common.http.response import Application, Response, written

LOG = logging.getLogger(__name__)


class FaultWrapper:
    """Filter that converts failures of the applications below into faults."""

    def __init__(self, application: Any) -> None:
        self.application = application

    @classmethod
    def factory(cls, _global_conf: dict[str, str], **_local_conf: str) -> Any:
        return cls

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return self._converted(environ, start_response)
        except exception.TroveError as error:
            status, body = faults.of(error)
            if status >= 500:
                LOG.warning('%s %s failed with %s: %s %s', environ['REQUEST_METHOD'],
                            environ.get('PATH_INFO'), status, error.message, error.detail)
        except (db_exception.DBConnectionError, db_exception.DBDeadlock) as error:
            LOG.error('%s %s: the database is unavailable or too busy: %s',
                      environ['REQUEST_METHOD'], environ.get('PATH_INFO'), error)
            status, body = faults.of(exception.ServiceUnavailable())
        except keystone_errors.ClientException as error:
            # auth_token does not convert failures of its own login.
            LOG.error('%s %s: Keystone is unavailable or refuses the service user: %s',
                      environ['REQUEST_METHOD'], environ.get('PATH_INFO'), error)
            status, body = faults.of(exception.ServiceUnavailable())
        except Exception:
            reference = str(uuid.uuid4())
            LOG.exception('%s %s failed unexpectedly, reference %s', environ['REQUEST_METHOD'],
                          environ.get('PATH_INFO'), reference)
            status, body = 500, faults.body(
                500, f'An unexpected error happened. Give this reference to the operator: '
                f'{reference}.', name=faults.UNEXPECTED)
        response = Response(status, body)
        return written(Request(environ).response_format, response)(environ, start_response)

    def _converted(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Return the body from below; an error page of a library becomes a fault.

        An error that a library sends as JSON keeps its body, in the format that the client accepts.
        """
        refused: list[tuple[int, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            code = int(status.partition(' ')[0])
            if code < 400:
                return start_response(status, headers, *more)
            kind = next((value for name, value in headers if name.lower() == 'content-type'), '')
            is_json = kind.startswith(serializers.JSON.content_type)
            is_foreign = is_json and Request(environ).response_format.suffix != 'json'
            if is_foreign or kind.startswith(('text/html', 'text/plain')):
                refused.append((code, headers if is_foreign else []))
                return lambda _data: None
            return start_response(status, headers, *more)

        chunks = self.application(environ, start)
        if not refused:
            return chunks
        text = b''.join(chunks)
        if hasattr(chunks, 'close'):
            chunks.close()
        return _as_fault(text, *refused[0], Request(environ).response_format)(environ,
                                                                              start_response)


def _as_fault(text: bytes, status: int, headers: list[tuple[str, str]],
              format_: serializers.Format) -> Application:
    """Return the error of another application as a response of this one.

    :param headers: headers of a JSON body that is kept; empty for a page.
    """
    kept = tuple((name, value)
                 for name, value in headers
                 if name.lower() not in ('content-type', 'content-length'))
    try:
        if headers:
            return written(format_, Response(status, serializers.JSON.load(text), kept))
    except ValueError:
        LOG.warning('The body of an error %s from a library is labelled JSON but is not JSON.',
                    status)
    code = status if status in faults.NAMES else 500
    sentence = (errors.CODES['dependency_unavailable'].sentence if code == 503 else
                f'{http.HTTPStatus(status).phrase}.')
    return written(format_, Response(code, faults.body(code, sentence), kept))
