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

"""Cloud inside a test: minicloud behind the production clients, with tokens of the test.

::

    cloud = InProcessCloud(hypervisor)
    session.install(conf, cloud.sessions(conf))     # trove.cloud now uses this cloud
    cloud.faults.request('volume', 'POST', '/volumes', mode='after')
    cloud.leftovers()                               # resources left in the service project
"""

import json
from collections.abc import Mapping
from typing import Any

from keystoneauth1 import fixture
from minicloud import app as minicloud
from minicloud import bootstrap
from minicloud import faults as planned
from minicloud import identity
from minicloud import inprocess
from minicloud import state as records
from minicloud.hypervisor import State
from oslo_config import cfg
import requests

from tests.functional import object_store
from trove.cloud import session
from trove.common.context import RequestContext
from trove.guestagent.system.web import WebError

SERVICE_PROJECT = 'service'
AUTH_URL = f'{inprocess.ADDRESS}/identity/v3'

FLAVOR = 'f-small'
DOCUMENT = {
    'owner': SERVICE_PROJECT,
    'flavors': [{
        'id': FLAVOR,
        'name': 'db.small',
        'ram': 1024,
        'vcpus': 1,
        'disk': 5
    }, {
        'id': 'f-large',
        'name': 'db.large',
        'ram': 4096,
        'vcpus': 2,
        'disk': 10
    }],
    'networks': [{
        'name': 'management',
        'subnets': [{
            'name': 'management',
            'cidr': '10.1.0.0/24',
            'ip_version': 4
        }]
    }, {
        'name': 'private',
        'project_id': 'demo',
        'subnets': [{
            'name': 'private',
            'cidr': '10.2.0.0/24',
            'ip_version': 4
        }]
    }, {
        'name': 'island',
        'project_id': 'demo',
        'subnets': [{
            'name': 'island',
            'cidr': '10.3.0.0/24',
            'ip_version': 4
        }]
    }, {
        'name': 'public',
        'external': True,
        'subnets': [{
            'name': 'public',
            'cidr': '10.9.0.0/24',
            'ip_version': 4
        }]
    }],
    'routers': [{
        'name': 'out',
        'external_network': 'public',
        'subnets': ['private']
    }],
    'images': [{
        'name': 'guest',
        'rootfs_path': '/images/guest',
        'visibility': 'public',
        'tags': ['trove', 'mariadb']
    }, {
        'name': 'guest-2',
        'rootfs_path': '/images/guest-2',
        'visibility': 'public'
    }],
    'volume_types': ['fast'],
}


class QuietHypervisor:
    """Hypervisor of machines that run and do nothing."""

    def __init__(self) -> None:
        self.machines: dict[str, Any] = {}
        self.stopped: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **options: None

    def create_server(self, spec: Any) -> None:
        self.machines[spec.id] = spec

    def delete_server(self, server_id: str) -> None:
        self.machines.pop(server_id, None)

    def server_state(self, server_id: str) -> State:
        return State.RUNNING if server_id in self.machines else State.MISSING

    def console_log(self, server_id: str, lines: int | None = None) -> str:
        return f'first line\nlast words of {server_id}\n'


class Identity(requests.adapters.BaseAdapter):
    """Part of Keystone that a user's token needs."""

    def __init__(self, table: identity.TokenTable) -> None:
        super().__init__()
        self._table = table

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        token = request.headers.get('X-Subject-Token', '')
        known = self._table.identify({'HTTP_X_AUTH_TOKEN': token})
        response = requests.Response()
        response.request, response.url = request, request.url
        response.status_code = 200 if known else 401
        response.headers['Content-Type'] = 'application/json'
        response.headers['X-Subject-Token'] = token
        response._content = json.dumps(document(known) if known else {
            'error': {
                'message': 'no'
            }
        }).encode()
        return response

    def close(self) -> None:
        """Do nothing: no connection is open."""


def catalog(project_id: str) -> dict[str, str]:
    """Return type of service -> address, including the object store."""
    return inprocess.catalog(
        project_id, {'object-store': f'{inprocess.ADDRESS}{object_store.ROOT}{project_id}'})


def document(known: identity.Identity) -> dict[str, Any]:
    """Return the document of a token, with the catalog."""
    made = fixture.V3Token(user_id=known.user_id, user_name=known.user_id,
                           project_id=known.project_id, project_name=known.project_id)
    for kind, address in catalog(known.project_id).items():
        made.add_service(kind, kind).add_standard_endpoints(public=address, internal=address,
                                                            admin=address, region='RegionOne')
    return made


class InProcessCloud:
    """One cloud.

    :param synchronous: True carries a request out before its response; None in :meth:`advance`.
    """

    def __init__(self, hypervisor: Any = None, *, synchronous: bool | None = True) -> None:
        self.tokens = identity.TokenTable()
        self.hypervisor = hypervisor or QuietHypervisor()
        self._state = records.State()
        self.app = minicloud.create_app(self._state, self.hypervisor, self.tokens,
                                        synchronous=synchronous, sleep=lambda seconds: None)
        bootstrap.bootstrap(self.app.cloud, DOCUMENT)
        self.app.advance()
        self.faults = self.app.cloud.faults
        self.requests: list[tuple[str, str]] = []
        self.objects = object_store.ObjectStore(self.tokens, self.faults)
        self._transport = requests.Session()
        self._transport.mount(f'{inprocess.ADDRESS}/object', inprocess.WSGIAdapter(self.objects))
        self._transport.mount(inprocess.ADDRESS, inprocess.WSGIAdapter(self._counted))
        self._transport.mount(AUTH_URL, Identity(self.tokens))

    def _counted(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.requests.append((environ['REQUEST_METHOD'], environ['PATH_INFO']))
        return self.app(environ, start_response)

    def sessions(self, conf: cfg.ConfigOpts) -> session.Sessions:
        """Return the argument of :func:`trove.cloud.session.install`."""
        conf.set_override('auth_url', AUTH_URL, 'service_credentials')
        token = self.tokens.issue(SERVICE_PROJECT, 'trove', ('admin',))
        auth = inprocess.TokenAuth(token,
                                   document(self.tokens.identify({'HTTP_X_AUTH_TOKEN': token})))
        return session.Sessions(conf, transport=self._transport, service_auth=auth)

    def context(self, project_id: str = 'demo', user_id: str = 'demo-user') -> RequestContext:
        """Return the context of a request of a user."""
        return RequestContext(auth_token=self.tokens.issue(project_id, user_id), user_id=user_id,
                              project_id=project_id, overwrite=False)

    def upload(self, url: str, content: bytes, headers: Mapping[str, str]) -> None:
        """Store data at a URL, as a guest's machine does.

        :raises WebError: as on a real machine.
        """
        try:
            status = self.objects.put(url, content, dict(headers))
        except planned.ConnectionLost:
            raise WebError('the object store does not answer, as planned') from None
        if not 200 <= status < 300:
            raise WebError(f'the object store answered {status}', status)

    def advance(self) -> None:
        """Carry out the pending requests."""
        self.app.advance()

    def named(self, kind: str, name: str) -> dict[str, Any]:
        """Return a record by its name."""
        with self._state.transaction() as tx:
            return next(record for record in tx.list(kind) if record['name'] == name)

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Return the records of a kind."""
        with self._state.transaction() as tx:
            return tx.list(kind)

    def set(self, kind: str, record_id: str, **values: Any) -> None:
        """Change a record without a request."""
        with self._state.transaction() as tx:
            tx.update(kind, record_id, **values)

    def remove(self, kind: str, record_id: str) -> None:
        """Remove a record without a request."""
        with self._state.transaction() as tx:
            tx.remove(kind, record_id)

    def leftovers(self) -> dict[str, list[str]]:
        """Return kind -> names of resources that the cloud did not start with, but the shared
        group.
        """
        def name_of(record: dict[str, Any]) -> str:
            return record.get('name') or record.get('floating_ip_address') or record['id']

        found = {
            'server': [
                name_of(record) for record in self.all('server') if record['vm_state'] != 'deleted'
            ],
            'port': [
                name_of(record)
                for record in self.all('port')
                if record['name'].startswith('trove-')
            ],
            'volume': [name_of(record) for record in self.all('volume')],
            'floatingip': [name_of(record) for record in self.all('floatingip')],
            'server_group': [name_of(record) for record in self.all('server_group')],
            'security_group': [
                name_of(record)
                for record in self.all('security_group')
                if record['name'] not in ('default', 'trove_sg-management')
            ]
        }
        return {kind: names for kind, names in found.items() if names}

    def close(self) -> None:
        self.app.close()
