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

"""Metrics of the requests of the API, where the operator has set a port for metrics."""

import time
from typing import Any

from trove.common.process import metrics

REQUESTS = metrics.Histogram('trove_api_request_seconds',
                             'Requests to the API, by method and status.', ('method', 'status'))
#: Methods that are counted under their own name; others are counted as ``other``.
_METHODS = frozenset({'GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'})


class Measured:
    """WSGI application that counts its requests and their seconds."""

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
