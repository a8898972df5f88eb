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

"""Addresses of instances: those shown to users, and those of the management network."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, insert, select

from trove.db import statements
from trove.db.tables.instances import InstanceAddress

ADDRESSES = InstanceAddress.__table__

_SHOWN_OF = (select(ADDRESSES).where(
    ADDRESSES.c.instance_id.in_(bindparam('ids', expanding=True)), ADDRESSES.c.kind
    != 'management').order_by(ADDRESSES.c.instance_id, ADDRESSES.c.kind, ADDRESSES.c.family,
                              ADDRESSES.c.address))


def shown_of(connection: Connection, ids: Iterable[str]) -> dict[str, list[Row]]:
    """Return instance id -> addresses that users may see.

    Index: ix_instance_addresses_instance_id.
    """
    return statements.grouped(connection.execute(_SHOWN_OF, {'ids': list(ids)}), 'instance_id')


def all_of(connection: Connection, instance_id: str) -> Sequence[Row]:
    """Return all addresses of an instance, including those of the management network.

    Index: ix_instance_addresses_instance_id.
    """
    return connection.execute(
        select(ADDRESSES).where(ADDRESSES.c.instance_id == instance_id).order_by(
            ADDRESSES.c.kind, ADDRESSES.c.family, ADDRESSES.c.address)).all()


def replace(connection: Connection, instance_id: str, found: Iterable[Mapping[str, Any]],
            kinds: Iterable[str]) -> None:
    """Replace the stored addresses of some kinds.

    :param found: mappings with kind, address, family, and port_id, network_id, subnet_id, mac if
        known.
    """
    statements.delete_rows(connection, ADDRESSES.c.id,
                           and_(ADDRESSES.c.instance_id == instance_id,
                                ADDRESSES.c.kind.in_(list(kinds))))
    rows = [dict(row, id=str(uuid.uuid4()), instance_id=instance_id) for row in found]
    if rows:
        connection.execute(insert(ADDRESSES), rows)
