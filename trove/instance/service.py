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

"""The calls on instances: policy, schema, model, view."""

from collections.abc import Callable
from typing import Any

from oslo_config import cfg
from trove.db.session import Connection, Row

from trove.common import exception, policy
from trove.common.http import pagination, schemas
from trove.common.http import query
from trove.common.http.views import reference
from trove.common.http.request import Request
from trove.common.http.response import OPERATION_HEADER, Response
from trove.db import instance_pages, instances, session
from trove.instance import configuring, listing, models, replication, resizing, validation, views
from trove.instance import schemas as instance_schemas

CONF = cfg.CONF


def find(request: Request, rule: str, instance_id: str, *, only_own: bool = False,
         include_deleted: bool = False) -> Row:
    """The instance a request names, if the caller may do to it what the rule says.

    The rule is asked before anything is looked up, so that who may do nothing learns nothing, and again with the
    owner when the instance is another project's.
    """
    policy.authorize(request.context, rule)
    row = models.find(request.context, instance_id, only_own=only_own,
                      include_deleted=include_deleted)
    if row.tenant_id != request.context.project_id:
        policy.authorize(request.context, rule, row.tenant_id)
    return row


def accepted(recorded: models.Recorded) -> Response:
    """202 without a body, and where to follow the work."""
    return Response(202, headers=((OPERATION_HEADER, recorded.operation_id),))


def index(request: Request) -> dict[str, Any]:
    policy.authorize(request.context, 'instance:index')
    return _list(request, views.summary, detailed=False)


def detail(request: Request) -> dict[str, Any]:
    policy.authorize(request.context, 'instance:detail')
    return _list(request, views.detail, detailed=True)


def _list(request: Request, view: Callable[..., dict[str, Any]], *,
          detailed: bool) -> dict[str, Any]:
    """A page: in the order asked for, or picked by ascending id and shown newest first."""
    limit = pagination.limit_of(request, CONF.instances_page_size)
    filters = listing.filters(request)
    # One more than asked for tells whether another page follows.
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
    """``GET configuration``: the options an instance has without a configuration group."""
    row = find(request, 'instance:configuration', instance_id)
    return {'instance': {'configuration': configuring.defaults(row)}}


def _view(request: Request, row: Row, view: Callable[..., dict[str, Any]],
          **more: Any) -> dict[str, Any]:
    def read(connection: Connection) -> tuple[Any, Any]:
        return (instances.addresses_of(connection, [row.id]),
                instances.replicas_of(connection, [row.id]) if row.has_replicas else {})

    addresses, replicas = session.read(read)
    return view(request, row, addresses.get(row.id, ()), replicas.get(row.id, ()), session.utcnow(),
                **more)


def create(request: Request) -> Response:
    context = request.context
    policy.authorize(context, 'instance:create')
    body = request.json_body()
    schemas.check(instance_schemas.CREATE, body)
    asked = body['instance']
    for key, rule in (('configuration', 'instance:update'), ('modules', 'instance:module_apply'),
                      ('users', 'instance:extension:user:create'),
                      ('databases', 'instance:extension:database:create')):
        if asked.get(key):
            policy.authorize(context, rule)
    checked = validation.check(context, validation.parsed(body))
    if query.flag(request, 'validate_only'):
        models.create(context, checked, rehearsal=True)
        return Response(204)
    recorded = models.create(context, checked)
    row = models.find(context, recorded.instance_id)
    shown = _view(request, row, views.created, password=checked.root_password)
    return Response(200, {'instance': shown}, ((OPERATION_HEADER, recorded.operation_id),))


def delete(request: Request, instance_id: str) -> Response:
    row = find(request, 'instance:delete', instance_id)
    return accepted(models.delete(request.context, row))


def action(request: Request, instance_id: str) -> Response:
    """``POST action``: exactly one key says which; the policy rule is the action's own."""
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
    return accepted(models.restart(request.context, row))


def _resize(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    """What is resized stands in the value; each has its own rule and schema."""
    asked = body['resize']
    if isinstance(asked, dict) and 'volume' in asked:
        row = find(request, 'instance:resize_volume', instance_id)
        schemas.check(instance_schemas.RESIZE_VOLUME, body)
        return accepted(
            resizing.volume(request.context, row, instance_schemas.size_of(asked['volume'])))
    row = find(request, 'instance:resize_flavor', instance_id)
    schemas.check(instance_schemas.RESIZE_FLAVOR, body)
    return accepted(resizing.flavor(request.context, row, reference(asked['flavorRef'])))


def _reset_status(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    """With the key ``force_delete`` the owner may too, for that is what a forced delete begins with."""
    asked = body['reset_status']
    forced = isinstance(asked, dict) and 'force_delete' in asked
    row = find(request, 'instance:force_delete' if forced else 'instance:reset_status', instance_id)
    schemas.check(instance_schemas.ACTIONS['reset_status'], body)
    models.reset(request.context, row)
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
