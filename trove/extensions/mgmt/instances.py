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

"""Controllers of instances for administrators."""

from typing import Any

from oslo_config import cfg

from trove.common.http import access, pagination, query
from trove.common.http.request import Request
from trove.common.http.response import Response, accepted
from trove.common.http.route import Action
from trove.common.rpc import messages
from trove.common.rpc.messages import about
from trove.db import instance_addresses, instances
from trove.db import root_history as root_rows
from trove.db import session
from trove.db.rows import FullInstanceRow, InstanceRow
from trove.db.session import Connection
from trove.extensions import serving
from trove.extensions.mgmt import views
from trove.instance import models
from trove.instance.actions import image, power, status

CONF = cfg.CONF


def _find(request: Request, instance_id: str, *, include_deleted: bool = False) -> FullInstanceRow:
    return access.find(request, models.find, instance_id, include_deleted=include_deleted)


def index(request: Request) -> dict[str, Any]:
    """Return a page picked by the time of change and shown newest first.

    The marker is the number of rows before the page.
    """
    limit = pagination.limit_of(request, CONF.instances_page_size, capped=False)
    offset = pagination.offset_of(request)

    def read(connection: Connection) -> tuple[Any, Any, Any]:
        rows = instances.managed_page(
            connection, offset=offset, limit=limit, deleted=query.boolean(request, 'deleted'),
            tenant_id=request.GET.get('project_id') or None,
            include_clustered=query.flag(request, 'include_clustered'))
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
    row = _find(request, instance_id, include_deleted=query.flag(request, 'deleted'))

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
    """Return the user who first enabled root; also for a deleted instance."""
    row = _find(request, instance_id, include_deleted=True)
    return {
        'root_history': views.root_history(row.id, session.read(root_rows.get, row.id))
    }


def rpc_ping(request: Request, instance_id: str) -> Response:
    """Respond with 204 if the agent replies to a message."""
    row = _find(request, instance_id)
    models.require_server(row)
    serving.call(row, messages.Ping())
    return Response(204)


def diagnostics(request: Request, instance_id: str) -> dict[str, Any]:
    """Return the version of the agent and the memory of its process in kB."""
    return {'diagnostics': _facts(request, instance_id, messages.Diagnose(), about.DIAGNOSTICS)}


def hwinfo(request: Request, instance_id: str) -> dict[str, Any]:
    """Return memory in kB and number of processors of the agent's machine."""
    return {'hwinfo': _facts(request, instance_id, messages.DescribeHardware(), about.HARDWARE)}


def _facts(request: Request, instance_id: str, message: messages.Command,
           facts: dict[str, Any]) -> dict[str, Any]:
    row = _find(request, instance_id)
    models.require_server(row)
    reply = serving.call(row, message, reply=facts)
    return {key: reply[key] for key in facts}


def upgrade(request: Request, instance_id: str, body: dict[str, Any]) -> Response:
    """Upgrade the agent of an instance; the result is in the operation."""
    row = _find(request, instance_id)
    models.require_server(row)
    recorded = image.upgrade_agent(request.context, row, body['upgrade'])
    return accepted(recorded.operation_id)


# --- actions -------------------------------------------------------------------------------------

def action(request: Request, instance_id: str, body: dict[str, Any], action: Action) -> Response:
    assert action.run is not None
    return action.run(request, _find(request, instance_id), body)


def stop(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    """Stop the database; it stays stopped until it is restarted."""
    return accepted(power.stop(request.context, row).operation_id)


def reboot(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    return accepted(power.reboot(request.context, row).operation_id)


def reset_task_status(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    status.reset(request.context, row, forget_service=False)
    return Response(202)


def start(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    """Start the server or the database, whichever is stopped."""
    return accepted(power.start(request.context, row).operation_id)


def migrate(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    """Move the server to another host, switched off unless ``live`` is true."""
    requested = body['migrate']
    recorded = image.migrate(request.context, row, requested.get('host'),
                             live=requested.get('live', False))
    return accepted(recorded.operation_id)


def rebuild(request: Request, row: InstanceRow, body: dict[str, Any]) -> Response:
    """Rebuild the server from another image."""
    recorded = image.rebuild(request.context, row, body['rebuild']['image_id'])
    return accepted(recorded.operation_id)
