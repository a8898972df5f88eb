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

"""Data of one MariaDB go over to another: what is looked at before, and MariaDB's own upgrade afterwards.

Going back is not MariaDB's to promise: within a series (10.11) data can be read by older servers, beyond it a newer
server may change what an older one reads.
"""

import logging

from trove.guestagent.datastore.engine import EngineError
from trove.guestagent.datastore.mysql_common import connection, statements
from trove.guestagent.datastore.mysql_common.versions import REFUSED, is_other_series, numbers
from trove.guestagent.system.process import run

LOG = logging.getLogger(__name__)

#: Who the upgrade program is: not root, for it writes into a directory that a tenant's root account controls.
ACCOUNT = 'mysql'
_NOT_NEEDED, _NEEDED = 1, 0


def check(running: str, wanted: str, prepared: list[str]) -> None:
    """Refuse a way back, and a way that would lose what is between prepare and commit.

    :param running: version of the server that runs.
    :param wanted: number of the version it shall become.
    :param prepared: names of prepared XA transactions.
    :raises EngineError:
    """
    now, then = numbers(running), numbers(wanted)
    if then and then < now[:len(then)]:
        raise EngineError(f'The data are those of MariaDB {running}, which {wanted} does not read.', code=REFUSED)
    if prepared and is_other_series(running, wanted):
        raise EngineError(f'There are {len(prepared)} prepared XA transactions; commit them or roll them back first.',
                          code=REFUSED)


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
    program = ['runuser', '-u', ACCOUNT, '--', 'mariadb-upgrade', f'--socket={socket}', f'--user={ACCOUNT}']
    looked = run([*program, '--check-if-upgrade-is-needed'], timeout=60, allowed=(_NEEDED, _NOT_NEEDED))
    if looked.status == _NOT_NEEDED:
        return False
    LOG.info('The data were left by another version; mariadb-upgrade runs')
    run([*program, '--silent'], timeout=timeout)
    return True
