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

"""Data of one MariaDB go over to another: MariaDB's own upgrade, once the newer server runs on them.

Going back is not MariaDB's to promise: within a series (10.11) data can be read by older servers, beyond it a newer
server may change what an older one reads.
"""

import logging

from trove.guestagent.datastore.mysql_common import connection, statements
from trove.guestagent.system.process import run

LOG = logging.getLogger(__name__)

#: Who the upgrade program is: not root, for it writes into a directory that a tenant's root account controls.
ACCOUNT = 'mysql'
_NOT_NEEDED, _NEEDED = 1, 0


def ensure_account(sql: connection.Session) -> None:
    """The account of the upgrade program, for the operating system's user of that name alone."""
    account = statements.account(ACCOUNT, 'localhost')
    sql.execute('SET SESSION sql_log_bin=0')
    sql.execute(f'CREATE USER IF NOT EXISTS {account} IDENTIFIED VIA unix_socket')
    sql.execute(f'ALTER USER {account} IDENTIFIED VIA unix_socket')
    sql.execute(f'GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION')


def upgrade(socket: str, timeout: float) -> bool:
    """Run MariaDB's own upgrade if the data were left by another version.

    :returns: whether they were.
    :raises ProcessFailed: it failed.
    """
    program = [
        'runuser', '-u', ACCOUNT, '--', 'mariadb-upgrade', f'--socket={socket}', f'--user={ACCOUNT}'
    ]
    looked = run([*program, '--check-if-upgrade-is-needed'], timeout=60,
                 allowed=(_NEEDED, _NOT_NEEDED))
    if looked.status == _NOT_NEEDED:
        return False
    LOG.info('The data were left by another version; mariadb-upgrade runs')
    run([*program, '--silent'], timeout=timeout)
    return True
