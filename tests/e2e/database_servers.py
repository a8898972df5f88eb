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

"""Private MariaDB and PostgreSQL servers for tests, from the packages of the distribution, each in
its own directory.
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

from control import mariadb_server
from oslo_config import cfg

from trove.common import cfg as options
from trove.db import session

CONF = cfg.CONF

START_TIMEOUT = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def _run(*command: str, **kwargs) -> str:
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **kwargs)
    assert done.returncode == 0, f'{command[0]} failed: {done.stdout[-2000:]}'
    return done.stdout


def _wait_for_port(port: int, process: subprocess.Popen, log: pathlib.Path) -> None:
    end = time.monotonic() + START_TIMEOUT
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), timeout=1):
            return
        assert process.poll() is None, f'the server ended: {log.read_text()[-2000:]}'
        time.sleep(0.05)
    raise AssertionError(f'the server does not respond: {log.read_text()[-2000:]}')


def _wait_ready(program: str, port: int) -> None:
    end = time.monotonic() + START_TIMEOUT
    command = [program, '-q', '-h', '127.0.0.1', '-p', str(port)]
    while subprocess.run(command, check=False).returncode:
        assert time.monotonic() < end, 'PostgreSQL does not accept connections'
        time.sleep(0.05)


@contextlib.contextmanager
def _serving(command: list[str], port: int, directory: pathlib.Path, user: str) -> Iterator[None]:
    log = directory / 'server.log'
    with log.open('w') as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, user=user,
                                   group=user, extra_groups=[], cwd=directory,
                                   start_new_session=True)
    try:
        _wait_for_port(port, process, log)
        yield
    finally:
        # PostgreSQL waits for its clients after SIGTERM, not after SIGINT; MariaDB only handles
        # SIGTERM.
        process.send_signal(signal.SIGINT if user == 'postgres' else signal.SIGTERM)
        process.wait(30)


def _owned(directory: pathlib.Path, user: str) -> pathlib.Path:
    account = pwd.getpwnam(user)
    directory.mkdir(parents=True, exist_ok=True)
    os.chown(directory, account.pw_uid, account.pw_gid)
    for parent in directory.parents:
        if parent == pathlib.Path('/tmp'):
            break
        parent.chmod(parent.stat().st_mode | 0o011)
    return directory


@contextlib.contextmanager
def mariadb(directory: pathlib.Path) -> Iterator[str]:
    """Run MariaDB; yields the URL of an empty database."""
    _owned(directory, 'mysql')
    port = free_port()
    data, sock = directory / 'data', directory / 'socket'
    _run(*mariadb_server.install_command(data, '--skip-test-db'))
    command = mariadb_server.server_command(
        data, sock, f'--port={port}', '--bind-address=127.0.0.1', '--skip-name-resolve',
        f'--pid-file={directory / "pid"}')
    with _serving(command, port, directory, 'mysql'):
        _run('mariadb', '--no-defaults', f'--socket={sock}', input=(
            'CREATE DATABASE trove CHARACTER SET utf8mb4; '
            "CREATE USER trove@'127.0.0.1' IDENTIFIED BY 'trove'; "
            "GRANT ALL ON trove.* TO trove@'127.0.0.1';"))
        yield f'mysql+pymysql://trove:trove@127.0.0.1:{port}/trove?charset=utf8mb4'


@contextlib.contextmanager
def postgresql(directory: pathlib.Path) -> Iterator[str]:
    """Run PostgreSQL; yields the URL of an empty database."""
    _owned(directory, 'postgres')
    port = free_port()
    binaries = max(
        pathlib.Path('/usr/lib/postgresql').glob('*/bin'), key=lambda path: float(path.parent.name))
    data, password = directory / 'data', directory / 'password'
    password.write_text('trove\n')
    shutil.chown(password, 'postgres', 'postgres')
    _run(str(binaries / 'initdb'), '-D', str(data), '-U', 'trove', f'--pwfile={password}',
         '--auth=scram-sha-256', '--encoding=UTF8', '--no-sync', user='postgres', group='postgres',
         cwd=directory)
    command = [
        str(binaries / 'postgres'), '-D',
        str(data), '-p',
        str(port), '-k',
        str(directory), '-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1'
    ]
    with _serving(command, port, directory, 'postgres'):
        # It listens before it accepts connections.
        _wait_ready(str(binaries / 'pg_isready'), port)
        yield f'postgresql+psycopg2://trove:trove@127.0.0.1:{port}/postgres'


#: Supported databases of the control plane.
ENGINES = ('mariadb', 'postgresql', 'sqlite')


@contextlib.contextmanager
def configured(engine: str, directory: pathlib.Path, pool_size: int) -> Iterator[None]:
    """Connect the sessions of the service to an empty database of one of :data:`ENGINES`."""
    options.register(CONF)
    CONF([], project='trove', default_config_files=[], default_config_dirs=[])
    servers = {'mariadb': mariadb, 'postgresql': postgresql,
               'sqlite': lambda path: contextlib.nullcontext(f'sqlite:///{path / "trove.sqlite"}')}
    with servers[engine](directory) as url:
        CONF.set_override('connection', url, 'database')
        CONF.set_override('max_pool_size', pool_size, 'database')
        try:
            yield
        finally:
            session.dispose()
            CONF.clear_override('connection', 'database')
            CONF.clear_override('max_pool_size', 'database')
