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

"""Configuration groups, their values, and their instances."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, true, update

from trove.common.kinds import ResourceType
from trove.common.listing import Order, Window
from trove.db import listing
from trove.db.tables.configurations import Configuration, ConfigurationParameter
from trove.db.tables.datastores import Datastore, DatastoreVersion
from trove.db.tables.instances import Instance
from trove.db.tables.operations import Operation

CONFIGURATIONS = Configuration.__table__
VALUES = ConfigurationParameter.__table__
INSTANCES = Instance.__table__
VERSIONS = DatastoreVersion.__table__
DATASTORES = Datastore.__table__
OPERATIONS = Operation.__table__

_SHOWN = (select(*CONFIGURATIONS.c, VERSIONS.c.name.label('version_name'),
                 VERSIONS.c.version.label('version_number'),
                 DATASTORES.c.name.label('datastore_name')).select_from(
                     CONFIGURATIONS.outerjoin(
                         VERSIONS,
                         VERSIONS.c.id == CONFIGURATIONS.c.datastore_version_id).outerjoin(
                             DATASTORES, DATASTORES.c.id == VERSIONS.c.datastore_id)).where(
                                 CONFIGURATIONS.c.deleted.is_(False)))


# --- reading -------------------------------------------------------------------------------------

def get(connection: Connection, configuration_id: str, *, for_update: bool = False) -> Row | None:
    """Return a live group with the names of its datastore and version. Index: primary key.

    :param for_update: lock the row until the caller's transaction ends.
    """
    statement = _SHOWN.where(CONFIGURATIONS.c.id == configuration_id)
    return connection.execute(
        statement.with_for_update(of=CONFIGURATIONS) if for_update else statement).first()


#: Sort keys of lists.
SORT_KEYS = ('created', 'name', 'updated')


class Filters(NamedTuple):
    """Filters and order of a list of groups; by default, ascending id.
    """

    #: owner; None for all projects
    tenant_id: str | None = None
    name: str | None = None
    #: id or name
    datastore: str | None = None
    window: Window = Window()
    order: Order = Order()


def page(connection: Connection, filters: Filters, *, limit: int,
         marker: str | None = None) -> Sequence[Row]:
    """Return a page of live groups.

    Index: ix_configurations_tenant_id; primary key for all projects.

    :param marker: id of the last row of the previous page.
    """
    conditions = listing.within(CONFIGURATIONS, filters.window)
    for column, value in (('tenant_id', filters.tenant_id), ('name', filters.name)):
        if value is not None:
            conditions.append(CONFIGURATIONS.c[column] == value)
    if filters.datastore is not None:
        conditions.append(
            or_(DATASTORES.c.id == filters.datastore, DATASTORES.c.name == filters.datastore))
    order = listing.columns(CONFIGURATIONS, filters.order)
    if marker:
        conditions.append(listing.behind(CONFIGURATIONS, order, marker, filters.order.descending))
    return connection.execute(_SHOWN.where(*conditions).order_by(
        *listing.directed(order, filters.order.descending)).limit(limit)).all()


def values(connection: Connection, configuration_id: str) -> dict[str, Any]:
    """Return name -> value of a group, in the types of the request. Index: primary key."""
    rows = connection.execute(select(VALUES.c.configuration_key, VALUES.c.configuration_value)
                              .where(VALUES.c.configuration_id == configuration_id)
                              .order_by(VALUES.c.configuration_key))
    return {row.configuration_key: json.loads(row.configuration_value) for row in rows}


def digest(stored: Mapping[str, Any]) -> str:
    """Return a digest that changes with the values of a group."""
    return hashlib.sha256(json.dumps(dict(stored), sort_keys=True).encode()).hexdigest()


def _attached(configuration_id: str, tenant_id: str | None) -> Any:
    conditions = [INSTANCES.c.configuration_id == configuration_id, INSTANCES.c.deleted.is_(False)]
    if tenant_id is not None:
        conditions.append(INSTANCES.c.tenant_id == tenant_id)
    return and_(*conditions)


def count_instances(connection: Connection, configuration_id: str,
                    tenant_id: str | None = None) -> int:
    """Return the number of live instances with a group. Index: the foreign key's.

    :param tenant_id: count only instances of this project.
    """
    return connection.execute(select(func.count()).select_from(INSTANCES)
                              .where(_attached(configuration_id, tenant_id))).scalar() or 0


def instances(connection: Connection, configuration_id: str, tenant_id: str | None, *, limit: int,
              marker: str | None = None) -> Sequence[Row]:
    """Return (id, name, configuration_digest) of live instances with a group, by id.

    Index: the foreign key's.

    :param tenant_id: limit to one project; None for all.
    """
    return connection.execute(
        select(INSTANCES.c.id, INSTANCES.c.name, INSTANCES.c.configuration_digest).where(
            _attached(configuration_id, tenant_id), INSTANCES.c.id
            > (marker or '')).order_by(INSTANCES.c.id).limit(limit)).all()


def outdated_instances(connection: Connection, configuration_id: str,
                       current: str) -> Sequence[Row]:
    """Return live instances with a group and a server that lack its current values, by id.

    Index: the foreign key's.

    :param current: digest of the values.
    :returns: rows (id, tenant_id, operation_id); the last is None if no operation is open.
    """
    statement = (select(INSTANCES.c.id, INSTANCES.c.tenant_id,
                        OPERATIONS.c.id.label('operation_id')).outerjoin(
                            OPERATIONS,
                            and_(OPERATIONS.c.resource_type == ResourceType.INSTANCE,
                                 OPERATIONS.c.active == 1,
                                 OPERATIONS.c.resource_id == INSTANCES.c.id)).where(
                                     _attached(configuration_id, None),
                                     INSTANCES.c.compute_instance_id.is_not(None),
                                     or_(INSTANCES.c.configuration_digest.is_(None),
                                         INSTANCES.c.configuration_digest
                                         != current)).order_by(INSTANCES.c.id))
    return connection.execute(statement).all()


# --- writing -------------------------------------------------------------------------------------


def create(connection: Connection, *, name: str, description: str | None, tenant_id: str,
           version_id: str, new: Mapping[str, Any], now: datetime) -> str:
    """Insert a group with its values and return its id."""
    configuration_id = str(uuid.uuid4())
    connection.execute(
        insert(CONFIGURATIONS).values(id=configuration_id, name=name, description=description,
                                      tenant_id=tenant_id, datastore_version_id=version_id,
                                      created=now, updated=now))
    _insert_values(connection, configuration_id, new)
    return configuration_id


def change(connection: Connection, configuration_id: str, now: datetime, **columns: Any) -> None:
    """Update columns of a group, and always its time of change."""
    connection.execute(update(CONFIGURATIONS).where(CONFIGURATIONS.c.id == configuration_id)
                       .values(updated=now, **columns))


def replace_values(connection: Connection, configuration_id: str, new: Mapping[str, Any]) -> None:
    """Replace all values of a group."""
    connection.execute(delete(VALUES).where(VALUES.c.configuration_id == configuration_id))
    _insert_values(connection, configuration_id, new)


def _insert_values(connection: Connection, configuration_id: str, new: Mapping[str, Any]) -> None:
    if new:
        connection.execute(insert(VALUES), [{
            'configuration_id': configuration_id,
            'configuration_key': key,
            'configuration_value': json.dumps(value)
        } for key, value in new.items()])


def mark_deleted(connection: Connection, configuration_id: str, now: datetime) -> None:
    """Mark a group deleted: delete its values, keep its row."""
    connection.execute(delete(VALUES).where(VALUES.c.configuration_id == configuration_id))
    connection.execute(update(CONFIGURATIONS).where(CONFIGURATIONS.c.id == configuration_id)
                       .values(deleted=true(), deleted_at=now, updated=now))
