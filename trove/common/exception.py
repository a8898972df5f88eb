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

"""What can go wrong, as data.

Every failure the service knows carries a ``code`` from :mod:`trove.common.errors`, a sentence for the user that says
what to change, and ``detail`` for the operator. Nothing here logs or talks to anybody; the HTTP edge turns a class
into a status (``http_status``), the runner turns one into the end of an operation.
"""

from trove.common import errors


class TroveError(Exception):
    """Base of all coded failures.

    :param message: a sentence for the user.
    :param code: one of :data:`trove.common.errors.CODES`; the class's own when not given.
    :param detail: for the operator only; never shown to a tenant.
    """

    code = 'internal'
    http_status = 500

    def __init__(self, message: str = '', *, code: str | None = None, detail: str = '') -> None:
        self.code = code or self.code
        self.message = message or errors.CODES[self.code].sentence
        self.detail = detail
        super().__init__(self.message)


# --- what the caller did -------------------------------------------------------------------------

class BadRequest(TroveError):
    """A value is wrong; the message names the field."""
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
    """A quota or an operator's maximum is exceeded."""
    code = 'over_limit'
    http_status = 413


class QuotaExceeded(OverLimit):
    """:param resources: names of the resources that would exceed their quota."""
    code = 'quota_exceeded'

    def __init__(self, resources: list[str]) -> None:
        super().__init__(
            f"Quota exceeded for resources: {sorted(resources)}. Delete something you no longer need, "
            f"or ask the operator for a larger quota.")


class UnsupportedMediaType(TroveError):
    code = 'unsupported_media_type'
    http_status = 415


class Unprocessable(TroveError):
    """The thing exists and the request is well formed, but not now."""
    code = 'unprocessable'
    http_status = 422


class NotSupported(TroveError):
    code = 'not_supported'
    http_status = 501


# --- what others did -----------------------------------------------------------------------------

class ServiceUnavailable(TroveError):
    """A service that this request needs does not answer."""
    code = 'dependency_unavailable'
    http_status = 503


class CloudError(TroveError):
    """A cloud service refused or failed. ``retriable`` says whether asking again may help."""
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
    """The object store does not do what this request needs."""
    code = 'object_store_failed'
    http_status = 500


class CloudQuotaExceeded(CloudError):
    code = 'cloud_quota_exceeded'
    http_status = 413

    def __init__(self, message: str = '', *, code: str | None = None, detail: str = '') -> None:
        super().__init__(message, code=code, detail=detail, retriable=False)


class BrokerError(TroveError):
    """The management API of the guest bus did not do what was asked."""
    code = 'broker_error'
    http_status = 503


class GuestError(TroveError):
    """The guest answered with a failure of its own; ``code`` is the guest's."""
    code = 'guest_error'
    http_status = 400


class GuestTimeout(GuestError):
    code = 'guest_timeout'


# --- the journal ---------------------------------------------------------------------------------

class StepFailed(TroveError):
    """A step of an operation cannot succeed. ``retriable`` lets the runner's retry policy try again."""
    code = 'step_failed'

    def __init__(self, message: str = '', *, code: str | None = None, detail: str = '',
                 retriable: bool = False) -> None:
        super().__init__(message, code=code, detail=detail)
        self.retriable = retriable


class ClaimLost(Exception):
    """Another runner holds a newer claim on the operation: whatever this one still does must not be written."""
