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


"""MySQL from packages: description, data directory, configuration and its own SQL."""

from collections.abc import Collection

from trove.guestagent.datastore.engine import Description, Place
from trove.guestagent.datastore.mysql import privileges, runtime, upgrading, verifier
from trove.guestagent.datastore.mysql_common import connection, statements
from trove.guestagent.datastore.mysql_common.accounts import ANYWHERE, ROOT
from trove.guestagent.datastore.mysql_common.runtime import Variable
from trove.guestagent.datastore.mysql_common.server import LOGS, MySQLServer
from trove.guestagent.system.process import run

DESCRIPTION = Description(
    manager='mysql',
    packages=('mysql-server-core', 'mysql-client-core'),
    unit='mysql',
    ports=(3306,),
    os_user='mysql',
    os_group='mysql',
    mount_point='/var/lib/mysql',
    data_directory='data',
    configuration_directory='/etc/mysql/mysql.conf.d',
    base_file='70-trove-base.cnf',
    user_file='71-trove-user.cnf',
    system_file='80-trove-system-agent.cnf',
    reserved_users=frozenset({'os_admin', 'root', 'mysql', 'healthcheck'}),
    # The server's own accounts are mysql.sys, mysql.session and mysql.infoschema.
    reserved_user_prefixes=('trove_', 'repl_', 'mysql.'),
    reserved_databases=frozenset({'mysql', 'information_schema', 'performance_schema', 'sys'}),
    capabilities=frozenset({'databases', 'users', 'grants', 'root'}),
    unit_settings=('LimitNOFILE=65536',),
    logs=LOGS,
    logs_file='70-trove-logs.cnf',
)


class MySQL(MySQLServer):
    """Engine of a MySQL guest."""

    description = DESCRIPTION
    seed = '/opt/trove-guest/seed/mysql'
    max_password = 255
    #: sql_log_off and min_examined_row_limit keep the agent's statements out of logs that tenants
    #: can read.
    session_settings = (
        "sql_mode='NO_ENGINE_SUBSTITUTION', transaction_read_only=OFF, sql_log_off=1, "
        'min_examined_row_limit=18446744073709551615')
    revoke_words = 'REVOKE IF EXISTS'
    kill = 'KILL CONNECTION'
    uptime_query = ('SELECT VARIABLE_VALUE FROM performance_schema.global_status '
                    "WHERE VARIABLE_NAME = 'Uptime'")
    known_by_socket = 'WITH auth_socket'
    unwanted_accounts = ("SELECT User, Host FROM mysql.user WHERE User = '' OR (User = 'root' AND "
                         "Host <> 'localhost')")
    of_everybody = "User = ''"
    recovery = """SET SESSION sql_log_bin=0;
CREATE USER IF NOT EXISTS root@localhost IDENTIFIED WITH auth_socket;
ALTER USER root@localhost IDENTIFIED WITH auth_socket ACCOUNT UNLOCK PASSWORD EXPIRE NEVER;
GRANT ALL PRIVILEGES ON *.* TO root@localhost WITH GRANT OPTION;
"""

    # --- data directory and configuration ---------------------------------------------------------

    def make_data_directory(self, directory: str, timeout: float) -> None:
        run([
            'mysqld', '--no-defaults', f'--user={self.description.os_user}',
            f'--datadir={directory}', '--initialize-insecure', '--log-error=stderr',
            '--secure-file-priv=NULL'
        ], timeout=timeout)

    def system_options(self, place: Place) -> dict[str, str]:
        return {
            **super().system_options(place),
            # systemd keeps the lines of the unit.
            'log_error': 'stderr',
            # No statement can unload the plugin that authenticates the agent's account.
            'plugin_load_add': 'auth_socket.so',
            'loose_auth_socket': 'FORCE_PLUS_PERMANENT',
            # Persisted variables would override all files. Partial revokes restrict root.
            'persisted_globals_load': 'OFF',
            'partial_revokes': 'ON',
            # Disable the X protocol and its ports.
            'mysqlx': 'OFF'
        }

    def validation_command(self) -> list[str]:
        return ['mysqld', f'--user={self.description.os_user}', '--validate-config']

    # --- a running engine -------------------------------------------------------------------------

    def look(self, sql: connection.Session, names: Collection[str]) -> dict[str, Variable]:
        return runtime.look(sql, names)

    def look_for_changed(self, sql: connection.Session,
                         names: Collection[str]) -> dict[str, Variable]:
        return runtime.look(sql, names, origin=runtime.BY_STATEMENT)

    # --- upgrade to another version
    # -----------------------------------------------------------------

    def check_versions(self, running: str, target: str, prepared: list[str]) -> None:
        upgrading.check(running, target, prepared)

    # --- SQL of MySQL -----------------------------------------------------------------------------

    def accounts_query(self) -> str:
        # MySQL does not mark roles. CREATE ROLE makes a locked, expired account without password.
        return ("SELECT User, Host FROM mysql.user WHERE NOT (account_locked = 'Y' "
                "AND password_expired = 'Y' AND authentication_string = '')")

    def pattern(self, database: str) -> str:
        # With partial_revokes a grant has neither wildcards nor escapes.
        return database

    def name_of_pattern(self, stored: str) -> str:
        return stored

    def identified(self, password: str) -> str:
        stored = verifier.make(password).encode('ascii').hex().upper()
        return f'IDENTIFIED WITH caching_sha2_password AS 0x{stored}'

    def make_root(self, sql: connection.Session, password: str) -> None:
        account = statements.account(ROOT, ANYWHERE)
        sql.execute(f'DROP USER IF EXISTS {account}')
        sql.execute(f'CREATE USER {account} {self.identified(password)}')
        for statement in privileges.grants(account):
            sql.execute(statement)
