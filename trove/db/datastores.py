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

"""Datastores, their versions, and the parameters and restrictions of versions."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, false, func, insert, or_, select, update

from trove.db.tables.backups import Backup
from trove.db.tables.configurations import Configuration
from trove.db.tables.datastores import (Datastore, DatastoreConfigurationParameter,
                                        DatastoreVersion, DatastoreVersionMetadata)
from trove.db.tables.instances import Instance

DATASTORES = Datastore.__table__
VERSIONS = DatastoreVersion.__table__
METADATA = DatastoreVersionMetadata.__table__
PARAMETERS = DatastoreConfigurationParameter.__table__
CONFIGURATIONS = Configuration.__table__

_VERSION_COLUMNS = [
    *VERSIONS.c,
    DATASTORES.c.name.label('datastore_name'), DATASTORES.c.default_version_id
]
_VERSION_SOURCE = VERSIONS.join(DATASTORES, DATASTORES.c.id == VERSIONS.c.datastore_id)


# --- reading -------------------------------------------------------------------------------------

def all_datastores(connection: Connection) -> Sequence[Row]:
    """Return all datastores by name."""
    return connection.execute(select(DATASTORES).order_by(DATASTORES.c.name)).all()


def find(connection: Connection, id_or_name: str) -> Row | None:
    """Return a datastore by id or name."""
    return connection.execute(
        select(DATASTORES).where(or_(DATASTORES.c.id == id_or_name,
                                     DATASTORES.c.name == id_or_name))).first()


def versions(connection: Connection, datastore_id: str | None = None, *,
             only_active: bool = False) -> Sequence[Row]:
    """Return versions of one datastore or of all, by datastore, name and number.

    Rows include ``datastore_name``.
    """
    statement = select(*_VERSION_COLUMNS).select_from(_VERSION_SOURCE)
    if datastore_id is not None:
        statement = statement.where(VERSIONS.c.datastore_id == datastore_id)
    if only_active:
        statement = statement.where(VERSIONS.c.active.is_(True))
    return connection.execute(
        statement.order_by(DATASTORES.c.name, VERSIONS.c.name, VERSIONS.c.version)).all()


def version(connection: Connection, version_id: str) -> Row | None:
    """Return a version with ``datastore_name``."""
    return connection.execute(select(*_VERSION_COLUMNS).select_from(_VERSION_SOURCE)
                              .where(VERSIONS.c.id == version_id)).first()


def find_versions(connection: Connection, datastore_id: str, id_or_name: str,
                  number: str | None = None) -> Sequence[Row]:
    """Return the versions of a datastore that match an id or name, and a number."""
    statement = (select(*_VERSION_COLUMNS).select_from(_VERSION_SOURCE)
                 .where(VERSIONS.c.datastore_id == datastore_id,
                        or_(VERSIONS.c.id == id_or_name, VERSIONS.c.name == id_or_name)))
    if number is not None:
        statement = statement.where(VERSIONS.c.version == number)
    return connection.execute(statement).all()


def bound(connection: Connection, version_id: str, key: str) -> list[str]:
    """Return the values that a version is restricted to; empty if all are allowed.

    :param key: ``flavor`` or ``volume_type``.
    """
    return list(connection.execute(select(METADATA.c.value).where(
        METADATA.c.datastore_version_id == version_id, METADATA.c.key == key,
        METADATA.c.deleted.is_(False)).order_by(METADATA.c.value)).scalars())


def uses_of_version(connection: Connection, version_id: str) -> dict[str, int]:
    """Return the number of live instances, backups and configuration groups of a version.

    An instance that is being upgraded to the version counts too.
    """
    found = {}
    for name, table in (('instances', Instance.__table__), ('backups', Backup.__table__),
                        ('configurations', Configuration.__table__)):
        refers = table.c.datastore_version_id == version_id
        if name == 'instances':
            refers = or_(refers, table.c.desired_version_id == version_id)
        found[name] = connection.execute(
            select(func.count()).select_from(table).where(refers,
                                                          table.c.deleted.is_(False))).scalar() or 0
    return found


# --- writing -------------------------------------------------------------------------------------

def ensure_datastore(connection: Connection, name: str) -> str:
    """Return the id of the datastore of a name; create it if it is missing."""
    row = connection.execute(select(DATASTORES.c.id).where(DATASTORES.c.name == name)).first()
    if row is not None:
        return row.id
    datastore_id = str(uuid.uuid4())
    connection.execute(insert(DATASTORES).values(id=datastore_id, name=name))
    return datastore_id


def set_default_version(connection: Connection, datastore_id: str, version_id: str | None) -> None:
    connection.execute(update(DATASTORES).where(DATASTORES.c.id == datastore_id)
                       .values(default_version_id=version_id))


def delete_datastore(connection: Connection, datastore_id: str) -> None:
    connection.execute(delete(DATASTORES).where(DATASTORES.c.id == datastore_id))


def put_version(connection: Connection, datastore_id: str, name: str, number: str,
                values: dict[str, Any]) -> str:
    """Create or update the version of a name and number, and return its id.

    :param values: other columns of ``datastore_versions``.
    """
    same = and_(VERSIONS.c.datastore_id == datastore_id, VERSIONS.c.name == name,
                VERSIONS.c.version == number)
    row = connection.execute(select(VERSIONS.c.id).where(same)).first()
    if row is not None:
        connection.execute(update(VERSIONS).where(VERSIONS.c.id == row.id).values(**values))
        return row.id
    version_id = str(uuid.uuid4())
    connection.execute(
        insert(VERSIONS).values(id=version_id, datastore_id=datastore_id, name=name, version=number,
                                **values))
    return version_id


def create_version(connection: Connection, datastore_id: str, values: Mapping[str, Any]) -> str:
    """Insert a version and return its id.

    :param values: other columns of ``datastore_versions``.
    :raises oslo_db.exception.DBDuplicateEntry: the datastore has a version of that name and number.
    """
    version_id = str(uuid.uuid4())
    connection.execute(insert(VERSIONS).values(id=version_id, datastore_id=datastore_id, **values))
    return version_id


def change_version(connection: Connection, version_id: str, **columns: Any) -> None:
    """Update columns of a version.

    :raises oslo_db.exception.DBDuplicateEntry: as :func:`create_version`.
    """
    if columns:
        connection.execute(update(VERSIONS).where(VERSIONS.c.id == version_id).values(**columns))


def delete_version(connection: Connection, version_id: str) -> None:
    """Delete an unused version, its parameters and deleted groups, and unset it as default.
    """
    connection.execute(delete(PARAMETERS).where(PARAMETERS.c.datastore_version_id == version_id))
    connection.execute(delete(METADATA).where(METADATA.c.datastore_version_id == version_id))
    connection.execute(update(DATASTORES).where(DATASTORES.c.default_version_id == version_id)
                       .values(default_version_id=None))
    connection.execute(
        delete(CONFIGURATIONS).where(CONFIGURATIONS.c.datastore_version_id == version_id,
                                     CONFIGURATIONS.c.deleted.is_(True)))
    for table in (Instance.__table__, Backup.__table__):
        connection.execute(
            update(table).where(table.c.datastore_version_id == version_id,
                                table.c.deleted.is_(True)).values(datastore_version_id=None))
    connection.execute(delete(VERSIONS).where(VERSIONS.c.id == version_id))


def bind(connection: Connection, version_id: str, key: str, value: str, now: datetime) -> bool:
    """Add a value to those that a version is restricted to.

    :returns: False if the value was bound already.
    """
    same = and_(METADATA.c.datastore_version_id == version_id, METADATA.c.key == key,
                METADATA.c.value == value)
    row = connection.execute(select(METADATA.c.id, METADATA.c.deleted).where(same)).first()
    if row is None:
        connection.execute(
            insert(METADATA).values(id=str(uuid.uuid4()), datastore_version_id=version_id, key=key,
                                    value=value, created=now, deleted=false()))
        return True
    if row.deleted:
        connection.execute(update(METADATA).where(METADATA.c.id == row.id)
                           .values(deleted=false(), deleted_at=None, updated_at=now))
    return bool(row.deleted)


def unbind(connection: Connection, version_id: str, key: str, value: str) -> bool:
    """Remove a value from those that a version is restricted to.

    :returns: False if the value was not bound.
    """
    return bool(connection.execute(delete(METADATA).where(
        METADATA.c.datastore_version_id == version_id, METADATA.c.key == key,
        METADATA.c.value == value)).rowcount)


def parameters(connection: Connection, version_id: str) -> Sequence[Row]:
    """Return the parameter rules of a version by name."""
    return connection.execute(
        select(PARAMETERS).where(PARAMETERS.c.datastore_version_id == version_id).order_by(
            PARAMETERS.c.name)).all()


def parameter(connection: Connection, version_id: str, name: str) -> Row | None:
    """Return the rule of a parameter; the case of its name does not matter.

    Index:
    uq_datastore_configuration_parameters_name.
    """
    return connection.execute(
        select(PARAMETERS).where(PARAMETERS.c.datastore_version_id == version_id,
                                 func.lower(PARAMETERS.c.name) == name.lower())).first()


def create_parameter(connection: Connection, version_id: str, rule: Mapping[str, Any]) -> None:
    """Insert the rule of a parameter.

    :param rule: columns of the table but ids.
    """
    connection.execute(
        insert(PARAMETERS).values(id=str(uuid.uuid4()), datastore_version_id=version_id, **rule))


def change_parameter(connection: Connection, parameter_id: str, **columns: Any) -> None:
    connection.execute(update(PARAMETERS).where(PARAMETERS.c.id == parameter_id).values(**columns))


def delete_parameter(connection: Connection, parameter_id: str) -> None:
    connection.execute(delete(PARAMETERS).where(PARAMETERS.c.id == parameter_id))


def replace_parameters(connection: Connection, version_id: str, rules: Sequence[dict[str,
                                                                                     Any]]) -> None:
    """Replace the parameter rules of a version (columns of the table but ids)."""
    connection.execute(delete(PARAMETERS).where(PARAMETERS.c.datastore_version_id == version_id))
    rows = [dict(rule, id=str(uuid.uuid4()), datastore_version_id=version_id) for rule in rules]
    if rows:
        connection.execute(insert(PARAMETERS), rows)
