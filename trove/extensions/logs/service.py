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

"""The calls on the logs of an instance."""

from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.common.http import schemas
from trove.common.http.request import Request
from trove.common.http.response import Response
from trove.extensions.logs import models, validation, views
from trove.extensions.logs import schemas as log_schemas
from trove.instance import models as instance_models
from trove.instance import service

CONF = cfg.CONF

_ACTIONS = ('enable', 'disable', 'publish', 'discard')


def index(request: Request, instance_id: str) -> dict[str, Any]:
    row = service.find(request, 'instance:guest_log_list', instance_id)
    instance_models.require_server(row)
    validation.require_object_store(row)
    return {'logs': [views.log(row, entry) for entry in models.entries(request.context, row)]}


def action(request: Request, instance_id: str) -> Response:
    """Switch, publish or discard one log; with only its name, show it.

    Showing is for whoever may list. Publishing and discarding are operations. They are waited for a while, so that
    what is answered is what came of it; when the work takes longer, the answer says how things stand, and the operation
    can be followed.
    """
    body = request.json_body()
    wanted = {key for key in _ACTIONS if isinstance(body, dict) and body.get(key)}
    row = service.find(
        request, 'instance:guest_log_action' if wanted else 'instance:guest_log_list', instance_id)
    schemas.check(log_schemas.ACTION, body)
    if {'enable', 'disable'} <= wanted:
        raise exception.BadRequest(
            "A log cannot be both enabled and disabled: give one of 'enable' and 'disable'.")
    instance_models.require_server(row)
    if wanted & {'publish', 'discard'}:
        validation.check_account(request.context, row)
    else:
        validation.require_object_store(row)
    entry = models.find(request.context, row, body['name'])
    name = entry['name']
    if wanted & {'enable', 'disable'}:
        entry = models.switch(row, entry, 'enable' in wanted)
    elif 'publish' in wanted and entry['status'] == 'Disabled':
        # What nobody writes cannot be published.
        entry = models.switch(row, entry, True)
    if not wanted & {'publish', 'discard'}:
        return Response(200, {'log': views.log(row, entry)})
    if 'publish' in wanted:
        recorded = models.publish(request.context, row, name, start_over='discard' in wanted)
    else:
        recorded = models.discard(request.context, row, name)
    if models.wait(recorded, CONF.guest_log_wait):
        entry = models.find(request.context, row, name)
    return Response(200, {'log': views.log(row, entry)},
                    ((service.OPERATION_HEADER, recorded.operation_id),))
