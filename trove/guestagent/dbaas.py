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

"""Registry of engines by datastore manager; a guest imports only the module of its own engine."""

import dataclasses
import importlib
from collections.abc import Iterable

from trove.guestagent.datastore.engine import Engine

#: datastore manager -> module and class.
ENGINES = {
    'mariadb': 'trove.guestagent.datastore.mariadb.engine:MariaDB',
    'mysql': 'trove.guestagent.datastore.mysql.engine:MySQL',
    'postgresql': 'trove.guestagent.datastore.postgres.engine:PostgreSQL',
    'redis': 'trove.guestagent.datastore.redis.engine:Redis',
    'valkey': 'trove.guestagent.datastore.redis.engine:Valkey',
}


class UnknownManager(Exception):
    """No engine is registered for this datastore manager."""


def engine_for(manager: str, registry: dict[str, str] = ENGINES) -> Engine:
    """Return the engine of a datastore manager.

    :raises UnknownManager: lists the known managers.
    """
    if manager not in registry:
        raise UnknownManager(
            f'Datastore manager {manager!r} is unknown; known: {", ".join(sorted(registry))}.')
    module, _, name = registry[manager].partition(':')
    return getattr(importlib.import_module(module), name)()


def reserve(engine: Engine, users: Iterable[str], databases: Iterable[str]) -> None:
    """Reserve more names of users and databases than the engine reserves by itself."""
    described = engine.description
    engine.description = dataclasses.replace(
        described, reserved_users=described.reserved_users | {name.casefold() for name in users},
        reserved_databases=described.reserved_databases | {name.casefold() for name in databases})
