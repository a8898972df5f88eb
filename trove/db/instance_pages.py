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

"""Pages of a project's instances with their addresses, read in one statement.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, bindparam, false, func, or_, select

from trove.common import states
from trove.db import instance_filters, instances, json_rows, listing
from trove.db.instance_filters import Filters
from trove.db.instance_addresses import ADDRESSES
from trove.db.instances import COLUMNS, INSTANCES

#: Columns of the shown status (:func:`trove.common.states.facts_of`).
_FACTS = tuple('service_status_updated' if name == 'heartbeat' else name
               for name in states.Facts._fields)
#: Columns of the short list (:func:`trove.instance.views.summary`).
SUMMARY = (*_FACTS, 'id', 'name', 'tenant_id', 'created', 'region_id', 'flavor_id', 'hostname',
           'volume_support', 'volume_size', 'slave_of_id', 'access', 'deletion_protection',
           'has_replicas', 'datastore_name', 'version_name')
#: Columns of the detailed list (:func:`trove.instance.views.detail`).
DETAIL = (*SUMMARY, 'updated', 'version_number', 'desired_version_name', 'fault_message',
          'fault_created', 'fault_details', 'configuration_id', 'configuration_name', 'cluster_id',
          'shard_id', 'compute_instance_id', 'volume_id', 'encrypted_key')
_ADDRESS = tuple(ADDRESSES.c[name].label(f'address_{name}')
                 for name in ('kind', 'address', 'family', 'network_id'))


class Address(NamedTuple):
    """Shown columns of ``instance_addresses``."""
    kind: str
    address: str
    family: int
    network_id: str | None


class Page(NamedTuple):
    """Instances in order, with their addresses and replicas by instance id.
    """
    rows: list[Any]
    addresses: dict[str, list[Address]]
    replicas: dict[str, list[Row]]


def page(connection: Connection, tenant_id: str, *, limit: int, marker: str | None = None,
         filters: Filters = Filters(), detailed: bool = False) -> Page:
    """Return a page of a project's instances; instances with replicas need a second statement.

    :param marker: id of the last row of the previous page.
    :param detailed: include the columns of the detailed list.
    """
    found = _statement(filters, marker, detailed).rows(connection, {
        'tenant_id': tenant_id, 'marker': marker or '', 'limit': limit,
        'include_clustered': filters.include_clustered})
    rows: list[Any] = []
    addresses: dict[str, list[Address]] = {}
    for row in found:
        theirs = addresses.get(row.id)
        if theirs is None:
            theirs = addresses[row.id] = []
            rows.append(row)
        if row.address_kind is not None:
            theirs.append(Address(*row[-len(_ADDRESS):]))
    sources = [row.id for row in rows if row.has_replicas]
    return Page(rows, addresses, instances.replicas_of(connection, sources) if sources else {})


def _statement(filters: Filters, marker: str | None, detailed: bool) -> json_rows.Statement:
    if filters.is_plain:
        return _PLAIN[detailed]
    order = listing.columns(INSTANCES, filters.order)
    ids = _ids().where(*instance_filters.narrowed(filters))
    if marker is not None:
        ids = ids.where(listing.behind(INSTANCES, order, marker, filters.order.descending))
    directed = listing.directed(order, filters.order.descending)
    return _with_addresses(ids.order_by(*directed), directed, detailed)


def _ids() -> Select:
    """Return the SELECT of ids of a project's live instances. Index: ix_instances_tenant_page.

    The form of both conditions makes MariaDB use that index and stop at the end of the page: it has
    no index for ``IS false``, and would use that of ``cluster_id``, which is null in most rows.
    """
    return select(INSTANCES.c.id).where(
        INSTANCES.c.tenant_id == bindparam('tenant_id'), INSTANCES.c.deleted == false(),
        or_(bindparam('include_clustered'), func.coalesce(INSTANCES.c.cluster_id, '') == ''))


def _with_addresses(ids: Select, order: Sequence[Any], detailed: bool) -> json_rows.Statement:
    """Return the statement of the rows of ``ids``, one for each shown address, at least one.

    The limit applies inside, where an instance is one row.
    Index: ix_instance_addresses_instance_id.
    """
    chosen = ids.limit(bindparam('limit')).subquery('chosen')
    source = instances.with_all_parts(chosen.join(
        INSTANCES, INSTANCES.c.id == chosen.c.id)).outerjoin(
            ADDRESSES,
            and_(ADDRESSES.c.instance_id == INSTANCES.c.id, ADDRESSES.c.kind != 'management'))
    columns = [COLUMNS[name] for name in (DETAIL if detailed else SUMMARY)]
    return json_rows.Statement(select(*columns, *_ADDRESS).select_from(source).order_by(
        *order, ADDRESSES.c.kind, ADDRESSES.c.family, ADDRESSES.c.address))


_NEXT = _ids().where(INSTANCES.c.id > bindparam('marker')).order_by(INSTANCES.c.id)
_PLAIN = {
    detailed: _with_addresses(_NEXT, [INSTANCES.c.id], detailed)
    for detailed in (False, True)
}
