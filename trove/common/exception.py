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

"""Exceptions of the service.

Each has a ``code`` of :mod:`trove.common.errors`, a message for the user that names the remedy, and
a ``detail`` for operators. The HTTP edge maps a class to its ``http_status``; the runner ends an
operation with it.
"""

from trove.common import errors


class TroveError(Exception):
    """Base of all coded failures.

    :param message: message for the user.
    :param code: one of :data:`trove.common.errors.CODES`; default: the code of the class.
    :param detail: text for operators, never shown to tenants.
    """

    code = 'internal'
    http_status = 500

    def __init__(self, message: str = '', *, code: str | None = None, detail: str = '') -> None:
        self.code = code or self.code
        self.message = message or errors.CODES[self.code].sentence
        self.detail = detail
        super().__init__(self.message)


# --- errors of the caller ------------------------------------------------------------------------

class BadRequest(TroveError):
    """Invalid value; the message names the field."""
    code = 'bad_request'
    http_status = 400


class Unauthorized(TroveError):
    code = 'unauthorized'
    http_status = 401


class Forbidden(TroveError):
    code = 'forbidden'
    http_status = 403


class NotFound(TroveError):
    code = 'not_found'
    http_status = 404


def not_found(name: str) -> NotFound:
    """Return the failure for an object that does not exist or that the caller may not see.

    :param name: id or name in the request.
    """
    return NotFound(f'Resource {name} cannot be found.')


class NotAcceptable(TroveError):
    code = 'not_acceptable'
    http_status = 406


class Conflict(TroveError):
    code = 'conflict'
    http_status = 409


class OverLimit(TroveError):
    """Exceeded quota or configured maximum."""
    code = 'over_limit'
    http_status = 413


class QuotaExceeded(OverLimit):
    """:param resources: names of the resources that would exceed their quota."""
    code = 'quota_exceeded'

    def __init__(self, resources: list[str]) -> None:
        super().__init__(
            f"Quota exceeded for resources: {sorted(resources)}. Delete something you no longer "
            f"need, or ask the operator for a larger quota.")


class UnsupportedMediaType(TroveError):
    code = 'unsupported_media_type'
    http_status = 415


class Unprocessable(TroveError):
    """Valid request that the present state of the resource does not allow."""
    code = 'unprocessable'
    http_status = 422


class NotSupported(TroveError):
    code = 'not_supported'
    http_status = 501


# --- errors of other services --------------------------------------------------------------------

class ServiceUnavailable(TroveError):
    """Required service that does not answer."""
    code = 'dependency_unavailable'
    http_status = 503


class CloudError(TroveError):
    """Failure of a cloud service; ``retriable`` if a retry may help."""
    code = 'cloud_error'
    http_status = 503

    def __init__(self, message: str = '', *, code: str | None = None, detail: str = '',
                 retriable: bool = True) -> None:
        super().__init__(message, code=code, detail=detail)
        self.retriable = retriable


class CloudNotFound(CloudError):
    code = 'cloud_not_found'
    http_status = 400

    def __init__(self, message: str = '', *, code: str | None = None, detail: str = '') -> None:
        super().__init__(message, code=code, detail=detail, retriable=False)


class CloudRefused(CloudError):
    """The credentials used may not do this."""
    code = 'cloud_refused'
    http_status = 401

    def __init__(self, message: str = '', *, code: str | None = None, detail: str = '') -> None:
        super().__init__(message, code=code, detail=detail, retriable=False)


class ObjectStoreMissing(CloudError):
    """The cloud has no object store."""
    code = 'object_store_missing'
    http_status = 501

    def __init__(self, message: str = '', *, code: str | None = None, detail: str = '') -> None:
        super().__init__(message, code=code, detail=detail, retriable=False)


class ObjectStoreFailed(CloudError):
    """Object store that cannot serve the request."""
    code = 'object_store_failed'
    http_status = 500


class CloudQuotaExceeded(CloudError):
    code = 'cloud_quota_exceeded'
    http_status = 413

    def __init__(self, message: str = '', *, code: str | None = None, detail: str = '') -> None:
        super().__init__(message, code=code, detail=detail, retriable=False)


class BrokerError(TroveError):
    """Failed request to the broker of the guest bus."""
    code = 'broker_error'
    http_status = 503


class GuestError(TroveError):
    """Failure reported by a guest, with the guest's ``code``."""
    code = 'guest_error'
    http_status = 400


class GuestTimeout(GuestError):
    code = 'guest_timeout'


# --- the journal ---------------------------------------------------------------------------------

class StepFailed(TroveError):
    """Failure of a step; ``retriable`` if the runner may repeat the step."""
    code = 'step_failed'

    def __init__(self, message: str = '', *, code: str | None = None, detail: str = '',
                 retriable: bool = False) -> None:
        super().__init__(message, code=code, detail=detail)
        self.retriable = retriable


class ClaimLost(Exception):
    """Loss of the claim on an operation to another runner; nothing may be written any more."""
