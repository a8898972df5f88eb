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

"""The objects a tenant asked for at creation: made one by one, every failure reported by name, none hiding another."""

from collections.abc import Callable
from typing import Any

from trove.guestagent.datastore.engine import Engine, EngineError, EngineUnavailable

_MOST = 5


def create(engine: Engine, databases: list[dict[str, Any]], users: list[dict[str, Any]],
           root_password: str | None) -> list[str]:
    """Ensure databases, users and root; what exists already is as wanted.

    :returns: a sentence for each database or user that the engine refuses, the first few of them.
    :raises EngineUnavailable: it does not answer. :raises EngineError: it refuses root, whose password was promised.
    """
    problems: list[str] = []

    def attempt(what: str, action: Callable[[], Any]) -> None:
        try:
            action()
        except EngineUnavailable:
            raise
        except EngineError as error:
            problems.append(f'{what}: {error.message}')

    able = engine.description.capabilities
    if databases and 'databases' not in able or users and 'users' not in able or root_password and 'root' not in able:
        return ['The engine does not support the databases, users or root access asked for.']
    for database in databases:
        attempt(f'Database {database["name"]!r}',
                lambda: engine.create_database(database, or_ignore=True))
    for user in users:
        attempt(f'User {user["name"]!r}', lambda: engine.create_user(user, or_ignore=True))
    if root_password:
        engine.enable_root(root_password)
    if len(problems) > _MOST:
        problems[_MOST:] = [f'And {len(problems) - _MOST} more.']
    return problems
