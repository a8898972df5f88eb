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

"""HTTP sessions to the cloud: credentials, certificates and timeouts.

One :class:`Sessions` serves a process. It keeps one keystoneauth session of the service user,
shared by all threads. Each user request gets a light session that shares its connections and the
discovered versions.
"""

import os
import threading
from typing import Any, Callable, NamedTuple

from keystoneauth1 import access
from keystoneauth1 import exceptions as keystone_errors
from keystoneauth1 import plugin
from keystoneauth1 import session as keystone
from keystoneauth1.identity import base as identity
from keystoneauth1.identity import v3
from oslo_config import cfg
import requests

#: Connections kept open to one host; more concurrent threads open further ones.
POOL_SIZE = 32


class Endpoint(NamedTuple):
    """The endpoint of a service: a fixed URL, or its entry in the catalog."""
    url: str | None
    service_type: str
    interface: str
    insecure: bool


def endpoint(conf: cfg.ConfigOpts, prefix: str) -> Endpoint:
    """Return the endpoint options of one service.

    :param prefix: nova, neutron, cinder, glance or swift.
    """
    name, url = ('nova_compute', 'nova_compute_url') if prefix == 'nova' else (prefix,
                                                                               f'{prefix}_url')
    interface = conf[f'{name}_endpoint_type'].removesuffix('URL')
    return Endpoint(conf[url], conf[f'{name}_service_type'], interface,
                    conf[f'{prefix}_api_insecure'])


class UserToken(identity.BaseIdentityPlugin):
    """Authentication with the unmodified token of a request.

    The catalog is fetched from Keystone with the token when first needed: the token's project may
    have other endpoints than the service project, and the API does not request the catalog when it
    validates tokens.
    """

    def __init__(self, auth_url: str, token: str) -> None:
        super().__init__(auth_url=auth_url, reauthenticate=False)
        url = auth_url.rstrip('/')
        self._url = f'{url if url.endswith("/v3") else url + "/v3"}/auth/tokens'
        self._token = token

    def get_auth_ref(self, session: keystone.Session) -> access.AccessInfo:
        """Return the token's data from Keystone.

        :raises keystoneauth1.exceptions.ClientException: the token is not valid.
        """
        headers = {
            'X-Auth-Token': self._token,
            'X-Subject-Token': self._token,
            'Accept': 'application/json'
        }
        response = session.get(self._url, headers=headers, authenticated=False, log=False)
        found = access.create(resp=response, auth_token=self._token)
        if not isinstance(found, access.AccessInfoV3):
            raise keystone_errors.InvalidResponse(response=response)
        return found

    def get_cache_id_elements(self) -> dict[str, str | None]:
        return {'auth_url': self.auth_url, 'token': self._token}


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return the request: the default of requests looks for a .netrc file at each request."""
    return request


class Sessions:
    """The sessions of one process. All methods are thread-safe.

    :param conf: with the options of ``[service_credentials]`` and of the endpoints.
    :param transport: sends the requests; tests pass one that stays in the process.
    :param service_auth: authenticates the service user instead of ``[service_credentials]``.
    """

    def __init__(self, conf: cfg.ConfigOpts, *, transport: requests.Session | None = None,
                 service_auth: plugin.BaseAuthPlugin | None = None) -> None:
        self.conf = conf
        self._given = transport
        self._lock = threading.Lock()
        self._transports: dict[bool, requests.Session] = {}
        self._services: dict[bool, keystone.Session] = {}
        self._discovered: dict[str, Any] = {}
        self._service_auth = service_auth or service_password(conf)

    def service(self, insecure: bool = False) -> keystone.Session:
        """Return the session of the service user.

        :param insecure: accept any certificate of the service.
        """
        with self._lock:
            if insecure not in self._services:
                self._services[insecure] = self._session(self._service_auth, insecure)
            return self._services[insecure]

    def user(self, context: Any) -> Callable[[bool], keystone.Session]:
        """Return a function like :meth:`service` for the token of a request context."""
        auth = UserToken(self.conf.service_credentials.auth_url, context.auth_token)

        def session(insecure: bool = False) -> keystone.Session:
            with self._lock:
                return self._session(auth, insecure)
        return session

    def _session(self, auth: plugin.BaseAuthPlugin, insecure: bool) -> keystone.Session:
        credentials = self.conf.service_credentials
        verify = False if insecure or credentials.insecure else (credentials.cafile or True)
        return keystone.Session(auth=auth, session=self._transport(verify is not False),
                                verify=verify, timeout=self.conf.cloud_call_timeout,
                                discovery_cache=self._discovered, app_name='trove')

    def _transport(self, verified: bool) -> requests.Session:
        """Return connections; those with unverified certificates are never shared with verified
        ones.
        """
        if self._given is not None:
            return self._given
        if verified not in self._transports:
            made = requests.Session()
            made.auth = _unchanged
            for scheme in ('http://', 'https://'):
                made.mount(scheme, keystone.TCPKeepAliveAdapter(pool_maxsize=POOL_SIZE))
            self._transports[verified] = made
        return self._transports[verified]


def service_password(conf: cfg.ConfigOpts) -> plugin.BaseAuthPlugin:
    """Return the authentication of the service user from ``[service_credentials]``."""
    credentials = conf.service_credentials
    url = credentials.auth_url.rstrip('/')
    project = ({'project_id': credentials.project_id} if credentials.project_id else
               {'project_name': credentials.project_name,
                'project_domain_name': credentials.project_domain_name})
    return v3.Password(auth_url=url if url.endswith('/v3') else f'{url}/v3',
                       username=credentials.username, password=credentials.password,
                       user_domain_name=credentials.user_domain_name, **project)


_LOCK = threading.Lock()
#: Sessions by process and configuration: a forked child must not share its parent's sockets.
_SESSIONS: dict[tuple[int, int], tuple[cfg.ConfigOpts, Sessions]] = {}


def sessions(conf: cfg.ConfigOpts) -> Sessions:
    """Return the sessions of this process for this configuration, created at first use."""
    key = (os.getpid(), id(conf))
    with _LOCK:
        if key not in _SESSIONS:
            _SESSIONS[key] = (conf, Sessions(conf))
        return _SESSIONS[key][1]


def install(conf: cfg.ConfigOpts, made: Sessions | None) -> None:
    """Replace the sessions that :func:`sessions` returns.

    :param made: None: create new ones at the next use.
    """
    key = (os.getpid(), id(conf))
    with _LOCK:
        if made is None:
            _SESSIONS.pop(key, None)
        else:
            _SESSIONS[key] = (conf, made)
