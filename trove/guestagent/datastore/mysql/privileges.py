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


"""Privileges of a tenant's administrator on MySQL, as a list: later versions add none by
themselves.

Missing are files (FILE), the server (SHUTDOWN, RELOAD, SUPER and its parts, so no SET GLOBAL and no
SET PERSIST: configuration groups set options), binary log, replication, plugins and components.
Also missing is SYSTEM_USER: without it nobody can change or end the agent's accounts.
"""

from trove.guestagent.datastore.mysql_common import statements

EVERYWHERE = ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'PROCESS', 'REFERENCES',
              'INDEX', 'ALTER', 'SHOW DATABASES', 'CREATE TEMPORARY TABLES', 'LOCK TABLES',
              'EXECUTE', 'CREATE VIEW', 'SHOW VIEW', 'CREATE ROUTINE', 'ALTER ROUTINE',
              'CREATE USER', 'EVENT', 'TRIGGER', 'CREATE ROLE', 'DROP ROLE', 'REPLICATION CLIENT')
#: Dynamic privileges, which are not part of SQL's grammar.
MORE = ('APPLICATION_PASSWORD_ADMIN', 'CONNECTION_ADMIN', 'FLUSH_OPTIMIZER_COSTS', 'FLUSH_STATUS',
        'FLUSH_TABLES', 'FLUSH_USER_RESOURCES', 'ROLE_ADMIN', 'SET_ANY_DEFINER', 'SHOW_ROUTINE',
        'XA_RECOVER_ADMIN')
#: Revoked in the database of the accounts, where writing would grant any privilege.
NOT_IN_SYSTEM = ('INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'REFERENCES', 'INDEX', 'ALTER',
                 'CREATE TEMPORARY TABLES', 'LOCK TABLES', 'CREATE VIEW', 'CREATE ROUTINE',
                 'ALTER ROUTINE', 'EVENT', 'TRIGGER')


def grants(account: str) -> tuple[str, ...]:
    """Return the statements that grant these privileges; they need ``partial_revokes``."""
    return (
        f'GRANT {", ".join(EVERYWHERE)} ON *.* TO {account} WITH GRANT OPTION',
        f'GRANT {", ".join(MORE)} ON *.* TO {account} WITH GRANT OPTION',
        f'REVOKE {", ".join(NOT_IN_SYSTEM)} ON {statements.identifier("mysql")}.* FROM {account}')
