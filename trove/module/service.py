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

"""Controllers of modules."""

from typing import Any

from oslo_config import cfg

from trove.common.http import access, pagination, query
from trove.common.http.request import Request
from trove.common.http.response import Response, accepted
from trove.datastore import models as datastore_models
from trove.db import instance_addresses
from trove.db import instances as instance_rows
from trove.db import modules, session
from trove.db.session import Connection
from trove.instance import views as instance_views
from trove.module import models, reapplying, views

CONF = cfg.CONF


def _owner_filter(request: Request) -> str | None:
    """Return the project of the objects that the caller may see; None, for admins, is all."""
    return None if request.context.is_admin else request.context.project_id


def index(request: Request) -> dict[str, Any]:
    """Return all modules that the caller may see, on one page."""
    name = query.text(request, 'datastore')
    datastore_id = modules.EVERY if name == modules.EVERY else None
    if name is not None and datastore_id is None:
        datastore_id = session.read(datastore_models.find, name).id
    rows = session.read(modules.listed, _owner_filter(request), datastore_id=datastore_id,
                        name=query.text(request, 'name'), kind=query.text(request, 'type'))
    return {'modules': [views.summary(row) for row in rows]}


def create(request: Request, body: dict[str, Any]) -> Response:
    is_dry_run = query.flag(request, 'validate_only')
    module_id = models.create(request.context, body['module'], dry_run=is_dry_run)
    if is_dry_run:
        return Response(204)
    return Response(200, {'module': views.module(session.read(modules.get, module_id))})


def show(request: Request, module_id: str) -> dict[str, Any]:
    row = access.find(request, models.find, module_id)
    count = session.read(modules.count_instances, row.id, row.md5)
    return {'module': {**views.module(row), 'instance_count': count}}


def update(request: Request, module_id: str, body: dict[str, Any]) -> dict[str, Any]:
    row = access.find(request, models.find, module_id)
    models.update(request.context, row.id, body['module'])
    return {'module': views.module(session.read(modules.get, row.id))}


def delete(request: Request, module_id: str) -> None:
    models.delete(request.context, access.find(request, models.find, module_id))


def instances_of(request: Request, module_id: str) -> dict[str, Any]:
    """Return the instances that have a module; with ``count_only``, their number by contents."""
    row = access.find(request, models.find, module_id)
    owner = _owner_filter(request)
    include_clustered = query.flag(request, 'include_clustered')
    if query.flag(request, 'count_only'):
        counts = session.read(modules.counts, row.id, owner, include_clustered)
        return {'instances': [views.count(row, count) for count in counts]}
    limit = pagination.limit_of(request, min(CONF.modules_page_size, CONF.instances_page_size))
    marker = pagination.marker_of(request) or ''

    def read(connection: Connection) -> tuple[Any, ...]:
        ids = modules.instances_of(connection, row.id, owner, limit=limit + 1, marker=marker,
                                   include_clustered=include_clustered)
        shown = ids[:limit]
        return (ids, instance_rows.some(connection, shown),
                instance_addresses.shown_of(connection, shown),
                instance_rows.replicas_of(connection, shown))

    ids, rows, addresses, replicas = session.read(read)
    now = session.utcnow()
    shown = [
        instance_views.summary(request, found, addresses.get(found.id, ()),
                               replicas.get(found.id, ()), now) for found in rows
    ]
    return pagination.page(request, 'instances', shown,
                           ids[limit - 1] if len(ids) > limit else None)


def reapply(request: Request, module_id: str, body: dict[str, Any]) -> Response:
    row = access.find(request, models.find, module_id)
    return accepted(reapplying.reapply(request.context, row, body['reapply']))
