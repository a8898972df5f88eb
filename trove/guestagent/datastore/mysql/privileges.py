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


"""What a tenant's administrator may do on a MySQL server, as a list: nothing that a later version adds comes by itself.

Not among them: files (FILE), the server (SHUTDOWN, RELOAD, SUPER and its parts, so no SET GLOBAL and no SET PERSIST:
options are set by configuration groups), its binary log, replication, plugins and components, and SYSTEM_USER, without
which nobody changes or ends the accounts that have it: the agent's.
"""

from trove.guestagent.datastore.mysql_common import statements

EVERYWHERE = ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'PROCESS', 'REFERENCES',
              'INDEX', 'ALTER', 'SHOW DATABASES', 'CREATE TEMPORARY TABLES', 'LOCK TABLES',
              'EXECUTE', 'CREATE VIEW', 'SHOW VIEW', 'CREATE ROUTINE', 'ALTER ROUTINE',
              'CREATE USER', 'EVENT', 'TRIGGER', 'CREATE ROLE', 'DROP ROLE', 'REPLICATION CLIENT')
#: Privileges that are no part of SQL's grammar.
MORE = ('APPLICATION_PASSWORD_ADMIN', 'CONNECTION_ADMIN', 'FLUSH_OPTIMIZER_COSTS', 'FLUSH_STATUS',
        'FLUSH_TABLES', 'FLUSH_USER_RESOURCES', 'ROLE_ADMIN', 'SET_ANY_DEFINER', 'SHOW_ROUTINE',
        'XA_RECOVER_ADMIN')
#: Taken away again in the database of the accounts: whoever writes there makes himself what he likes.
NOT_IN_SYSTEM = ('INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'REFERENCES', 'INDEX', 'ALTER',
                 'CREATE TEMPORARY TABLES', 'LOCK TABLES', 'CREATE VIEW', 'CREATE ROUTINE',
                 'ALTER ROUTINE', 'EVENT', 'TRIGGER')


def grants(account: str) -> tuple[str, ...]:
    """The statements that give an account these privileges. They need ``partial_revokes``."""
    return (
        f'GRANT {", ".join(EVERYWHERE)} ON *.* TO {account} WITH GRANT OPTION',
        f'GRANT {", ".join(MORE)} ON *.* TO {account} WITH GRANT OPTION',
        f'REVOKE {", ".join(NOT_IN_SYSTEM)} ON {statements.identifier("mysql")}.* FROM {account}')
