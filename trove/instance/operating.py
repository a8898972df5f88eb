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

"""What users do to the long work on their instances: ask it to turn back, or to be tried again.

Whoever may not ask for something may not cancel it or have it tried again either: the rule of the original request is
asked beside that of the call.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from trove.common import exception, policy, states
from trove.common.http import schemas
from trove.common.rpc import clients
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.db import operations, session
from trove.db.session import Row
from trove.instance import changes, models, resizing, servers, service
from trove.instance.models import Recorded
from trove.operation import schemas as operation_schemas
from trove.operation import service as operation_service


class Asked(NamedTuple):
    """How a kind of operation was asked for.

    :ivar rule: that allowed it.
    :ivar again: (context, instance, args of the operation) -> another one like it; None where what was asked for is not
        known any more.
    :ivar admin: it was asked for by an administrator's call.
    """
    rule: str
    again: Callable[[Any, Row, dict[str, Any]], Recorded | None] | None
    admin: bool = False


def _detached(context: Any, row: Row, configuration_id: str) -> Recorded | None:
    """Nothing to do when the group was let go of since; another one stays."""
    if row.configuration_id != configuration_id:
        return None
    return changes.change_configuration(context, row, None, None)


def _managed(again: Callable[[Any, Row, dict[str, Any]], Recorded]) -> Asked:
    return Asked('mgmt:instance:action', again, admin=True)


ASKED: dict[str, Asked] = {
    # Passwords of users are forgotten when the operation ends.
    'instance_create': Asked('instance:create', None),
    'instance_delete': Asked('instance:delete',
                             lambda context, row, _args: models.delete(context, row)),
    'instance_restart': Asked('instance:restart',
                              lambda context, row, _args: models.restart(context, row)),
    'instance_resize_volume': Asked(
        'instance:resize_volume',
        lambda context, row, args: resizing.volume(context, row, args['size'])),
    'instance_resize_flavor': Asked(
        'instance:resize_flavor',
        lambda context, row, args: resizing.flavor(context, row, args['flavor']['id'])),
    'instance_update_access': Asked(
        'instance:update',
        lambda context, row, args: changes.change_access(context, row, None, args['access'])),
    'instance_upgrade': Asked(
        'instance:update',
        lambda context, row, args: changes.upgrade(context, row, None, args['version']['id'])),
    'instance_attach_configuration': Asked(
        'instance:update', lambda context, row, args: changes.change_configuration(
            context, row, None, args['configuration_id'])),
    'instance_detach_configuration': Asked(
        'instance:update',
        lambda context, row, args: _detached(context, row, args['configuration_id'])),
    'instance_reboot': _managed(lambda context, row, _args: models.reboot(context, row)),
    'instance_stop': _managed(lambda context, row, _args: models.stop(context, row)),
    'instance_start': _managed(lambda context, row, _args: servers.start(context, row)),
    'instance_rebuild': _managed(
        lambda context, row, args: servers.rebuild(context, row, args['image_id'])),
    'instance_migrate': _managed(
        lambda context, row, args: servers.migrate(context, row, args['host'], live=False)),
    'instance_migrate_live': _managed(
        lambda context, row, args: servers.migrate(context, row, args['host'], live=True)),
}


def action(request: Request, operation_id: str) -> Response:
    """``POST /operations/{id}/action``: exactly one key says which."""
    body = request.json_body()
    named = operation_schemas.ACTIONS.keys() & body.keys()
    name = next(iter(named)) if len(named) == 1 else ''
    row = operation_service.find(request, f'operation:{name}' if name else 'operation:show',
                                 operation_id)
    if len(body) != 1 or not name:
        raise exception.BadRequest(
            f"The body must hold exactly one action: one of {', '.join(sorted(operation_schemas.ACTIONS))}.")
    schemas.check(operation_schemas.ACTIONS[name], body)
    asked = ASKED.get(row.kind)
    if asked is None:
        raise _conflict(row,
                        f'operations of kind {row.kind} can neither be cancelled nor tried again')
    if asked.admin:
        policy.require_admin(request.context)
    policy.authorize(request.context, asked.rule, row.project_id)
    return service.accepted((_cancel if name == 'cancel' else _retry)(request, row, asked))


def _conflict(row: Row, why: str) -> exception.Conflict:
    return exception.Conflict(f'Operation {row.id}: {why}.')


def _cancel(_request: Request, row: Row, _asked: Asked) -> Recorded:
    """Have what was done taken back. It may come too late: the operation then succeeds all the same."""
    if not row.active:
        raise _conflict(row, f'it has ended ({row.state}) and cannot be cancelled')
    if row.kind not in states.CANCELLABLE:
        raise _conflict(
            row, f'operations of kind {row.kind} cannot be cancelled: half done is worse than done')
    if not session.write(
            lambda connection: operations.cancel(connection, row.id, session.utcnow())):
        raise _conflict(row, 'it is being taken back already')
    clients.wake_taskmanager(row.id)
    return Recorded(row.id, row.resource_id)


def _retry(request: Request, row: Row, asked: Asked) -> Recorded:
    """Go on now with one that pauses; ask for another like one that has failed or was cancelled."""
    if row.active and session.write(
            lambda connection: operations.hurry(connection, row.id, session.utcnow())):
        clients.wake_taskmanager(row.id)
        return Recorded(row.id, row.resource_id)
    if row.state == states.OperationState.SUCCEEDED:
        raise _conflict(row, 'it has succeeded; there is nothing to try again')
    if asked.again is None:
        raise _conflict(
            row, f'operations of kind {row.kind} are not tried again; ask for what you want anew')
    instance = models.find(request.context, row.resource_id)
    recorded = asked.again(request.context, instance, json.loads(row.args))
    if recorded is None:
        raise _conflict(row, 'what it was to bring about is so by now')
    return recorded
