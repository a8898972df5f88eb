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

"""Command lines of MariaDB servers with their own data directory, for the sandbox, tests and tools.

Every server of the repository starts from these two, so that none of them reads the host's
configuration files and all of them log in over the socket.
"""

import os
import pathlib
import pwd

SYSTEM_USER = 'mysql'


def account() -> pwd.struct_passwd:
    """Return the system user of a server: root cannot run one, so its servers run as ``mysql``."""
    return pwd.getpwnam(SYSTEM_USER) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def install_command(data: pathlib.Path, *options: str) -> list[str]:
    """Return the command line that creates the system tables in a data directory."""
    return ['mariadb-install-db', '--no-defaults', f'--user={account().pw_name}',
            f'--datadir={data}', '--auth-root-authentication-method=socket', *options]


def server_command(data: pathlib.Path, socket: pathlib.Path, *options: str) -> list[str]:
    """Return the command line of a throw-away server: small buffers, no durability."""
    return ['/usr/sbin/mariadbd', '--no-defaults', f'--user={account().pw_name}',
            f'--datadir={data}', f'--socket={socket}', '--innodb-buffer-pool-size=64M',
            '--innodb-flush-log-at-trx-commit=0', *options]
