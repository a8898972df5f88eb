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

"""What guests report of themselves, written many at a time."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, literal_column, or_, select

from trove.common.states import ServiceStatus as Status
from trove.db import upsert
from trove.db.tables.instances import Instance, ServiceStatus

INSTANCES = Instance.__table__
STATUSES = ServiceStatus.__table__

_SENDERS = (select(INSTANCES.c.id, INSTANCES.c.encrypted_key, INSTANCES.c.deleted,
                   INSTANCES.c.boot_epoch,
                   INSTANCES.c.restart_required, STATUSES.c.facts).outerjoin(
                       STATUSES, STATUSES.c.instance_id == INSTANCES.c.id).where(
                           INSTANCES.c.id.in_(bindparam('ids', expanding=True))))


def senders(connection: Connection, ids: Sequence[str]) -> Sequence[Row]:
    """What is needed to judge reports of these guests: id, encrypted_key, deleted, boot_epoch, restart_required, and
    facts of the report before. Index: primary key.
    """
    return connection.execute(_SENDERS, {'ids': list(ids)}).all() if ids else []


def newer(stored: Any, arriving: Any) -> ColumnElement[bool]:
    """Whether a report follows the one stored, in the guest's own order."""
    return or_(stored.boot_id.is_(None), stored.boot_id < arriving.boot_id,
               and_(stored.boot_id == arriving.boot_id, stored.seq < arriving.seq))


def _newer_and_alive(stored: Any, arriving: Any) -> ColumnElement[bool]:
    # A report that was judged just before its instance was deleted must not bring it back.
    return and_(stored.status != literal_column(f"'{Status.DELETED}'"), newer(stored, arriving))


def save(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store reports, one statement. Index: primary key.

    :param rows: at most one per instance, with instance_id, status, reason, updated_at, boot_id, seq, agent_version,
        engine_version, volume_total, volume_used and facts (an object).
    """
    upsert.upsert(connection, STATUSES, [dict(row, facts=json.dumps(row['facts'])) for row in rows],
                  _newer_and_alive, guarded_by=('status', 'seq', 'boot_id'))
