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

"""The options of MariaDB: a server of this machine is started in a directory of its own and asked.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from control import mariadb_server
from rules import Rule, is_denied, serving

MANAGER = 'mariadb'
SERIES = '10.11'

#: Where the server keeps and looks for things, whom it talks to, and what the agent itself sets.
DENIED = (
    # places
    '*_dir',
    '*_dir_path',
    '*_directory',
    '*_file',
    '*_filename',
    '*_home_dir',
    '*dir',
    'innodb_data_file_path',
    'innodb_temp_data_file_path',
    'log_basename',
    'log_error',
    'log_tc*',
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
    'feedback_*',
    # network
    'port',
    'extra_port',
    'bind_address',
    'skip_*',
    'proxy_protocol*',
    'ssl_*',
    'tls_version',
    'have_*',
    'require_secure_transport',
    'named_pipe',
    # code
    'plugin*',
    'default_authentication*',
    'old_passwords',
    'strict_password_validation',
    'version*',
    'enforce_storage*',
    # replication and the binary log, which are the service's
    'server_id',
    'gtid_*',
    'log_bin*',
    'binlog_*',
    'encrypt_*',
    'relay_log*',
    'master_*',
    'slave_*',
    'replicate_*',
    'report_*',
    'rpl_*',
    'wsrep*',
    'sync_binlog',
    'sync_master_info',
    'sync_relay*',
    'read_only',
    'expire_logs_days',
    'log_slave_updates',
    'max_binlog*',
    'max_relay*',
    'read_binlog*',
    # what makes data unreachable
    'innodb_force_*',
    'innodb_read_only*',
    'innodb_page_size',
    'innodb_undo_tablespaces',
    'innodb_fast_shutdown',
    'innodb_checksum_algorithm',
    'innodb_encrypt*',
    'innodb_default_encryption*',
    'aria_encrypt*',
    'debug*',
    '*_debug',
    'aria_log_purge*',
    'aria_force_*',
    'innodb_doublewrite',
    'innodb_use_atomic_writes',
    'ignore_*',
    # what would lock out the agent, or load what is not the engine's
    'default_password_lifetime',
    'disconnect_on_expired_password',
    'max_password_errors',
    'secure_auth',
    'allow_suspicious_udfs',
    'log_disabled_statements',
    # orders to a running server, not settings
    '*_now',
    '*_abort',
    'innodb_monitor_*',
    'innodb_ft_aux_table',
    'innodb_max_purge_lag_wait',
)
#: Settings of the file that the engine does not list as such.
ALSO = ('autocommit', 'character_set_server', 'collation_server', 'default_storage_engine')

TYPES = {
    'BOOLEAN': 'boolean',
    'DOUBLE': 'float',
    'ENUM': 'string',
    'SET': 'string',
    'FLAGSET': 'string',
    'VARCHAR': 'string',
    'INT': 'integer',
    'INT UNSIGNED': 'integer',
    'BIGINT': 'integer',
    'BIGINT UNSIGNED': 'integer'
}

QUESTION = ("SELECT VARIABLE_NAME, VARIABLE_TYPE, READ_ONLY, NUMERIC_MIN_VALUE, NUMERIC_MAX_VALUE "
            "FROM information_schema.SYSTEM_VARIABLES "
            "WHERE VARIABLE_SCOPE <> 'SESSION ONLY' AND (COMMAND_LINE_ARGUMENT IS NOT NULL "
            f"OR LOWER(VARIABLE_NAME) IN {ALSO}) ORDER BY VARIABLE_NAME")


def installed() -> str:
    """Return the version string of this machine's engine, "" without one."""
    if shutil.which('mariadbd') is None:
        return ''
    return subprocess.run(['mariadbd', '--version'], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


@contextlib.contextmanager
def server(directory: pathlib.Path) -> Iterator[pathlib.Path]:
    """Run an engine that listens on its socket only, and yield the socket."""
    account = mariadb_server.account()
    os.chown(directory, account.pw_uid, account.pw_gid)
    data, socket = directory / 'data', directory / 'socket'
    subprocess.run(mariadb_server.install_command(data, '--skip-test-db'), check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    command = mariadb_server.server_command(
        data, socket, f'--pid-file={directory / "pid"}', f'--log-error={directory / "log"}',
        '--skip-networking', '--skip-grant-tables')
    with serving(command, socket, directory / 'log'):
        yield socket


def query(question: str) -> list[list[str]]:
    """Return the rows of a query's result, as text."""
    with tempfile.TemporaryDirectory(prefix='trove-rules-') as made, server(
            pathlib.Path(made)) as socket:
        done = subprocess.run([
            'mariadb', '--no-defaults', f'--socket={socket}', '--batch', '--skip-column-names',
            '--execute', question
        ], check=True, text=True, stdout=subprocess.PIPE)
    return [line.split('\t') for line in done.stdout.splitlines()]


def rule(name: str, kind: str, read_only: str, smallest: str, largest: str) -> Rule:
    """Return one rule in the format that trove-manage loads."""
    made: Rule = {'name': name, 'type': TYPES[kind], 'restart_required': read_only == 'YES'}
    if TYPES[kind] in ('integer', 'float'):
        number = int if TYPES[kind] == 'integer' else float
        made.update(min=number(smallest), max=number(largest))
    return made


def rules() -> list[Rule]:
    """Return the rules of all options that tenants may set."""
    return [
        rule(name.lower(), *rest)
        for name, *rest in query(QUESTION)
        if not is_denied(name.lower(), DENIED)
    ]
