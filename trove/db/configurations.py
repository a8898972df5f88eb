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

"""Statements on configuration groups."""

from sqlalchemy import Connection, Row, select

from trove.db.tables.configurations import Configuration

CONFIGURATIONS = Configuration.__table__


def get(connection: Connection, configuration_id: str) -> Row | None:
    """A live configuration group by id. Index: the primary key."""
    return connection.execute(select(CONFIGURATIONS).where(CONFIGURATIONS.c.id == configuration_id,
                                                           CONFIGURATIONS.c.deleted.is_(False))).first()
