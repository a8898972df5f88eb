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

"""Swift from PyPI: all its servers in one process, one replica in a directory, Keystone tokens,
temporary URLs.

Swift listens on the management network, because guests upload to it. Its URL in the catalog is the
same for all clients.
"""

from control import authtoken, rest
from control.secretstore import SecretStore, write_private
from control.services import Service, clean_environment
from control.settings import Settings

#: Role with access to every account: the database service stores logs and backups in its tenants'
#: accounts.
RESELLER_ROLE = 'ResellerAdmin'
BACKENDS = ('account', 'container', 'object')
_PIPELINE = (
    'catch_errors gatekeeper healthcheck proxy-logging listing_formats bulk tempurl authtoken '
    'keystoneauth copy slo dlo proxy-logging proxy-server')
_FILTERS = {
    'catch_errors': 'catch_errors',
    'gatekeeper': 'gatekeeper',
    'healthcheck': 'healthcheck',
    'proxy-logging': 'proxy_logging',
    'listing_formats': 'listing_formats',
    'bulk': 'bulk',
    'tempurl': 'tempurl',
    'keystoneauth': 'keystoneauth',
    'copy': 'copy',
    'slo': 'slo',
    'dlo': 'dlo'
}
_OPTIONS = {
    'keystoneauth': f'operator_roles = admin, member\nreseller_admin_role = {RESELLER_ROLE}\n',
    'tempurl': 'methods = GET HEAD PUT POST DELETE\n',
    'proxy-logging': 'access_log_headers = false\n',
}


def prepare(settings: Settings, store: SecretStore) -> None:
    """Write the configuration; its hash secret must not change once objects are stored."""
    etc = settings.etc / 'swift'
    settings.data('swift').mkdir(parents=True, exist_ok=True)
    write_private(etc / 'swift.conf', f"""\
[swift-hash]
swift_hash_path_suffix = {store.get('swift-hash-suffix')}

[storage-policy:0]
name = one
default = yes
""")
    write_private(etc / 'proxy-server.conf', proxy_configuration(settings, store))
    for backend in BACKENDS:
        write_private(etc / f'{backend}-server.conf', backend_configuration(settings, backend))


def proxy_configuration(settings: Settings, store: SecretStore) -> str:
    """Return the text of proxy-server.conf."""
    filters = ''.join(f'[filter:{name}]\nuse = egg:swift#{entry}\n{_OPTIONS.get(name, "")}\n'
                      for name, entry in _FILTERS.items())
    section = authtoken.section(settings, store, 'swift').replace('[keystone_authtoken]\n', '')
    return f"""\
[DEFAULT]
bind_ip = {settings.host_address('management')}
bind_port = {settings.port('swift')}
swift_dir = {settings.etc / 'swift'}
workers = 0
log_name = proxy

[pipeline:main]
pipeline = {_PIPELINE}

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true

{filters}[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
{section}"""


def backend_configuration(settings: Settings, backend: str) -> str:
    """Return the configuration of the account, container or object server."""
    return f"""\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {settings.port(f'swift-{backend}')}
swift_dir = {settings.etc / 'swift'}
devices = {settings.data('swift')}
mount_check = false
# The host's disk is shared, so no space is reserved ahead of an upload.
disable_fallocate = true
fallocate_reserve = 0
workers = 0
log_name = {backend}
log_level = WARNING

[pipeline:main]
pipeline = {backend}-server

[app:{backend}-server]
use = egg:swift#{backend}
"""


def service(settings: Settings) -> Service:
    """Return the service that runs Swift."""
    return Service(
        'swift', 'Swift', settings.url('swift', '/v1'),
        (settings.program('python'), '-m', 'objectstore', str(settings.etc / 'swift')),
        ready=lambda: rest.responds(settings.url('swift', '/info')),
        environment=clean_environment(settings, {'PYTHONPATH': str(settings.repository / 'sandbox'),
                                                 'PYTHONWARNINGS': 'ignore'}),
        patience=60.0, stop_patience=3.0)
