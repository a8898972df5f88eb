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

"""Record of root access to instances; kept after their deletion."""

from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from trove.db.tables.instances import RootEnabledHistory

ROOT = RootEnabledHistory.__table__


def get(connection: Connection, instance_id: str) -> Row | None:
    return connection.execute(select(ROOT).where(ROOT.c.id == instance_id)).first()


def record_enabled(connection: Connection, instance_id: str, user: str | None,
                   now: datetime) -> None:
    """Record that root is enabled. The first user and time never change."""
    changed = connection.execute(
        update(ROOT).where(ROOT.c.id == instance_id).values(enabled_at=now, deleted_at=None))
    if not changed.rowcount:
        connection.execute(
            insert(ROOT).values(id=instance_id, user=user, created=now, enabled_at=now))


def record_disabled(connection: Connection, instance_id: str, now: datetime) -> None:
    connection.execute(update(ROOT).where(ROOT.c.id == instance_id).values(deleted_at=now))
