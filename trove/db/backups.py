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

"""Statements about backups."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from trove.db.tables.backups import Backup

BACKUPS = Backup.__table__

#: States out of which a guest may move a backup; the others are final, or the control plane's.
UNFINISHED = ('NEW', 'BUILDING', 'SAVING')


def report(connection: Connection, instance_id: str, backup_id: str, now: datetime,
           values: Mapping[str, Any]) -> bool:
    """Store what a guest says of a backup of its own. Index: primary key.

    :param values: state and any of size, checksum, location, backup_type.
    :returns: False when there is no such unfinished backup of this instance.
    """
    changed = connection.execute(
        update(BACKUPS)
        .where(BACKUPS.c.id == backup_id, BACKUPS.c.instance_id == instance_id, BACKUPS.c.deleted.is_(False),
               BACKUPS.c.state.in_(UNFINISHED))
        .values(updated=now, **values))
    return bool(changed.rowcount)


def fail_running(connection: Connection, instance_id: str, now: datetime) -> int:
    """End the unfinished backups of an instance as failed.

    :returns: how many.
    """
    return connection.execute(
        update(BACKUPS)
        .where(BACKUPS.c.instance_id == instance_id, BACKUPS.c.deleted.is_(False), BACKUPS.c.state.in_(UNFINISHED))
        .values(state='FAILED', updated=now)).rowcount


def get(connection: Connection, backup_id: str) -> Row | None:
    """A live backup by id. Index: primary key."""
    return connection.execute(select(BACKUPS).where(BACKUPS.c.id == backup_id, BACKUPS.c.deleted.is_(False))).first()
