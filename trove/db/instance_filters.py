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

"""Filters and orders of lists of instances."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, and_, bindparam, case, cast, or_, select

from trove.common import states
from trove.common.kinds import OperationKind
from trove.common.listing import Order, Window
from trove.db import listing
from trove.db.instances import COLUMNS, DATASTORES, INSTANCES, VERSIONS, with_all_parts

#: Sort keys of lists.
SORT_KEYS = ('created', 'name', 'updated')


class Filters(NamedTuple):
    """Filters and order of a list of instances; by default, ascending id.
    """

    name: str | None = None
    #: id or name
    datastore: str | None = None
    replica_of: str | None = None
    #: one of :data:`trove.common.states.SHOWN`
    status: str | None = None
    window: Window = Window()
    order: Order = Order()
    include_clustered: bool = False

    @property
    def is_plain(self) -> bool:
        return self._replace(include_clustered=False) == Filters()


def narrowed(filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions on ``instances``. The statement needs a parameter ``tenant_id``."""
    conditions = listing.within(INSTANCES, filters.window)
    if filters.name is not None:
        conditions.append(INSTANCES.c.name == filters.name)
    if filters.replica_of is not None:
        conditions.append(INSTANCES.c.slave_of_id == filters.replica_of)
    if filters.datastore is not None:
        versions = select(VERSIONS.c.id).join(DATASTORES,
                                              DATASTORES.c.id == VERSIONS.c.datastore_id).where(
                                                  or_(DATASTORES.c.id == filters.datastore,
                                                      DATASTORES.c.name == filters.datastore))
        conditions.append(INSTANCES.c.datastore_version_id.in_(versions))
    if filters.status is not None:
        found = (select(INSTANCES.c.id).select_from(with_all_parts(INSTANCES)).where(
            INSTANCES.c.tenant_id == bindparam('tenant_id'), INSTANCES.c.deleted.is_(False),
            shown_status(COLUMNS) == filters.status))
        conditions.append(INSTANCES.c.id.in_(found.subquery().select()))
    return conditions


def shown_status(columns: Mapping[str, Any]) -> ColumnElement[str]:
    """Return :func:`trove.common.states.shown` as an expression; a test compares the two.

    :param columns: name -> column, for the fields of :class:`trove.common.states.Facts`.
    """
    kind, server = columns['operation_kind'], columns['server_status']
    server_word = case(
        (or_(server.is_(None), server == ''), 'SHUTDOWN'),
        *((server == word, shown) for word, shown in states.SERVER_WORDS.items()), else_='UNKNOWN')
    return cast(case(
        (or_(columns['deleted'], columns['cancel_wanted'], kind == OperationKind.INSTANCE_DELETE),
         'SHUTDOWN'),
        *((kind == word, shown) for word, shown in states.OPERATION_WORDS.items() if shown),
        (kind.is_not(None), server_word),
        (or_(columns['error_code'].is_not(None), columns['drift'].is_not(None)), 'ERROR'),
        (and_(columns['restart_required'], server == 'ACTIVE'), 'RESTART_REQUIRED'),
        (columns['backup_running'], 'BACKUP'),
        else_=server_word), String(32))
