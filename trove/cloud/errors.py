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

"""Translation of the clients' exceptions into three of Trove.

Every call of a cloud client runs inside :func:`translated`. It raises
:class:`~trove.common.exception.CloudError` or one of its two subclasses. The sentence for the user
names the service and the request; the detail for the operator quotes the cloud. A missing response
means *maybe done*: it is retriable, which is safe because every step looks before it acts.
"""

import contextlib
from typing import Iterator

from keystoneauth1 import exceptions as keystone_errors
from novaclient import exceptions as nova_errors
from openstack import exceptions as sdk_errors
import requests

from trove.common import exception

#: Statuses that may differ at the next try: not now, in use, too many, broken, unavailable.
RETRIABLE = frozenset({401, 408, 409, 423, 425, 429, 500, 502, 503, 504})

#: Exceptions of clients that received no usable response.
NO_RESPONSE = (
    keystone_errors.ConnectFailure,
    keystone_errors.ConnectTimeout,
    keystone_errors.ConnectionError,
    keystone_errors.UnknownConnectionError,
    keystone_errors.RetriableConnectionFailure,
    keystone_errors.DiscoveryFailure,
    sdk_errors.ServiceDiscoveryException,
    sdk_errors.InvalidResponse,
    sdk_errors.ResourceTimeout,
    requests.RequestException,
    ConnectionError,
    TimeoutError,
)

_CLIENT_ERRORS = (
    nova_errors.ClientException, nova_errors.UnsupportedAttribute, nova_errors.UnsupportedVersion,
    nova_errors.VersionNotFoundForAPIMethod, nova_errors.CommandError, sdk_errors.SDKException,
    keystone_errors.ClientException, *NO_RESPONSE,
)


@contextlib.contextmanager
def translated(service: str, doing: str, *,
               also_retriable: frozenset[int] = frozenset()) -> Iterator[None]:
    """Translate exceptions of cloud clients.

    :param service: the service as users know it: compute, network, volume, image.
    :param doing: the request, as in "could not <doing>".
    :param also_retriable: statuses that are retriable for this request.
    :raises CloudNotFound, CloudQuotaExceeded, CloudError:
    """
    try:
        yield
    except exception.CloudError:
        raise
    except _CLIENT_ERRORS as error:
        raise mapped(error, service, doing, also_retriable=also_retriable) from error


def mapped(error: Exception, service: str, doing: str, *,
           also_retriable: frozenset[int] = frozenset()) -> exception.CloudError:
    """Return the exception of Trove for an exception of a client."""
    status = status_of(error)
    detail = f'{service}: could not {doing}: {_words_of(error)}'
    if status is not None:
        if _is_quota(status, detail):
            return exception.CloudQuotaExceeded(
                f"The {service} service could not {doing}: the database service's own quota there "
                f"is exhausted. Contact the operator.", detail=detail)
        if status == 404:
            return exception.CloudNotFound(
                f'The {service} service could not {doing}: a resource it requires does not exist.',
                detail=detail)
        again = status in RETRIABLE or status in also_retriable
        verb = 'cannot now' if again else 'refused to'
        return exception.CloudError(f'The {service} service {verb} {doing}.', detail=detail,
                                    retriable=again)
    if isinstance(error, keystone_errors.SSLError | requests.exceptions.SSLError):
        return exception.CloudError(
            f'The {service} service cannot be trusted: its certificate is not valid.',
            detail=detail, retriable=False)
    if isinstance(error, NO_RESPONSE):
        return exception.CloudError(
            f'The {service} service did not respond to the request to {doing}.', detail=detail,
            retriable=True)
    return exception.CloudError(f'The request to {doing} cannot be sent to the {service} service.',
                                detail=detail, retriable=False)


def status_of(error: Exception) -> int | None:
    """Return the HTTP status of a client's exception; None without a response."""
    for name in ('status_code', 'http_status', 'code'):
        value = getattr(error, name, None)
        if isinstance(value, int) and value >= 400:
            return value
    response = getattr(error, 'response', None)
    return response.status_code if response is not None else None


def _is_quota(status: int, words: str) -> bool:
    """Return whether a quota is exhausted.

    Nova responds with 403, Neutron with 409, Cinder with 413, which never means a body too large.
    """
    return status == 413 or (status in (403, 409) and 'quota' in words.lower())


def _words_of(error: Exception) -> str:
    words = str(error) or type(error).__name__
    for more in (getattr(error, 'details', None), getattr(error, 'request_id', None)):
        if more and str(more) not in words:
            words = f'{words} ({more})'
    return words[:1000]
