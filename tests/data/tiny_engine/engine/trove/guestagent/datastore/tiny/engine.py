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

"""Engine for tests, with options in one file and users in another. Model of an engine's folder."""

import json
import os
from collections.abc import Iterable, Mapping

from trove.guestagent.datastore.engine import (
    Applied, Description, Engine, EngineError, EngineUnavailable, Facts, Place, Restart, User,
    reserved_user)
from trove.guestagent.system import files

DESCRIPTION = Description(
    manager='tiny',
    packages=('tiny-server',),
    unit='tiny-server',
    ports=(4242,),
    os_user='tiny',
    os_group='tiny',
    mount_point='/var/lib/tiny',
    data_directory='data',
    configuration_directory='/etc/tiny',
    base_file='10-base.conf',
    user_file='20-user.conf',
    system_file='30-system.conf',
    reserved_users=frozenset({'keeper'}),
    has_hosts=False,
    capabilities=frozenset({'users'}),
)


class Tiny(Engine):
    """Engine of a tiny guest."""

    description = DESCRIPTION

    def __init__(self) -> None:
        self._data = os.path.join(DESCRIPTION.mount_point, DESCRIPTION.data_directory)
        self.running: dict[str, str] = {}

    def _users(self) -> dict[str, str]:
        found = files.read(os.path.join(self._data, 'users.json'))
        if found is None:
            raise EngineUnavailable('The file of users does not exist.')
        return json.loads(found)

    def _keep(self, users: Mapping[str, str]) -> None:
        files.write_json(os.path.join(self._data, 'users.json'), dict(users))

    def is_initialised(self, place: Place) -> bool:
        self._data = place.data_directory
        return os.path.exists(os.path.join(self._data, 'users.json'))

    def initialise(self, place: Place, timeout: float) -> None:
        self._data = place.data_directory
        os.makedirs(self._data, exist_ok=True)
        self._keep({})

    def system_options(self, place: Place) -> dict[str, str]:
        return {'data': place.data_directory}

    def render_options(self, options: Mapping[str, str]) -> str:
        return ''.join(f'{name}: {value}\n' for name, value in options.items())

    def parse_options(self, text: str) -> dict[str, str]:
        return dict(line.split(': ', 1) for line in text.splitlines() if ': ' in line)

    def validate_configuration(self, place: Place) -> None:
        """Accept every value."""

    def probe(self) -> None:
        self._users()

    def facts(self) -> Facts:
        return Facts(version='1.0', uptime=1)

    def secure(self) -> None:
        self._keep({**self._users(), 'keeper': ''})

    def apply_options(self, changes: Mapping[str, str | None]) -> Applied:
        self.running |= {name: value or '' for name, value in changes.items()}
        return Applied(taken=frozenset(changes))

    def drifted_options(self, expected: Mapping[str, str]) -> dict[str, str]:
        return {}

    def restore_account(self, restart: Restart) -> None:
        restart.now()

    def user_names(self) -> list[tuple[str, str]]:
        return [(name, '%') for name in sorted(self._users())
                if not reserved_user(self.description, name)]

    def list_users(self, names: Iterable[tuple[str, str]] | None = None) -> list[User]:
        return [{'name': name, 'host': host, 'databases': []}
                for name, host in names or self.user_names()]

    def check_user(self, name: str, host: str, password: str | None = None) -> None:
        if reserved_user(self.description, name):
            raise EngineError(f'The user name {name!r} is reserved.', code='guest_reserved_name')

    def create_user(self, user: User, *, or_ignore: bool = False) -> None:
        self._keep({**self._users(), user['name']: user['password']})

    def delete_user(self, name: str, host: str) -> None:
        self._keep({known: password for known, password in self._users().items() if known != name})
