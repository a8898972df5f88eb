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

"""What one process remembers of the tokens of late, beside the token check of keystonemiddleware.

:class:`Recent` keeps what Keystone has said of a token, in the place of a memcached. :class:`Remembering` stands before
the check and lets in again who was let in a moment ago, because the check itself costs as much as a short answer.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

#: Where the token check finds :class:`Recent` in the environment of a request.
CACHE_KEY = 'trove.token_cache'
_DIGEST_KEY = 'trove.token_digest'

#: Tokens remembered; what Keystone says of one takes up to ten kilobytes.
MAX_TOKENS = 1000
#: Seconds for which who was let in is let in again. A token that is revoked works so much longer at most.
MOMENT = 10.0

#: Headers by which the token check tells who asks, and a caller may not, begin with these,
_TOLD_BY_CHECK = ('HTTP_X_', 'HTTP_OPENSTACK_')
#: but for these. Nothing behind the check reads any other header that begins so.
_TOLD_BY_CALLER = frozenset({'HTTP_X_AUTH_TOKEN', 'HTTP_X_OPENSTACK_REQUEST_ID'})
#: Long, and not read by anything here.
_NOT_KEPT = 'HTTP_X_SERVICE_CATALOG'

Application = Callable[[dict[str, Any], Any], Any]


class Recent:
    """As much of a memcached client as the token check uses. Thread-safe.

    :param clock: seconds that only grow.
    :param most: more than these are not kept; the ones that were longest not asked for go first.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MAX_TOKENS) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        #: key -> (end, value)
        self._kept: OrderedDict[Any, tuple[float, Any]] = OrderedDict()

    def get(self, key: Any) -> Any:
        """What was kept under the key; None when there is nothing, or its time has run out."""
        with self._lock:
            end, value = self._kept.get(key, (0.0, None))
            if value is None:
                return None
            if self._clock() >= end:
                del self._kept[key]
                return None
            self._kept.move_to_end(key)
            return value

    def set(self, key: Any, value: Any, time: float = 0) -> None:
        """Keep a value. :param time: seconds; 0 or less keeps nothing, for who has switched the cache off."""
        with self._lock:
            self._kept.pop(key, None)
            if time <= 0:
                return
            self._kept[key] = (self._clock() + time, value)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)


class Remembering:
    """Stands before the token check and remembers what it has found.

    Not remembered is whoever the check must look at again: with a service's token beside the user's, with a token that
    is bound to a connection, and with one that opens some paths only.

    :param check: makes the token check, given what stands behind it.
    """

    def __init__(self, check: Callable[[Application], Application], application: Application,
                 recent: Recent | None = None) -> None:
        self._application = application
        self._check = check(self._note)
        self._recent = recent or Recent()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        token = environ.get('HTTP_X_AUTH_TOKEN')
        if not token or 'HTTP_X_SERVICE_TOKEN' in environ:
            return self._check(environ, start_response)
        for name in [name for name in environ if _is_told_by_check(name)]:
            del environ[name]
        digest = hashlib.sha256(token.encode('utf-8', 'surrogatepass')).digest()
        known = self._recent.get(digest)
        if known is not None:
            environ.update(known)
            return self._application(environ, start_response)
        environ[_DIGEST_KEY] = digest
        return self._check(environ, start_response)

    def _note(self, environ: dict[str, Any], start_response: Any) -> Any:
        """What stands behind the check: what it has told is remembered."""
        digest = environ.pop(_DIGEST_KEY, None)
        if digest is not None and environ.get('HTTP_X_IDENTITY_STATUS') == 'Confirmed':
            told = {
                name: value
                for name, value in environ.items()
                if _is_told_by_check(name) and name != _NOT_KEPT
            }
            self._recent.set(digest, told, time=_moment(environ.get('keystone.token_info')))
        return self._application(environ, start_response)


def _is_told_by_check(name: str) -> bool:
    return name.startswith(_TOLD_BY_CHECK) and name not in _TOLD_BY_CALLER


def _moment(said: Any) -> float:
    """For how many seconds a token can be remembered. :param said: what Keystone says of it."""
    token = said.get('token') if isinstance(said, dict) else None
    if not isinstance(token, dict) or token.get('bind'):
        return 0.0
    if (token.get('application_credential') or {}).get('access_rules') is not None:
        return 0.0
    try:
        end = datetime.fromisoformat(token['expires_at'])
    except (KeyError, TypeError, ValueError):
        return 0.0
    return min(MOMENT, (end - datetime.now(UTC)).total_seconds())
