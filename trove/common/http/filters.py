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

"""Paste filters of other libraries, limited to the requests that concern them.

Each filter takes a request and its response apart and builds them again, which costs more than a
read. A header or the configuration shows that a filter has nothing to do.
"""

import functools
import re
from collections.abc import Callable
from typing import Any

from keystonemiddleware import auth_token
from oslo_config import cfg
from oslo_context import context as oslo_context
from oslo_middleware import cors as oslo_cors
from oslo_middleware import http_proxy_to_wsgi as oslo_proxy
from oslo_middleware import request_id as oslo_request_id
from osprofiler import web as osprofiler_web

from trove.common.http import token_cache

CONF = cfg.CONF

#: Default of ``[keystone_authtoken] http_connect_timeout``, in seconds. A first request takes two
#: of them: the service user logs in by discovery and by a token request.
KEYSTONE_TIMEOUT = 5

Application = Callable[[dict[str, Any], Any], Any]
FilterMaker = Callable[[Application], Application]

_GIVEN_ID = re.compile(oslo_request_id.ID_FORMAT)


def _only_when(concerned: Callable[[dict[str, Any]], bool], make: FilterMaker) -> FilterMaker:
    def filtered(application: Application) -> Application:
        made = make(application)

        def pass_on(environ: dict[str, Any], start_response: Any) -> Any:
            return (made if concerned(environ) else application)(environ, start_response)
        return pass_on
    return filtered


def cors(global_conf: dict[str, str], **local_conf: str) -> FilterMaker:
    """Return oslo.middleware's ``cors`` for requests with ``Origin`` and for OPTIONS.

    By itself the filter responds with 200 to every OPTIONS, also without CORS.
    """
    make = oslo_cors.filter_factory(global_conf, **local_conf)

    def filtered(application: Application) -> Application:
        made = make(application)
        if not made.allowed_origins:
            return application

        def pass_on(environ: dict[str, Any], start_response: Any) -> Any:
            is_concerned = 'HTTP_ORIGIN' in environ or environ['REQUEST_METHOD'] == 'OPTIONS'
            return (made if is_concerned else application)(environ, start_response)
        return pass_on
    return filtered


def http_proxy_to_wsgi(global_conf: dict[str, str], **local_conf: str) -> FilterMaker:
    """Return oslo.middleware's ``HTTPProxyToWSGI``, which reads the headers of a proxy."""
    make = oslo_proxy.HTTPProxyToWSGI.factory(global_conf, **local_conf)
    names = ('HTTP_FORWARDED', 'HTTP_X_FORWARDED_PROTO', 'HTTP_X_FORWARDED_HOST',
             'HTTP_X_FORWARDED_FOR', 'HTTP_X_FORWARDED_PREFIX')
    return _only_when(lambda environ: any(name in environ for name in names), make)


def osprofiler(global_conf: dict[str, str], **local_conf: str) -> FilterMaker:
    """Return osprofiler's filter, which traces requests with a signed trace header."""
    return _only_when(lambda environ: 'HTTP_X_TRACE_INFO' in environ,
                      osprofiler_web.WsgiMiddleware.factory(global_conf, **local_conf))


class RequestId:
    """Paste filter ``request_id``, as oslo.middleware's: an id for each request and response."""

    def __init__(self, application: Application) -> None:
        self._application = application

    @classmethod
    def factory(cls, _global_conf: dict[str, str], **_local_conf: str) -> FilterMaker:
        return cls

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        given = environ.get('HTTP_X_OPENSTACK_REQUEST_ID', '')
        if _GIVEN_ID.match(given):
            environ[oslo_request_id.GLOBAL_REQ_ID] = given
        made = environ[oslo_request_id.ENV_REQUEST_ID] = oslo_context.generate_request_id()

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if not any(name.lower() == oslo_request_id.HTTP_RESP_HEADER_REQUEST_ID
                       for name, _value in headers):
                headers = [*headers, (oslo_request_id.HTTP_RESP_HEADER_REQUEST_ID, made)]
            return start_response(status, headers, *more)

        return self._application(environ, start)


def authtoken(global_conf: dict[str, str], **local_conf: str) -> FilterMaker:
    """Return keystonemiddleware's ``auth_token`` with the caches of :mod:`.token_cache`.

    Without memcached, keystonemiddleware makes one cache per thread and searches all of it at each
    request. Without a timeout, a Keystone that hangs holds a connection of the API per request.
    """
    for name, default in (('http_connect_timeout', KEYSTONE_TIMEOUT),
                          ('http_request_max_retries', 0)):
        CONF.set_default(name, default, group='keystone_authtoken')
    check = auth_token.filter_factory(global_conf, **local_conf)
    options = CONF.keystone_authtoken
    if options.token_cache_time <= 0:
        return check
    if options.memcached_servers or options.cache:
        return functools.partial(token_cache.TokenCacheMiddleware, check)
    CONF.set_default('cache', token_cache.CACHE_KEY, group='keystone_authtoken')
    cache = token_cache.TokenCache()

    def with_cache(application: Application) -> Application:
        checked = check(application)

        def called(environ: dict[str, Any], start_response: Any) -> Any:
            environ[token_cache.CACHE_KEY] = cache
            return checked(environ, start_response)
        return called
    return functools.partial(token_cache.TokenCacheMiddleware, with_cache)
