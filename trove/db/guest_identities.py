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

"""Instances that have an identity on the guest bus."""

from typing import Any

from sqlalchemy import Connection, Row, Select, select

from trove.common.kinds import OperationKind, ResourceType
from trove.db.tables.instances import Instance
from trove.db.tables.operations import Operation

INSTANCES = Instance.__table__
OPERATIONS = Operation.__table__

#: Operations that make or remove the identity themselves.
_OWNERS = (OperationKind.INSTANCE_CREATE, OperationKind.INSTANCE_DELETE)


def _statement() -> Select[Any]:
    owned = select(OPERATIONS.c.id).where(
        OPERATIONS.c.resource_type == ResourceType.INSTANCE,
        OPERATIONS.c.resource_id == INSTANCES.c.id,
        OPERATIONS.c.active == 1, OPERATIONS.c.kind.in_(_OWNERS)).exists()
    return select(INSTANCES.c.id, INSTANCES.c.tenant_id, INSTANCES.c.encrypted_key).where(
        INSTANCES.c.deleted.is_(False), INSTANCES.c.encrypted_key.is_not(None),
        INSTANCES.c.compute_instance_id.is_not(None), ~owned)


def expected(connection: Connection) -> dict[str, Row]:
    """Return id, project and sealed key of the instances that must have an identity, by id.

    Instances that are being created or deleted are left to their operation. Reads the whole table
    of instances.
    """
    return {row.id: row for row in connection.execute(_statement())}


def expected_one(connection: Connection, instance_id: str) -> Row | None:
    """Return the row of one instance as :func:`expected` does, None if it needs no identity."""
    return connection.execute(_statement().where(INSTANCES.c.id == instance_id)).first()
