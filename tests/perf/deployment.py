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

"""Service under measurement: the operator's pipeline with the real token check, over either
database.
"""

import contextlib
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any

from keystoneauth1 import loading
from oslo_config import cfg
from oslo_log import log as logging

from tests.e2e import database_servers
from tests.functional.api import tokens
from tests.functional.api.edge import ROOT, VERSION_ID, Edge
from tests.perf.keystone import Keystone
from trove.common import cfg as options
from trove.db import instance_addresses, instances, service_statuses, session, tables

CONF = cfg.CONF

KEY_ENCRYPTION_SECRET = 'performance tests only: 0123456789abcdef'
HOST = 'dbaas.example.net:8779'
#: Number of instances of the projects that own many.
MANY = {'other': 10_000, 'admin': 100}


class WholeEdge(Edge):
    """Edge with its complete pipeline."""

    def _paste_file(self) -> pathlib.Path:
        return ROOT / 'etc/trove/api-paste.ini'


class Deployment:
    """One ``trove.conf`` for this process and every server that it starts."""

    def __init__(self, directory: pathlib.Path, database_url: str, keystone: Keystone) -> None:
        self.directory = directory
        self.keystone = keystone
        self.file = directory / 'trove.conf'
        self.file.write_text('\n'.join(
            ('[DEFAULT]', f'inst_rpc_key_encr_key = {KEY_ENCRYPTION_SECRET}',
             'transport_url = fake://',
             *(f'http_{verb}_rate = 0' for verb in ('get', 'post', 'put', 'delete')),
             'max_instances_per_tenant = -1', 'max_volumes_per_tenant = -1',
             'max_ram_per_tenant = -1', '[database]', f'connection = {database_url}',
             '[keystone_authtoken]', f'www_authenticate_uri = {keystone.address}',
             f'auth_url = {keystone.address}', 'auth_type = password', 'username = trove',
             'password = p', 'project_name = service', 'user_domain_name = Default',
             'project_domain_name = Default', '')))
        logging.register_options(CONF)
        options.register(CONF)
        CONF(['--config-file', str(self.file)], project='trove', default_config_dirs=[])
        tables.metadata.create_all(session.engine())
        self.edge = WholeEdge(CONF, directory)

    def close(self) -> None:
        self.edge.close()
        session.dispose()
        CONF.reset()
        # Registered by the token check, some as required; the next configuration has no Keystone.
        CONF.unregister_opts(loading.get_auth_plugin_conf_options('password'),
                             group='keystone_authtoken')

    def call(self, path: str, *, token: str = 'demo', method: str = 'GET',
             body: bytes = b'') -> bytes:
        """Send one request to the pipeline in this process, with minimal overhead.

        :param path: relative to the token's project.
        """
        import io
        route, _, query = path.partition('?')
        answered: list[str] = []
        answer = self.edge.application(
            {
                'REQUEST_METHOD': method,
                'SCRIPT_NAME': '',
                'PATH_INFO': f'/v1.0/{tokens.KNOWN[token].project}{route}',
                'QUERY_STRING': query,
                'SERVER_NAME': 'localhost',
                'SERVER_PORT': '8779',
                'HTTP_HOST': HOST,
                'SERVER_PROTOCOL': 'HTTP/1.1',
                'REMOTE_ADDR': '192.0.2.7',
                'HTTP_X_AUTH_TOKEN': token,
                'HTTP_ACCEPT': 'application/json',
                'HTTP_USER_AGENT': 'python-troveclient',
                'wsgi.version': (1, 0),
                'wsgi.url_scheme': 'http',
                'wsgi.input': io.BytesIO(body),
                'wsgi.errors': io.StringIO(),
                'wsgi.multithread': True,
                'wsgi.multiprocess': False,
                'wsgi.run_once': False,
                'CONTENT_LENGTH': str(len(body)),
                'CONTENT_TYPE': 'application/json'
            }, lambda status, _headers, _error=None: answered.append(status))
        text = b''.join(answer)
        assert answered[0].startswith('2'), (answered, text)
        return text


@contextlib.contextmanager
def deployed(engine: str, directory: pathlib.Path) -> Iterator[Deployment]:
    """:param engine: ``sqlite`` or ``mariadb``."""
    servers: dict[str, Any] = {
        'mariadb': database_servers.mariadb,
        'sqlite': lambda path: contextlib.nullcontext(f'sqlite:///{path / "trove.sqlite"}')}
    keystone = Keystone()
    try:
        with servers[engine](directory) as url:
            made = Deployment(directory, url, keystone)
            try:
                yield made
            finally:
                made.close()
    finally:
        keystone.close()


def fill(project: str, number: int) -> list[str]:
    """Create typical active instances and return their ids.

        Each has two addresses and a fresh report, some have a replica.
        """
    now = session.utcnow()
    ids = [str(uuid.uuid4()) for _ in range(number)]
    rows = [{
        'id': instance_id,
        'created': now,
        'updated': now,
        'name': f'instance-{count}',
        'tenant_id': project,
        'user_id': 'demo-user',
        'region_id': 'RegionOne',
        'flavor_id': '10',
        'ram': 1024,
        'vcpus': 1,
        'volume_support': True,
        'volume_size': 2,
        'volume_id': instance_id,
        'compute_instance_id': instance_id,
        'server_status': 'ACTIVE',
        'datastore_version_id': VERSION_ID,
        'server_id_number': count + 1,
        'access': '{"is_public": false}',
        'encrypted_key': 'x' * 100
    } for count, instance_id in enumerate(ids)]
    statuses = [{
        'instance_id': instance_id,
        'status': 'healthy',
        'updated_at': now,
        'boot_id': '00000001.00000001',
        'seq': 7,
        'volume_total': 2 * 1024**3,
        'volume_used': 1024**3
    } for instance_id in ids]
    addresses = [{
        'id': str(uuid.uuid4()),
        'instance_id': instance_id,
        'kind': kind,
        'family': 4,
        'address': f'10.20.{count // 250 % 250}.{count % 250}',
        'network_id': str(uuid.UUID(int=7))
    } for count, instance_id in enumerate(ids) for kind in ('private', 'management')]
    with session.writer() as connection:
        for start in range(0, number, 1000):
            part = slice(start, start + 1000)
            connection.execute(instances.INSTANCES.insert(), rows[part])
            connection.execute(service_statuses.STATUSES.insert(), statuses[part])
            connection.execute(instance_addresses.ADDRESSES.insert(),
                               addresses[2 * start:2 * start + 2000])
    return ids
