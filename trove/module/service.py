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

"""The calls on modules."""

from typing import Any

from oslo_config import cfg

from trove.common import policy
from trove.common.http import pagination, query, schemas
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.datastore import models as datastore_models
from trove.db import instance_addresses, instances as instance_rows
from trove.db import modules, session
from trove.db.session import Connection, Row
from trove.instance import service as instances
from trove.instance import views as instance_views
from trove.module import models, reapplying, views
from trove.module import schemas as module_schemas

CONF = cfg.CONF


def _whose(request: Request) -> str | None:
    """Whose modules and instances the caller is told of: an administrator of everybody's."""
    return None if request.context.is_admin else request.context.project_id


def index(request: Request) -> dict[str, Any]:
    """All that the caller sees, on one page."""
    policy.authorize(request.context, 'module:index')
    named = query.text(request, 'datastore')
    datastore_id = modules.EVERY if named == modules.EVERY else None
    if named is not None and datastore_id is None:
        datastore_id = session.read(datastore_models.find, named).id
    rows = session.read(modules.listed, _whose(request), datastore_id=datastore_id,
                        name=query.text(request, 'name'), kind=query.text(request, 'type'))
    return {'modules': [views.summary(row) for row in rows]}


def create(request: Request) -> Response:
    context = request.context
    policy.authorize(context, 'module:create')
    body = request.json_body()
    schemas.check(module_schemas.CREATE, body)
    is_dry_run = query.flag(request, 'validate_only')
    module_id = models.create(context, body['module'], dry_run=is_dry_run)
    if is_dry_run:
        return Response(204)
    return Response(200, {'module': views.module(session.read(modules.get, module_id))})


def _find(request: Request, rule: str, module_id: str) -> Row:
    """The module a request names, if the caller may do to it what the rule says."""
    policy.authorize(request.context, rule)
    row = models.find(request.context, module_id)
    if row.tenant_id not in (None, request.context.project_id):
        policy.authorize(request.context, rule, row.tenant_id)
    return row


def show(request: Request, module_id: str) -> dict[str, Any]:
    row = _find(request, 'module:show', module_id)
    count = session.read(modules.count_instances, row.id, row.md5)
    return {'module': {**views.module(row), 'instance_count': count}}


def update(request: Request, module_id: str) -> dict[str, Any]:
    row = _find(request, 'module:update', module_id)
    body = request.json_body()
    schemas.check(module_schemas.UPDATE, body)
    models.update(request.context, row.id, body['module'])
    return {'module': views.module(session.read(modules.get, row.id))}


def delete(request: Request, module_id: str) -> None:
    row = _find(request, 'module:delete', module_id)
    models.delete(request.context, row)


def instances_of(request: Request, module_id: str) -> dict[str, Any]:
    """The instances that have a module; with ``count_only`` how many have it with which contents."""
    row = _find(request, 'module:instances', module_id)
    include_clustered = request.GET.get('include_clustered', '').lower() == 'true'
    if request.GET.get('count_only', '').lower() == 'true':
        found = session.read(modules.counts, row.id, _whose(request), include_clustered)
        return {'instances': [views.count(row, one) for one in found]}
    limit = pagination.limit_of(request, min(CONF.modules_page_size, CONF.instances_page_size))
    marker = pagination.marker_of(request) or ''

    def read(connection: Connection) -> tuple[Any, ...]:
        ids = modules.instances_of(connection, row.id, _whose(request), limit=limit + 1,
                                   marker=marker, include_clustered=include_clustered)
        shown = ids[:limit]
        return (ids, instance_rows.some(connection,
                                        shown), instance_addresses.shown_of(connection, shown),
                instance_rows.replicas_of(connection, shown))

    ids, rows, addresses, replicas = session.read(read)
    now = session.utcnow()
    shown = [
        instance_views.summary(request, found, addresses.get(found.id, ()),
                               replicas.get(found.id, ()), now) for found in rows
    ]
    return pagination.page(request, 'instances', shown,
                           ids[limit - 1] if len(ids) > limit else None)


def reapply(request: Request, module_id: str) -> Response:
    row = _find(request, 'module:reapply', module_id)
    body = request.json_body()
    schemas.check(module_schemas.REAPPLY, body)
    operation_id = reapplying.reapply(request.context, row, body['reapply'])
    return Response(202, headers=((instances.OPERATION_HEADER, operation_id),))
