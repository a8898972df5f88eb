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

"""Datastores and versions: lookup by id, name or version number.

An unknown datastore is 404. An unknown version of a datastore is 404 by id and 400 by name, so that
clients can distinguish a wrong path from a wrong value.
"""

import re
from typing import Any

from oslo_config import cfg
from trove.db.session import Connection, Row

from trove.common import exception
from trove.common.http import schemas
from trove.db import datastores

CONF = cfg.CONF

_UUID = re.compile(schemas.UUID['pattern'])


def find(connection: Connection, id_or_name: str) -> Row:
    """:raises trove.common.exception.NotFound: no such datastore."""
    row = datastores.find(connection, id_or_name)
    if row is None:
        raise exception.NotFound(f"Datastore '{id_or_name[:255]}' cannot be found.")
    return row


def find_version(connection: Connection, datastore: Row, id_or_name: str,
                 number: str | None = None) -> Row:
    """Return a version of a datastore.

    :raises trove.common.exception.NotFound, BadRequest: no version, or several, match.
    """
    found = datastores.find_versions(connection, datastore.id, id_or_name, number)
    if not found:
        sentence = f"Datastore version '{id_or_name[:255]}' cannot be found."
        raise exception.NotFound(sentence) if _UUID.match(id_or_name) else exception.BadRequest(
            sentence)
    if len(found) > 1:
        raise exception.BadRequest(
            f"Multiple datastore versions with name '{id_or_name}': use its id, or name its "
            f"version_number.")
    return found[0]


def version_by_id(connection: Connection, version_id: str) -> Row:
    """:raises trove.common.exception.BadRequest: no such version."""
    row = datastores.version(connection, version_id)
    if row is None:
        raise exception.BadRequest(f"Datastore version '{version_id[:255]}' cannot be found.")
    return row


def resolve(connection: Connection, datastore: str | None, version: str | None,
            number: str | None) -> Row:
    """Return the version of a create: the named one, else the operator's defaults.

    :raises trove.common.exception.NotFound, BadRequest: no version, or several, match.
    """
    name = datastore or CONF.default_datastore
    if not name:
        raise exception.BadRequest(
            'No datastore was given and the operator has set no default; name a datastore.')
    parent = find(connection, name)
    if version:
        return find_version(connection, parent, version, number)
    if number:
        return _by_number(connection, parent, number)
    if not parent.default_version_id:
        raise exception.BadRequest(
            f"Datastore '{parent.name}' has no default version; name a datastore version.")
    return version_by_id(connection, parent.default_version_id)


def _by_number(connection: Connection, parent: Row, number: str) -> Row:
    found = [row for row in datastores.versions(connection, parent.id) if row.version == number]
    if not found:
        raise exception.BadRequest(f"Datastore version number '{number}' cannot be found.")
    if len(found) > 1:
        raise exception.BadRequest(
            f"Multiple datastore versions with version number '{number}': name the version.")
    return found[0]


def visible(context: Any, versions: list[Row]) -> list[Row]:
    """Return the versions that the caller may see: administrators see inactive ones too."""
    return versions if context.is_admin else [row for row in versions if row.active]
