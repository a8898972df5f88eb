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

"""Privileges of a tenant's administrator of a MySQL server, and those denied."""

import pytest

from trove.guestagent.datastore.mysql import privileges

ALL = privileges.EVERYWHERE + privileges.MORE


@pytest.mark.parametrize('kept', [
    'ALL PRIVILEGES', 'SUPER', 'FILE', 'SHUTDOWN', 'RELOAD', 'CREATE TABLESPACE', 'SYSTEM_USER',
    'SYSTEM_VARIABLES_ADMIN', 'PERSIST_RO_VARIABLES_ADMIN', 'BINLOG_ADMIN',
    'REPLICATION_SLAVE_ADMIN', 'REPLICATION SLAVE', 'CLONE_ADMIN', 'SERVICE_CONNECTION_ADMIN',
    'ENCRYPTION_KEY_ADMIN', 'INNODB_REDO_LOG_ARCHIVE', 'INNODB_REDO_LOG_ENABLE',
    'GROUP_REPLICATION_ADMIN', 'FLUSH_PRIVILEGES', 'SESSION_VARIABLES_ADMIN'
])
def test_privileges_of_the_service_are_denied(kept):
    assert kept not in ALL


def test_account_tables_are_read_only():
    """An account that can write to the account tables could grant itself every privilege."""
    granted, more, revoked = privileges.grants("'root'@'%'")
    assert revoked.endswith("ON `mysql`.* FROM 'root'@'%'")
    readers = {'SELECT', 'EXECUTE', 'SHOW VIEW'}
    of_databases = {
        'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'REFERENCES', 'INDEX', 'ALTER',
        'CREATE TEMPORARY TABLES', 'LOCK TABLES', 'EXECUTE', 'CREATE VIEW', 'SHOW VIEW',
        'CREATE ROUTINE', 'ALTER ROUTINE', 'EVENT', 'TRIGGER'
    }
    assert (of_databases & set(ALL)) - readers == set(privileges.NOT_IN_SYSTEM)
    assert granted.endswith('WITH GRANT OPTION') and more.endswith('WITH GRANT OPTION')
