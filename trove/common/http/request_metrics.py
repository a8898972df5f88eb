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

"""Counts the requests of the API and how long they took: a WSGI filter that is there only where metrics are shown."""

import time
from typing import Any

from trove.common.process import metrics

REQUESTS = metrics.Histogram('trove_api_request_seconds',
                             'Requests to the API, by method and status.', ('method', 'status'))
#: What is counted under its own name; other methods are other.
_METHODS = frozenset({'GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'})


class Measured:
    """A WSGI application whose requests are counted."""

    def __init__(self, application: Any) -> None:
        self._application = application
        metrics.REGISTRY.add(REQUESTS)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        begun = time.monotonic()
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            statuses.append(status[:3])
            return start_response(status, headers, *more)

        try:
            return self._application(environ, start)
        finally:
            method = environ['REQUEST_METHOD']
            REQUESTS.observe(time.monotonic() - begun, method if method in _METHODS else 'other',
                             statuses[-1] if statuses else '500')
