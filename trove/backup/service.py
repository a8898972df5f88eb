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

"""The calls on backups."""

from typing import Any

from oslo_config import cfg

from trove.backup import models, validation, views
from trove.backup import schemas as backup_schemas
from trove.common import exception, policy
from trove.common.http import pagination, query, schemas
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.datastore import models as datastore_models
from trove.db import backups, session
from trove.db.session import Row
from trove.instance import models as instance_models
from trove.instance import service as instances

CONF = cfg.CONF


def index(request: Request) -> dict[str, Any]:
    """The backups of the project; with ``project_id`` or ``all_projects`` those of others, for who may."""
    context = request.context
    policy.authorize(context, 'backup:index')
    project_id = request.GET.get('project_id') or None
    is_everybodys = query.flag(request, 'all_projects')
    if project_id is not None or is_everybodys:
        policy.authorize(context, 'backup:index:all_projects')
    owner = project_id or (None if is_everybodys else context.project_id)
    return _page(request, owner, query.text(request, 'instance_id'))


def of_instance(request: Request, instance_id: str) -> dict[str, Any]:
    """The backups of one instance, whichever project they belong to for an administrator."""
    row = instances.find(request, 'instance:backups', instance_id)
    return _page(request, None if request.context.is_admin else row.tenant_id, row.id)


def _page(request: Request, tenant_id: str | None, instance_id: str | None) -> dict[str, Any]:
    """Last changed first; the marker is the number of rows before the page."""
    limit = pagination.limit_of(request, CONF.backups_page_size, capped=False)
    offset = pagination.offset_of(request)
    named = query.text(request, 'datastore')
    datastore = session.read(datastore_models.find, named).id if named else None
    filters = backups.Filters(tenant_id=tenant_id, instance_id=instance_id, datastore_id=datastore,
                              name=query.text(request, 'name'), status=query.word(
                                  request, 'status',
                                  backups.STATES), window=query.window(request),
                              order=query.order(request, backups.SORT_KEYS))
    rows = session.read(backups.page, filters, limit=limit, offset=offset)
    following = str(offset + limit) if len(rows) == limit else None
    return pagination.page(request, 'backups', [views.backup(row) for row in rows], following)


def create(request: Request) -> Response:
    """A backup of an instance, or one that lies in the object store already."""
    context = request.context
    policy.authorize(context, 'backup:create')
    body = request.json_body()
    schemas.check(backup_schemas.CREATE, body)
    asked = body['backup']
    is_dry_run = query.flag(request, 'validate_only')
    headers: tuple[tuple[str, str], ...] = ()
    if 'restore_from' in asked:
        backup_id = models.register(context, validation.check(context, asked['restore_from']),
                                    asked['name'], asked.get('description'), dry_run=is_dry_run)
    else:
        recorded = _recorded(request, asked, is_dry_run)
        backup_id, headers = recorded.backup_id, ((instances.OPERATION_HEADER,
                                                   recorded.operation_id),)
    if is_dry_run:
        return Response(204)
    return Response(202, {'backup': views.backup(models.find(context, backup_id))}, headers)


def _recorded(request: Request, asked: dict[str, Any], is_dry_run: bool) -> models.Recorded:
    if 'instance' not in asked:
        raise exception.BadRequest("backup needs 'instance' or 'restore_from'.")
    row = instance_models.find(request.context, asked['instance'])
    policy.authorize(request.context, 'backup:create', row.tenant_id)
    return models.create(request.context, row, models.CreateRequest(
        name=asked['name'], description=asked.get('description'), parent_id=asked.get('parent_id'),
        incremental=bool(asked.get('incremental')), container=asked.get('swift_container'),
        storage_driver=asked.get('storage_driver')), dry_run=is_dry_run)


def _find(request: Request, rule: str, backup_id: str) -> Row:
    policy.authorize(request.context, rule)
    row = models.find(request.context, backup_id)
    if row.tenant_id != request.context.project_id:
        policy.authorize(request.context, rule, row.tenant_id)
    return row


def show(request: Request, backup_id: str) -> dict[str, Any]:
    return {'backup': views.backup(_find(request, 'backup:show', backup_id))}


def delete(request: Request, backup_id: str) -> Response:
    row = _find(request, 'backup:delete', backup_id)
    recorded = models.delete(request.context, row)
    return Response(202, headers=((instances.OPERATION_HEADER, recorded.operation_id),))
