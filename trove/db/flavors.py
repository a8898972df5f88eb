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

"""Flavors and volume types, as last read from Nova and Cinder by the task manager."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, insert, select

from trove.db.tables.datastores import Flavor, VolumeType

FLAVORS = Flavor.__table__
VOLUME_TYPES = VolumeType.__table__


def all_of(connection: Connection, region: str) -> Sequence[Row]:
    """Return the flavors of a region, smallest first."""
    return connection.execute(select(FLAVORS).where(FLAVORS.c.region == region)
                              .order_by(FLAVORS.c.ram, FLAVORS.c.vcpus, FLAVORS.c.id)).all()


def get(connection: Connection, region: str, flavor_id: str) -> Row | None:
    return connection.execute(
        select(FLAVORS).where(FLAVORS.c.region == region, FLAVORS.c.id == flavor_id)).first()


def volume_types(connection: Connection, region: str) -> Sequence[Row]:
    """Return the volume types of a region by name."""
    return connection.execute(select(VOLUME_TYPES).where(VOLUME_TYPES.c.region == region)
                              .order_by(VOLUME_TYPES.c.name)).all()


def replace_flavors(connection: Connection, region: str, found: Iterable[Mapping[str, Any]],
                    now: datetime) -> None:
    """Replace the flavors of a region by those of Nova.

    :param found: mappings with the columns of the table but ``region`` and ``seen``.
    """
    _replace(connection, FLAVORS, region, found, now)


def replace_volume_types(connection: Connection, region: str, found: Iterable[Mapping[str, Any]],
                         now: datetime) -> None:
    """Replace the volume types of a region by those of Cinder."""
    _replace(connection, VOLUME_TYPES, region, found, now)


def _replace(connection: Connection, table: Table, region: str, found: Iterable[Mapping[str, Any]],
             now: datetime) -> None:
    rows = [dict(row, region=region, seen=now) for row in found]
    connection.execute(delete(table).where(table.c.region == region))
    if rows:
        connection.execute(insert(table), rows)
