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

"""WSGI application: four services under four paths, and the handling that all requests share.

``/compute``, ``/network``, ``/volume`` and ``/image`` lead to the services, ``/faults`` to the
planned faults (admins only). Each request runs in one transaction of the state. Only background
jobs touch machines, so responses are quick however slow the host is.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import webob

from minicloud import cinder, glance, neutron, nova, reconcile
from minicloud import errors, fault_service, faults, web
from minicloud.cloud import Cloud, Settings
from minicloud.hypervisor import Hypervisor
from minicloud.identity import Identifier, Identity
from minicloud.state import State

LOG = logging.getLogger(__name__)

#: First segment of the path -> the service below it.
SERVICES = {service.name: service for service in (
    nova.SERVICE, neutron.SERVICE, cinder.SERVICE, glance.SERVICE, fault_service.SERVICE)}


class Application:
    """WSGI application of one cloud."""

    def __init__(self, cloud: Cloud, identifier: Identifier):
        self.cloud = cloud
        self.identifier = identifier

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        """Handle one request; raise ConnectionLost when a planned fault requires it."""
        request = webob.Request(environ)
        begun = time.monotonic()
        response = self._respond(request)
        LOG.info('%s %s -> %s in %.0f ms', request.method, request.path_qs,
                 response.status_int, (time.monotonic() - begun) * 1000)
        return response(environ, start_response)

    def advance(self, limit: int | None = None) -> int:
        """Run background jobs in this thread; see :meth:`minicloud.work.Work.advance`."""
        return self.cloud.work.advance(limit)

    def close(self) -> None:
        """Stop the background jobs and release machines and state, which both persist."""
        self.cloud.work.stop()
        self.cloud.hypervisor.close()
        self.cloud.state.close()

    def _respond(self, request: webob.Request) -> webob.Response:
        service = SERVICES.get(request.path_info_peek())
        if service is None:
            return errors.json_response(300, {'services': {
                name: f'{request.application_url}/{name}' for name in SERVICES}})
        request.path_info_pop()
        struck = self.cloud.faults.of_request(
            service.name, request.method, request.path_info, request)
        response = self._fail_early(service, struck)
        if response is None:
            response = self._serve(service, request)
        if any(fault.mode == 'after' for fault in struck):
            raise faults.ConnectionLost
        return response

    def _fail_early(self, service: 'web.Service', struck: list[faults.RequestFault]
                    ) -> webob.Response | None:
        for fault in struck:
            if fault.mode == 'before':
                raise faults.ConnectionLost
            if fault.mode == 'delay':
                self.cloud.sleep(fault.seconds)
            if fault.mode == 'status':
                return service.render(errors.ApiError(fault.message, status=fault.status))
        return None

    def _serve(self, service: 'web.Service', request: webob.Request) -> webob.Response:
        request_id = f'req-{uuid.uuid4()}'
        version = (0, 0)
        try:
            version = service.negotiate(request)
            response = self._dispatch(service, request, version, request_id)
        except errors.ApiError as error:
            response = service.render(error)
        except Exception:
            LOG.exception('%s %s failed unexpectedly', request.method, request.path)
            response = service.render(errors.ApiError(
                'Unexpected API Error. Please look at the log of minicloud.'))
        response.headers['X-Openstack-Request-Id'] = request_id
        service.decorate(response, version, request_id)
        self.cloud.work.kick()
        return response

    def _dispatch(self, service: 'web.Service', request: webob.Request, version: web.Version,
                  request_id: str) -> webob.Response:
        document = service.versions(request)
        if document is not None:
            return document
        identity = self.identifier.identify(request.environ)
        if identity is None:
            # keystonemiddleware adds the address of Keystone.
            raise errors.Unauthorized('The request you have made requires authentication.')
        path = service.strip(request.path_info, identity)
        route, parts = service.router.find(request.method, path, version)
        return self._handle(route, parts, request, version, identity, request_id)

    def _handle(self, route: web.Route, parts: dict[str, str], request: webob.Request,
                version: web.Version, identity: Identity, request_id: str) -> webob.Response:
        with self.cloud.state.transaction() as tx:
            call = web.Call(request, self.cloud, tx, identity, version, request_id)
            result = route.handler(call, **parts)
        if call.later is not None:
            result = call.later()
        if isinstance(result, webob.Response):
            return result
        status, body = result if isinstance(result, tuple) else (200, result)
        return errors.json_response(status, body)


def create_app(state: State, hypervisor: Hypervisor, identifier: Identifier,
               clock: Callable[[], float] = time.time, settings: Settings | None = None,
               synchronous: bool | None = False, workers: int = 8,
               sleep: Callable[[float], None] = time.sleep) -> Application:
    """Create the application, resume the stored state and start the background jobs.

    ``synchronous``: False runs jobs in threads; True runs them within the request, before its
    response; None runs them only in the application's ``advance()``.
    """
    mode = {False: 'threads', True: 'inline', None: 'manual'}[synchronous]
    cloud = Cloud(state, hypervisor, clock, settings, mode, workers, sleep)
    hypervisor.subscribe(nova.events.listener(cloud))
    reconcile.record_jobs(cloud)
    cloud.work.start()
    cloud.work.kick()
    return Application(cloud, identifier)
