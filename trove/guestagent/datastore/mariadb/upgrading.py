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

"""Upgrade of data to another MariaDB: its own upgrade program, on the running newer server.

MariaDB does not promise downgrades. Older servers of a series (10.11) read its data; a newer series
may change what an older one reads.
"""

import logging

from trove.guestagent.datastore.mysql_common import connection, statements
from trove.guestagent.system.process import run

LOG = logging.getLogger(__name__)

#: Account of the upgrade program: not root, since it writes into a directory of the tenant's root.
ACCOUNT = 'mysql'
_NOT_NEEDED, _NEEDED = 1, 0


def ensure_account(sql: connection.Session) -> None:
    """Ensure the account of the upgrade program, only for the operating system user of its name."""
    account = statements.account(ACCOUNT, 'localhost')
    sql.execute('SET SESSION sql_log_bin=0')
    sql.execute(f'CREATE USER IF NOT EXISTS {account} IDENTIFIED VIA unix_socket')
    sql.execute(f'ALTER USER {account} IDENTIFIED VIA unix_socket')
    sql.execute(f'GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION')


def upgrade(socket: str, timeout: float) -> bool:
    """Run MariaDB's own upgrade if another version left the data.

    :returns: whether another version did.
    :raises ProcessFailed: the upgrade failed.
    """
    program = [
        'runuser', '-u', ACCOUNT, '--', 'mariadb-upgrade', f'--socket={socket}', f'--user={ACCOUNT}'
    ]
    check = run([*program, '--check-if-upgrade-is-needed'], timeout=60,
                allowed=(_NEEDED, _NOT_NEEDED))
    if check.status == _NOT_NEEDED:
        return False
    LOG.info('Another version left the data; running mariadb-upgrade')
    run([*program, '--silent'], timeout=timeout)
    return True
