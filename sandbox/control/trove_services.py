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

"""trove-api, trove-taskmanager and trove-conductor: shared configuration, tables and processes."""

import hashlib
import shutil
from collections.abc import Callable

from control import authtoken, cloud, mariadb, rabbitmq, rest, tenant
from control.commands import Commands
from control.images import Image
from control.secretstore import SecretStore, write_private
from control.services import Service, clean_environment
from control.settings import REGION, Settings

NAMES = ('trove-api', 'trove-taskmanager', 'trove-conductor')


def configuration(settings: Settings, store: SecretStore, ids: dict[str, str]) -> str:
    """Return the text of trove.conf.

    :param ids: see :meth:`control.tenant.Tenant.identities`.
    """
    etc = settings.etc / 'trove'
    guest_broker = f'{settings.host_address("management")}:{settings.port("rabbitmq")}'
    management = settings.url('rabbitmq-management').removeprefix('http://')
    guest_password = store.get(f'rabbitmq-{rabbitmq.GUEST_BUS_USER}')
    return f"""\
[DEFAULT]
transport_url = {rabbitmq.transport_url(settings, store, 'control')}
control_exchange = trove
host = 127.0.0.1
bind_host = 127.0.0.1
bind_port = {settings.port('trove-api')}
trove_api_workers = 1
trove_conductor_workers = 1
api_paste_config = {etc}/api-paste.ini
default_datastore = mariadb
taskmanager_rpc_encr_key = {store.get('taskmanager-rpc-key')}
inst_rpc_key_encr_key = {store.get('instance-key-key')}
module_aes_cbc_key = {store.get('module-key')}
management_networks = {ids['management_network']}
management_security_groups = {ids['management_group']}
reserved_network_cidrs = {settings.subnet('management')}
nova_keypair = {tenant.KEYPAIR}
use_nova_server_config_drive = true
cinder_volume_type = {cloud.VOLUME_TYPE}
guest_config = {etc}/trove-guestagent.conf
cloudinit_location = {etc}/cloudinit
template_path = {etc}/templates
max_accepted_volume_size = 50
max_instances_per_tenant = 20
max_volumes_per_tenant = 200
http_get_rate = 10000
http_post_rate = 10000
http_put_rate = 10000
http_delete_rate = 10000

[database]
connection = {mariadb.url(settings, store, 'trove')}

[guest_bus]
transport_url = {rabbitmq.transport_url(settings, store, 'guest')}
management_url = http://{rabbitmq.GUEST_BUS_USER}:{guest_password}@{management}
guest_hosts = {guest_broker}

[network]
public_network_id = {ids['public_network']}

[service_credentials]
auth_url = {settings.url('keystone', '/v3')}
username = trove
password = {store.get('keystone-trove')}
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = {REGION}

[oslo_concurrency]
lock_path = {settings.run}/locks

{authtoken.section(settings, store, 'trove')}"""


GUEST_CONFIGURATION = """\
[DEFAULT]
control_exchange = trove
command_process_timeout = 60
"""


def prepare(settings: Settings, store: SecretStore, ids: dict[str, str]) -> None:
    """Write trove.conf, the guests' configuration and the paste pipeline."""
    etc = settings.etc / 'trove'
    for directory in (etc / 'cloudinit', etc / 'templates', settings.run / 'locks'):
        directory.mkdir(parents=True, exist_ok=True)
    write_private(etc / 'trove.conf', configuration(settings, store, ids))
    write_private(etc / 'trove-guestagent.conf', GUEST_CONFIGURATION)
    shutil.copyfile(settings.repository / 'etc' / 'trove' / 'api-paste.ini', etc / 'api-paste.ini')


def _arguments(settings: Settings, program: str) -> list[str]:
    return [settings.program(program), '--config-file', str(settings.etc / 'trove' / 'trove.conf')]


def manage(settings: Settings, commands: Commands, *arguments: str) -> None:
    """Run trove-manage."""
    commands.run([*_arguments(settings, 'trove-manage'), *arguments], log='trove-manage',
                 environment=clean_environment(settings))


def make_tables(settings: Settings, store: SecretStore, commands: Commands) -> None:
    """Create or migrate the tables; this needs only the database, so it runs early."""
    path = settings.etc / 'trove' / 'db-sync.conf'
    write_private(path, f"[database]\nconnection = {mariadb.url(settings, store, 'trove')}\n")
    commands.run([settings.program('trove-manage'), '--config-file',
                  str(path), 'db_sync'], log='trove-db-sync',
                 environment=clean_environment(settings))


def register(settings: Settings, commands: Commands, image: Image, image_id: str) -> bool:
    """Register a datastore version with its image and its parameters.

    :returns: False when it was registered already.
    """
    rules = settings.repository / 'trove' / 'templates' / image.manager / 'validation-rules.json'
    expected = hashlib.sha256(f'{image} {image_id} '.encode() +
                              (rules.read_bytes() if rules.exists() else b''))
    done = settings.data('trove') / f'registered-{image.name}'
    if done.exists() and done.read_text(encoding='ascii') == expected.hexdigest():
        return False
    manage(settings, commands, 'datastore_version_update', image.datastore, image.version,
           image.manager, image_id, '', '1')
    manage(settings, commands, 'datastore_update', image.datastore, image.version)
    if rules.exists():
        manage(settings, commands, 'db_load_datastore_config_parameters', image.datastore,
               image.version, str(rules))
    done.parent.mkdir(parents=True, exist_ok=True)
    done.write_text(expected.hexdigest(), encoding='ascii')
    return True


def services(settings: Settings, store: SecretStore) -> list[Service]:
    """Return the services that run the three processes."""
    def consumed(vhost: str, queue: str) -> Callable[[], bool]:
        def ready() -> bool:
            admin = rest.basic(rabbitmq.ADMIN_USER, store.get(f'rabbitmq-{rabbitmq.ADMIN_USER}'))
            try:
                channels, _ = rest.request(
                    'GET', settings.url('rabbitmq-management', f'/api/consumers/{vhost}'),
                    headers=admin)
            except rest.RestError:
                return False
            return any(consumer['queue']['name'] == queue for consumer in channels)
        return ready

    ready = {'trove-api': lambda: rest.responds(settings.url('trove-api')),
             'trove-taskmanager': consumed(rabbitmq.CONTROL_VHOST, 'taskmanager'),
             'trove-conductor': consumed(rabbitmq.GUEST_VHOST, 'trove-conductor')}
    address = {'trove-api': settings.url('trove-api'),
               'trove-taskmanager': f'queue taskmanager in {rabbitmq.CONTROL_VHOST}',
               'trove-conductor': f'queue trove-conductor in {rabbitmq.GUEST_VHOST}'}
    return [Service(name, name, address[name], tuple(_arguments(settings, name)), ready=ready[name],
                    environment={'PYTHONWARNINGS': 'ignore'}, patience=90.0, stop_patience=40.0)
            for name in NAMES]
