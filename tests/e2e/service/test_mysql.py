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
"""Particulars of MySQL: an administrator with limits, verifiers instead of passwords, an agent
nobody can lock out.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.service.engines import Engine, MySQL
from tests.e2e.service.instances import Instance
from tests.e2e.service.running import Refused, new_password
from tests.e2e.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(300)]

#: Seconds of two heartbeats.
SOON = 60
REFUSED = 'denied|privilege|SYSTEM_USER|not owner'


@pytest.fixture(scope='module')
def engine() -> Engine:
    return MySQL()


class Root:
    """The tenant's administrator."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.password = instance.call('POST', '/root')['user']['password']
        instance.service.passwords.add(self.password)

    def __call__(self, statement: str) -> list[str]:
        return self._instance.ask('root', self.password, statement)


@pytest.fixture(scope='module')
def root(instance: Instance) -> Iterator[Root]:
    yield Root(instance)
    instance.call('DELETE', '/root')


def inside(instance: Instance, statement: str) -> list[str]:
    """As root of the machine."""
    return instance.inside('mysql', '--batch', '--skip-column-names',
                           f'--execute={statement}').splitlines()


def test_the_administrator_makes_databases_and_users_and_ends_sessions(instance, root):
    password = new_password()
    instance.service.passwords.add(password)
    root('CREATE DATABASE made')
    root('CREATE TABLE made.t (a INT PRIMARY KEY); INSERT INTO made.t VALUES (1)')
    root(
        f"CREATE USER maker@'%' IDENTIFIED BY '{password}'; "
        "GRANT ALL PRIVILEGES ON made.* TO maker@'%'"
    )
    try:
        assert instance.ask('maker', password, 'SELECT a FROM t', 'made') == ['1']
        assert instance.names('users') == ['clerk', 'maker'
                                           ] and 'made' in instance.names('databases')
        assert instance.call('GET', '/users/maker/databases') == {'databases': [{'name': 'made'}]}
        assert root('SELECT COUNT(*) FROM information_schema.PROCESSLIST')
        root("CREATE ROLE readers; GRANT SELECT ON made.* TO readers; GRANT readers TO maker@'%'")
        assert instance.names('users') == ['clerk', 'maker'], 'a role is no user'
    finally:
        root("DROP USER IF EXISTS maker@'%'; DROP ROLE IF EXISTS readers; DROP DATABASE made")


@pytest.mark.parametrize('statement', [
    'SET GLOBAL max_connections = 5', 'SET PERSIST max_connections = 5', 'SET PERSIST_ONLY '
    'back_log = 5', "SET GLOBAL general_log_file = '/var/lib/mysql/data/x.php'", 'SHUTDOWN',
    'RESTART', "SELECT 1 INTO OUTFILE "
    "'/var/lib/mysql/data/out'", "SELECT LOAD_FILE('/etc/passwd') + NULL INTO OUTFILE '/tmp/x'",
    "INSTALL PLUGIN mysqlx SONAME 'mysqlx.so'", 'UNINSTALL PLUGIN auth_socket',
    "INSTALL COMPONENT 'file://component_validate_password'",
    "CREATE FUNCTION f RETURNS STRING SONAME 'f.so'", 'RESET BINARY LOGS AND GTIDS',
    'SET SESSION sql_log_bin = 0', "PURGE BINARY LOGS BEFORE NOW()",
    "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'x'", 'SET GLOBAL read_only = ON',
    "ALTER USER root@localhost IDENTIFIED BY 'mine'", 'DROP USER root@localhost',
    'RENAME USER root@localhost TO x@x', 'ALTER USER root@localhost ACCOUNT LOCK',
    'REVOKE ALL PRIVILEGES ON *.* FROM root@localhost', 'GRANT ALL PRIVILEGES ON *.* TO clerk',
    'GRANT SYSTEM_VARIABLES_ADMIN ON *.* TO clerk',
    "UPDATE mysql.user SET plugin = 'x' WHERE User = 'root'", 'DELETE FROM mysql.global_grants',
    'INSERT INTO mysql.db SELECT * FROM mysql.db', 'DROP TABLE mysql.plugin',
    'CREATE TABLE mysql.mine (a INT)',
    'CREATE DEFINER = root@localhost PROCEDURE orders.p() SELECT 1',
    'CREATE DEFINER = root@localhost EVENT orders.e ON SCHEDULE EVERY 1 DAY DO SELECT 1'
])
def test_what_the_administrator_may_not(instance, root, statement):
    with pytest.raises(Refused, match=f'(?i){REFUSED}|secure-file-priv'):
        root(statement)
    instance.is_unharmed()


def test_the_administrator_cannot_end_the_agents_session(instance, root):
    """Nor one of anybody with SYSTEM_USER."""
    instance.inside('sh', '-c', 'setsid mysql --execute="SELECT SLEEP(20)" >/dev/null 2>&1 &')
    sessions = wait_for('root of the machine has a session', lambda: root(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'root' AND HOST = 'localhost' "
        "AND INFO LIKE '%SLEEP%'"), 10)
    with pytest.raises(Refused, match=f'(?i){REFUSED}'):
        root(f'KILL {sessions[0]}')


def test_what_was_persisted_behind_our_back_does_not_survive(service, instance):
    before = instance.option('max_connections')
    inside(instance, 'SET PERSIST max_connections = 99')
    assert instance.option('max_connections') == '99'
    instance.action({'restart': {}})
    assert instance.option('max_connections') == before
    inside(instance, 'RESET PERSIST')


def test_no_password_in_any_log(service, instance):
    """No password is in the binary log, which replicas and backups copy, or in other logs."""
    secret = f'canary{new_password()}'
    service.passwords.add(secret)
    instance.call('POST', '/log', {'name': 'general', 'enable': 1})
    try:
        instance.call('POST', '/users', {'users': [{'name': 'helper', 'password': new_password(),
                                                    'databases': [{'name': 'orders'}]}]})
        instance.call('PUT', '/users', {'users': [{'name': 'helper', 'password': secret}]})
        assert instance.ask('helper', secret, 'SELECT 1') == ['1']
        found = instance.inside('sh', '-c', f'grep -rla {secret} /var/lib/mysql /var/log /etc '
                                            f'/run/log || true')
        assert found == ''
        assert 'CREATE USER' in instance.inside('sh', '-c', 'cat /var/lib/mysql/data/mysql-bin.0* '
                                                            '| strings || '
                                                            'cat /var/lib/mysql/data/mysql-bin.0*')
        found = instance.inside('sh', '-c',
                                'grep -a "CREATE USER" /var/lib/mysql/logs/general.log || true')
        assert 'helper' not in found
    finally:
        instance.call('DELETE', '/users/helper')
        instance.call('POST', '/log', {'name': 'general', 'disable': 1})


def test_an_agent_that_is_locked_out_gets_in_again(service, instance):
    inside(instance, 'ALTER USER root@localhost ACCOUNT LOCK')
    wait_for('the agent is let in again', lambda: inside_or_none(instance) == ['1'], SOON * 2)
    wait_for('it is reported', lambda: service.show(instance.id)['operating_status'] == 'HEALTHY',
             SOON)
    instance.is_unharmed()


def inside_or_none(instance: Instance) -> list[str] | None:
    """Return the server's response to the machine's root, None if it is refused."""
    answer = instance.inside('sh', '-c', 'mysql --batch --skip-column-names --execute="SELECT 1" '
                                         '2>/dev/null || true')
    return answer.splitlines() or None


def test_each_server_has_a_name_and_keys_of_its_own(instance):
    """They are not those of the image, which all instances would share."""
    instance.inside('test', '-f', '/var/lib/mysql/data/server-key.pem')
    assert instance.inside('sh', '-c', 'ls /opt/trove-guest/seed/mysql/*.pem '
                                       '/opt/trove-guest/seed/mysql/auto.cnf '
                                       '2>/dev/null || true') == ''


def test_only_one_port_and_named_time_zones(instance):
    listening = {
        line.split()[3].rpartition(':')[2]
        for line in instance.inside('ss', '-Hltn').splitlines()
    }
    assert '3306' in listening and not {'33060', '33062'} & listening
    assert instance.as_clerk("SELECT CONVERT_TZ('2026-01-01 12:00:00', 'UTC', "
                             "'Europe/Vienna')") == [
        '2026-01-01 13:00:00']
