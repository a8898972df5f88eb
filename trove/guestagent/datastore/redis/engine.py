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

"""Redis and Valkey from Debian packages: description, data, configuration and server.

Valkey is the same engine under other names; only its :func:`description` differs.
"""

import contextlib
import os
import secrets
from collections.abc import Mapping

from trove.guestagent.datastore.engine import (
    SYS, Applied, Description, EngineError, EngineUnavailable, Facts, Log, Place, Restart)
from trove.guestagent.datastore.redis import accounts, connection, dry_start, options, runtime
from trove.guestagent.system import files

PORT = 6379
#: Access control lists. The server replaces the file, so the file has a directory of its own,
#: outside
#: the data, which a restore replaces.
LISTS = 'acl/users.acl'
REDIS, VALKEY = 'redis', 'valkey'
#: Options that deny commands to tenants, in addition to the lists.
_CLOSED = {
    'enable-debug-command': 'no',
    'enable-module-command': 'no',
    'enable-protected-configs': 'no',
    # Check restored values: a crafted one could crash the server.
    'sanitize-dump-payload': 'yes'
}


def description(product: str) -> Description:
    """Return the description of a product.

    :param product: REDIS or VALKEY, the name in packages, programs, accounts and directories.
    """
    return Description(
        manager=product,
        packages=(f'{product}-server', f'{product}-tools'),
        unit=f'{product}-server',
        ports=(PORT,),
        os_user=product,
        os_group=product,
        mount_point=f'/var/lib/{product}',
        data_directory='data',
        configuration_directory=f'/etc/{product}/trove',
        base_file='70-trove-base.conf',
        user_file='71-trove-user.conf',
        system_file='80-trove-system-agent.conf',
        reserved_users=frozenset({'os_admin', accounts.DEFAULT, 'replicator'}),
        reserved_user_prefixes=('trove_', 'repl_'),
        has_hosts=False,
        capabilities=frozenset({'users', 'root'}),
        logs=(Log('error', SYS),),
    )


class Redis(accounts.Accounts):
    """Engine of a Redis guest."""

    product = REDIS

    def __init__(self, *, socket: str | None = None, mount_point: str | None = None,
                 configuration: str | None = None) -> None:
        """
        :param socket: path of the server's socket. :param mount_point: of the agent's password.
        :param configuration: configuration file of the server.
        """
        self.description = description(self.product)
        self._server = f'{self.product}-server'
        self._socket = socket or f'/run/{self.product}/{self.product}.sock'
        self._file = configuration or f'/etc/{self.product}/{self.product}.conf'
        #: File of the agent's password in its state directory; only root may read it.
        self._credentials = f'{self.product}-agent.json'
        self._mount_point = mount_point or self.description.mount_point
        self._kept_connection = connection.KeptConnection(self._socket, self._password)
        self._built_in: dict[str, str] = {}

    def _session(self, *, timeout: float = connection.STATEMENT_TIMEOUT
                 ) -> contextlib.AbstractContextManager[connection.Session]:
        return self._kept_connection.session(timeout=timeout)

    # --- the agent's account ----------------------------------------------------------------------

    def _password(self) -> str:
        path = os.path.join(self._mount_point, 'trove', self._credentials)
        found = files.read_json(path).get('password')
        if not found:
            raise EngineUnavailable('The volume has no password of the agent.')
        return found

    def _lists(self, mount_point: str) -> str:
        return os.path.join(mount_point, LISTS)

    def _agent_line(self) -> str:
        password = accounts.password_hash(self._password())
        return f'user {connection.ACCOUNT} on {password} ~* &* +@all'

    def _write_lists(self, mount_point: str, lines: list[str]) -> None:
        path = self._lists(mount_point)
        user, group = self.description.os_user, self.description.os_group
        files.directory(os.path.dirname(path), mode=0o700, user=user, group=group)
        files.write(path, ''.join(f'{line}\n' for line in lines), mode=0o600, user=user,
                    group=group)

    # --- data directory and configuration ---------------------------------------------------------

    def is_initialised(self, place: Place) -> bool:
        return os.path.isdir(place.data_directory) and os.path.exists(self._lists(
            place.mount_point))

    def initialise(self, place: Place, timeout: float) -> None:
        """Create password, lists and data directory; an existing data directory means all exist."""
        credentials = os.path.join(place.state_directory, self._credentials)
        if not files.read_json(credentials).get('password'):
            files.write_json(credentials, {'password': secrets.token_urlsafe(36)})
        self._write_lists(place.mount_point, [f'user {accounts.DEFAULT} off', self._agent_line()])
        files.directory(place.data_directory, mode=0o750, user=self.description.os_user,
                        group=self.description.os_group)

    def system_options(self, place: Place) -> dict[str, str]:
        return {
            'dir': place.data_directory,
            'aclfile': self._lists(place.mount_point),
            'unixsocket': self._socket,
            'unixsocketperm': '700',
            'port': str(PORT),
            'bind': '* -::*',
            'protected-mode': 'no',
            'daemonize': 'no',
            'supervised': 'systemd',
            'logfile': '',
            'pidfile': '',
            **_CLOSED
        }

    def render_options(self, values: Mapping[str, str]) -> str:
        return options.render(values)

    def parse_options(self, text: str) -> dict[str, str]:
        return options.parse(text)

    def option_text(self, value: bool | int | float | str) -> str:
        if isinstance(value, bool):
            return 'yes' if value else 'no'
        return str(value)

    def validate_configuration(self, place: Place) -> None:
        """Start the server without any port: it reads all files, reports errors and ends."""
        refused = dry_start.refusal(self._server, self._file)
        if refused:
            raise EngineError(f'The engine refuses its configuration: {refused}')

    # --- a running engine -------------------------------------------------------------------------

    def probe(self) -> None:
        with self._session(timeout=connection.PROBE_TIMEOUT) as session:
            # The server refuses PING, too, when it cannot write its data.
            if session.call('PING') != 'PONG':
                raise EngineUnavailable('The engine gave a wrong answer to a simple command.')

    def facts(self) -> Facts:
        with self._session(timeout=connection.PROBE_TIMEOUT) as session:
            info = session.info('server')
        return Facts(version=info.get('valkey_version') or info['redis_version'],
                     uptime=int(info['uptime_in_seconds']))

    def secure(self) -> None:
        with self._session() as session:
            session.call('ACL', 'SETUSER', connection.ACCOUNT, 'reset', 'on',
                         accounts.password_hash(self._password()), '~*', '&*', '+@all')
            session.call('ACL', 'SETUSER', accounts.DEFAULT, 'reset')
            session.call('ACL', 'SAVE')

    def apply_options(self, changes: Mapping[str, str | None]) -> Applied:
        with self._session() as session:
            return runtime.apply(session, changes, self._defaults)

    def _defaults(self) -> Mapping[str, str]:
        if not self._built_in:
            self._built_in = dry_start.built_in(self._server)
        return self._built_in

    def drifted_options(self, expected: Mapping[str, str]) -> dict[str, str]:
        with self._session(timeout=connection.PROBE_TIMEOUT) as session:
            return runtime.drifted(session, expected)

    def restore_account(self, restart: Restart) -> None:
        """Write the agent's line into the lists, which the server reads when it starts."""
        mark = f'user {connection.ACCOUNT} '
        kept = [line for line in (files.read(self._lists(self._mount_point)) or '').splitlines()
                if line and not line.startswith(mark)]
        self._write_lists(self._mount_point, [*kept, self._agent_line()])
        restart.now()

    # --- upgrade to another version ---------------------------------------------------------------

    def check_upgrade(self, place: Place, version: str) -> None:
        """Refuse an earlier series, which cannot read the data."""
        running = self.facts().version
        if _series(version) < _series(running):
            raise EngineError(f'Data of {running} cannot be read by {version}.',
                              code='guest_upgrade_refused')

    def prepare_upgrade(self, place: Place, version: str) -> None:
        """Save all data, also if the tenant has disabled saving."""
        with self._session(timeout=3600) as session:
            session.call('SAVE')


class Valkey(Redis):
    """Engine of a Valkey guest."""

    product = VALKEY


def _series(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split('.')[:2] if part.isdigit())
