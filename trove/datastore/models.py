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

"""Datastores and versions: which one is meant by what a caller wrote.

A datastore that is not there is 404. A version is 404 when an id inside a datastore was given and 400 when a name was:
clients tell by the code whether they mistyped a path or a value.
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
    """:raises trove.common.exception.NotFound:"""
    row = datastores.find(connection, id_or_name)
    if row is None:
        raise exception.NotFound(f"Datastore '{id_or_name[:255]}' cannot be found.")
    return row


def find_version(connection: Connection, datastore: Row, id_or_name: str,
                 number: str | None = None) -> Row:
    """:raises trove.common.exception.NotFound, BadRequest: unknown, or a name that several versions have."""
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
    """:raises trove.common.exception.BadRequest:"""
    row = datastores.version(connection, version_id)
    if row is None:
        raise exception.BadRequest(f"Datastore version '{version_id[:255]}' cannot be found.")
    return row


def resolve(connection: Connection, datastore: str | None, version: str | None,
            number: str | None) -> Row:
    """The version a request for something new means: what it names, and the operator's defaults for the rest.

    :raises trove.common.exception.NotFound, BadRequest:
    """
    wanted = datastore or CONF.default_datastore
    if not wanted:
        raise exception.BadRequest(
            'No datastore was given and the operator has set no default; name a datastore.')
    parent = find(connection, wanted)
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
    """What the caller may see of a list of versions."""
    return versions if context.is_admin else [row for row in versions if row.active]
