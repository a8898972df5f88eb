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
"""Descriptions of engines for the control plane, ``trove/templates/<manager>/datastore.json``.

No other code of the control plane names an engine. Operators configure an engine with the options
of its manager's group (:mod:`trove.common.cfg.datastores`), with defaults from the description.
"""

import dataclasses
import functools
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from trove.common import charsets
from trove.common.names import TextRule, check_host

TEMPLATES = pathlib.Path(__file__).resolve().parent.parent / 'templates'
FILE = 'datastore.json'
#: Capabilities of an engine over the API.
DATABASES, USERS, GRANTS, ROOT = 'databases', 'users', 'grants', 'root'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Engine:
    """Description of an engine.

    :param capabilities: a subset of DATABASES, USERS, GRANTS and ROOT.
    :param root_user: name of the tenant's administrator.
    :param hosts: whether users belong to hosts; else hosts are accepted and ignored.
    :param character_sets: whether the API validates character sets; else the engine does.
    :param reserved_users: user names of the guest itself, regardless of the options.
    :param reserved_user_prefixes: prefixes of such names.
    :param ignore_users: default of the option of that name.
    :param ignore_dbs: default of the option of that name.
    """
    manager: str = ''
    tcp_ports: tuple[str, ...] = ()
    udp_ports: tuple[str, ...] = ()
    mount_point: str = ''
    capabilities: frozenset[str] = frozenset()
    root_user: str = 'root'
    hosts: bool = False
    character_sets: bool = False
    reserved_users: frozenset[str] = frozenset()
    reserved_user_prefixes: tuple[str, ...] = ()
    reserved_databases: frozenset[str] = frozenset()
    ignore_users: tuple[str, ...] = ()
    ignore_dbs: tuple[str, ...] = ()
    database_name: TextRule = TextRule()
    user_name: TextRule = TextRule()
    password: TextRule = TextRule()
    backup_strategy: str = ''
    replication_strategy: str = ''
    exposed_logs: tuple[str, ...] = ()

    def is_reserved_user(self, name: str) -> bool:
        folded = name.casefold()
        return folded in self.reserved_users or folded.startswith(self.reserved_user_prefixes)

    def is_reserved_database(self, name: str) -> bool:
        return name.casefold() in self.reserved_databases

    def check_host(self, host: str, *, require_valid_ip: bool) -> None:
        """Check the host of a user.

        :raises ValueError: with the end of a sentence.
        """
        check_host(host, matters=self.hosts, require_valid_ip=require_valid_ip)

    def charset(self, character_set: str | None,
                collate: str | None) -> tuple[str | None, str | None]:
        """Return character set and collation, with defaults of the engine.

        :raises ValueError: with the end of a sentence.
        """
        return charsets.resolve(character_set, collate) if self.character_sets else (character_set,
                                                                                     collate)


@functools.cache
def known() -> Mapping[str, Engine]:
    """Return engines by manager, for all with a description."""
    return {path.parent.name: read(path) for path in sorted(TEMPLATES.glob(f'*/{FILE}'))}


def of(manager: str | None) -> Engine:
    """Return the engine of a datastore manager; without a description, one without capabilities."""
    return known().get(manager or '') or Engine(manager=manager or '')


def read(path: pathlib.Path) -> Engine:
    """Return the engine of a description.

    :raises TypeError: the file has an unknown key.
    """
    values: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
    for name in ('database_name', 'user_name', 'password'):
        values[name] = TextRule(**values.get(name, {}))
    for name in ('capabilities', 'reserved_users', 'reserved_databases'):
        values[name] = frozenset(values.get(name, ()))
    for name in ('tcp_ports', 'udp_ports', 'reserved_user_prefixes', 'ignore_users', 'ignore_dbs',
                 'exposed_logs'):
        values[name] = tuple(values.get(name, ()))
    return Engine(manager=path.parent.name, **values)
