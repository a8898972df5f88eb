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

"""Database engine in memory, below the real manager and agent; its machine is a directory.

The engine has no SQL, but accepts and refuses the same names as MariaDB. Its data belongs to the
volume and survives agents, restarts and rebuilt servers. Tests can make it hang, refuse to start or
lock the agent out.
"""

import json
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from tests.functional.memory_machine import MemoryData, MemoryMachine
from trove.guestagent.datastore.engine import (SYS, Applied, Database, Description, EngineError,
                                               EngineUnavailable, Facts, LockedOut, Log, Place,
                                               Restart, User)
from trove.guestagent.datastore.mysql_common import names, options

DESCRIPTION = Description(
    manager='memory', packages=(), unit='memory', ports=(3306,), os_user='root', os_group='root',
    mount_point='/var/lib/mysql', data_directory='data', configuration_directory='/etc/memory',
    base_file='70-base.cnf', user_file='71-user.cnf', system_file='80-system.cnf',
    reserved_users=frozenset({'os_admin', 'root'}), reserved_databases=frozenset(
        {'mysql', 'sys'}), reserved_user_prefixes=('trove_',), capabilities=frozenset({
            'databases', 'users', 'grants', 'root'
        }), logs=(Log('general', file='general.log', on={'general_log': 'ON'},
                      off={'general_log': 'OFF'}),
                  Log('audit', file='audit.log', on={'audit_log': 'ON'}, off={'audit_log': 'OFF'},
                      needs_restart=True), Log('error', SYS)), logs_file='70-logs.cnf')

#: Options that need a restart by the rules of MariaDB.
STATIC = frozenset(
    rule['name']
    for rule in json.loads((
        pathlib.Path(__file__).parents[2] /
        'trove/templates/mariadb/validation-rules.json').read_text())['configuration-parameters']
    if rule['restart_required'])


class MemoryEngine(names.NameRules):
    """Engine in memory.

    ``hangs`` fails every query, ``full`` refuses connections, ``locked`` refuses the agent.
    """

    max_user = 128

    def __init__(self, machine: MemoryMachine, description: Description = DESCRIPTION) -> None:
        self.description = description
        self.machine = machine
        self.hangs = self.full = self.locked = False
        self.version = '1.0'
        #: Reason for which the data or the engine's own upgrade fails; "" for none.
        self.refuses_upgrade = self.fails_upgrade = ''
        #: Option that the configuration check refuses.
        self.bad_option = ''
        #: Refused at run time: option -> reason. Clamped at run time: option -> value in force.
        self.refuses: dict[str, str] = {}
        self.cuts: dict[str, str] = {}
        #: (option, value) that prevents the start, although the check accepts it.
        self.deadly: tuple[str, str] = ('', '')
        #: Values in force, and the start of the unit at which they were read.
        self._running: dict[str, str] = {}
        self._read_at = 0
        machine.unit(description.unit).problem = self._problem

    @property
    def running(self) -> dict[str, str]:
        """Return the values in force: those of the files at the last start, and later changes."""
        starts = self.machine.unit(self.description.unit).starts
        if self._read_at != starts:
            self._running, self._read_at = self._files(), starts
        return self._running

    def _problem(self) -> str:
        option, value = self.deadly
        return f'cannot start with {option} = {value}' if option and self._files().get(
            option) == value else ''

    def _files(self) -> dict[str, str]:
        found: dict[str, str] = {}
        directory = pathlib.Path(self.machine.path(self.description.configuration_directory))
        for path in sorted(directory.glob('*.cnf')):
            found.update(options.parse(path.read_text()))
        return found

    @property
    def data(self) -> MemoryData:
        return self.machine.data(self.description.mount_point)

    # --- data directory and configuration ---------------------------------------------------------

    def initialise(self, place: Place, timeout: float) -> None:
        os.makedirs(place.data_directory, exist_ok=True)
        self.data.initialised += 1
        self.data.version = self.version

    def is_initialised(self, place: Place) -> bool:
        return bool(self.data.initialised)

    def system_options(self, place: Place) -> dict[str, str]:
        return {
            'datadir': place.data_directory,
            'general_log_file': os.path.join(place.log_directory, 'general.log'),
            'audit_log_file': os.path.join(place.log_directory, 'audit.log')
        }

    def render_options(self, values: Mapping[str, str]) -> str:
        return options.render(values)

    def parse_options(self, text: str) -> dict[str, str]:
        return options.parse(text)

    def validate_configuration(self, place: Place) -> None:
        if self.bad_option and self.bad_option in self._files():
            raise EngineError(
                f'The engine refuses its configuration: unknown variable {self.bad_option!r}')

    # --- a running engine -------------------------------------------------------------------------

    def probe(self) -> None:
        if self.machine.unit(self.description.unit).active != 'active':
            raise EngineUnavailable('The engine does not answer (2002): no socket')
        if self.hangs:
            raise EngineUnavailable('The engine does not answer (2013): timed out')
        if self.full:
            raise EngineUnavailable('The engine has no free connection (1040).', answering=True)
        if self.locked:
            raise LockedOut()

    def facts(self) -> Facts:
        self.probe()
        return Facts(version=f'{self.version}-memory', uptime=7)

    # --- upgrade ----------------------------------------------------------------------------------

    def check_upgrade(self, place: Place, version: str) -> None:
        self.probe()
        if self.refuses_upgrade:
            raise EngineError(self.refuses_upgrade, code='guest_upgrade_refused')

    def prepare_upgrade(self, place: Place, version: str) -> None:
        self.probe()

    def upgrade_data(self, place: Place, timeout: float) -> None:
        """Do nothing: the data need no conversion."""

    def finish_upgrade(self, place: Place, timeout: float) -> bool:
        self.probe()
        if self.fails_upgrade:
            raise EngineError(self.fails_upgrade)
        needed, self.data.version = self.data.version != self.version, self.version
        return needed

    def secure(self) -> None:
        self.probe()
        self.data.secured = True
        self.data.root_password = None

    def apply_options(self, changes: Mapping[str, str | None]) -> Applied:
        self.probe()
        refused = {name: self.refuses[name] for name in changes if name in self.refuses}
        waiting = frozenset(changes) & STATIC
        taken = frozenset(changes) - waiting - frozenset(refused)
        for name in taken:
            value = changes[name]
            if value is None:
                self.running.pop(name, None)
            else:
                self.running[name] = self.cuts.get(name, value)
        return Applied(taken, waiting, refused,
                       {name: self.cuts[name]
                        for name in taken
                        if name in self.cuts})

    def drifted_options(self, expected: Mapping[str, str]) -> dict[str, str]:
        self.probe()
        return {
            name: self.running[name]
            for name in expected
            if self.running.get(name, expected[name]) != expected[name]
        }

    def restore_account(self, restart: Restart) -> None:
        restart.with_environment('MEMORY_OPTS', '--init')
        self.locked = False

    # --- logs -------------------------------------------------------------------------------------

    def reopen_log(self, log: Log) -> None:
        self.probe()
        pathlib.Path(self.machine.path(self.description.mount_point), 'logs', log.file).touch()

    # --- databases, users, grants, root -----------------------------------------------------------

    def list_databases(self) -> list[Database]:
        self.probe()
        return [dict(self.data.databases[name]) for name in sorted(self.data.databases)]

    def create_database(self, database: Database, *, or_ignore: bool = False) -> None:
        self.probe()
        self.check_database(database)
        if database['name'] in self.data.databases and not or_ignore:
            raise EngineError(f'The database {database["name"]!r} already exists.',
                              code='guest_exists_database')
        self.data.databases.setdefault(database['name'], {
            'name': database['name'], 'character_set': database.get('character_set') or 'utf8mb4',
            'collate': database.get('collate') or 'utf8mb4_general_ci'})

    def delete_database(self, name: str) -> None:
        self.probe()
        self.check_database({'name': name})
        if self.data.databases.pop(name, None) is None:
            raise EngineError(f'The database {name!r} cannot be found.',
                              code='guest_not_found_database')

    def user_names(self) -> list[tuple[str, str]]:
        self.probe()
        return sorted(self.data.users, key=lambda pair: '@'.join(pair))

    def list_users(self, names: Iterable[tuple[str, str]] | None = None) -> list[User]:
        shown = self.user_names() if names is None else list(names)
        return [{
            'name': name,
            'host': host,
            'databases': [{
                'name': database
            } for database in self._access(name, host)]
        } for name, host in shown]

    def _access(self, name: str, host: str) -> list[str]:
        return sorted(self._user(name, host)['databases'])

    def _user(self, name: str, host: str) -> dict[str, Any]:
        if (name, host) not in self.data.users:
            raise EngineError(f'The user {name}@{host} cannot be found.',
                              code='guest_not_found_user')
        return self.data.users[name, host]

    def create_user(self, user: User, *, or_ignore: bool = False) -> None:
        self.probe()
        name, host = user['name'], user.get('host') or self.description.default_host
        self.check_user(name, host, user.get('password') or '')
        databases = {database['name'] for database in user.get('databases') or ()}
        for database in databases:
            self.check_database({'name': database})
        if (name, host) in self.data.users and not or_ignore:
            raise EngineError(f'The user {name}@{host} already exists.', code='guest_exists_user')
        self.data.users.setdefault((name, host), {
            'password': user['password'],
            'databases': databases
        })

    def delete_user(self, name: str, host: str) -> None:
        self.probe()
        self.check_user(name, host)
        self._user(name, host)
        del self.data.users[name, host]

    def change_password(self, name: str, host: str, password: str) -> None:
        self.probe()
        self.check_user(name, host, password)
        self._user(name, host)['password'] = password

    def rename_user(self, name: str, host: str, new_name: str, new_host: str) -> None:
        self.probe()
        self.check_user(new_name, new_host)
        if (new_name, new_host) in self.data.users:
            raise EngineError(f'The user {new_name}@{new_host} already exists.',
                              code='guest_exists_user')
        kept = self._user(name, host)
        del self.data.users[name, host]
        self.data.users[new_name, new_host] = kept

    def list_access(self, name: str, host: str) -> list[str]:
        self.probe()
        self.check_user(name, host)
        return self._access(name, host)

    def grant(self, name: str, host: str, databases: Iterable[str]) -> None:
        self.probe()
        self.check_user(name, host)
        granted = list(databases)
        for database in granted:
            self.check_database({'name': database})
        self._user(name, host)['databases'].update(granted)

    def revoke(self, name: str, host: str, database: str) -> None:
        self.probe()
        self.check_user(name, host)
        granted = self._user(name, host)['databases']
        if database not in granted:
            raise EngineError(f'The user {name}@{host} has no access to {database!r}.',
                              code='guest_not_found_database')
        granted.remove(database)

    def enable_root(self, password: str) -> str:
        self.probe()
        self.data.root_password = password
        return 'root'

    def disable_root(self) -> None:
        self.probe()
        self.data.root_password = None

    def root_enabled(self) -> bool:
        self.probe()
        return self.data.root_password is not None
