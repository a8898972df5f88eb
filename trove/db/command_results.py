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

"""Results of commands to guests: stored by the conductor, read by the step that waits for them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select

from trove.common.kinds import ResourceType
from trove.db import upsert
from trove.db.tables.instances import CommandResult
from trove.db.tables.operations import Operation

OPERATIONS = Operation.__table__
RESULTS = CommandResult.__table__

_OPEN = select(OPERATIONS.c.resource_id, OPERATIONS.c.id).where(
    OPERATIONS.c.resource_type == ResourceType.INSTANCE,
    OPERATIONS.c.resource_id.in_(bindparam('ids', expanding=True)), OPERATIONS.c.active == 1)
_KNOWN = select(RESULTS.c.operation_id, RESULTS.c.command_id).where(
    RESULTS.c.operation_id.in_(bindparam('ids', expanding=True)))


def get(connection: Connection, command_id: str) -> Row | None:
    """Return the result of a command; None until the guest has reported it."""
    return connection.execute(select(RESULTS).where(RESULTS.c.command_id == command_id)).first()


def open_operations(connection: Connection, instance_ids: Sequence[str]) -> dict[str, str]:
    """Return instance id -> id of its open operation. Index: uq_operations_open."""
    return {
        row.resource_id: row.id
        for row in connection.execute(_OPEN, {'ids': list(instance_ids)})
    }


def known(connection: Connection, operation_ids: Sequence[str]) -> dict[str, set[str]]:
    """Return operation id -> ids of its commands with a result.

    Index: ix_command_results_operation_id.
    """
    found: dict[str, set[str]] = {}
    for row in connection.execute(_KNOWN, {'ids': list(operation_ids)}):
        found.setdefault(row.operation_id, set()).add(row.command_id)
    return found


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store results in one statement; the first result of a command wins.

    :param rows: mappings with command_id, instance_id, operation_id, kind, outcome, step,
        error_code, message, data (an object) and received; no command twice.
    """
    upsert.insert_new(connection, RESULTS,
                      [dict(row, data=json.dumps(row['data'])) for row in rows])


def purge(connection: Connection, before: datetime) -> int:
    """Delete results received before a time; only open operations need them.

    :returns: the number of deleted rows.
    """
    return connection.execute(delete(RESULTS).where(RESULTS.c.received < before)).rowcount
