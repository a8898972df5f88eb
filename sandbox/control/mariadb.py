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

"""MariaDB for the control databases, with its own data directory, socket and port, tuned small."""

import pwd
import re
import shutil

from control import mariadb_server
from control.commands import Commands
from control.rabbitmq import listens
from control.secretstore import SecretStore
from control.mariadb_server import SYSTEM_USER
from control.services import Service, clean_environment
from control.settings import Settings

#: Services that have a database and a database user of their name.
DATABASES = ('trove', 'keystone')


def configuration(settings: Settings) -> str:
    """Return the text of my.cnf."""
    data = settings.data('mariadb')
    return f"""\
[mysqld]
user = {SYSTEM_USER}
datadir = {data}/files
socket = {data}/mariadb.sock
pid-file = {data}/mariadb.pid
tmpdir = {data}/tmp
bind-address = 127.0.0.1
port = {settings.port('mariadb')}
character-set-server = utf8mb4
collation-server = utf8mb4_general_ci
skip-name-resolve
skip-log-bin
max_connections = 200
innodb_buffer_pool_size = 64M
innodb_log_file_size = 48M
# A crash of this machine may lose one second of test data.
innodb_flush_log_at_trx_commit = 2
performance_schema = OFF
key_buffer_size = 1M
aria_pagecache_buffer_size = 8M
table_open_cache = 200
thread_cache_size = 16

[client]
socket = {data}/mariadb.sock
"""


def configuration_file(settings: Settings) -> str:
    """Return the path of my.cnf."""
    return str(settings.etc / 'mariadb' / 'my.cnf')


def prepare(settings: Settings, commands: Commands) -> None:
    """Write the configuration; create the system tables if they are missing."""
    pwd.getpwnam(SYSTEM_USER)
    data, etc = settings.data('mariadb'), settings.etc / 'mariadb'
    etc.mkdir(parents=True, exist_ok=True)
    (etc / 'my.cnf').write_text(configuration(settings), encoding='ascii')
    for path in (data, data / 'tmp'):
        path.mkdir(parents=True, exist_ok=True)
        shutil.chown(path, SYSTEM_USER, SYSTEM_USER)
    data.chmod(0o755)
    if (data / 'files').exists():
        return
    # An interrupted installation leaves "files.new" behind, never "files".
    fresh = data / 'files.new'
    shutil.rmtree(fresh, ignore_errors=True)
    commands.run(mariadb_server.install_command(
        fresh, '--skip-test-db', '--innodb-log-file-size=50331648'), log='mariadb-install',
        environment=clean_environment(settings))
    fresh.rename(data / 'files')


def make_databases(settings: Settings, store: SecretStore, commands: Commands) -> None:
    """Create the databases and their users, with the passwords of the store."""
    statements = []
    for name in DATABASES:
        password = store.get(f'mariadb-{name}')
        if not re.fullmatch(r'[A-Za-z0-9_-]+', password):
            raise ValueError(
                f'the password of the database {name} has characters that need quoting in SQL')
        statements += [
            f'CREATE DATABASE IF NOT EXISTS `{name}`;',
            f"CREATE USER IF NOT EXISTS `{name}`@`127.0.0.1` IDENTIFIED BY '{password}';",
            f"ALTER USER `{name}`@`127.0.0.1` IDENTIFIED BY '{password}';",
            f'GRANT ALL PRIVILEGES ON `{name}`.* TO `{name}`@`127.0.0.1`;'
        ]
    commands.run(['mariadb', f'--defaults-file={configuration_file(settings)}', '--user=root'],
                 log='mariadb-databases', environment=clean_environment(settings),
                 given='\n'.join(statements))


def url(settings: Settings, store: SecretStore, name: str) -> str:
    """Return the SQLAlchemy URL of a database."""
    return (
        f'mysql+pymysql://{name}:{store.get(f"mariadb-{name}")}@127.0.0.1:{settings.port("mariadb")}/{name}'
        '?charset=utf8mb4')


def service(settings: Settings) -> Service:
    """Return the service that runs MariaDB."""
    return Service('mariadb', 'MariaDB (control database)', f'127.0.0.1:{settings.port("mariadb")}',
                   ('/usr/sbin/mariadbd', f'--defaults-file={configuration_file(settings)}'),
                   ready=lambda: listens(settings.port('mariadb')), patience=60.0,
                   stop_patience=30.0)
