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

"""Controllers of backups."""

from typing import Any

from oslo_config import cfg

from trove.backup import models, validation, views
from trove.common import exception, policy
from trove.common.http import access, pagination, query
from trove.common.http.request import Request
from trove.common.http.response import Response, accepted, followed
from trove.datastore import models as datastore_models
from trove.db import backups, session
from trove.instance import models as instance_models
from trove.instance import service as instances

CONF = cfg.CONF


def index(request: Request) -> dict[str, Any]:
    """Return the backups of the project; of others with ``project_id`` or ``all_projects``.

    The backups of other projects need the rule ``backup:index:all_projects``.
    """
    context = request.context
    project_id = request.GET.get('project_id') or None
    is_of_all = query.flag(request, 'all_projects')
    if project_id is not None or is_of_all:
        policy.authorize(context, 'backup:index:all_projects')
    owner = project_id or (None if is_of_all else context.project_id)
    return _page(request, owner, query.text(request, 'instance_id'))


def of_instance(request: Request, instance_id: str) -> dict[str, Any]:
    """Return the backups of one instance; to administrators, of whichever project."""
    row = instances.find(request, instance_id)
    return _page(request, None if request.context.is_admin else row.tenant_id, row.id)


def _page(request: Request, tenant_id: str | None, instance_id: str | None) -> dict[str, Any]:
    """Return a page, last changed first; the marker is the number of rows before the page."""
    limit = pagination.limit_of(request, CONF.backups_page_size, capped=False)
    offset = pagination.offset_of(request)
    name = query.text(request, 'datastore')
    datastore = session.read(datastore_models.find, name).id if name else None
    filters = backups.Filters(tenant_id=tenant_id, instance_id=instance_id, datastore_id=datastore,
                              name=query.text(request, 'name'),
                              status=query.word(request, 'status', backups.STATES),
                              window=query.window(request),
                              order=query.order(request, backups.SORT_KEYS))
    rows = session.read(backups.page, filters, limit=limit, offset=offset)
    following = str(offset + limit) if len(rows) == limit else None
    return pagination.page(request, 'backups', [views.backup(row) for row in rows], following)


def create(request: Request, body: dict[str, Any]) -> Response:
    """Create a backup of an instance, or register one that is in the object store already."""
    context, requested = request.context, body['backup']
    is_dry_run = query.flag(request, 'validate_only')
    operation_id = None
    if 'restore_from' in requested:
        backup_id = models.register(
            context, validation.check(context, requested['restore_from']), requested['name'],
            requested.get('description'), dry_run=is_dry_run)
    else:
        recorded = _recorded(request, requested, is_dry_run)
        backup_id, operation_id = recorded.backup_id, recorded.operation_id
    if is_dry_run:
        return Response(204)
    shown = views.backup(models.find(context, backup_id))
    return followed(202, operation_id, {'backup': shown})


def _recorded(request: Request, requested: dict[str, Any], is_dry_run: bool) -> models.Recorded:
    if 'instance' not in requested:
        raise exception.BadRequest("backup needs 'instance' or 'restore_from'.")
    row = access.find(request, instance_models.find, requested['instance'])
    return models.create(request.context, row, models.CreateRequest(
        name=requested['name'], description=requested.get('description'),
        parent_id=requested.get('parent_id'), incremental=bool(requested.get('incremental')),
        container=requested.get('swift_container'),
        storage_driver=requested.get('storage_driver')), dry_run=is_dry_run)


def show(request: Request, backup_id: str) -> dict[str, Any]:
    return {'backup': views.backup(access.find(request, models.find, backup_id))}


def delete(request: Request, backup_id: str) -> Response:
    row = access.find(request, models.find, backup_id)
    return accepted(models.delete(request.context, row).operation_id)
