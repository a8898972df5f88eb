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


"""Server of the MySQL family: data directory, configuration, health, logs."""

import abc
import contextlib
import os
import re
import shutil
from collections.abc import Collection, Mapping
from typing import ClassVar

from trove.guestagent.datastore.engine import (
    SYS, Applied, EngineError, EngineUnavailable, Facts, Log, Place, Restart)
from trove.guestagent.datastore.mysql_common import (
    connection, options, runtime, statements, versions)
from trove.guestagent.datastore.mysql_common.accounts import MySQLAccounts
from trove.guestagent.system import files
from trove.guestagent.system.process import ProcessFailed, run

#: Directory of the recovery statements during a start; in memory, removed afterwards.
RECOVERY_DIRECTORY = '/run/trove-db'
_RECOVERY_VARIABLE = 'MYSQLD_OPTS'
#: MySQL's codes before the text of an error: [MY-000077] [Server].
_CODES = re.compile(r'^(\[[^\]]*\]\s*)+')
#: Logs of the servers of the family.
LOGS = (
    Log('general', file='general.log', on={
        'general_log': 'ON',
        'log_output': 'FILE'
    }, off={'general_log': 'OFF'}),
    Log('slow_query', file='slow_query.log', on={
        'slow_query_log': 'ON',
        'log_output': 'FILE'
    }, off={'slow_query_log': 'OFF'}),
    Log('error', SYS),
)
# LOCAL: replicas must not repeat the statement.
_REOPEN = {'general': 'FLUSH LOCAL GENERAL LOGS', 'slow_query': 'FLUSH LOCAL SLOW LOGS'}


class MySQLServer(MySQLAccounts, abc.ABC):
    """Engine of a guest of the family; subclasses contain what differs."""

    #: Data directory made by the image build; copying it is faster than making one.
    seed: str = ''
    #: Query of the uptime in seconds.
    uptime_query: ClassVar[str]
    #: Statements, one per line, that restore the agent's account.
    recovery: ClassVar[str]
    #: Clause that identifies the agent's account by the operating system user of the socket.
    known_by_socket: ClassVar[str]
    #: Query of (User, Host) of anonymous accounts and of root from other hosts.
    unwanted_accounts: ClassVar[str]
    #: Condition for rows of mysql.db with privileges for everybody.
    of_everybody: ClassVar[str]

    def __init__(self, *, socket: str = MySQLAccounts.socket, seed: str | None = None) -> None:
        self.socket = socket
        self.seed = self.seed if seed is None else seed

    # --- differences ------------------------------------------------------------------------------

    @abc.abstractmethod
    def make_data_directory(self, directory: str, timeout: float) -> None:
        """Fill an empty directory with the server's own program."""

    @abc.abstractmethod
    def validation_command(self) -> list[str]:
        """Return a command that reads all option files and fails if the server could not start."""

    @abc.abstractmethod
    def look(self, sql: connection.Session, names: Collection[str]) -> dict[str, runtime.Variable]:
        """Return the named variables that the running server has."""

    @abc.abstractmethod
    def look_for_changed(self, sql: connection.Session,
                         names: Collection[str]) -> dict[str, runtime.Variable]:
        """Return the named variables that a statement has set."""

    @abc.abstractmethod
    def check_versions(self, running: str, target: str, prepared: list[str]) -> None:
        """Refuse what :func:`.versions.check` refuses, and other impossible upgrades.

        :raises EngineError: the upgrade is refused.
        """

    # --- data directory and configuration ---------------------------------------------------------

    def is_initialised(self, place: Place) -> bool:
        return os.path.isdir(os.path.join(place.data_directory, 'mysql'))

    def initialise(self, place: Place, timeout: float) -> None:
        """Create the data under another name and rename it, so that a crash leaves none in part."""
        unfinished = place.data_directory + '.unfinished'
        shutil.rmtree(unfinished, ignore_errors=True)
        user, group = self.description.os_user, self.description.os_group
        if os.path.isdir(os.path.join(self.seed, 'mysql')):
            run(['cp', '--archive', '--reflink=auto', self.seed, unfinished], timeout=timeout)
            files.chown_tree(unfinished, user, group)
        else:
            files.directory(unfinished, mode=0o750, user=user, group=group)
            self.make_data_directory(unfinished, timeout)
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(place.data_directory)
        os.chmod(unfinished, 0o750)
        os.rename(unfinished, place.data_directory)

    def system_options(self, place: Place) -> dict[str, str]:
        return {
            'datadir': place.data_directory,
            'socket': self.socket,
            'port': str(self.description.ports[0]),
            'local_infile': 'OFF',
            'secure_file_priv': self._no_files(place),
            'general_log_file': os.path.join(place.log_directory, 'general.log'),
            'slow_query_log_file': os.path.join(place.log_directory, 'slow_query.log')
        }

    @staticmethod
    def _no_files(place: Place) -> str:
        """Return an empty directory of root, the only one for LOAD DATA and INTO OUTFILE."""
        return os.path.join(place.state_directory, 'no-files')

    def render_options(self, values: Mapping[str, str]) -> str:
        return options.render(values)

    def parse_options(self, text: str) -> dict[str, str]:
        return options.parse(text)

    def validate_configuration(self, place: Place) -> None:
        files.directory(self._no_files(place), mode=0o755)
        try:
            run(self.validation_command())
        except ProcessFailed as error:
            errors = [
                line for line in error.errors.splitlines()
                if '[ERROR]' in line and not line.endswith('Aborting')
            ]
            reason = _CODES.sub('', (errors or [error.errors])[-1].rpartition('[ERROR]')[2].strip())
            raise EngineError(f'The engine refuses its configuration: {reason}') from None

    # --- a running engine -------------------------------------------------------------------------

    def secure(self) -> None:
        with self._session() as sql:
            # Replicas must not repeat changes for the agent's machine.
            sql.execute('SET SESSION sql_log_bin=0')
            agent = statements.account(connection.ACCOUNT, 'localhost')
            sql.execute(f'ALTER USER {agent} IDENTIFIED {self.known_by_socket}')
            sql.execute(f'GRANT ALL PRIVILEGES ON *.* TO {agent} WITH GRANT OPTION')
            for name, host in sql.rows(self.unwanted_accounts):
                sql.execute(f'DROP USER IF EXISTS {statements.account(name, host)}')
            sql.execute('DROP DATABASE IF EXISTS `test`')
            sql.execute(f'DELETE FROM mysql.db WHERE {self.of_everybody}')
            sql.execute('FLUSH PRIVILEGES')

    def probe(self) -> None:
        with self._session(timeout=connection.PROBE_TIMEOUT) as sql:
            if sql.scalar('SELECT 1') != 1:
                raise EngineUnavailable('The engine gave a wrong answer to a simple query.')

    def facts(self) -> Facts:
        with self._session(timeout=connection.PROBE_TIMEOUT) as sql:
            version, uptime = sql.scalar('SELECT VERSION()'), sql.scalar(self.uptime_query)
        return Facts(version=str(version), uptime=int(uptime))

    def apply_options(self, changes: Mapping[str, str | None]) -> Applied:
        with self._session() as sql:
            return runtime.apply(sql, self.look, changes)

    def drifted_options(self, expected: Mapping[str, str]) -> dict[str, str]:
        with self._session(timeout=connection.PROBE_TIMEOUT) as sql:
            return runtime.drifted(self.look_for_changed(sql, expected), expected)

    def restore_account(self, restart: Restart) -> None:
        files.directory(RECOVERY_DIRECTORY, mode=0o750, user='root',
                        group=self.description.os_group)
        path = os.path.join(RECOVERY_DIRECTORY, 'recover.sql')
        try:
            files.write(path, self.recovery, mode=0o640, user='root',
                        group=self.description.os_group)
            restart.with_environment(_RECOVERY_VARIABLE, f'--init-file={path}')
        finally:
            shutil.rmtree(RECOVERY_DIRECTORY, ignore_errors=True)

    # --- logs -------------------------------------------------------------------------------------

    def reopen_log(self, log: Log) -> None:
        with self._session() as sql:
            sql.execute(_REOPEN[log.name])

    # --- upgrade to another version ---------------------------------------------------------------

    def check_upgrade(self, place: Place, version: str) -> None:
        with self._session() as sql:
            self.check_versions(str(sql.scalar('SELECT VERSION()')), version,
                                [str(row[-1]) for row in sql.rows('XA RECOVER')])

    def prepare_upgrade(self, place: Place, version: str) -> None:
        with self._session() as sql:
            if versions.is_other_series(str(sql.scalar('SELECT VERSION()')), version):
                # The other version may not read the logs; the following stop leaves them empty.
                sql.execute('SET GLOBAL innodb_fast_shutdown = 0')
