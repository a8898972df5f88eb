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

"""Marks against replays: the newest accepted report per guest and kind.

A report that is not newer than its mark is late or replayed, and refused.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, select

from trove.db import heartbeats, upsert
from trove.db.tables.instances import ReplayMark

MARKS = ReplayMark.__table__

#: (instance id, kind) -> (boot id, sequence number)
Seen = dict[tuple[str, str], tuple[str, int]]

_OF = select(MARKS).where(MARKS.c.instance_id.in_(bindparam('ids', expanding=True)))


def load(connection: Connection, ids: Sequence[str]) -> Seen:
    """Return the marks of the instances. Index: primary key."""
    if not ids:
        return {}
    return {(row.instance_id, row.method_name): (row.boot_id, row.seq)
            for row in connection.execute(_OF, {'ids': list(ids)})}


def save(connection: Connection, seen: Mapping[tuple[str, str], tuple[str, int]]) -> None:
    """Move the marks forward in one statement.

    A mark never moves back, even when two conductors save at the same time.
    """
    rows = [{'instance_id': instance, 'method_name': kind, 'boot_id': boot, 'seq': seq}
            for (instance, kind), (boot, seq) in sorted(seen.items())]
    upsert.upsert(connection, MARKS, rows, heartbeats.newer, guarded_by=('seq', 'boot_id'))


def forget(connection: Connection, instance_id: str) -> None:
    """Delete the marks of a deleted instance, which may not report any more."""
    connection.execute(delete(MARKS).where(MARKS.c.instance_id == instance_id))
