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


"""MariaDB from Debian packages: description, data directory, configuration and its own SQL."""

from collections.abc import Collection

from trove.guestagent.datastore.engine import Description, Place
from trove.guestagent.datastore.mariadb import native_password, runtime, upgrading
from trove.guestagent.datastore.mysql_common import connection, statements, versions
from trove.guestagent.datastore.mysql_common.accounts import ANYWHERE, ROOT
from trove.guestagent.datastore.mysql_common.runtime import Variable
from trove.guestagent.datastore.mysql_common.server import LOGS, MySQLServer
from trove.guestagent.system.process import run

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
    # A user "public" would be taken for the built-in role of that name.
    reserved_users=frozenset({'os_admin', 'root', 'mysql', 'mariadb.sys', 'healthcheck', 'public'}),
    reserved_user_prefixes=('trove_', 'repl_'),
    reserved_databases=frozenset({'mysql', 'information_schema', 'performance_schema', 'sys'}),
    capabilities=frozenset({'databases', 'users', 'grants', 'root'}),
    unit_settings=('LimitNOFILE=65536',),
    logs=LOGS,
    logs_file='70-trove-logs.cnf',
)


class MariaDB(MySQLServer):
    """Engine of a MariaDB guest."""

    description = DESCRIPTION
    max_user = 128
    seed = '/opt/trove-guest/seed/mariadb'
    #: NO_AUTO_CREATE_USER: otherwise a GRANT to a missing account creates it without a password.
    #: sql_log_off and slow_query_log keep the agent's statements out of logs that tenants can read.
    session_settings = ("sql_mode='NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION', sql_log_off=1, "
                        'slow_query_log=0')
    revoke_words = 'REVOKE'
    kill = 'KILL HARD'
    uptime_query = ('SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS '
                    "WHERE VARIABLE_NAME = 'UPTIME'")
    known_by_socket = 'VIA unix_socket'
    unwanted_accounts = ("SELECT User, Host FROM mysql.user WHERE is_role = 'N' AND "
                         "(User = '' OR (User = 'root' AND Host <> 'localhost'))")
    # The packages grant privileges on databases called test or test_… to everybody.
    of_everybody = "User = '' OR User = 'PUBLIC'"
    # One statement per line, because the server reads an init file line by line.
    recovery = """SET SESSION sql_log_bin=0;
CREATE OR REPLACE USER root@localhost IDENTIFIED VIA unix_socket;
GRANT ALL PRIVILEGES ON *.* TO root@localhost WITH GRANT OPTION;
"""

    # --- data directory and configuration ---------------------------------------------------------

    def make_data_directory(self, directory: str, timeout: float) -> None:
        run([
            'mariadb-install-db', f'--user={self.description.os_user}', f'--datadir={directory}',
            '--skip-test-db', '--auth-root-authentication-method=socket'
        ], timeout=timeout)

    def validation_command(self) -> list[str]:
        return ['mariadbd', f'--user={self.description.os_user}', '--help', '--verbose']

    # --- a running engine -------------------------------------------------------------------------

    def look(self, sql: connection.Session, names: Collection[str]) -> dict[str, Variable]:
        return runtime.look(sql, names)

    def look_for_changed(self, sql: connection.Session,
                         names: Collection[str]) -> dict[str, Variable]:
        return runtime.look(sql, names, origin=runtime.BY_STATEMENT)

    # --- upgrade to another version
    # -----------------------------------------------------------------

    def check_versions(self, running: str, target: str, prepared: list[str]) -> None:
        versions.check('MariaDB', running, target, prepared)

    def finish_upgrade(self, place: Place, timeout: float) -> bool:
        with self._session() as sql:
            upgrading.ensure_account(sql)
        return upgrading.upgrade(self.socket, timeout)

    # --- SQL of MariaDB ---------------------------------------------------------------------------

    def accounts_query(self) -> str:
        return "SELECT User, Host FROM mysql.user WHERE is_role = 'N'"

    def identified(self, password: str) -> str:
        return f'IDENTIFIED BY PASSWORD {statements.literal(native_password.hashed(password))}'

    def make_root(self, sql: connection.Session, password: str) -> None:
        root = statements.account(ROOT, ANYWHERE)
        sql.execute(f'CREATE OR REPLACE USER {root} {self.identified(password)}')
        sql.execute(f'GRANT ALL PRIVILEGES ON *.* TO {root} WITH GRANT OPTION')
