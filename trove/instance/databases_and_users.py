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

"""Checks of the databases and users of a request, at the creation of an instance and later.

The results are sent to the guest: every key set, character sets and hosts resolved.
"""

from collections.abc import Iterable
from typing import Any

from oslo_config import cfg

from trove.common import engines, exception, names

CONF = cfg.CONF


def reserved_databases(manager: str) -> frozenset[str]:
    return frozenset(CONF[manager].ignore_dbs) if manager in CONF else frozenset()


def reserved_users(manager: str) -> frozenset[str]:
    return frozenset(CONF[manager].ignore_users) if manager in CONF else frozenset()


def check_databases(manager: str, databases: Iterable[dict[str, Any]],
                    path: str) -> list[dict[str, Any]]:
    """Return the databases to create.

    :param path: path of the list in the request, for messages.
    :raises trove.common.exception.BadRequest: the message names the field.
    """
    rules = engines.of(manager)
    checked: list[dict[str, Any]] = []
    seen: set[str] = set()
    for index, database in enumerate(databases):
        name, place = database['name'], f'{path}[{index}]'
        check_database_name(manager, name, f"{place}['name']")
        if name in seen:
            raise exception.BadRequest(f"{place}['name'] '{name}' is named twice.")
        seen.add(name)
        try:
            charset, collation = rules.charset(database.get('character_set'),
                                               database.get('collate'))
        except ValueError as error:
            raise exception.BadRequest(f'{place} {error}.') from None
        checked.append({'name': name, 'character_set': charset, 'collate': collation})
    return checked


def check_database_name(manager: str, name: str, path: str) -> None:
    """Refuse a reserved or invalid name.

    :raises trove.common.exception.BadRequest: the message names the field.
    """
    engine = engines.of(manager)
    hidden = {reserved.casefold() for reserved in reserved_databases(manager)}
    if name.casefold() in hidden or engine.is_reserved_database(name):
        raise exception.BadRequest(f"{path} '{name}' is reserved.")
    try:
        engine.database_name.check(name)
    except ValueError as error:
        raise exception.BadRequest(f"{path} '{name[:80]}' {error}.") from None


def check_users(manager: str, users: Iterable[dict[str, Any]], path: str, *,
                known_databases: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Return the users to create, or to set passwords of.

    :param known_databases: allowed databases of the users; None for any.
    :raises trove.common.exception.BadRequest: the message names the field, never a password.
    """
    known = None if known_databases is None else set(known_databases)
    checked: list[dict[str, Any]] = []
    seen: set[tuple[str, str]] = set()
    for index, user in enumerate(users):
        place = f'{path}[{index}]'
        host = user.get('host', names.ANY_HOST)
        check_user_name(manager, user['name'], f"{place}['name']")
        check_host(manager, host, f"{place}['host']")
        check_password(manager, user['password'], f"{place}['password']")
        if (user['name'], host) in seen:
            raise exception.BadRequest(f"{place} '{user['name']}'@'{host}' is named twice.")
        seen.add((user['name'], host))
        granted = [database['name'] for database in user.get('databases', ())]
        for position, name in enumerate(granted):
            where = f"{place}['databases'][{position}]['name']"
            check_database_name(manager, name, where)
            if known is not None and name not in known:
                raise exception.BadRequest(
                    f"{where} '{name}' is not among the databases of the request.")
        checked.append({'name': user['name'], 'password': user['password'], 'host': host,
                        'databases': [{'name': name} for name in granted]})
    return checked


def check_user_name(manager: str, name: str, path: str) -> None:
    """Refuse a reserved or invalid name.

    :raises trove.common.exception.BadRequest: the message names the field.
    """
    engine = engines.of(manager)
    if name in reserved_users(manager) or engine.is_reserved_user(name):
        raise exception.BadRequest(f"{path} '{name}' is reserved.")
    try:
        engine.user_name.check(name)
    except ValueError as error:
        raise exception.BadRequest(f"{path} '{name[:80]}' {error}.") from None


def check_host(manager: str, host: str, path: str) -> None:
    """Refuse an invalid host.

    :raises trove.common.exception.BadRequest: the message names the field.
    """
    try:
        engines.of(manager).check_host(host, require_valid_ip=CONF.hostname_require_valid_ip)
    except ValueError as error:
        raise exception.BadRequest(f"{path} '{host[:80]}' {error}.") from None


def check_password(manager: str, password: str, path: str) -> None:
    """Refuse an invalid password.

    :raises trove.common.exception.BadRequest: the message names the field, never the password.
    """
    try:
        engines.of(manager).password.check(password)
    except ValueError as error:
        raise exception.BadRequest(f'{path} {error}.') from None
