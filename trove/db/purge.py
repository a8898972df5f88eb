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

"""Purge of rows that were deleted long ago, with their dependent rows.

A deleted row is kept until an operator purges it. Each subject is a table with a ``deleted`` mark;
dependent rows go in the same transaction. A test checks that every table is listed here.
"""

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, Table, and_, delete, func, or_, select

from trove.common.kinds import ResourceType
from trove.db.tables import metadata

TABLES = metadata.tables
OPERATIONS = TABLES['operations']
STEPS = TABLES['operation_steps']
EVENTS = TABLES['events']


@dataclasses.dataclass(frozen=True)
class Subject:
    """Table with a ``deleted`` mark.

    :ivar resource_type: its type in operations and events; None if it has none.
    :ivar children: (table, foreign key) of dependent rows, in the order of deletion.
    :ivar needed_by: (table, foreign key) of rows that keep a row from being purged.
    """

    table: str
    resource_type: str | None = None
    children: tuple[tuple[str, str], ...] = ()
    needed_by: tuple[tuple[str, str], ...] = ()


SUBJECTS = (
    Subject(
        'instances', ResourceType.INSTANCE, children=(
            ('instance_addresses', 'instance_id'),
            ('service_statuses', 'instance_id'),
            ('instance_faults', 'instance_id'),
            ('root_enabled_history', 'id'),
            ('conductor_lastseen', 'instance_id'),
            ('command_results', 'instance_id'),
            ('instance_modules', 'instance_id'),
            ('backup_strategy', 'instance_id'),
        ), needed_by=(('instances', 'slave_of_id'),)),
    Subject('backups', ResourceType.BACKUP, needed_by=(('backups', 'parent_id'),)),
    Subject('configurations', ResourceType.CONFIGURATION,
            children=(('configuration_parameters', 'configuration_id'),),
            needed_by=(('instances', 'configuration_id'),)),
    Subject('modules', ResourceType.MODULE, children=(('instance_modules', 'module_id'),)),
    Subject('datastore_version_metadata'),
)


def candidates(connection: Connection, subject: Subject, before: datetime, limit: int) -> list[str]:
    """Return ids of rows deleted before a moment that no other row needs, oldest first.
    """
    table = TABLES[subject.table]
    return list(
        connection.execute(
            select(table.c.id).where(*_purgeable(subject, before)).order_by(
                table.c.deleted_at, table.c.id).limit(limit)).scalars())


def count(connection: Connection, subject: Subject, before: datetime) -> int:
    """Return the number of rows of :func:`candidates` without a limit."""
    return connection.execute(select(func.count()).select_from(TABLES[subject.table])
                              .where(*_purgeable(subject, before))).scalar_one()


def _purgeable(subject: Subject, before: datetime) -> list:
    table = TABLES[subject.table]
    conditions = [table.c.deleted.is_(True), table.c.deleted_at < before]
    if subject.resource_type is not None:
        # An open operation may still be deleting parts of the resource.
        conditions.append(~select(OPERATIONS.c.id).where(
            OPERATIONS.c.resource_type == subject.resource_type, OPERATIONS.c.resource_id ==
            table.c.id, OPERATIONS.c.active == 1).exists())
    for name, column in subject.needed_by:
        other = TABLES[name].alias()
        # A referring row does not count if it is old enough to be purged itself.
        conditions.append(~select(other.c.id).where(
            other.c[column] == table.c.id,
            or_(other.c.deleted.is_(False), other.c.deleted_at >= before)).exists())
    return conditions


def purge(connection: Connection, subject: Subject, ids: Sequence[str]) -> dict[str, int]:
    """Delete rows and their dependent rows; return table -> number of deleted rows."""
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
        # These rows are deleted and old enough too, but belong to a later batch.
        table = TABLES[name]
        connection.execute(table.update().where(table.c[column].in_(ids)).values({column: None}))
    _remove(connection, removed, TABLES[subject.table], TABLES[subject.table].c.id, ids)
    return removed


def _remove(connection: Connection, removed: dict[str, int], table: Table, column: Column,
            ids: Sequence[str]) -> None:
    if ids:
        done = connection.execute(delete(table).where(column.in_(list(ids)))).rowcount
        removed[table.name] = removed.get(table.name, 0) + done
