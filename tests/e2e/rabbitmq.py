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

"""A private RabbitMQ for a test, from the Debian package: own node name, directory and ports,
removed afterwards.
"""

import contextlib
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import requests

_SERVER = pathlib.Path('/usr/lib/rabbitmq/bin/rabbitmq-server')
_START_SECONDS = 60


def free_port_base(count: int = 4) -> int:
    """Return the first of ``count`` consecutive free TCP ports."""
    for base in range(20000 + secrets.randbelow(10000), 60000, count):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(base, base + count):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(('127.0.0.1', port))
                return base
            except OSError:
                continue
    raise RuntimeError('no free ports')


class RabbitMQ:
    """A broker node with the management plugin and two virtual hosts, ``control`` and ``guests``.

    :param directory: all its files are below.
    """

    def __init__(self, directory: pathlib.Path, port_base: int | None = None) -> None:
        self.directory = directory
        base = port_base or free_port_base()
        self.port, self.management_port, self._dist_port, self._epmd_port = range(base, base + 4)
        self.user = 'control'
        self.password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen | None = None
        self._log = directory / 'output'
        directory.mkdir(parents=True, exist_ok=True)
        self._write_configuration()

    def url(self, vhost: str) -> str:
        """Return the transport_url of the control plane's account."""
        return f'rabbit://{self.user}:{self.password}@127.0.0.1:{self.port}/{vhost}'

    @property
    def management_url(self) -> str:
        return f'http://{self.user}:{self.password}@127.0.0.1:{self.management_port}'

    def api(self, method: str, path: str, **options: object) -> requests.Response:
        """Send a request to the management API as administrator.

        :raises requests.HTTPError: the request was refused.
        """
        session = requests.Session()
        session.trust_env = False
        response = session.request(method, f'http://127.0.0.1:{self.management_port}/api/{path}',
                                   timeout=10, auth=(self.user, self.password), **options)
        response.raise_for_status()
        return response

    def _write_configuration(self) -> None:
        (self.directory / 'rabbitmq.conf').write_text('\n'.join(
            (f'listeners.tcp.1 = 127.0.0.1:{self.port}',
             f'management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {self.management_port}',
             'tcp_listen_options.sndbuf = 32768', 'tcp_listen_options.recbuf = 32768',
             f'default_user = {self.user}', f'default_pass = {self.password}',
             'default_vhost = control', 'default_user_tags.administrator = true',
             'management_agent.disable_metrics_collector = false',
             'max_message_size = 4194304', 'collect_statistics_interval = 1000',
             'log.console = true', 'log.file = false', '')))
        (self.directory / 'enabled_plugins').write_text('[rabbitmq_management].\n')

    def _environment(self) -> dict[str, str]:
        directory = str(self.directory)
        return {
            'PATH': '/usr/sbin:/usr/bin:/sbin:/bin',
            'LANG': 'C.UTF-8',
            'HOME': directory,
            'RABBITMQ_NODENAME': f'test{self.port}@localhost',
            'RABBITMQ_CONF_ENV_FILE': '/dev/null',
            'RABBITMQ_CONFIG_FILE': f'{directory}/rabbitmq.conf',
            'RABBITMQ_MNESIA_BASE': f'{directory}/mnesia',
            'RABBITMQ_LOG_BASE': f'{directory}/log',
            'RABBITMQ_ENABLED_PLUGINS_FILE': f'{directory}/enabled_plugins',
            'RABBITMQ_PID_FILE': f'{directory}/pid',
            'RABBITMQ_DIST_PORT': str(self._dist_port),
            'RABBITMQ_NODE_PORT': str(self.port),
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': '+sbwt none +sbwtdcpu none',
            'ERL_EPMD_PORT': str(self._epmd_port),
            'ERL_EPMD_ADDRESS': '127.0.0.1',
        }

    def start(self) -> None:
        """Start the node and wait until it serves."""
        with self._log.open('ab') as output:
            self._process = subprocess.Popen([str(_SERVER)], env=self._environment(),
                                             stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                             start_new_session=True)
        deadline = time.monotonic() + _START_SECONDS
        while not self._serves():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f'RabbitMQ did not start:\n{self._log.read_text()[-3000:]}')
            time.sleep(0.2)

    def _serves(self) -> bool:
        try:
            self.api('PUT', 'vhosts/guests')
            self.api('PUT', f'permissions/guests/{self.user}', json={
                'configure': '.*',
                'write': '.*',
                'read': '.*'
            })
            return self.api('GET', 'health/checks/local-alarms').ok
        except requests.RequestException:
            return False

    @property
    def process_group(self) -> int:
        """Return the process group of the node and everything it started."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Kill the node; :meth:`start` restarts it with its data."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop the node and all its processes."""
        self._end(signal.SIGTERM)
        subprocess.run(['epmd', '-port', str(self._epmd_port), '-kill'], capture_output=True,
                       timeout=10, check=False)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def connections(self, user: str) -> list[str]:
        """Return the names of the open connections of a user."""
        return [
            found['name']
            for found in self.api('GET', 'connections').json()
            if found.get('user') == user
        ]


@contextlib.contextmanager
def running(directory: pathlib.Path) -> Iterator[RabbitMQ]:
    """Run a broker during a block, and remove its directory."""
    broker = RabbitMQ(directory)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(directory, ignore_errors=True)
