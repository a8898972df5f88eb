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

"""Controllers of instances and of their operations."""

from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from trove.common import exception, policy
from trove.common.http import pagination, query
from trove.common.http.access import find as find_object
from trove.common.http.request import Request
from trove.common.http.response import Response, accepted, followed
from trove.common.http.route import Action
from trove.common.http.views import reference
from trove.db import events as event_rows, instance_addresses
from trove.db import instance_pages, instances, session
from trove.db import operations as operation_rows
from trove.db.rows import FullInstanceRow, InstanceRow
from trove.db.session import Connection
from trove.instance import listing, models, validation, views
from trove.instance import schemas as instance_schemas
from trove.instance.actions import access, image, power, replication, resize, ssl, status
from trove.instance.actions import configuration as configuration_group
from trove.operation import service as operation_service
from trove.operation import views as operation_views

CONF = cfg.CONF

#: key of a create -> policy rule that a value needs beside the rule of the create
_RULES_OF_KEYS = {'configuration': 'instance:update', 'modules': 'instance:module_apply',
                  'users': 'instance:extension:user:create',
                  'databases': 'instance:extension:database:create'}
CREATE_RULES = tuple(_RULES_OF_KEYS.values())

#: Operations or events on one page.
HISTORY_PAGE_SIZE = 20


def find(request: Request, instance_id: str, *, only_own: bool = False,
         include_deleted: bool = False) -> FullInstanceRow:
    """Return the instance that a request names, if the rules of the request allow the caller."""
    return find_object(request, models.find, instance_id, only_own=only_own,
                       include_deleted=include_deleted)


def index(request: Request) -> dict[str, Any]:
    return _list(request, views.summary, detailed=False)


def detail(request: Request) -> dict[str, Any]:
    return _list(request, views.detail, detailed=True)


def _list(request: Request, view: Callable[..., dict[str, Any]], *,
          detailed: bool) -> dict[str, Any]:
    """Return a page, sorted as requested; by default picked by ascending id and shown newest first.
    """
    limit = pagination.limit_of(request, CONF.instances_page_size)
    filters = listing.filters(request)
    # One row more than the limit shows that another page follows.
    page = session.read(instance_pages.page, request.context.project_id, limit=limit + 1,
                        marker=pagination.marker_of(request), filters=filters, detailed=detailed)
    rows = page.rows[:limit]
    following = rows[-1].id if len(page.rows) > limit else None
    now = session.utcnow()
    if filters.order.key is None:
        rows.sort(key=lambda row: row.created, reverse=True)
    shown = [
        view(request, row, page.addresses[row.id], page.replicas.get(row.id, ()), now)
        for row in rows
    ]
    return pagination.page(request, 'instances', shown, following)


def show(request: Request, instance_id: str) -> dict[str, Any]:
    row = find(request, instance_id)
    return {'instance': _view(request, row, views.complete)}


def configuration(request: Request, instance_id: str) -> dict[str, Any]:
    """Return the options that an instance has without a configuration group."""
    row = find(request, instance_id)
    return {'instance': {'configuration': configuration_group.defaults(row)}}


def _view(request: Request, row: InstanceRow, view: Callable[..., dict[str, Any]],
          **more: Any) -> dict[str, Any]:
    def read(connection: Connection) -> tuple[Any, Any]:
        return (instance_addresses.shown_of(connection, [row.id]),
                instances.replicas_of(connection, [row.id]) if row.has_replicas else {})

    addresses, replicas = session.read(read)
    return view(request, row, addresses.get(row.id, ()), replicas.get(row.id, ()), session.utcnow(),
                **more)


def create(request: Request, body: dict[str, Any]) -> Response:
    context, requested = request.context, body['instance']
    for key, rule in _RULES_OF_KEYS.items():
        if requested.get(key):
            policy.authorize(context, rule)
    checked = validation.check(context, validation.parsed(body))
    if query.flag(request, 'validate_only'):
        models.create(context, checked, dry_run=True)
        return Response(204)
    recorded = models.create(context, checked)
    row = models.find(context, recorded.instance_id)
    shown = _view(request, row, views.created, password=checked.root_password)
    return followed(200, recorded.operation_id, {'instance': shown})


def delete(request: Request, instance_id: str) -> Response:
    row = find(request, instance_id)
    return accepted(models.delete(request.context, row).operation_id)


def update(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    """Make one change (PUT), and a new name beside it.

    An empty body detaches the configuration, for compatibility.
    """
    row = find(request, instance_id)
    requested = body['instance'] or {'configuration': None}
    keys = sorted(requested.keys() - {'name'})
    if len(keys) > 1:
        raise exception.BadRequest(
            f"instance can be changed in one way at a time, beside its name; this request has "
            f"{', '.join(keys)}.")
    if keys != ['deletion_protection']:
        # An instance that could not be built has no server, and must stay deletable.
        models.require_server(row)
    renaming = models.renaming(request.context, row, requested.get('name'))
    if not keys:
        models.write(renaming)
        return Response(202)
    recorded = _UPDATES[keys[0]](request.context, row, requested[keys[0]], renaming)
    return accepted(None if recorded is None else recorded.operation_id)


def edit(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    """Make one change (PATCH), as :func:`update` does; the schemas differ."""
    return update(request, instance_id, body)


def _detach_replica(context: Any, row: InstanceRow, _source: Any,
                    also: models.Also) -> models.Recorded:
    return replication.detach(context, row, also)


#: key of a PUT or PATCH -> the action it requests
_UPDATES: dict[str, Callable[[Any, InstanceRow, Any, models.Also], models.Recorded | None]] = {
    'access': access.update,
    'configuration': configuration_group.change,
    'datastore_version': image.upgrade,
    'deletion_protection': models.protect,
    'replica_of': _detach_replica,
    'slave_of': _detach_replica,
}


def action(request: Request, instance_id: str, body: dict[str, Any], action: Action) -> Response:
    assert action.run is not None
    return action.run(request, find(request, instance_id), body)


def restart(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    return accepted(power.restart(request.context, row).operation_id)


def resize_volume(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    size = instance_schemas.size_of(body['resize']['volume'])
    return accepted(resize.volume(request.context, row, size).operation_id)


def resize_flavor(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    flavor = reference(body['resize']['flavorRef'])
    return accepted(resize.flavor(request.context, row, flavor).operation_id)


def reset_status(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    """Reset the status; a forced delete begins with this, under a rule of its own."""
    status.reset(request.context, row)
    return Response(202)


def promote(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    return accepted(replication.promote(request.context, row).operation_id)


def eject(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    models.require_server(row)
    return accepted(replication.eject(request.context, row).operation_id)


def show_ssl(request: Request, instance_id: str) -> dict[str, Any]:
    row = find(request, instance_id)
    return {'ssl': ssl.describe(row, include_certificate=query.flag(
        request, 'include_certificate'))}


def change_ssl(request: Request, instance_id: str, body: dict[str, Any]) -> dict[str, Any]:
    row = find(request, instance_id)
    ssl.change(row, body['ssl'])


# --- history -------------------------------------------------------------------------------------

def operations(request: Request, instance_id: str) -> dict[str, Any]:
    """Return the operations of an instance, also after its deletion."""
    find(request, instance_id, include_deleted=True)
    return _history(request, 'operations', instance_id, operation_rows.of_resource,
                    operation_views.operation)


def events(request: Request, instance_id: str) -> dict[str, Any]:
    """Return the events of an instance, also after its deletion."""
    find(request, instance_id, include_deleted=True)
    return _history(request, 'events', instance_id, event_rows.of_resource, operation_views.event)


def _history(request: Request, collection: str, instance_id: str, rows_of: Callable[..., Any],
             view: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Return a page, newest first; the marker is the id of its last row."""
    limit = pagination.limit_of(request, HISTORY_PAGE_SIZE)
    rows = session.read(rows_of, instance_id, limit + 1, pagination.marker_of(request))
    following = rows[limit - 1].id if len(rows) > limit else None
    return pagination.page(request, collection, [view(row) for row in rows[:limit]], following)


def operation_action(request: Request, operation_id: str, body: dict[str, Any],
                     action: Action) -> Response:
    """Cancel or retry an operation; the rule of the original request must allow it too."""
    assert action.run is not None
    row = find_object(request, operation_service.load, operation_id)
    original = status.original_of(row)
    if original.admin:
        policy.require_admin(request.context)
    policy.authorize(request.context, original.rule, row.project_id)
    return accepted(action.run(request.context, row).operation_id)
