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

"""Backup strategies: the default destination of backups of a project or of one instance."""

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime

from oslo_db import exception as db_exception
from sqlalchemy import Connection, Row, delete, insert, select, update

from trove.db.tables.backups import BackupStrategy

LOG = logging.getLogger(__name__)
STRATEGIES = BackupStrategy.__table__

#: Value of ``instance_id`` for the whole project.
WHOLE_PROJECT = ''


def of_project(connection: Connection, tenant_id: str,
               instance_id: str | None = None) -> Sequence[Row]:
    """Return the strategies of a project, that of the whole project first.

    Index: uq_backup_strategy_tenant_instance.

    :param instance_id: limit to one instance.
    """
    statement = (select(STRATEGIES).where(STRATEGIES.c.tenant_id == tenant_id)
                 .order_by(STRATEGIES.c.instance_id, STRATEGIES.c.id))
    if instance_id is not None:
        statement = statement.where(STRATEGIES.c.instance_id == instance_id)
    return connection.execute(statement).all()


def container(connection: Connection, tenant_id: str, instance_id: str) -> str | None:
    """Return the container for backups of an instance, by its own strategy or its project's."""
    rows = connection.execute(select(STRATEGIES.c.swift_container)
                              .where(STRATEGIES.c.tenant_id == tenant_id,
                                     STRATEGIES.c.instance_id.in_([instance_id, WHOLE_PROJECT]))
                              .order_by(STRATEGIES.c.instance_id.desc()))
    return rows.scalars().first()


def put(connection: Connection, tenant_id: str, instance_id: str, backend: str,
        swift_container: str, now: datetime) -> None:
    """Create or update the strategy of a project or of one of its instances."""
    mine = (STRATEGIES.c.tenant_id == tenant_id, STRATEGIES.c.instance_id == instance_id)
    values = {'backend': backend, 'swift_container': swift_container, 'updated': now}
    # Select first: an UPDATE without a match would lock the gap into which another request inserts.
    if connection.execute(select(STRATEGIES.c.id).where(*mine)).first() is None:
        try:
            with connection.begin_nested():
                connection.execute(
                    insert(STRATEGIES).values(id=str(uuid.uuid4()), tenant_id=tenant_id,
                                              instance_id=instance_id, created=now, **values))
            return
        except db_exception.DBDuplicateEntry:
            LOG.debug('Another request made the backup strategy of project %s first.', tenant_id)
    connection.execute(update(STRATEGIES).where(*mine).values(**values))


def remove(connection: Connection, tenant_id: str, instance_id: str) -> None:
    """Delete the strategy of a project or of one of its instances, if one exists."""
    connection.execute(delete(STRATEGIES).where(STRATEGIES.c.tenant_id == tenant_id,
                                                STRATEGIES.c.instance_id == instance_id))
