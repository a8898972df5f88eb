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

"""Removes for good what was deleted long ago, with all that hangs on it.

A deleted row stays for the records until an operator purges it. Each subject is a table whose rows are marked deleted;
what hangs on a row goes in the same transaction. A test walks all tables and demands that each is accounted for here.
"""

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, Table, and_, delete, func, or_, select

from trove.db.tables import metadata

TABLES = metadata.tables
OPERATIONS = TABLES['operations']
STEPS = TABLES['operation_steps']
EVENTS = TABLES['events']


@dataclasses.dataclass(frozen=True)
class Subject:
    """A table whose rows are marked deleted.

    :ivar resource_type: under which operations and events know it; None when they do not.
    :ivar children: (table, column that names the row), in the order in which they must go.
    :ivar needed_by: (table, column) of rows that must not lose what they refer to.
    """

    table: str
    resource_type: str | None = None
    children: tuple[tuple[str, str], ...] = ()
    needed_by: tuple[tuple[str, str], ...] = ()


SUBJECTS = (
    Subject(
        'instances', 'instance', children=(
            ('instance_addresses', 'instance_id'),
            ('service_statuses', 'instance_id'),
            ('instance_faults', 'instance_id'),
            ('root_enabled_history', 'id'),
            ('conductor_lastseen', 'instance_id'),
            ('command_results', 'instance_id'),
            ('instance_modules', 'instance_id'),
            ('backup_strategy', 'instance_id'),
        ), needed_by=(('instances', 'slave_of_id'),)),
    Subject('backups', 'backup', needed_by=(('backups', 'parent_id'),)),
    Subject('configurations', 'configuration',
            children=(('configuration_parameters', 'configuration_id'),),
            needed_by=(('instances', 'configuration_id'),)),
    Subject('modules', 'module', children=(('instance_modules', 'module_id'),)),
    Subject('datastore_version_metadata'),
)


def candidates(connection: Connection, subject: Subject, before: datetime, limit: int) -> list[str]:
    """Ids of rows that were deleted before a moment and that nothing needs any more, oldest first."""
    table = TABLES[subject.table]
    return list(
        connection.execute(
            select(table.c.id).where(*_purgeable(subject, before)).order_by(
                table.c.deleted_at, table.c.id).limit(limit)).scalars())


def count(connection: Connection, subject: Subject, before: datetime) -> int:
    """How many rows :func:`candidates` would give without a limit."""
    return connection.execute(select(func.count()).select_from(TABLES[subject.table])
                              .where(*_purgeable(subject, before))).scalar_one()


def _purgeable(subject: Subject, before: datetime) -> list:
    table = TABLES[subject.table]
    conditions = [table.c.deleted.is_(True), table.c.deleted_at < before]
    if subject.resource_type is not None:
        # Something may still be removed for it.
        conditions.append(~select(OPERATIONS.c.id).where(
            OPERATIONS.c.resource_type == subject.resource_type, OPERATIONS.c.resource_id ==
            table.c.id, OPERATIONS.c.active == 1).exists())
    for name, column in subject.needed_by:
        other = TABLES[name].alias()
        # What refers to it may itself be purged first, if it is old enough.
        conditions.append(~select(other.c.id).where(
            other.c[column] == table.c.id,
            or_(other.c.deleted.is_(False), other.c.deleted_at >= before)).exists())
    return conditions


def purge(connection: Connection, subject: Subject, ids: Sequence[str]) -> dict[str, int]:
    """Remove rows with all that hangs on them. :returns: table -> number of rows."""
    removed: dict[str, int] = {}
    if not ids:
        return removed
    if subject.resource_type is not None:
        of_these = and_(OPERATIONS.c.resource_type == subject.resource_type,
                        OPERATIONS.c.resource_id.in_(ids))
        operations = list(connection.execute(select(OPERATIONS.c.id).where(of_these)).scalars())
        _remove(connection, removed, STEPS, STEPS.c.operation_id, operations)
        _remove(connection, removed, OPERATIONS, OPERATIONS.c.id, operations)
        _remove(connection, removed, EVENTS, EVENTS.c.resource_id, ids)
    for name, column in (*subject.children,):
        _remove(connection, removed, TABLES[name], TABLES[name].c[column], ids)
    for name, column in subject.needed_by:
        # Rows that are as old and deleted too, and only go with a later batch.
        table = TABLES[name]
        connection.execute(table.update().where(table.c[column].in_(ids)).values({column: None}))
    _remove(connection, removed, TABLES[subject.table], TABLES[subject.table].c.id, ids)
    return removed


def _remove(connection: Connection, removed: dict[str, int], table: Table, column: Column,
            ids: Sequence[str]) -> None:
    if ids:
        done = connection.execute(delete(table).where(column.in_(list(ids)))).rowcount
        removed[table.name] = removed.get(table.name, 0) + done
