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

"""Last failure of an instance."""

from datetime import datetime

from sqlalchemy import Connection, insert, update

from trove.db import statements
from trove.db.tables.instances import InstanceFault

FAULTS = InstanceFault.__table__


def store(connection: Connection, instance_id: str, message: str, details: str | None,
          now: datetime) -> None:
    """Store a failure, in place of the former one."""
    values = {'created': now, 'message': message[:1024], 'details': details}
    changed = connection.execute(
        update(FAULTS).where(FAULTS.c.instance_id == instance_id).values(**values))
    if not changed.rowcount:
        connection.execute(insert(FAULTS).values(instance_id=instance_id, **values))


def clear(connection: Connection, instance_id: str) -> None:
    statements.delete_rows(connection, FAULTS.c.instance_id, FAULTS.c.instance_id == instance_id)
