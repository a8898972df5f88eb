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

"""Controllers of the logs of an instance."""

from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.common.http.request import Request
from trove.common.http.response import Response, followed
from trove.common.http.route import Action
from trove.db.rows import InstanceRow
from trove.extensions.logs import models, validation, views
from trove.instance import models as instance_models
from trove.instance import service

CONF = cfg.CONF

#: Keys of actions of :data:`trove.common.api.ROUTES`; a body has several keys or only a name.
SHOW, CHANGE = 'show', 'change'
_CHANGES = ('enable', 'disable', 'publish', 'discard')


def index(request: Request, instance_id: str) -> dict[str, Any]:
    row = service.find(request, instance_id)
    instance_models.require_server(row)
    validation.require_object_store(row)
    return {'logs': [views.log(row, entry) for entry in models.entries(request.context, row)]}


def action_of(body: dict[str, Any]) -> str:
    """Return the action of a body: show the named log, or change it."""
    return CHANGE if _changes(body) else SHOW


def _changes(body: dict[str, Any]) -> set[str]:
    return {key for key in _CHANGES if body.get(key)}


def action(request: Request, instance_id: str, body: dict[str, Any], action: Action) -> Response:
    """Show one log, or enable, disable, publish or discard it."""
    changes = _changes(body)
    if {'enable', 'disable'} <= changes:
        raise exception.BadRequest(
            "A log cannot be both enabled and disabled: give one of 'enable' and 'disable'.")
    row = service.find(request, instance_id)
    instance_models.require_server(row)
    if changes & {'publish', 'discard'}:
        validation.check_account(request.context, row)
    else:
        validation.require_object_store(row)
    entry = models.find(request.context, row, body['name'])
    if changes & {'enable', 'disable'}:
        entry = models.switch(row, entry, 'enable' in changes)
    elif 'publish' in changes and entry['status'] == 'Disabled':
        # The engine writes only an enabled log.
        entry = models.switch(row, entry, True)
    if not changes & {'publish', 'discard'}:
        return Response(200, {'log': views.log(row, entry)})
    return _store(request, row, entry, changes)


def _store(request: Request, row: InstanceRow, entry: dict[str, Any],
           changes: set[str]) -> Response:
    """Publish or discard a log with an operation, and wait for its result for a while.

    If the operation takes longer, the response shows the present state and names the operation.
    """
    name = entry['name']
    if 'publish' in changes:
        recorded = models.publish(request.context, row, name, start_over='discard' in changes)
    else:
        recorded = models.discard(request.context, row, name)
    if models.wait(recorded, CONF.guest_log_wait):
        entry = models.find(request.context, row, name)
    return followed(200, recorded.operation_id, {'log': views.log(row, entry)})
