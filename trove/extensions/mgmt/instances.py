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

"""The calls of administrators on the instances of all projects: the queries and views of everybody, with more."""

from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from trove.common import exception, policy
from trove.common.http import pagination, schemas
from trove.common.rpc import messages
from trove.common.rpc.messages import about
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.db import instance_addresses, instances
from trove.db import root_history as root_rows
from trove.db import session
from trove.db.session import Connection, Row
from trove.extensions import serving
from trove.extensions.mgmt import schemas as mgmt_schemas
from trove.extensions.mgmt import views
from trove.instance import models, service
from trove.instance.actions import image, power, status

CONF = cfg.CONF

_RULE = 'mgmt:instance'


def _authorize(request: Request, action: str) -> None:
    policy.require_admin(request.context)
    policy.authorize(request.context, f'{_RULE}:{action}')


def _deleted(request: Request) -> bool | None:
    """``deleted``: true, false, or anything else for not given."""
    return {'true': True, 'false': False}.get(request.GET.get('deleted', '').lower())


def _find(instance_id: str, *, include_deleted: bool = False) -> Row:
    row = session.read(instances.get, instance_id, include_deleted=include_deleted)
    if row is None:
        raise exception.not_found(instance_id)
    return row


def index(request: Request) -> dict[str, Any]:
    """A page picked by the time of change and shown newest first. The marker is the number of rows before it."""
    _authorize(request, 'index')
    limit = pagination.limit_of(request, CONF.instances_page_size, capped=False)
    offset = pagination.offset_of(request)
    include_clustered = request.GET.get('include_clustered', '').lower() == 'true'

    def read(connection: Connection) -> tuple[Any, Any, Any]:
        rows = instances.managed_page(
            connection, offset=offset, limit=limit, deleted=_deleted(request),
            tenant_id=request.GET.get('project_id') or None, include_clustered=include_clustered)
        ids = [row.id for row in rows]
        return (rows, instance_addresses.shown_of(connection, ids),
                instances.replicas_of(connection, ids))

    rows, addresses, replicas = session.read(read)
    now = session.utcnow()
    shown = [views.instance(request, row, addresses.get(row.id, ()), replicas.get(row.id, ()), now)
             for row in sorted(rows, key=lambda row: row.created, reverse=True)]
    return pagination.page(request, 'instances', shown,
                           str(offset + limit) if len(rows) == limit else None)


def show(request: Request, instance_id: str) -> dict[str, Any]:
    _authorize(request, 'show')
    row = _find(instance_id, include_deleted=bool(_deleted(request)))

    def read(connection: Connection) -> tuple[Any, Any, Any]:
        return (instance_addresses.all_of(connection, row.id),
                instances.replicas_of(connection, [row.id]),
                root_rows.get(connection, row.id))

    addresses, replicas, root = session.read(read)
    return {
        'instance': views.instance_complete(request, row, addresses, replicas.get(row.id, ()),
                                            session.utcnow(), root)
    }


def root_history(request: Request, instance_id: str) -> dict[str, Any]:
    """Who enabled root first; also of an instance that is deleted, for the records."""
    _authorize(request, 'root_history')
    row = _find(instance_id, include_deleted=True)
    return {
        'root_history': views.root_history(row.id, session.read(root_rows.get, row.id))
    }


def rpc_ping(request: Request, instance_id: str) -> Response:
    """Whether the agent answers."""
    _authorize(request, 'rpc_ping')
    row = _find(instance_id)
    models.require_server(row)
    serving.ask(row, messages.Ping())
    return Response(204)


def diagnostics(request: Request, instance_id: str) -> dict[str, Any]:
    """How the agent is doing: its version, and what its process takes in kB."""
    _authorize(request, 'diagnostics')
    return {'diagnostics': _facts(instance_id, messages.Diagnose(), about.DIAGNOSTICS)}


def hwinfo(request: Request, instance_id: str) -> dict[str, Any]:
    """What machine the agent is on: memory in kB, and processors."""
    _authorize(request, 'hwinfo')
    return {'hwinfo': _facts(instance_id, messages.DescribeHardware(), about.HARDWARE)}


def _facts(instance_id: str, message: messages.Command, facts: dict[str, Any]) -> dict[str, Any]:
    row = _find(instance_id)
    models.require_server(row)
    told = serving.ask(row, message, gives=facts)
    return {key: told[key] for key in facts}


def upgrade(request: Request, instance_id: str) -> Response:
    """Have the agent of an instance exchanged. What came of it stands in the operation."""
    _authorize(request, 'upgrade')
    body = request.json_body()
    schemas.check(mgmt_schemas.AGENT_UPGRADE, body)
    row = _find(instance_id)
    return service.accepted(image.upgrade_agent(request.context, row, body['upgrade']))


# --- actions -------------------------------------------------------------------------------------

def action(request: Request, instance_id: str) -> Response:
    """Exactly one key says which."""
    _authorize(request, 'action')
    body = request.json_body()
    row = _find(instance_id)
    named = mgmt_schemas.ACTION_NAMES & body.keys()
    if len(named) != 1 or len(body) != 1:
        raise exception.BadRequest(f"The body must hold exactly one action: one of "
                                   f"{', '.join(sorted(mgmt_schemas.ACTION_NAMES))}.")
    name = next(iter(named))
    schemas.check(mgmt_schemas.ACTIONS[name], body)
    return _ACTIONS[name](request, row)


def _stop(request: Request, row: Row) -> Response:
    """Stop the database; it stays stopped until it is restarted."""
    return service.accepted(power.stop(request.context, row))


def _reboot(request: Request, row: Row) -> Response:
    return service.accepted(power.reboot(request.context, row))


def _reset_task(request: Request, row: Row) -> Response:
    status.reset(request.context, row, forget_service=False)
    return Response(202)


def _start(request: Request, row: Row) -> Response:
    """Start what does not run of it, server or database."""
    return service.accepted(power.start(request.context, row))


def _migrate(request: Request, row: Row) -> Response:
    """Move the server to another host, switched off unless ``live`` is true."""
    asked = request.json_body()['migrate']
    return service.accepted(
        image.migrate(request.context, row, asked.get('host'), live=asked.get('live', False)))


def _rebuild(request: Request, row: Row) -> Response:
    """Give the server another image."""
    return service.accepted(
        image.rebuild(request.context, row, request.json_body()['rebuild']['image_id']))


_ACTIONS: dict[str, Callable[[Request, Row], Response]] = {
    'start': _start,
    'stop': _stop,
    'reboot': _reboot,
    'reset-task-status': _reset_task,
    'migrate': _migrate,
    'rebuild': _rebuild,
}
