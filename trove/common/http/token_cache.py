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
"""Caches of validated tokens, used with keystonemiddleware's ``auth_token``.

:class:`TokenCache` stores Keystone's answers inside the process, in the place of a memcached.
:class:`TokenCacheMiddleware` runs before ``auth_token`` and reuses an identity validated within the
last :data:`IDENTITY_TTL` seconds: a validation costs as much as answering a small request.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import cachetools

#: Key of the WSGI environment under which ``auth_token`` finds its :class:`TokenCache`.
CACHE_KEY = 'trove.token_cache'
_DIGEST_KEY = 'trove.token_digest'

#: Entries of a cache; Keystone's answer for one token takes up to ten kilobytes.
MAX_TOKENS = 1000
#: Seconds a validated identity is reused; the longest a revoked token keeps working.
IDENTITY_TTL = 10.0

#: Prefixes of the headers in which ``auth_token`` reports the identity. Clients may not set them,
_IDENTITY_PREFIXES = ('HTTP_X_', 'HTTP_OPENSTACK_')
#: except these. Trove reads no other client header with such a prefix.
_CLIENT_HEADERS = frozenset({'HTTP_X_AUTH_TOKEN', 'HTTP_X_OPENSTACK_REQUEST_ID'})
#: Header of the identity that is long and that Trove never reads.
_NOT_CACHED = 'HTTP_X_SERVICE_CATALOG'

Application = Callable[[dict[str, Any], Any], Any]


class TokenCache:
    """The part of a memcached client that ``auth_token`` uses, thread-safe.

    The least recently used entry is evicted when the cache is full.

    :param clock: monotonic clock in seconds.
    :param size: maximum number of entries.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, size: int = MAX_TOKENS) -> None:
        self._lock = threading.Lock()
        #: key -> (seconds to live, value)
        self._entries: cachetools.TLRUCache[Any, tuple[float, Any]] = cachetools.TLRUCache(
            size, lambda _key, entry, now: now + entry[0], timer=clock)

    def get(self, key: Any) -> Any:
        """Return the value of the key, None if it is missing or expired."""
        with self._lock:
            entry = self._entries.get(key)
        return None if entry is None else entry[1]

    def set(self, key: Any, value: Any, time: float = 0) -> None:
        """Store a value for ``time`` seconds; with 0 or less only drop the former value."""
        with self._lock:
            self._entries.pop(key, None)
            if time > 0:
                self._entries[key] = (time, value)


class TokenCacheMiddleware:
    """WSGI middleware before ``auth_token`` that reuses identities validated a few seconds ago.

    Requests that ``auth_token`` must validate every time are never cached: those with a service
    token beside the user's, with a token bound to a connection, and with an application credential
    limited to some paths.

    :param check: wraps an application in ``auth_token``.
    """

    def __init__(self, check: Callable[[Application], Application], application: Application,
                 cache: TokenCache | None = None) -> None:
        self._application = application
        self._check = check(self._store)
        self._cache = cache or TokenCache()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        token = environ.get('HTTP_X_AUTH_TOKEN')
        if not token or 'HTTP_X_SERVICE_TOKEN' in environ:
            return self._check(environ, start_response)
        for name in [name for name in environ if _is_identity_header(name)]:
            del environ[name]
        digest = hashlib.sha256(token.encode('utf-8', 'surrogatepass')).digest()
        identity = self._cache.get(digest)
        if identity is not None:
            environ.update(identity)
            return self._application(environ, start_response)
        environ[_DIGEST_KEY] = digest
        return self._check(environ, start_response)

    def _store(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Cache the identity that ``auth_token`` has just validated; serve the request."""
        digest = environ.pop(_DIGEST_KEY, None)
        if digest is not None and environ.get('HTTP_X_IDENTITY_STATUS') == 'Confirmed':
            identity = {
                name: value
                for name, value in environ.items()
                if _is_identity_header(name) and name != _NOT_CACHED
            }
            self._cache.set(digest, identity, time=_ttl(environ.get('keystone.token_info')))
        return self._application(environ, start_response)


def _is_identity_header(name: str) -> bool:
    return name.startswith(_IDENTITY_PREFIXES) and name not in _CLIENT_HEADERS


def _ttl(token_info: Any) -> float:
    """Return the seconds an identity may be reused, 0 or less for not at all.

    :param token_info: body of Keystone's answer.
    """
    token = token_info.get('token') if isinstance(token_info, dict) else None
    if not isinstance(token, dict) or token.get('bind'):
        return 0.0
    if (token.get('application_credential') or {}).get('access_rules') is not None:
        return 0.0
    try:
        end = datetime.fromisoformat(token['expires_at'])
    except (KeyError, TypeError, ValueError):
        return 0.0
    return min(IDENTITY_TTL, (end - datetime.now(UTC)).total_seconds())
