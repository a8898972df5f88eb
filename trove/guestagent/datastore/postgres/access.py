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
"""Who may come in, and how: the text of pg_hba.conf and pg_ident.conf. The first line that fits decides."""

#: The agent's role: made with the cluster, so it is there before the first start.
AGENT = 'os_admin'
_MAP = 'trove'
_EVERYWHERE = ('0.0.0.0/0', '::/0')


def rules() -> str:
    """pg_hba.conf: the agent through the socket as root of this machine and nowhere else, the others with a password.

    Nobody streams the write-ahead log: "all" does not name that.
    """
    lines = [f'local all {AGENT} peer map={_MAP}', f'local replication {AGENT} peer map={_MAP}',
             'local all all scram-sha-256']
    lines += [f'host all {AGENT} {network} reject' for network in _EVERYWHERE]
    lines += [f'host all all {network} scram-sha-256' for network in _EVERYWHERE]
    return '\n'.join(lines) + '\n'


def identities() -> str:
    """pg_ident.conf: which account of the machine is which role.

    Not the engine's own account: whoever has a program run by the engine shall not be its administrator for that.
    """
    return f'{_MAP} root {AGENT}\n'
