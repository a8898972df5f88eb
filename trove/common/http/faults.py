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

"""Faults: status and body of a failure, with the name of the fault as the only root key.

Clients take the first value of the root object for the fault, so there is never a second key.
"""

from typing import Any

from trove.common import exception

NAMES = {
    400: 'badRequest',
    401: 'unauthorized',
    403: 'forbidden',
    404: 'itemNotFound',
    406: 'notAcceptable',
    409: 'conflict',
    413: 'overLimit',
    415: 'badMediaType',
    422: 'unprocessableEntity',
    500: 'serverError',
    501: 'notImplemented',
    503: 'serviceUnavailable',
}

#: Name of a 500 that has no code; those with a code are ``serverError``.
UNEXPECTED = 'instanceFault'


def body(status: int, message: str, *, name: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the body of a fault.

    :param more: further keys of the inner object, as of the rate limiter.
    """
    return {name or NAMES[status]: {'code': status, 'message': message, **more}}


def of(error: exception.TroveError) -> tuple[int, dict[str, Any]]:
    """Return status and body of a failure with a code."""
    status = error.http_status if error.http_status in NAMES else 500
    return status, body(status, error.message)
