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


"""The options of MySQL: a server of this machine is started in a directory of its own and asked."""

import contextlib
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from rules import Rule, is_denied, serving

MANAGER = 'mysql'
SERIES = '9.7'

#: Where the server keeps and looks for things, whom it talks to, and what the agent itself sets.
DENIED = (
    # places
    '*_dir',
    '*_dir_path',
    '*_dirs',
    '*_directory',
    '*_directories',
    '*_file',
    '*_filename',
    '*_home_dir',
    '*dir',
    'innodb_data_file_path',
    'innodb_temp_data_file_path',
    'log_error*',
    'pid_file',
    'init_*',
    'secure_file_priv',
    'socket',
    'user',
    'local_infile',
    'core_file',
    'large_pages',
    'memlock',
    'open_files_limit',
    # network
    'port',
    'port_open_timeout',
    'bind_address',
    'admin_*',
    'create_admin_*',
    'mysqlx*',
    'skip_*',
    'ssl_*',
    'tls_*',
    'have_*',
    'require_secure_transport',
    'named_pipe*',
    'proxy_*',
    'check_proxy_users',
    # code and accounts
    'plugin*',
    'authentication_*',
    '*auth_socket*',
    'caching_sha2_*',
    'sha256_*',
    'mysql_native_*',
    'auto_generate_*',
    'mandatory_roles',
    'partial_revokes',
    'password_*',
    'default_password_lifetime',
    'disconnect_on_expired_password',
    'validate_password*',
    'persist*',
    'component*',
    'keyring*',
    'telemetry*',
    'version*',
    # replication and the binary log, which are the service's
    'server_id*',
    'server_uuid',
    'gtid_*',
    'enforce_gtid_*',
    'log_bin*',
    'binlog_*',
    'relay_log*',
    'master_*',
    'source_*',
    'slave_*',
    'replica_*',
    'replicate_*',
    'report_*',
    'rpl_*',
    'sql_replica*',
    'sync_*',
    'group_*',
    'log_replica_*',
    'log_slave_*',
    'max_binlog*',
    'max_relay*',
    'read_only',
    'super_read_only',
    'offline_mode',
    'terminology_*',
    # what makes data unreachable, or the engine refuse to start on them
    'innodb_force_*',
    'innodb_read_only*',
    'innodb_page_size',
    'innodb_undo_*',
    'innodb_fast_shutdown',
    'innodb_checksum_algorithm',
    '*_encrypt*',
    'default_table_encryption',
    'table_encryption_*',
    '*debug*',
    'innodb_doublewrite*',
    'innodb_dedicated_server',
    'lower_case_table_names',
    'innodb_log_file*',
    'innodb_validate_*',
    'disabled_storage_engines',
    'innodb_numa_*',
    'upgrade',
    # passwords in logs
    'log_raw',
    # orders to a running server, not settings
    '*_now',
    '*_abort',
    'innodb_monitor_*',
    'innodb_ft_aux_table',
    'innodb_max_purge_lag_wait',
    'innodb_redo_log_archive*',
    # one client at a time, or none
    'thread_handling',
)

TYPES = {
    'BOOLEAN': 'boolean',
    'NUMERIC': 'float',
    'ENUMERATION': 'string',
    'SET': 'string',
    'STRING': 'string',
    'INTEGER': 'integer'
}

QUESTION = (
    'SELECT VARIABLE_NAME, DATA_TYPE, MIN_VALUE, MAX_VALUE FROM '
    'performance_schema.variables_metadata '
    "WHERE VARIABLE_SCOPE <> 'SESSION_ONLY' ORDER BY VARIABLE_NAME")
_READ_ONLY = re.compile(r"ERROR 1238 .*Variable '(\w+)'")


def installed() -> str:
    """Return the version string of this machine's engine, "" without one."""
    if shutil.which('mysqld') is None:
        return ''
    output = subprocess.run(['mysqld', '--version'], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    return '' if 'MariaDB' in output else output


@contextlib.contextmanager
def server(directory: pathlib.Path) -> Iterator[pathlib.Path]:
    """Run an engine that listens on its socket only, and yield the socket."""
    account = pwd.getpwnam('mysql') if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    os.chown(directory, account.pw_uid, account.pw_gid)
    data, socket, log = directory / 'data', directory / 'socket', directory / 'error.log'
    common = [
        'mysqld', '--no-defaults', f'--user={account.pw_name}', f'--datadir={data}',
        f'--log-error={log}', '--secure-file-priv=NULL'
    ]
    subprocess.run([*common, '--initialize-insecure'], check=True)
    command = [
        *common, f'--socket={socket}', f'--pid-file={directory / "pid"}', '--skip-networking',
        '--mysqlx=OFF', '--skip-grant-tables'
    ]
    with serving(command, socket, log):
        yield socket


def ask(socket: pathlib.Path, statements: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Have the engine's own client run statements."""
    return subprocess.run([
        'mysql', '--no-defaults', f'--socket={socket}', '--user=root', '--batch',
        '--skip-column-names', *options
    ], input=statements, text=True, capture_output=True, check='--force' not in options)


def options() -> set[str]:
    """Return the options of the server's command line and files, as names of variables."""
    output = subprocess.run(['mysqld', '--no-defaults', '--verbose', '--help'], check=True,
                            text=True, capture_output=True).stdout
    table = output.partition('\n---')[2].splitlines()[1:]
    return {
        line.split()[0].replace('-', '_')
        for line in table
        if line.strip() and line[0].isalpha()
    }


def rule(name: str, kind: str, read_only: bool, smallest: str, largest: str) -> Rule:
    """Return one rule in the format that trove-manage loads."""
    made: Rule = {'name': name, 'type': TYPES[kind], 'restart_required': read_only}
    if TYPES[kind] in ('integer', 'float'):
        number = int if TYPES[kind] == 'integer' else float
        made.update(min=number(smallest), max=number(largest))
    return made


def rules() -> list[Rule]:
    """Return the rules of all options that tenants may set."""
    settable = options()
    with tempfile.TemporaryDirectory(prefix='trove-rules-') as made, server(
            pathlib.Path(made)) as socket:
        found = [line.split('\t') for line in ask(socket, QUESTION).stdout.splitlines()]
        found = [(name.lower(), kind.upper(), *bounds) for name, kind, *bounds in found
                 if name.lower() in settable and not is_denied(name.lower(), DENIED)]
        # The server reports options that are read-only at run time when they are set.
        refusals = ask(socket, ''.join(
            f'SET GLOBAL {name} = @@GLOBAL.{name};\n' for name, *_rest in found), '--force')
        read_only = set(_READ_ONLY.findall(refusals.stderr))
    return [rule(name, kind, name in read_only, *bounds) for name, kind, *bounds in found]
