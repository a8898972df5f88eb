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

"""Service status of a guest as set by the control plane; heartbeats.py stores what guests report.
"""

from datetime import datetime

from sqlalchemy import Connection, update

from trove.common.states import ServiceStatus as Status
from trove.db.tables.instances import ServiceStatus

STATUSES = ServiceStatus.__table__


def set_status(connection: Connection, instance_id: str, status: str, now: datetime,
               reason: str | None = None) -> None:
    """Set the status of a guest without counting as its heartbeat."""
    connection.execute(update(STATUSES).where(STATUSES.c.instance_id == instance_id)
                       .values(status=status, reason=reason))


def reset(connection: Connection, instance_id: str) -> None:
    """Set the status of a guest to unknown until its next heartbeat."""
    connection.execute(update(STATUSES).where(STATUSES.c.instance_id == instance_id)
                       .values(status=Status.UNKNOWN, reason=None, updated_at=None))
