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

"""The cloud in one region with the credentials of one user: its services, each looked up at first
use.
"""

import functools
import threading
import types
from typing import Any, Callable

from keystoneauth1 import exceptions as keystone_errors
from keystoneauth1.session import Session
from openstack import connection
from openstack.config import cloud_region
from oslo_config import cfg

from trove.cloud import errors
from trove.cloud import session as http
from trove.cloud.compute import Compute
from trove.cloud.firewall import Firewall
from trove.cloud.image import Images
from trove.cloud.network import Networking
from trove.cloud.objects import Objects, account_url
from trove.cloud.volume import Storage
from trove.common import exception


class Cloud:
    """The OpenStack services that Trove uses. Thread-safe.

    Creating a ``Cloud`` sends no request; a service is looked up in the catalog at its first use. A
    failed look-up is repeated at the next use.

    :param session_for: ``(insecure) -> keystoneauth1 session`` of the user.
    """

    def __init__(self, conf: cfg.ConfigOpts, session_for: Callable[[bool], Session],
                 region: str) -> None:
        self.region = region
        self._conf = conf
        self._session_for = session_for
        self._lock = threading.RLock()
        self._made: dict[str, Any] = {}

    @property
    def compute(self) -> Compute:
        return self._once('compute', self._compute)

    @property
    def network(self) -> Networking:
        return self._once('network', lambda: Networking(self._neutron, self.project_id))

    @property
    def firewall(self) -> Firewall:
        return self._once('firewall', lambda: Firewall(self._neutron, self.project_id))

    @property
    def volume(self) -> Storage:
        return self._once('volume', lambda: Storage(
            self._proxy('cinder', 'block_storage', self._conf.cinder_client_version)))

    @property
    def image(self) -> Images:
        return self._once('image', lambda: Images(
            self._proxy('glance', 'image', self._conf.glance_client_version)))

    def objects(self, project_id: str) -> Objects:
        """Return the object store account of a project that these credentials may access.

        :raises ObjectStoreMissing: the cloud has no object store.
        """
        account = self._account(project_id)
        return Objects(self._once('objects', lambda: self._proxy('swift', 'object_store', '1')),
                       account)

    def _account(self, project_id: str) -> str:
        if self._conf.swift_url:
            return f'{self._conf.swift_url}{project_id}'
        return account_url(self.objects_endpoint(), self.project_id, project_id)

    def objects_endpoint(self) -> str:
        """Return the URL of the object store from the catalog; at most Keystone is contacted, for a
        new token.

        :raises ObjectStoreMissing: the catalog has none.
        """
        found = http.endpoint(self._conf, 'swift')
        with errors.translated('object store', 'find its endpoint'):
            try:
                url = found.url or self._session_for(found.insecure).get_endpoint(
                    service_type=found.service_type, interface=found.interface,
                    region_name=self.region)
            except keystone_errors.EndpointNotFound:
                url = None
        if not url:
            raise exception.ObjectStoreMissing(
                detail=f'the catalog has no {found.interface} endpoint of type '
                f'{found.service_type} in {self.region}')
        return url

    @property
    def project_id(self) -> str:
        """Return the project of these credentials."""
        return self._once('project_id', self._project_id)

    @property
    def _neutron(self) -> Any:
        return self._once('neutron', lambda: self._proxy('neutron', 'network', '2'))

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return the first successful result of ``make``; the lock of this cloud blocks no other
        user.
        """
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def _compute(self) -> Compute:
        found = http.endpoint(self._conf, 'nova')
        return Compute(self._session_for(found.insecure), region=self.region, url=found.url,
                       microversion=self._conf.nova_client_version, interface=found.interface,
                       service_type=found.service_type)

    def _project_id(self) -> str:
        with errors.translated('identity', 'log in'):
            found = self._session_for(False).get_project_id()
        if not found:
            raise exception.CloudError(
                retriable=False, detail='the credentials belong to no project; set '
                '[service_credentials] project_name')
        return found

    def _proxy(self, prefix: str, service: str, version: str) -> Any:
        """Return openstacksdk's client of one service; services may differ in the certificates they
        verify.
        """
        found = http.endpoint(self._conf, prefix)
        settings: dict[str, Any] = {
            f'{service}_service_type': found.service_type,
            f'{service}_interface': found.interface,
            f'{service}_api_version': version
        }
        if found.url:
            settings[f'{service}_endpoint_override'] = found.url
        with errors.translated(service.replace('_', ' '), 'find its endpoint'):
            described = cloud_region.from_session(self._session_for(found.insecure),
                                                  region_name=self.region, app_name='trove',
                                                  **settings)
            # Strict: an unreachable service fails here, instead of a client that never works.
            made = connection.Connection(config=described, strict_proxies=True)
            client = getattr(made, service)
        _unpin(made, client)
        return client


def _unpin(made: connection.Connection, client: Any) -> None:
    """Let a client of openstacksdk be freed with the request it was created for.

    The library keeps references in two places: finalizers that close connections at the end of the
    process (our session owns the sockets), and a cache of names that holds the last 256 clients.
    Together they use 20 MB.
    """
    finalizer = getattr(made, '_finalizer', None)
    if finalizer is not None:
        finalizer.detach()
    uncached = getattr(getattr(type(client), '_extract_name', None), '__wrapped__', None)
    if uncached is not None:
        client._extract_name = types.MethodType(uncached, client)


@functools.lru_cache(maxsize=16)
def _shared(sessions: http.Sessions, region: str) -> Cloud:
    return Cloud(sessions.conf, sessions.service, region)


def service_cloud(conf: cfg.ConfigOpts, region: str | None = None) -> Cloud:
    """Return the cloud with the credentials of the service; one per process and region.

    :param region: of the instance; None: the one of ``[service_credentials]``.
    """
    return _shared(http.sessions(conf), region or conf.service_credentials.region_name)


def user_cloud(conf: cfg.ConfigOpts, context: Any, region: str | None = None) -> Cloud:
    """Return the cloud with the token of a request, for the duration of the request."""
    return Cloud(conf,
                 http.sessions(conf).user(context), region or conf.service_credentials.region_name)
