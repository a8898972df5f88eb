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

"""Keystone from PyPI: Fernet tokens, users, projects, roles and the service catalog."""

from control import mariadb, rest, swift
from control.commands import Commands
from control.rest import Session
from control.secretstore import SecretStore, write_private
from control.services import Service, clean_environment
from control.settings import REGION, Settings

#: User: (project, roles in that project).
USERS = {
    'demo': ('demo', ('member',)),
    'trove': ('service', ('admin', 'service', swift.RESELLER_ROLE)),
    'swift': ('service', ('service',)),
    'minicloud': ('service', ('service',))
}

#: Service type: (name, name of the port, path).
CATALOG = {
    'compute': ('nova', 'minicloud', '/compute/v2.1'),
    'network': ('neutron', 'minicloud', '/network'),
    'volumev3': ('cinderv3', 'minicloud', '/volume/v3/%(project_id)s'),
    'block-storage': ('cinder', 'minicloud', '/volume/v3/%(project_id)s'),
    'image': ('glance', 'minicloud', '/image'),
    'object-store': ('swift', 'swift', '/v1/AUTH_%(project_id)s'),
    'database': ('trove', 'trove-api', '/v1.0/%(project_id)s'),
}


def configuration(settings: Settings, store: SecretStore) -> str:
    """Return the text of keystone.conf."""
    etc = settings.etc / 'keystone'
    return f"""\
[DEFAULT]
use_stderr = true
public_endpoint = {settings.url('keystone')}

[database]
connection = {mariadb.url(settings, store, 'keystone')}
max_pool_size = 8

[token]
provider = fernet
expiration = 86400

[fernet_tokens]
key_repository = {etc}/fernet-keys

[fernet_receipts]
key_repository = {etc}/fernet-keys

[credential]
key_repository = {etc}/credential-keys

[identity]
# The passwords are random and long. Slow hashing would protect nothing and cost 250 ms a login.
password_hash_rounds = 4

[cache]
enabled = true
backend = dogpile.cache.memory

[oslo_policy]
enforce_scope = false
"""


def server_configuration(settings: Settings) -> str:
    """Return the text of gunicorn's configuration, which is Python."""
    return f"""\
wsgi_app = 'keystone.wsgi.api:application'
bind = '127.0.0.1:{settings.port('keystone')}'
workers = 1
threads = 8
timeout = 120
graceful_timeout = 3
worker_tmp_dir = '{settings.run}'
control_socket_disable = True
"""


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of Keystone."""
    return clean_environment(settings, {
        # Keystone warns at each start about deprecated libraries of its own.
        'PYTHONWARNINGS': 'ignore',
        'OS_KEYSTONE_CONFIG_DIR': str(settings.etc / 'keystone'),
        'OS_KEYSTONE_CONFIG_FILES': 'keystone.conf'})


def prepare(settings: Settings, store: SecretStore) -> None:
    """Write the configuration and the keys."""
    etc = settings.etc / 'keystone'
    etc.mkdir(parents=True, exist_ok=True)
    write_private(etc / 'keystone.conf', configuration(settings, store))
    (etc / 'gunicorn.conf.py').write_text(server_configuration(settings), encoding='ascii')
    for repository in ('fernet-keys', 'credential-keys'):
        (etc / repository).mkdir(exist_ok=True)
        (etc / repository).chmod(0o700)
        # Key 0 is the staged one, the highest is the primary.
        for number in ('0', '1'):
            if not (etc / repository / number).exists():
                write_private(etc / repository / number,
                              store.get_key(f'keystone-{repository}-{number}'))


def make_tables(settings: Settings, store: SecretStore, commands: Commands) -> None:
    """Create or migrate the tables and create the administrator, once per installation."""
    done = settings.data('keystone') / 'bootstrapped'
    if done.exists():
        return
    configured = ['--config-file', str(settings.etc / 'keystone' / 'keystone.conf')]
    manage = settings.program('keystone-manage')
    commands.run([manage, *configured, 'db_sync'], log='keystone-db-sync',
                 environment=environment(settings))
    address = settings.url('keystone', '/v3')
    commands.run(
        [manage, *configured, 'bootstrap'], log='keystone-bootstrap', environment={
            **environment(settings), 'OS_BOOTSTRAP_USERNAME': 'admin',
            'OS_BOOTSTRAP_PROJECT_NAME': 'admin',
            'OS_BOOTSTRAP_PASSWORD': store.get('keystone-admin'),
            'OS_BOOTSTRAP_REGION_ID': REGION,
            'OS_BOOTSTRAP_PUBLIC_URL': address,
            'OS_BOOTSTRAP_INTERNAL_URL': address,
            'OS_BOOTSTRAP_ADMIN_URL': address
        })
    done.parent.mkdir(parents=True, exist_ok=True)
    done.touch()


def service(settings: Settings) -> Service:
    """Return the service that runs Keystone."""
    # Keystone parses the command line of its process, so there must be no arguments.
    return Service(
        'keystone', 'Keystone', settings.url('keystone', '/v3'), (settings.program('gunicorn'),),
        ready=lambda: rest.responds(settings.url('keystone', '/v3')),
        environment={**environment(settings),
                     'GUNICORN_CMD_ARGS': f'--config {settings.etc}/keystone/gunicorn.conf.py'},
        patience=90.0, stop_patience=5.0)


def session(settings: Settings, store: SecretStore, user: str) -> Session:
    """Return a session of ``admin`` or one of :data:`USERS`, in the user's own project."""
    project = 'admin' if user == 'admin' else USERS[user][0]
    return Session(settings.url('keystone', '/v3'), user, store.get(f'keystone-{user}'), project)


class Directory:
    """Content of Keystone, created when missing."""

    def __init__(self, settings: Settings, store: SecretStore) -> None:
        self._settings = settings
        self._store = store
        self._admin = session(settings, store, 'admin')

    def fill(self) -> None:
        """Create projects, users, roles and the catalog."""
        roles = {role['name']: role['id'] for role in self._list('roles')}
        projects = {project['name']: project['id'] for project in self._list('projects')}
        users = {user['name']: user['id'] for user in self._list('users')}
        for name in {project for project, _ in USERS.values()} - set(projects):
            projects[name] = self._make('project', {'name': name, 'domain_id': 'default'})
        for name, (project, granted) in USERS.items():
            if name not in users:
                users[name] = self._make(
                    'user', {
                        'name': name,
                        'domain_id': 'default',
                        'password': self._store.get(f'keystone-{name}'),
                        'default_project_id': projects[project]
                    })
            for role in granted:
                if role not in roles:
                    roles[role] = self._make('role', {'name': role})
                self._call(
                    'PUT', f'/projects/{projects[project]}/users/{users[name]}/roles/{roles[role]}')
        self._fill_catalog()

    def _fill_catalog(self) -> None:
        services = {service['type']: service['id'] for service in self._list('services')}
        endpoints = {(endpoint['service_id'], endpoint['interface']): endpoint
                     for endpoint in self._list('endpoints')}
        for kind, (name, port, path) in CATALOG.items():
            if kind not in services:
                services[kind] = self._make('service', {
                    'type': kind,
                    'name': name,
                    'enabled': True
                })
            for interface in ('public', 'internal', 'admin'):
                expected = {'service_id': services[kind], 'interface': interface,
                            'region_id': REGION, 'url': self._settings.url(port, path)}
                known = endpoints.get((services[kind], interface))
                if known is None:
                    self._make('endpoint', expected)
                elif known['url'] != expected['url']:
                    self._call('PATCH', f'/endpoints/{known["id"]}', {'endpoint': expected})

    def _list(self, collection: str) -> list[dict]:
        return self._call('GET', f'/{collection}')[collection]

    def _make(self, kind: str, values: dict) -> str:
        return self._call('POST', f'/{kind}s', {kind: values})[kind]['id']

    def _call(self, method: str, path: str, body: dict | None = None) -> dict:
        return self._admin.call(method, 'identity', path, body)
