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

"""Settings of a sandbox: directory, ports, networks and names, all from the environment.

Several sandboxes can run side by side when these three settings differ. The names of everything
they create on the host are derived from the directory.
"""

import dataclasses
import hashlib
import ipaddress
import pathlib
from collections.abc import Mapping

DEFAULT_DIRECTORY = '/var/lib/trove-sandbox'
DEFAULT_PORT_BASE = 18700
DEFAULT_NETWORK = '172.24'
REGION = 'RegionOne'
#: Services that guests reach too; they listen on the management network instead of loopback.
REACHED_BY_GUESTS = frozenset({'swift'})
IMAGE = 'mariadb-10.11'

#: Offset of each port from the port base.
PORT_OFFSETS = {
    'mariadb': 6,
    'keystone': 50,
    'epmd': 69,
    'rabbitmq-management': 71,
    'rabbitmq': 72,
    'rabbitmq-distribution': 73,
    'minicloud': 74,
    'trove-api': 79,
    'swift': 80,
    'swift-account': 81,
    'swift-container': 82,
    'swift-object': 83
}


class SettingsError(Exception):
    """Invalid environment variable; the text describes a valid value."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings of one sandbox."""

    directory: pathlib.Path
    repository: pathlib.Path
    port_base: int = DEFAULT_PORT_BASE
    #: First two numbers of the addresses of the three networks, such as ``172.24``.
    network: str = DEFAULT_NETWORK
    #: Existing virtual environment to use, unchanged, instead of the sandbox's own.
    given_venv: pathlib.Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str],
                         repository: pathlib.Path) -> 'Settings':
        """Read ``TROVE_SANDBOX_*``.

        :raises SettingsError: a value is invalid.
        """
        directory = pathlib.Path(environment.get('TROVE_SANDBOX_DIR') or DEFAULT_DIRECTORY)
        if not directory.is_absolute():
            raise SettingsError(f'TROVE_SANDBOX_DIR must be an absolute path, not "{directory}"')
        given = environment.get('TROVE_SANDBOX_VENV')
        return cls(
            directory=pathlib.Path(directory).resolve(), repository=repository,
            port_base=_port_base(
                environment.get('TROVE_SANDBOX_PORT_BASE') or str(DEFAULT_PORT_BASE)),
            network=_network(environment.get('TROVE_SANDBOX_NET')
                             or DEFAULT_NETWORK), given_venv=pathlib.Path(given) if given else None)

    @property
    def prefix(self) -> str:
        """Return the prefix of all names that the sandbox uses on the host outside its directory.
        """
        return 'trv' + hashlib.sha256(str(self.directory).encode()).hexdigest()[:4]

    def port(self, name: str) -> int:
        """Return the port of one of :data:`PORT_OFFSETS`."""
        return self.port_base + PORT_OFFSETS[name]

    def url(self, name: str, path: str = '') -> str:
        """Return the address of an HTTP service on this machine."""
        host = self.host_address('management') if name in REACHED_BY_GUESTS else '127.0.0.1'
        return f'http://{host}:{self.port(name)}{path}'

    def subnet(self, which: str) -> ipaddress.IPv4Network:
        """Return the range of the network ``management``, ``private`` or ``public``."""
        third = {'management': 0, 'private': 1, 'public': 2}[which]
        return ipaddress.IPv4Network(f'{self.network}.{third}.0/24')

    def host_address(self, which: str) -> str:
        """Return this machine's own address on a network: the gateway."""
        return str(self.subnet(which)[1])

    def bridge(self, which: str) -> str:
        """Return the name of the bridge of a network."""
        return self.prefix + {'management': 'm', 'private': 'p', 'public': 'x'}[which]

    @property
    def venv(self) -> pathlib.Path:
        """Return the virtual environment of the services."""
        return self.given_venv or self.directory / 'venv'

    def program(self, name: str) -> str:
        """Return the path of a program of the virtual environment."""
        return str(self.venv / 'bin' / name)

    @property
    def etc(self) -> pathlib.Path:
        """Return the directory of configuration files, which contain passwords."""
        return self.directory / 'etc'

    @property
    def logs(self) -> pathlib.Path:
        """Return the directory of log files."""
        return self.directory / 'logs'

    @property
    def run(self) -> pathlib.Path:
        """Return the directory of process records and sockets."""
        return self.directory / 'run'

    @property
    def secrets(self) -> pathlib.Path:
        """Return the directory of passwords and keys."""
        return self.directory / 'secrets'

    @property
    def image(self) -> pathlib.Path:
        """Return the directory of the guest image of the demo instance."""
        return self.directory / 'images' / IMAGE

    def data(self, name: str) -> pathlib.Path:
        """Return the data directory of a service."""
        return self.directory / 'data' / name


def _port_base(text: str) -> int:
    highest = 65535 - max(PORT_OFFSETS.values())
    if not text.isdigit() or not 1024 <= int(text) <= highest:
        raise SettingsError(
            f'TROVE_SANDBOX_PORT_BASE must be a number from 1024 to {highest}, not "{text}"')
    return int(text)


def _network(text: str) -> str:
    try:
        first = ipaddress.IPv4Network(f'{text}.0.0/16')
    except ValueError:
        raise SettingsError(
            'TROVE_SANDBOX_NET must be the first two numbers of an address, such as '
            f'{DEFAULT_NETWORK}, not "{text}"') from None
    if not first.is_private:
        raise SettingsError(
            f'TROVE_SANDBOX_NET must be in a private range, such as {DEFAULT_NETWORK}; '
            f'"{text}" is not')
    return text
