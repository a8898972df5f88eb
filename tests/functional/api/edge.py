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

"""The whole HTTP edge in this process: the operator's paste pipeline, SQLite, buses in memory,
minicloud behind it.

One thing is not the real one: the filter ``authtoken`` (tests/functional/api/tokens.py).
"""

import configparser
import pathlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import requests
import webob
from minicloud import app as minicloud_app
from minicloud import bootstrap, inprocess
from minicloud.state import State

from tests.functional.api import tokens
from tests.functional.memory_bus import MemoryBus
from tests.functional.object_store import ObjectStore
from tests.functional.simulated_guest import SimulatedGuest
from trove.cloud import session as cloud_session
from trove.cmd import rpc_clients
from trove.common import policy
from trove.common.http import deploy
from trove.common.rpc import clients, keys, messages
from trove.db import (datastores, flavors, instance_addresses, instances, quotas, service_statuses,
                      session)
from trove.guestagent.api import GuestAPI

ROOT = pathlib.Path(__file__).parents[3]

VERSION_ID = 'e7c4d8b0-61b6-4f6d-8a55-3b6d5f0e2c11'
OLD_VERSION_ID = '5b1f0c7e-9a42-4d0c-8a0e-6f0f3f6f9a22'
IMAGE_ID = '6a9a0f58-8d2b-4f8f-9e0f-0c5a7d1b3e44'
REGION = 'RegionOne'

#: Resources of the operator's cloud.
CLOUD = {
    'owner': 'service',
    'flavors': [{'id': '10', 'name': 'db.small', 'ram': 1024, 'vcpus': 1, 'disk': 5},
                {'id': 'm2', 'name': 'db.medium', 'ram': 2048, 'vcpus': 2, 'disk': 10}],
    'networks': [{'name': 'private', 'shared': True, 'bridge': 'none',
                  'subnets': [{'name': 'private-v4', 'cidr': '10.20.0.0/24'}]},
                 {'name': 'second', 'shared': True, 'bridge': 'none',
                  'subnets': [{'name': 'second-v4', 'cidr': '10.30.0.0/24'}]}],
    'images': [{'id': IMAGE_ID, 'name': 'trove-mariadb-10.11', 'rootfs_path': '/nowhere'}],
    'volume_types': ['fast'],
}


class NoMachines:
    """A hypervisor nobody needs: the edge makes no machines. Anything but being set up is an error.
    """

    def subscribe(self, _listener: Callable[..., Any]) -> None:
        """Nothing ever happens."""

    def close(self) -> None:
        """Nothing is held."""


class Cloud:
    """minicloud, and Keystone's one call, behind one transport that counts."""

    def __init__(self) -> None:
        self.app = minicloud_app.create_app(State(), NoMachines(), tokens.Identifier(),
                                            synchronous=None)
        bootstrap.bootstrap(self.app.cloud, CLOUD)
        self.objects = ObjectStore(tokens.Identifier(), self.app.cloud.faults)
        #: (method, URL) of each request that went out.
        self.requests: list[tuple[str, str]] = []
        self.transport = requests.Session()
        self.transport.mount(inprocess.ADDRESS, inprocess.WSGIAdapter(self._counted(self.app)))
        self.transport.mount(f'{inprocess.ADDRESS}/object',
                             inprocess.WSGIAdapter(self._counted(self.objects)))
        self.transport.mount(tokens.KEYSTONE, inprocess.WSGIAdapter(self._counted(tokens.keystone)))

    def _counted(self, application: Callable[..., Any]) -> Callable[..., Any]:
        def counted(environ: dict[str, Any], start_response: Any) -> Any:
            self.requests.append((environ['REQUEST_METHOD'], environ['PATH_INFO']))
            return application(environ, start_response)
        return counted

    def network(self, name: str) -> dict[str, Any]:
        """id of a network and of its subnet."""
        with self.app.cloud.state.transaction() as tx:
            network = tx.list('network', name=name)[0]
            return {
                'id': network['id'],
                'subnet': tx.list('subnet', network_id=network['id'])[0]['id']
            }


class Edge:
    """Environment of an API test.

    ``requests`` of all kinds go through :attr:`application`.
    """

    def __init__(self, conf: Any, directory: pathlib.Path) -> None:
        self.conf = conf
        self.directory = directory
        self.cloud = Cloud()
        self.control, self.guests = MemoryBus(), MemoryBus()
        self.keys = keys.KeyRing.from_conf(conf)
        conf.set_override('auth_url', f'{tokens.KEYSTONE}/v3', 'service_credentials')
        conf.set_override('region_name', REGION, 'service_credentials')
        conf.set_override('default_datastore', 'mariadb')
        conf.set_override('public_endpoint', 'https://dbaas.example.net:8779')
        # No task manager works here.
        conf.set_override('guest_log_wait', 0)
        conf.set_override('api_paste_config', str(self._paste_file()))
        cloud_session.install(conf, cloud_session.Sessions(
            conf, transport=self.cloud.transport,
            service_auth=inprocess.TokenAuth('service', tokens.document('service'))))
        clients.setup(rpc_clients.over(self.keys, lambda: self.control, lambda: self.guests))
        policy.reset()
        #: instance id -> its guest
        self.running: dict[str, SimulatedGuest] = {}
        self._seed()
        self.application = deploy.application()

    def close(self) -> None:
        cloud_session.install(self.conf, None)
        clients.setup(None)
        policy.reset()
        self.cloud.app.close()

    def _paste_file(self) -> pathlib.Path:
        """The operator's file with another token check."""
        parser = configparser.RawConfigParser(delimiters=('=', ':'))
        parser.optionxform = str
        text = (ROOT / 'etc/trove/api-paste.ini').read_text()
        marker = 'paste.filter_factory = trove.common.http.filters:authtoken'
        assert text.count(marker) == 1
        path = self.directory / 'api-paste.ini'
        path.write_text(
            text.replace(marker, f'paste.filter_factory = {tokens.__name__}:filter_factory'))
        return path

    def _seed(self) -> None:
        with session.writer() as connection:
            datastore_id = datastores.ensure_datastore(connection, 'mariadb')
            for version_id, name, active in ((VERSION_ID, '10.11', True), (OLD_VERSION_ID, '10.5',
                                                                           False)):
                connection.execute(datastores.VERSIONS.insert().values(
                    id=version_id, datastore_id=datastore_id, name=name, version=f'{name}.6',
                    manager='mariadb', image_id=IMAGE_ID, image_tags='', packages=None,
                    active=active, registry_ext='', repl_strategy=''))
            datastores.set_default_version(connection, datastore_id, VERSION_ID)
            now = session.utcnow()
            flavors.replace_flavors(connection, REGION, [
                {'ephemeral': 0, 'is_public': True, **flavor} for flavor in CLOUD['flavors']], now)
            flavors.replace_volume_types(connection, REGION, [
                {'id': '0d2d6b8c-1f5e-4f0e-9b3a-7c1e5f2a8d66', 'name': 'fast', 'is_public': True,
                 'description': None}], now)

    # --- what stories begin with -----------------------------------------------------------------

    def instance(self, instance_id: str, *, tenant: str = tokens.DEMO, name: str = 'orders',
                 active: bool = True, created: datetime | None = None, **values: Any) -> bytes:
        """An instance as a finished (or running) create leaves it; returns its key."""
        key = keys.new_instance_key()
        now = created or session.utcnow()
        row = {
            'id': instance_id,
            'name': name,
            'tenant_id': tenant,
            'user_id': 'demo-user',
            'region_id': REGION,
            'flavor_id': '10',
            'ram': 1024,
            'vcpus': 1,
            'volume_support': True,
            'volume_size': 2,
            'datastore_version_id': VERSION_ID,
            'server_id_number': 1,
            'image_id': IMAGE_ID,
            'encrypted_key': self.keys.seal(instance_id, key),
            **values
        }
        if active:
            row = {
                'compute_instance_id': instance_id,
                'server_status': 'ACTIVE',
                'volume_id': instance_id,
                **row
            }
        with session.writer() as connection:
            quotas.consume(connection, tenant, instances.quota_of(row['ram'], row['volume_size']),
                           now)
            instances.create(connection, row, now)
            if active:
                connection.execute(service_statuses.STATUSES.update().where(
                    service_statuses.STATUSES.c.instance_id == instance_id).values(
                        status='healthy', updated_at=session.utcnow(), volume_total=2 * 1024 ** 3,
                        volume_used=512 * 1024 ** 2))
                instance_addresses.replace(connection, instance_id, [{
                    'kind': 'private',
                    'address': '10.20.0.7',
                    'family': 4,
                    'port_id': None,
                    'mac': None,
                    'network_id': self.cloud.network('private')['id'],
                    'subnet_id': None
                }, {
                    'kind': 'management',
                    'address': '172.24.0.7',
                    'family': 4,
                    'port_id': None,
                    'mac': None,
                    'network_id': None,
                    'subnet_id': None
                }], ['private', 'management'])
        return key

    def guest(self, instance_id: str, key: bytes) -> SimulatedGuest:
        """The prepared guest of an instance, waiting for calls."""
        guest = SimulatedGuest(self.guests, instance_id, key, self.directory / instance_id,
                               volumes={instance_id: None})
        guest.start()
        self.running[instance_id] = guest
        client = GuestAPI(self.guests, instance_id, key)
        client.cast(
            messages.Prepare(command_id='prepare', datastore_version='10.11',
                             mount_point='/var/lib/mysql', memory_mb=1024, new_volume=True, device={
                                 'volume_id': instance_id,
                                 'device_path': '/dev/vdb'
                             }))
        guest.step()
        return guest

    # --- asking ----------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Any = None, *, token: str = 'demo',
            **headers: str) -> webob.Response:
        """One request; ``path`` is relative to the token's project."""
        request = webob.Request.blank(f'/v1.0/{tokens.KNOWN[token].project}{path}', method=method,
                                      base_url='http://dbaas.example.net:8779')
        request.headers['X-Auth-Token'] = token
        request.headers.update(headers)
        if body is not None:
            request.json_body = body
        return request.get_response(self.application)
