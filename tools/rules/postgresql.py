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
"""The options of PostgreSQL: a server of this machine is started in a directory of its own and
asked.
"""

import contextlib
import os
import pathlib
import pwd
import re
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

from rules import Rule, is_denied

MANAGER = 'postgresql'
SERIES = '15'
PROGRAMS = f'/usr/lib/postgresql/{SERIES}/bin'
START_TIMEOUT = 60

#: Where the server keeps and looks for things, whom it talks to, what it runs and loads, and what
#: the agent sets.
DENIED = (
    # places
    '*_file',
    '*_dir',
    '*_directory',
    '*_directories',
    'extension_destdir',
    'temp_tablespaces',
    'default_tablespace',
    'allow_in_place_tablespaces',
    # who may come in, and how
    'listen_addresses',
    'port',
    'unix_socket_*',
    'ssl*',
    'krb_*',
    'password_encryption',
    'db_user_namespace',
    'bonjour*',
    'superuser_reserved_connections',
    'role',
    'session_authorization',
    'is_superuser',
    # programs and libraries
    '*_command',
    '*_library',
    '*_preload_libraries',
    'dynamic_library_path',
    'jit*',
    'recovery_*',
    'archive_*',
    # replication and the log of changes, which are the service's
    'primary_*',
    'synchronous_standby_names',
    'wal_level',
    'wal_receiver_*',
    'wal_consistency_*',
    'wal_retrieve_*',
    'hot_standby*',
    'promote_trigger_file',
    'max_wal_senders',
    'max_replication_slots',
    'max_slot_wal_keep_size',
    'max_standby_*',
    'max_logical_replication_workers',
    'max_sync_workers_*',
    'vacuum_defer_cleanup_age',
    'cluster_name',
    # what makes data unreachable or wrong
    'fsync',
    'full_page_writes',
    'data_sync_retry',
    'ignore_*',
    'zero_damaged_pages',
    'debug_*',
    'trace_*',
    'allow_system_table_mods',
    'session_replication_role',
    'restart_after_crash',
    'remove_temp_files_after_crash',
    'exit_on_error',
    'shared_memory_type',
    'dynamic_shared_memory_type',
    'huge_page_size',
    # where the log goes, and what the agent reads in its words
    'log_destination',
    'logging_collector',
    'log_file*',
    'log_rotation_*',
    'log_truncate_*',
    'syslog_*',
    'event_source',
    'lc_messages',
    'backtrace_functions',
    # delays for who debugs the server, and the state of one transaction
    'post_auth_delay',
    'pre_auth_delay',
    'force_parallel_mode',
    'transaction_*',
)

TYPES = {
    'bool': 'boolean',
    'real': 'float',
    'integer': 'integer',
    'enum': 'string',
    'string': 'string'
}

QUESTION = (
    "SELECT lower(name), vartype, unit IS NOT NULL, context = 'postmaster', min_val, max_val FROM "
    "pg_settings "
    "WHERE context <> 'internal' ORDER BY lower(name) COLLATE \"C\"")


def installed() -> str:
    """Return the major version of this machine's server, "" without one."""
    try:
        output = subprocess.run([f'{PROGRAMS}/postgres', '--version'], check=True, text=True,
                                stdout=subprocess.PIPE).stdout
    except FileNotFoundError:
        return ''
    found = re.search(r'\) ([0-9]+)', output)
    return found[1] if found else ''


def _as_engine(*command: str) -> list[str]:
    """Wrap a command for the account of the engine, which refuses to run as root."""
    if os.geteuid():
        return list(command)
    return ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--', *command]


@contextlib.contextmanager
def server(directory: pathlib.Path) -> Iterator[pathlib.Path]:
    """Run an engine that listens on its socket only, and yield the socket's directory."""
    if not os.geteuid():
        os.chown(directory, pwd.getpwnam('postgres').pw_uid, -1)
    data = directory / 'data'
    quietly: dict[str, Any] = {'check': True, 'cwd': directory, 'stdout': subprocess.DEVNULL,
                               'stderr': subprocess.DEVNULL}
    subprocess.run(
        _as_engine(f'{PROGRAMS}/initdb', '--pgdata', str(data), '--username=asker', '--auth=trust',
                   '--no-sync', '--encoding=UTF8', '--locale=C.UTF-8'), **quietly)
    control = _as_engine(f'{PROGRAMS}/pg_ctl', '--pgdata', str(data), '--wait',
                         f'--timeout={START_TIMEOUT}')
    subprocess.run([*control, 'start', '--log', str(directory / 'log'),
                    '--options', f"-k {directory} -c listen_addresses='' -c fsync=off"], **quietly)
    try:
        yield directory
    finally:
        subprocess.run([*control, 'stop'], **quietly)


def query(question: str) -> list[list[str]]:
    """Return the rows of a query's result, as text."""
    with tempfile.TemporaryDirectory(prefix='trove-rules-') as made, server(
            pathlib.Path(made)) as socket:
        done = subprocess.run([
            'psql', '--no-psqlrc', f'--host={socket}', '--username=asker', '--no-align',
            '--tuples-only', '--field-separator=\t', '--command', question, 'postgres'
        ], check=True, text=True, stdout=subprocess.PIPE)
    return [line.split('\t') for line in done.stdout.splitlines()]


def rule(name: str, kind: str, has_unit: str, at_start: str, smallest: str, largest: str) -> Rule:
    """Return one rule in the format that trove-manage loads.

    An integer with a unit is text, because people write 64MB and not 8192 pages of 8 kB; the
    server checks its bounds. A real with a unit is a number of milliseconds.
    """
    kind_of_rule = 'string' if has_unit == 't' and kind == 'integer' else TYPES[kind]
    made: Rule = {'name': name, 'type': kind_of_rule, 'restart_required': at_start == 't'}
    if made['type'] in ('integer', 'float'):
        number = int if made['type'] == 'integer' else float
        made.update(min=number(smallest), max=number(largest))
    return made


def rules() -> list[Rule]:
    """Return the rules of all options that tenants may set."""
    return [rule(*row) for row in query(QUESTION) if not is_denied(row[0], DENIED)]
