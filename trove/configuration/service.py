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

"""The calls on configuration groups."""

from typing import Any

from oslo_config import cfg

from trove.common import policy
from trove.common.http import pagination, query, schemas, serializers
from trove.common.http.request import Request
from trove.common.http.response import OPERATION_HEADER, Response
from trove.configuration import models, views
from trove.configuration import schemas as configuration_schemas
from trove.db import configurations, session
from trove.db.session import Connection, Row

CONF = cfg.CONF


def index(request: Request) -> dict[str, Any]:
    """Administrators see the groups of all projects."""
    context = request.context
    policy.authorize(context, 'configuration:index')
    limit = pagination.limit_of(request, CONF.configurations_page_size)
    filters = configurations.Filters(tenant_id=None if context.is_admin else context.project_id,
                                     name=query.text(request, 'name'), datastore=query.text(
                                         request, 'datastore'), window=query.window(request),
                                     order=query.order(request, configurations.SORT_KEYS))
    rows = session.read(configurations.page, filters, limit=limit + 1,
                        marker=pagination.marker_of(request))
    following = rows[limit - 1].id if len(rows) > limit else None
    return pagination.page(request, 'configurations', [views.summary(row) for row in rows[:limit]],
                           following)


def create(request: Request) -> Response:
    context = request.context
    policy.authorize(context, 'configuration:create')
    body = request.json_body()
    schemas.check(configuration_schemas.CREATE, body)
    asked = body['configuration']
    datastore = asked.get('datastore', {})
    is_dry_run = query.flag(request, 'validate_only')
    configuration_id = models.create(
        context,
        models.CreateRequest(
            name=asked['name'], description=asked.get('description'), wanted=asked['values'],
            datastore=datastore.get('type'), version=datastore.get('version'),
            version_number=datastore.get('version_number'), from_text=_is_text(request)),
        dry_run=is_dry_run)
    if is_dry_run:
        return Response(204)
    return Response(200, _complete(request, models.find(context, configuration_id)))


def _is_text(request: Request) -> bool:
    """Whether values came without types, as in XML, where only the rules of the version know them."""
    return serializers.by_content_type(request.headers.get('Content-Type', '')) is serializers.XML


def _find(request: Request, rule: str, configuration_id: str) -> Row:
    """The group a request names, if the caller may do to it what the rule says."""
    policy.authorize(request.context, rule)
    row = models.find(request.context, configuration_id)
    if row.tenant_id != request.context.project_id:
        policy.authorize(request.context, rule, row.tenant_id)
    return row


def _whose(request: Request, row: Row) -> str | None:
    """Whose instances the caller is told of: an administrator of everybody's."""
    return None if request.context.is_admin else row.tenant_id


def _complete(request: Request, row: Row) -> dict[str, Any]:
    def read(connection: Connection) -> tuple[Any, Any]:
        return (configurations.values(connection, row.id),
                configurations.count_instances(connection, row.id, _whose(request, row)))

    stored, instance_count = session.read(read)
    return {'configuration': views.complete(row, stored, instance_count)}


def show(request: Request, configuration_id: str) -> dict[str, Any]:
    return _complete(request, _find(request, 'configuration:show', configuration_id))


def edit(request: Request, configuration_id: str) -> Response:
    """``PATCH``: an empty 200, and where to follow how the instances of the group get the values."""
    _find(request, 'configuration:edit', configuration_id)
    body = request.json_body()
    schemas.check(configuration_schemas.EDIT, body)
    return _followed(
        200,
        models.edit(request.context, configuration_id, body['configuration']['values'],
                    from_text=_is_text(request)))


def update(request: Request, configuration_id: str) -> Response:
    """``PUT``: values that are not given are gone. An empty 202, and where to follow."""
    _find(request, 'configuration:update', configuration_id)
    body = request.json_body()
    schemas.check(configuration_schemas.UPDATE, body)
    asked = body['configuration']
    columns = {key: asked[key] for key in ('name', 'description') if key in asked}
    return _followed(
        202,
        models.replace(request.context, configuration_id, asked.get('values', {}), columns,
                       from_text=_is_text(request)))


def _followed(status: int, operation_id: str | None) -> Response:
    return Response(status, headers=((OPERATION_HEADER, operation_id),) if operation_id else ())


def delete(request: Request, configuration_id: str) -> Response:
    _find(request, 'configuration:delete', configuration_id)
    models.delete(request.context, configuration_id)
    return Response(202)


def instances(request: Request, configuration_id: str) -> dict[str, Any]:
    row = _find(request, 'configuration:instances', configuration_id)
    limit = pagination.limit_of(request, CONF.instances_page_size)

    def read(connection: Connection) -> tuple[Any, str]:
        return (configurations.instances(connection, row.id, _whose(request, row), limit=limit + 1,
                                         marker=pagination.marker_of(request)),
                configurations.digest(configurations.values(connection, row.id)))

    rows, digest = session.read(read)
    following = rows[limit - 1].id if len(rows) > limit else None
    shown = [views.attached(found, digest) for found in rows[:limit]]
    return pagination.page(request, 'instances', shown, following)
