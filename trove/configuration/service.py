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

"""Controllers of configuration groups."""

from typing import Any

from oslo_config import cfg

from trove.common.http import access, pagination, query, serializers
from trove.common.http.request import Request
from trove.common.http.response import Response, accepted, followed
from trove.configuration import models, views
from trove.db import configurations, session
from trove.db.session import Connection, Row

CONF = cfg.CONF


def index(request: Request) -> dict[str, Any]:
    """Return the groups of the project; to administrators, of all projects."""
    context = request.context
    limit = pagination.limit_of(request, CONF.configurations_page_size)
    filters = configurations.Filters(tenant_id=None if context.is_admin else context.project_id,
                                     name=query.text(request, 'name'),
                                     datastore=query.text(request, 'datastore'),
                                     window=query.window(request),
                                     order=query.order(request, configurations.SORT_KEYS))
    rows = session.read(configurations.page, filters, limit=limit + 1,
                        marker=pagination.marker_of(request))
    following = rows[limit - 1].id if len(rows) > limit else None
    return pagination.page(request, 'configurations', [views.summary(row) for row in rows[:limit]],
                           following)


def create(request: Request, body: dict[str, Any]) -> Response:
    context, requested = request.context, body['configuration']
    datastore = requested.get('datastore', {})
    is_dry_run = query.flag(request, 'validate_only')
    configuration_id = models.create(
        context,
        models.CreateRequest(
            name=requested['name'], description=requested.get('description'),
            values=requested['values'], datastore=datastore.get('type'),
            version=datastore.get('version'), version_number=datastore.get('version_number'),
            from_text=_is_text(request)), dry_run=is_dry_run)
    if is_dry_run:
        return Response(204)
    return Response(200, _complete(request, models.find(context, configuration_id)))


def _is_text(request: Request) -> bool:
    """Return whether values have no types, as in XML: the rules of the version know the types."""
    return serializers.by_content_type(request.headers.get('Content-Type', '')) is serializers.XML


def _owner_filter(request: Request, row: Row) -> str | None:
    """Return the project of the instances that the caller may see; None, for admins, is all."""
    return None if request.context.is_admin else row.tenant_id


def _complete(request: Request, row: Row) -> dict[str, Any]:
    def read(connection: Connection) -> tuple[Any, Any]:
        return (configurations.values(connection, row.id),
                configurations.count_instances(connection, row.id, _owner_filter(request, row)))

    stored, instance_count = session.read(read)
    return {'configuration': views.complete(row, stored, instance_count)}


def show(request: Request, configuration_id: str) -> dict[str, Any]:
    return _complete(request, access.find(request, models.find, configuration_id))


def edit(request: Request, configuration_id: str, body: dict[str, Any]) -> Response:
    """Change some values (PATCH). The operation of the response changes them on the instances."""
    access.find(request, models.find, configuration_id)
    return followed(
        200,
        models.edit(request.context, configuration_id, body['configuration']['values'],
                    from_text=_is_text(request)))


def update(request: Request, configuration_id: str, body: dict[str, Any]) -> Response:
    """Replace all values (PUT). The operation of the response changes them on the instances."""
    access.find(request, models.find, configuration_id)
    requested = body['configuration']
    columns = {key: requested[key] for key in ('name', 'description') if key in requested}
    return accepted(
        models.replace(request.context, configuration_id, requested.get('values', {}), columns,
                       from_text=_is_text(request)))


def delete(request: Request, configuration_id: str) -> Response:
    access.find(request, models.find, configuration_id)
    models.delete(request.context, configuration_id)
    return Response(202)


def instances(request: Request, configuration_id: str) -> dict[str, Any]:
    row = access.find(request, models.find, configuration_id)
    limit = pagination.limit_of(request, CONF.instances_page_size)

    def read(connection: Connection) -> tuple[Any, str]:
        return (configurations.instances(connection, row.id, _owner_filter(request, row),
                                         limit=limit + 1, marker=pagination.marker_of(request)),
                configurations.digest(configurations.values(connection, row.id)))

    rows, digest = session.read(read)
    following = rows[limit - 1].id if len(rows) > limit else None
    shown = [views.attached(found, digest) for found in rows[:limit]]
    return pagination.page(request, 'instances', shown, following)
