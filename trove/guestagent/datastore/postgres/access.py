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
"""Client authentication: the texts of pg_hba.conf and pg_ident.conf. The first matching line wins.
"""

#: Role of the agent, created with the cluster.
AGENT = 'os_admin'
_MAP = 'trove'
_EVERYWHERE = ('0.0.0.0/0', '::/0')


def rules() -> str:
    """Return pg_hba.conf: the agent by socket as root of this machine, the others by password.

    No user may stream the write-ahead log, which "all" does not include.
    """
    lines = [f'local all {AGENT} peer map={_MAP}', f'local replication {AGENT} peer map={_MAP}',
             'local all all scram-sha-256']
    lines += [f'host all {AGENT} {network} reject' for network in _EVERYWHERE]
    lines += [f'host all all {network} scram-sha-256' for network in _EVERYWHERE]
    return '\n'.join(lines) + '\n'


def identities() -> str:
    """Return pg_ident.conf, the map of operating system accounts to roles.

    It omits the engine's own account: a program run by the engine must not become administrator.
    """
    return f'{_MAP} root {AGENT}\n'
