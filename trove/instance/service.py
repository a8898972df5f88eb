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

"""Controllers of instances and of their operations: policy, schema, model, view."""

from collections.abc import Callable
from typing import Any

import jsonschema
from oslo_config import cfg

from trove.common import exception, policy
from trove.common.http import pagination, query, schemas
from trove.common.http.request import Request
from trove.common.http.response import OPERATION_HEADER, Response
from trove.common.http.views import reference
from trove.db import events as event_rows, instance_addresses
from trove.db import instance_pages, instances, session
from trove.db import operations as operation_rows
from trove.db.session import Connection, Row
from trove.instance import listing, models, validation, views
from trove.instance import schemas as instance_schemas
from trove.instance.actions import access, image, power, replication, resize, ssl, status
from trove.instance.actions import configuration as configuration_group
from trove.operation import schemas as operation_schemas
from trove.operation import service as operation_service
from trove.operation import views as operation_views

CONF = cfg.CONF

#: Operations or events on one page.
HISTORY_PAGE_SIZE = 20


def find(request: Request, rule: str, instance_id: str, *, only_own: bool = False,
         include_deleted: bool = False) -> Row:
    """Return the instance that a request names, if the policy rule allows the caller.

    The rule is checked before the lookup, so that an unauthorized caller learns nothing, and again
    with the owner if the instance belongs to another project.
    """
    policy.authorize(request.context, rule)
    row = models.find(request.context, instance_id, only_own=only_own,
                      include_deleted=include_deleted)
    if row.tenant_id != request.context.project_id:
        policy.authorize(request.context, rule, row.tenant_id)
    return row


def accepted(recorded: models.Recorded) -> Response:
    """Return a 202 without a body; its header names the operation."""
    return Response(202, headers=((OPERATION_HEADER, recorded.operation_id),))


def index(request: Request) -> dict[str, Any]:
    policy.authorize(request.context, 'instance:index')
    return _list(request, views.summary, detailed=False)


def detail(request: Request) -> dict[str, Any]:
    policy.authorize(request.context, 'instance:detail')
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
    row = find(request, 'instance:show', instance_id)
    return {'instance': _view(request, row, views.complete)}


def configuration(request: Request, instance_id: str) -> dict[str, Any]:
    """Return the options that an instance has without a configuration group."""
    row = find(request, 'instance:configuration', instance_id)
    return {'instance': {'configuration': configuration_group.defaults(row)}}


def _view(request: Request, row: Row, view: Callable[..., dict[str, Any]],
          **more: Any) -> dict[str, Any]:
    def read(connection: Connection) -> tuple[Any, Any]:
        return (instance_addresses.shown_of(connection, [row.id]),
                instances.replicas_of(connection, [row.id]) if row.has_replicas else {})

    addresses, replicas = session.read(read)
    return view(request, row, addresses.get(row.id, ()), replicas.get(row.id, ()), session.utcnow(),
                **more)


def create(request: Request) -> Response:
    context = request.context
    policy.authorize(context, 'instance:create')
    body = request.json_body()
    schemas.check(instance_schemas.CREATE, body)
    requested = body['instance']
    for key, rule in (('configuration', 'instance:update'), ('modules', 'instance:module_apply'),
                      ('users', 'instance:extension:user:create'),
                      ('databases', 'instance:extension:database:create')):
        if requested.get(key):
            policy.authorize(context, rule)
    checked = validation.check(context, validation.parsed(body))
    if query.flag(request, 'validate_only'):
        models.create(context, checked, dry_run=True)
        return Response(204)
    recorded = models.create(context, checked)
    row = models.find(context, recorded.instance_id)
    shown = _view(request, row, views.created, password=checked.root_password)
    return Response(200, {'instance': shown}, ((OPERATION_HEADER, recorded.operation_id),))


def delete(request: Request, instance_id: str) -> Response:
    row = find(request, 'instance:delete', instance_id)
    return accepted(models.delete(request.context, row))


def update(request: Request, instance_id: str) -> Response:
    return _update(request, instance_id, instance_schemas.UPDATE)


def edit(request: Request, instance_id: str) -> Response:
    return _update(request, instance_id, instance_schemas.EDIT)


def _update(request: Request, instance_id: str,
            schema: jsonschema.Draft202012Validator) -> Response:
    """Make one change, and a new name beside it. An empty body detaches the configuration, for
    compatibility.
    """
    row = find(request, 'instance:update', instance_id)
    body = request.json_body()
    schemas.check(schema, body)
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
    return Response(202) if recorded is None else accepted(recorded)


def _detach_replica(context: Any, row: Row, _source: Any, also: models.Also) -> models.Recorded:
    return replication.detach(context, row, also)


#: key of a PUT or PATCH -> the action it requests
_UPDATES: dict[str, Callable[[Any, Row, Any, models.Also], models.Recorded | None]] = {
    'access': access.update,
    'configuration': configuration_group.change,
    'datastore_version': image.upgrade,
    'deletion_protection': models.protect,
    'replica_of': _detach_replica,
    'slave_of': _detach_replica,
}


def action(request: Request, instance_id: str) -> Response:
    """Run the action named by the only key of the body, under the policy rule of that action."""
    body = request.json_body()
    named = instance_schemas.ACTION_NAMES & body.keys()
    known = set(named & _ACTIONS.keys())
    if len(named) != 1 or not known:
        models.find(request.context, instance_id)
        raise exception.BadRequest(f"The body must hold exactly one action: one of "
                                   f"{', '.join(sorted(_ACTIONS))}.")
    return _ACTIONS[known.pop()](request, instance_id, body)


def _restart(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    row = find(request, 'instance:restart', instance_id)
    schemas.check(instance_schemas.ACTIONS['restart'], body)
    return accepted(power.restart(request.context, row))


def _resize(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    """Resize the volume or the flavor; each has a policy rule and a schema of its own."""
    requested = body['resize']
    if isinstance(requested, dict) and 'volume' in requested:
        row = find(request, 'instance:resize_volume', instance_id)
        schemas.check(instance_schemas.RESIZE_VOLUME, body)
        return accepted(
            resize.volume(request.context, row, instance_schemas.size_of(requested['volume'])))
    row = find(request, 'instance:resize_flavor', instance_id)
    schemas.check(instance_schemas.RESIZE_FLAVOR, body)
    return accepted(resize.flavor(request.context, row, reference(requested['flavorRef'])))


def _reset_status(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    """Reset the status; the key ``force_delete``, with which a forced delete begins, has a rule of
    its own.
    """
    requested = body['reset_status']
    forced = isinstance(requested, dict) and 'force_delete' in requested
    row = find(request, 'instance:force_delete' if forced else 'instance:reset_status', instance_id)
    schemas.check(instance_schemas.ACTIONS['reset_status'], body)
    status.reset(request.context, row)
    return Response(202)


def _promote(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    row = find(request, 'instance:promote_to_replica_source', instance_id)
    schemas.check(instance_schemas.ACTIONS['promote_to_replica_source'], body)
    return accepted(replication.promote(request.context, row))


def _eject(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    row = find(request, 'instance:eject_replica_source', instance_id)
    schemas.check(instance_schemas.ACTIONS['eject_replica_source'], body)
    models.require_server(row)
    return accepted(replication.eject(request.context, row))


_ACTIONS: dict[str, Callable[[Request, str, dict[str, Any]], Response]] = {
    'eject_replica_source': _eject,
    'promote_to_replica_source': _promote,
    'reset_status': _reset_status,
    'resize': _resize,
    'restart': _restart,
}


def show_ssl(request: Request, instance_id: str) -> dict[str, Any]:
    row = find(request, 'instance:show', instance_id)
    return {'ssl': ssl.describe(row, include_certificate=query.flag(
        request, 'include_certificate'))}


def change_ssl(request: Request, instance_id: str) -> dict[str, Any]:
    row = find(request, 'instance:update', instance_id)
    body = request.json_body()
    schemas.check(instance_schemas.SSL_CHANGE, body)
    ssl.change(row, body['ssl'])


# --- history -------------------------------------------------------------------------------------

def operations(request: Request, instance_id: str) -> dict[str, Any]:
    """Return the operations of an instance, also after its deletion."""
    find(request, 'instance:operations', instance_id, include_deleted=True)
    return _history(request, 'operations', instance_id, operation_rows.of_resource,
                    operation_views.operation)


def events(request: Request, instance_id: str) -> dict[str, Any]:
    """Return the events of an instance, also after its deletion."""
    find(request, 'instance:events', instance_id, include_deleted=True)
    return _history(request, 'events', instance_id, event_rows.of_resource, operation_views.event)


def _history(request: Request, collection: str, instance_id: str, rows_of: Callable[..., Any],
             view: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Return a page, newest first; the marker is the id of its last row."""
    limit = pagination.limit_of(request, HISTORY_PAGE_SIZE)
    rows = session.read(rows_of, instance_id, limit + 1, pagination.marker_of(request))
    following = rows[limit - 1].id if len(rows) > limit else None
    return pagination.page(request, collection, [view(row) for row in rows[:limit]], following)


def operation_action(request: Request, operation_id: str) -> Response:
    """Cancel or retry an operation, as named by the only key of the body."""
    body = request.json_body()
    named = operation_schemas.ACTIONS.keys() & body.keys()
    name = next(iter(named)) if len(named) == 1 else ''
    row = operation_service.find(request, f'operation:{name}' if name else 'operation:show',
                                 operation_id)
    if len(body) != 1 or not name:
        raise exception.BadRequest(f"The body must hold exactly one action: one of "
                                   f"{', '.join(sorted(operation_schemas.ACTIONS))}.")
    schemas.check(operation_schemas.ACTIONS[name], body)
    original = status.original_of(row)
    if original.admin:
        policy.require_admin(request.context)
    policy.authorize(request.context, original.rule, row.project_id)
    return accepted((status.cancel if name == 'cancel' else status.retry)(request.context, row))
