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
"""PostgreSQL from Debian packages: description, cluster, configuration and the running server."""

import contextlib
import os
from collections.abc import Mapping

from trove.guestagent.datastore.engine import (
    Applied, Description, EngineError, EngineUnavailable, Facts, Log, Place, Restart)
from trove.guestagent.datastore.postgres import (
    access, cluster, connection, options, runtime, statements)
from trove.guestagent.datastore.postgres.accounts import Accounts
from trove.guestagent.system import files
from trove.guestagent.system.memory import memory_mb

MAJOR = '15'
PROGRAMS = f'/usr/lib/postgresql/{MAJOR}/bin'
CONFIGURATION = f'/etc/postgresql/{MAJOR}/main'
MOUNT_POINT = '/var/lib/postgresql'
DATA_DIRECTORY = 'data/pgdata'
_PLACE = Place(mount_point=MOUNT_POINT, data_directory=os.path.join(MOUNT_POINT, DATA_DIRECTORY),
               state_directory=os.path.join(MOUNT_POINT, 'trove'))


#: Bytes at the end of the log searched for errors, and the first line of a start.
_TAIL = 16 * 1024
_BEGINS = 'starting PostgreSQL'


def _start_line(place: Place) -> str:
    """Return the unit's command of the server, with all fixed options on its command line."""
    return 'ExecStart=' + options.unit_line(options.command_line(
        f'{PROGRAMS}/postgres', place.data_directory, options.fixed(place, CONFIGURATION)))


DESCRIPTION = Description(
    manager='postgresql',
    packages=(f'postgresql-{MAJOR}',),
    unit=f'postgresql@{MAJOR}-main',
    ports=(options.PORT,),
    os_user=cluster.USER,
    os_group=cluster.USER,
    mount_point=MOUNT_POINT,
    data_directory=DATA_DIRECTORY,
    configuration_directory=f'{CONFIGURATION}/conf.d',
    base_file='70-trove-base.conf',
    logs_file='70-trove-logs.conf',
    user_file='71-trove-user.conf',
    system_file='80-trove-system-agent.conf',
    # "public" and "none" have a meaning of their own where SQL names roles.
    reserved_users=frozenset(
        {access.AGENT, 'postgres', 'replicator', 'healthcheck', 'public', 'none'}),
    reserved_user_prefixes=('trove_', 'repl_', 'pg_'),
    reserved_databases=frozenset({access.AGENT, 'postgres', 'template0', 'template1'}),
    has_hosts=False,
    capabilities=frozenset({'databases', 'users', 'grants', 'root'}),
    unit_settings=('ExecStart=', _start_line(_PLACE)),
    # The server has one log for everything; the command line sets its directory and name.
    logs=(Log('general', file=options.LOG_FILE, on={'log_statement': 'all'},
              off={'log_statement': 'none'}),),
)


class PostgreSQL(Accounts):
    """Engine of a PostgreSQL guest."""

    description = DESCRIPTION

    def __init__(self, *, socket_directory: str = options.SOCKET_DIRECTORY,
                 port: int = options.PORT, programs: str = PROGRAMS,
                 configuration: str = CONFIGURATION) -> None:
        super().__init__(socket_directory, port)
        self._programs = programs
        self._configuration = configuration

    # --- data directory and configuration ---------------------------------------------------------

    def is_initialised(self, place: Place) -> bool:
        return bool(cluster.major_of(place.data_directory))

    def initialise(self, place: Place, timeout: float) -> None:
        cluster.make(self._programs, place.data_directory, timeout)

    def system_options(self, place: Place) -> dict[str, str]:
        """Return fixed options that may change without a restart; the command line has the rest."""
        tls = self._tls(place)
        return {
            'ssl': 'on',
            'ssl_cert_file': os.path.join(tls, cluster.certificate.CERTIFICATE),
            'ssl_key_file': os.path.join(tls, cluster.certificate.KEY),
            'ssl_min_protocol_version': 'TLSv1.2',
            'wal_level': 'replica',
            'fsync': 'on',
            'full_page_writes': 'on',
            'data_sync_retry': 'off',
            'restart_after_crash': 'on'
        }

    @staticmethod
    def _tls(place: Place) -> str:
        return os.path.join(place.state_directory, 'tls')

    def render_options(self, values: Mapping[str, str]) -> str:
        return options.render(values)

    def parse_options(self, text: str) -> dict[str, str]:
        return options.parse(text)

    def validate_configuration(self, place: Place) -> None:
        cluster.surround(place, self._configuration, self._tls(place))
        cluster.would_start(f'{self._programs}/postgres', place, self.fixed_options(place),
                            memory_mb())

    def fixed_options(self, place: Place) -> dict[str, str]:
        """Return the options of the server's command line."""
        return options.fixed(place, self._configuration, self._socket_directory, self._port)

    # --- a running engine -------------------------------------------------------------------------

    def _plain_session(self) -> contextlib.AbstractContextManager[connection.Session]:
        """Open a session with the server's own settings, to read them."""
        return connection.session(self._socket_directory, self._port,
                                  timeout=connection.PROBE_TIMEOUT, plain=True)

    def probe(self) -> None:
        with self._session(timeout=connection.PROBE_TIMEOUT) as session:
            if session.scalar('SELECT pg_catalog.pg_is_in_recovery()') is None:
                raise EngineUnavailable('The engine gave a wrong answer to a simple query.')

    def facts(self) -> Facts:
        with self._session(timeout=connection.PROBE_TIMEOUT) as session:
            version, uptime = session.rows(
                "SELECT pg_catalog.current_setting('server_version'), extract(epoch FROM "
                'pg_catalog.clock_timestamp() - pg_catalog.pg_postmaster_start_time())::int')[0]
        return Facts(version=version.partition(' ')[0], uptime=max(0, uptime))

    def secure(self) -> None:
        with self._session() as session:
            for statement in statements.CLOSE_DATABASES:
                session.execute(statement)
            for (name,) in session.rows(statements.other_administrators(access.AGENT)):
                session.execute(statements.no_administrator(name))

    def apply_options(self, changes: Mapping[str, str | None]) -> Applied:
        return runtime.apply(self._plain_session, changes)

    def drifted_options(self, expected: Mapping[str, str]) -> dict[str, str]:
        with self._plain_session() as session:
            return runtime.drifted(session, expected, self._configuration)

    def restore_account(self, restart: Restart) -> None:
        """Write the authentication files again; only root of this machine can change them."""
        for name, text in (('pg_hba.conf', access.rules()), ('pg_ident.conf', access.identities())):
            files.write(os.path.join(self._configuration, name), text, mode=0o640, user='root',
                        group=cluster.USER)
        restart.now()

    # --- upgrade to another version ---------------------------------------------------------------

    def check_upgrade(self, place: Place, version: str) -> None:
        """Refuse another major version, which needs the programs of both; no image has these."""
        present, target = cluster.major_of(place.data_directory), version.partition('.')[0]
        if present != target:
            raise EngineError(
                f'PostgreSQL {present} cannot become {version}: a major version cannot read the '
                f'data of another. Dump them and restore them into a new instance.',
                code='guest_upgrade_refused')

    def prepare_upgrade(self, place: Place, version: str) -> None:
        with self._session(timeout=connection.LONG_TIMEOUT) as session:
            session.execute('CHECKPOINT')

    def upgrade_data(self, place: Place, timeout: float) -> None:
        present = cluster.major_of(place.data_directory)
        if present and present != MAJOR:
            raise EngineError(
                f'The data were created by PostgreSQL {present}; this server has {MAJOR}.',
                code='guest_upgrade_refused')

    def recent_errors(self) -> list[str]:
        """Return the log of the last start; lines before it is open are in systemd's journal."""
        with contextlib.suppress(OSError), open(
                os.path.join(_PLACE.log_directory, options.LOG_FILE), 'rb') as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - _TAIL))
            lines = log.read().decode('utf-8', 'replace').splitlines()
            # Of the last start only.
            begun = [number for number, line in enumerate(lines) if _BEGINS in line]
            return lines[begun[-1] if begun else 0:]
        return []

    # --- logs -------------------------------------------------------------------------------------

    def reopen_log(self, log: Log) -> None:
        with self._session() as session:
            session.rows('SELECT pg_catalog.pg_rotate_logfile()')
