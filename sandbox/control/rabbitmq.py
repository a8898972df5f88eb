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

"""RabbitMQ with its own node name, data directory and ports, and a virtual host for each bus."""

import base64
import hashlib
import json
import os
import pathlib
import pwd
import shutil
import socket

from control import rest
from control.secretstore import SecretStore, write_private
from control.services import Service
from control.settings import Settings

CONTROL_VHOST = 'trove-control'
GUEST_VHOST = 'trove-guest'
#: Accounts: the control plane on the control bus; the control plane on the guest bus, where it
#: creates the guests' accounts; people.
CONTROL_USER = 'trove-control'
GUEST_BUS_USER = 'trove-guest-bus'
ADMIN_USER = 'admin'
SYSTEM_USER = 'rabbitmq'


def password_hash(password: str, salt: bytes) -> str:
    """Return a password in the format of the definitions file (salted SHA-256)."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def definitions(store: SecretStore) -> dict:
    """Return the users, virtual hosts and permissions that the broker imports at each start."""
    users = [(CONTROL_USER, ''), (GUEST_BUS_USER, 'administrator'), (ADMIN_USER, 'administrator')]
    everything = {'configure': '.*', 'write': '.*', 'read': '.*'}
    return {
        'users': [{
            'name': name,
            'tags': tags,
            'limits': {},
            'hashing_algorithm': 'rabbit_password_hashing_sha256',
            'password_hash': password_hash(store.get(f'rabbitmq-{name}'), os.urandom(4))
        } for name, tags in users],
        'vhosts': [{
            'name': CONTROL_VHOST
        }, {
            'name': GUEST_VHOST
        }],
        'permissions': [{
            'user': CONTROL_USER,
            'vhost': CONTROL_VHOST,
            **everything
        }, {
            'user': GUEST_BUS_USER,
            'vhost': GUEST_VHOST,
            **everything
        }, *({
            'user': ADMIN_USER,
            'vhost': vhost,
            **everything
        } for vhost in (CONTROL_VHOST, GUEST_VHOST))],
    }


def configuration(settings: Settings, definitions_file: pathlib.Path) -> str:
    """Return the text of rabbitmq.conf."""
    port = settings.port('rabbitmq')
    return f"""\
# The control plane connects on loopback, guests on the management network.
listeners.tcp.loopback = 127.0.0.1:{port}
listeners.tcp.guests = {settings.host_address('management')}:{port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {settings.port('rabbitmq-management')}
load_definitions = {definitions_file}
log.console = true
log.console.level = info
log.file = false
# Small buffers: the broker has two connections for every guest.
tcp_listen_options.sndbuf = 32768
tcp_listen_options.recbuf = 32768
# The host's disk is shared: only the free space that this node needs matters.
disk_free_limit.absolute = 200MB
vm_memory_high_watermark.absolute = 1GB
max_message_size = 4194304
collect_statistics_interval = 5000
"""


def prepare(settings: Settings, store: SecretStore) -> None:
    """Write the configuration; the broker's system user owns the data directory."""
    account = pwd.getpwnam(SYSTEM_USER)
    data, etc = settings.data('rabbitmq'), settings.etc / 'rabbitmq'
    data.mkdir(parents=True, exist_ok=True)
    shutil.chown(data, SYSTEM_USER, SYSTEM_USER)
    data.chmod(0o700)
    etc.mkdir(parents=True, exist_ok=True)
    definitions_file = etc / 'definitions.json'
    write_private(definitions_file, json.dumps(definitions(store), indent=1), owner=account.pw_uid)
    write_private(etc / 'rabbitmq.conf', configuration(settings, definitions_file),
                  owner=account.pw_uid)
    write_private(etc / 'enabled_plugins', '[rabbitmq_management].\n', owner=account.pw_uid)
    write_private(etc / 'environment', '', owner=account.pw_uid)
    write_private(data / '.erlang.cookie', store.get('erlang-cookie'), owner=account.pw_uid,
                  mode=0o400)


def node_name(settings: Settings) -> str:
    """Return the Erlang name of the broker's node."""
    return f'{settings.prefix}@localhost'


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of the broker and ``rabbitmqctl``."""
    data, etc = settings.data('rabbitmq'), settings.etc / 'rabbitmq'
    return {
        'HOME': str(data),
        'ERL_EPMD_PORT': str(settings.port('epmd')), 'ERL_EPMD_ADDRESS': '127.0.0.1',
        'RABBITMQ_NODENAME': node_name(settings),
        'RABBITMQ_DIST_PORT': str(settings.port('rabbitmq-distribution')),
        'RABBITMQ_CONF_ENV_FILE': str(etc / 'environment'),
        'RABBITMQ_CONFIG_FILE': str(etc / 'rabbitmq.conf'),
        'RABBITMQ_ENABLED_PLUGINS_FILE': str(etc / 'enabled_plugins'),
        'RABBITMQ_MNESIA_BASE': str(data / 'mnesia'),
        'RABBITMQ_PID_FILE': str(data / 'pid'),
        'RABBITMQ_LOGS': '-',
        # The start script then executes the broker instead of waiting for it.
        'RUNNING_UNDER_SYSTEMD': 'true',
        # The port mapper is a service of the sandbox. Idle schedulers sleep instead of spinning.
        'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
            '-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} '
            '+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none',
    }


def transport_url(settings: Settings, store: SecretStore, bus: str, host: str = '127.0.0.1') -> str:
    """Return the URL of the ``control`` or ``guest`` bus for the control plane."""
    user, vhost = {
        'control': (CONTROL_USER, CONTROL_VHOST),
        'guest': (GUEST_BUS_USER, GUEST_VHOST)
    }[bus]
    return f'rabbit://{user}:{store.get(f"rabbitmq-{user}")}@{host}:{settings.port("rabbitmq")}/{vhost}'


def listens(port: int, host: str = '127.0.0.1') -> bool:
    """Return whether a TCP port accepts connections."""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def services(settings: Settings, store: SecretStore) -> list[Service]:
    """Return the services that run the port mapper and the broker."""
    management = settings.url('rabbitmq-management')

    def broker_ready() -> bool:
        return listens(settings.port('rabbitmq')) and rest.responds(
            f'{management}/api/overview', rest.basic(ADMIN_USER,
                                                     store.get(f'rabbitmq-{ADMIN_USER}')))

    return [
        Service('epmd', 'Erlang port mapper', f'127.0.0.1:{settings.port("epmd")}',
                ('epmd', '-port', str(settings.port('epmd')), '-address', '127.0.0.1'),
                ready=lambda: listens(settings.port('epmd')), user=SYSTEM_USER, patience=10.0,
                stop_patience=1.0),
        Service('rabbitmq', 'RabbitMQ', f'127.0.0.1:{settings.port("rabbitmq")}, {management}',
                ('/usr/lib/rabbitmq/bin/rabbitmq-server',), ready=broker_ready,
                environment=environment(settings), user=SYSTEM_USER, patience=120.0,
                stop_patience=30.0, has_helpers=True),
    ]
