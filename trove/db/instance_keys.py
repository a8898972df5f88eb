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

"""Keys of the guest bus, sealed under the key-encryption key: one for each instance."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, select, update

from trove.db.tables.instances import Instance

INSTANCES = Instance.__table__


def sealed(connection: Connection) -> Sequence[Row]:
    """Return (id, encrypted_key) of every instance that has a key."""
    return connection.execute(select(INSTANCES.c.id, INSTANCES.c.encrypted_key)
                              .where(INSTANCES.c.encrypted_key.is_not(None))).all()


def replace(connection: Connection, instance_id: str, former: str, new: str) -> None:
    """Replace a sealed key, unless another transaction has replaced it meanwhile."""
    connection.execute(
        update(INSTANCES).where(INSTANCES.c.id == instance_id,
                                INSTANCES.c.encrypted_key == former).values(encrypted_key=new))
