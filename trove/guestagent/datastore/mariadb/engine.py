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

"""MariaDB from Debian packages: its description, its data directory and configuration, and what differs in its SQL."""

import contextlib
import os
import shutil
from collections.abc import Mapping

from trove.guestagent.datastore.engine import (
    SYS, Applied, Description, EngineError, EngineUnavailable, Facts, Log, Place, Restart)
from trove.guestagent.datastore.mariadb import runtime, upgrading
from trove.guestagent.datastore.mysql_common import connection, options, statements
from trove.guestagent.datastore.mysql_common.accounts import MySQLAccounts
from trove.guestagent.system import files
from trove.guestagent.system.process import ProcessFailed, run

DESCRIPTION = Description(
    manager='mariadb',
    packages=('mariadb-server', 'mariadb-backup'),
    unit='mariadb',
    ports=(3306,),
    os_user='mysql',
    os_group='mysql',
    mount_point='/var/lib/mysql',
    data_directory='data',
    configuration_directory='/etc/mysql/mariadb.conf.d',
    base_file='70-trove-base.cnf',
    user_file='71-trove-user.cnf',
    system_file='80-trove-system-agent.cnf',
    # "public" would be taken for the built-in role of that name.
    reserved_users=frozenset({'os_admin', 'root', 'mysql', 'mariadb.sys', 'healthcheck', 'public'}),
    reserved_user_prefixes=('trove_', 'repl_'),
    reserved_databases=frozenset({'mysql', 'information_schema', 'performance_schema', 'sys'}),
    capabilities=frozenset({'databases', 'users', 'grants', 'root'}),
    unit_settings=('LimitNOFILE=65536',),
    logs=(
        Log('general', file='general.log', on={'general_log': 'ON', 'log_output': 'FILE'}, off={'general_log': 'OFF'}),
        Log('slow_query', file='slow_query.log', on={'slow_query_log': 'ON', 'log_output': 'FILE'},
            off={'slow_query_log': 'OFF'}),
        Log('error', SYS),
    ),
    logs_file='70-trove-logs.cnf',
)

#: A data directory made when the image was built; copying it is much faster than making one.
SEED = '/opt/trove-guest/seed/mariadb'
#: Where the recovery statements lie while the server starts; on a memory file system, gone afterwards.
RECOVERY_DIRECTORY = '/run/trove-db'
_RECOVERY_VARIABLE = 'MYSQLD_OPTS'


class MariaDB(MySQLAccounts):
    """The engine of a MariaDB guest."""

    description = DESCRIPTION
    max_user = 128

    def __init__(self, *, socket: str = MySQLAccounts.socket, seed: str = SEED) -> None:
        self.socket = socket
        self._seed = seed

    # --- data directory and configuration ---------------------------------------------------------

    def is_initialised(self, place: Place) -> bool:
        return os.path.isdir(os.path.join(place.data_directory, 'mysql'))

    def initialise(self, place: Place, timeout: float) -> None:
        """Made under another name and renamed when complete: a crash in between leaves no half of a data directory."""
        unfinished = place.data_directory + '.unfinished'
        shutil.rmtree(unfinished, ignore_errors=True)
        user, group = self.description.os_user, self.description.os_group
        if os.path.isdir(os.path.join(self._seed, 'mysql')):
            run(['cp', '--archive', '--reflink=auto', self._seed, unfinished], timeout=timeout)
            files.give_tree(unfinished, user, group)
        else:
            files.directory(unfinished, mode=0o750, user=user, group=group)
            run(['mariadb-install-db', f'--user={user}', f'--datadir={unfinished}', '--skip-test-db',
                 '--auth-root-authentication-method=socket'], timeout=timeout)
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(place.data_directory)
        os.chmod(unfinished, 0o750)
        os.rename(unfinished, place.data_directory)

    def system_options(self, place: Place) -> dict[str, str]:
        return {'datadir': place.data_directory, 'socket': self.socket, 'port': str(self.description.ports[0]),
                'local_infile': 'OFF', 'secure_file_priv': self._no_files(place),
                'general_log_file': os.path.join(place.log_directory, 'general.log'),
                'slow_query_log_file': os.path.join(place.log_directory, 'slow_query.log')}

    @staticmethod
    def _no_files(place: Place) -> str:
        """An empty directory of root's: the only one that LOAD DATA and INTO OUTFILE may touch."""
        return os.path.join(place.state_directory, 'no-files')

    def render_options(self, values: Mapping[str, str]) -> str:
        return options.render(values)

    def parse_options(self, text: str) -> dict[str, str]:
        return options.parse(text)

    def validate_configuration(self, place: Place) -> None:
        files.directory(self._no_files(place), mode=0o755)
        try:
            run(['mariadbd', f'--user={self.description.os_user}', '--help', '--verbose'], timeout=30)
        except ProcessFailed as error:
            said = [line for line in error.errors.splitlines() if '[ERROR]' in line] or [error.errors]
            reason = said[-1].rpartition('[ERROR]')[2].strip()
            raise EngineError(f'The engine refuses its configuration: {reason}') from None

    # --- a running engine -------------------------------------------------------------------------

    def probe(self) -> None:
        with connection.session(self.socket, timeout=connection.PROBE_TIMEOUT) as sql:
            if sql.scalar('SELECT 1') != 1:
                raise EngineUnavailable('The engine gave a wrong answer to the simplest query.')

    def facts(self) -> Facts:
        with connection.session(self.socket, timeout=connection.PROBE_TIMEOUT) as sql:
            version = sql.scalar('SELECT VERSION()')
            uptime = sql.scalar("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS "
                                "WHERE VARIABLE_NAME = 'UPTIME'")
        return Facts(version=str(version), uptime=int(uptime))

    def secure(self) -> None:
        with self._session() as sql:
            # What the agent does to its own machine is nothing a replica should repeat.
            sql.execute('SET SESSION sql_log_bin=0')
            agent = statements.account(connection.ACCOUNT, 'localhost')
            sql.execute(f'ALTER USER {agent} IDENTIFIED VIA unix_socket')
            sql.execute(f'GRANT ALL PRIVILEGES ON *.* TO {agent} WITH GRANT OPTION')
            doubtful = sql.rows("SELECT User, Host FROM mysql.user WHERE is_role = 'N' AND "
                                "(User = '' OR (User = 'root' AND Host <> 'localhost'))")
            for name, host in doubtful:
                sql.execute(f'DROP USER IF EXISTS {statements.account(name, host)}')
            sql.execute('DROP DATABASE IF EXISTS `test`')
            # The packaged privileges on databases called test or test_… belong to everybody.
            sql.execute("DELETE FROM mysql.db WHERE User = '' OR User = 'PUBLIC'")
            sql.execute('FLUSH PRIVILEGES')

    def apply_options(self, changes: Mapping[str, str | None]) -> Applied:
        with self._session() as sql:
            return runtime.apply(sql, changes)

    def drifted_options(self, wanted: Mapping[str, str]) -> dict[str, str]:
        with connection.session(self.socket, timeout=connection.PROBE_TIMEOUT) as sql:
            return runtime.drifted(sql, wanted)

    def heal(self, restart: Restart) -> None:
        files.directory(RECOVERY_DIRECTORY, mode=0o750, user='root', group=self.description.os_group)
        path = os.path.join(RECOVERY_DIRECTORY, 'recover.sql')
        try:
            files.write(path, _RECOVERY, mode=0o640, user='root', group=self.description.os_group)
            restart.with_environment(_RECOVERY_VARIABLE, f'--init-file={path}')
        finally:
            shutil.rmtree(RECOVERY_DIRECTORY, ignore_errors=True)

    # --- logs -------------------------------------------------------------------------------------

    def reopen_log(self, log: Log) -> None:
        with self._session() as sql:
            sql.execute(_REOPEN[log.name])

    # --- going over to another version --------------------------------------------------------------

    def check_upgrade(self, place: Place, version: str) -> None:
        with self._session() as sql:
            running = str(sql.scalar('SELECT VERSION()'))
            upgrading.check(running, version, [str(row[-1]) for row in sql.rows('XA RECOVER')])

    def prepare_upgrade(self, place: Place, version: str) -> None:
        with self._session() as sql:
            if upgrading.is_other_series(str(sql.scalar('SELECT VERSION()')), version):
                # The formats of its logs may differ: the stop that follows leaves nothing in them.
                sql.execute('SET GLOBAL innodb_fast_shutdown = 0')

    def finish_upgrade(self, place: Place, timeout: float) -> bool:
        with self._session() as sql:
            upgrading.ensure_account(sql)
        return upgrading.upgrade(self.socket, timeout)

    # --- SQL that differs -------------------------------------------------------------------------

    def accounts_query(self) -> str:
        return "SELECT User, Host FROM mysql.user WHERE is_role = 'N'"


# LOCAL: nothing a replica should repeat.
_REOPEN = {'general': 'FLUSH LOCAL GENERAL LOGS', 'slow_query': 'FLUSH LOCAL SLOW LOGS'}

# One statement per line: the server reads an init file that way.
_RECOVERY = """SET SESSION sql_log_bin=0;
CREATE OR REPLACE USER root@localhost IDENTIFIED VIA unix_socket;
GRANT ALL PRIVILEGES ON *.* TO root@localhost WITH GRANT OPTION;
"""
