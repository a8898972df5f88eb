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

"""Options of Redis and of its descendants.

The server lists names and values, not types and bounds. It explains the refusal of a bad value, so
types and bounds are derived from refusals: each option is set to impossible values in a process
that ends at once.
"""

import re
import shutil
import subprocess
import tempfile

from rules import Rule, is_denied
from trove.guestagent.datastore.redis import connection, dry_start

MANAGER = 'redis'
SERIES = '7.0'
PROGRAM = 'redis-server'
LARGEST = 2 ** 63 - 1

#: Where the server keeps and looks for things, whom it talks to, and what the agent itself sets.
DENIED = (
    # places, and who may read them
    'dir',
    'dbfilename',
    'append*name',
    'aclfile',
    'unixsocket*',
    'pidfile',
    'logfile',
    'syslog-*',
    '*cpulist',
    'cluster-config-file',
    'proc-title-template',
    'set-proc-title',
    'always-show-logo',
    'crash-*',
    # network
    'port',
    'bind*',
    'tls-*',
    'max-new-tls-*',
    'protected-mode',
    'socket-mark-id',
    # life
    'daemonize',
    'supervised',
    'oom-score-adj*',
    'shutdown-*',
    'disable-thp',
    'ignore-warnings',
    'jemalloc-*',
    # code, accounts and commands
    'enable-*',
    'requirepass',
    'acl-pubsub-default',
    'rename-command',
    'loadmodule',
    'user',
    'sanitize-dump-payload',
    # replication and clusters, which are the service's
    'replicaof',
    'master*',
    'primary*',
    'repl-*',
    'replica-*',
    'replica*',
    'min-replicas-*',
    'cluster-*',
    'propagation-*',
    'rdb-del-*',
    'dual-channel-*',
    'availability-zone',
    # what makes data unreachable
    'rdbchecksum',
    'aof-disable-auto-gc',
    'aof-load-truncated',
    # former names of others
    'slave*',
    'min-slaves-*',
    'lua-time-limit',
    '*-ziplist-*',
)

_BOUNDS = re.compile(r'between (-?[0-9]+) and (-?[0-9]+) inclusive')


def installed(program: str = PROGRAM) -> str:
    """Return the version string of this machine's engine, "" without one."""
    if shutil.which(program) is None:
        return ''
    return subprocess.run([program, '--version'], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def complaint(program: str, name: str, value: str) -> str:
    """Return the server's complaint about a value, "" if it accepts the value."""
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as nothing:
        return dry_start.refusal(program, nothing.name, [f'--{name}', value])


def bounds(program: str, name: str) -> dict[str, int]:
    """Return the bounds of a numeric option."""
    for impossible in (str(LARGEST), str(-LARGEST - 1), '-1', '0'):
        output = _BOUNDS.search(complaint(program, name, impossible))
        if output:
            return {'min': int(output[1]), 'max': min(int(output[2]), LARGEST)}
    return {'min': 0, 'max': LARGEST}


def rule(program: str, name: str, at_start: bool) -> Rule:
    """Return one rule in the format that trove-manage loads."""
    output = complaint(program, name, '?')
    if "'yes' or 'no'" in output:
        return {'name': name, 'type': 'boolean', 'restart_required': at_start}
    if 'parsed into an integer' in output or 'must be a memory value' in output:
        return {
            'name': name,
            'type': 'integer',
            'restart_required': at_start,
            **bounds(program, name)
        }
    return {'name': name, 'type': 'string', 'restart_required': at_start}


def rules(program: str = PROGRAM) -> list[Rule]:
    """Return the rules of all options that tenants may set."""
    with dry_start.server(program) as session:
        values = {
            name: value
            for name, value in session.settings('*').items()
            if not is_denied(name, DENIED)
        }
        fixed = {name for name, value in values.items() if is_fixed(session, name, value)}
    return [rule(program, name, name in fixed) for name in sorted(values)]


def is_fixed(session: connection.Session, name: str, value: str) -> bool:
    """Return whether the running server refuses even the present value of an option."""
    try:
        session.call('CONFIG', 'SET', name, value)
    except connection.EngineError as error:
        return 'immutable' in error.message
    return False
