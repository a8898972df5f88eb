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

"""History of actions on servers, with caller and time (``os-instance-actions``)."""

from typing import Any

from minicloud import errors, web
from minicloud.nova import servers
from minicloud.state import Record


def record(call: web.Call, server_id: str, action: str) -> None:
    """Record an action that the caller requested."""
    number = call.tx.count('server_action')
    call.tx.put('server_action', {
        'id': f'{number:012d}', 'number': number, 'server_id': server_id, 'action': action,
        'request_id': call.request_id, 'user_id': call.identity.user_id,
        'project_id': call.project_id, 'start_time': call.time().rstrip('Z') + '.000000'})


def _view(call: web.Call, item: Record) -> dict[str, Any]:
    shown = {'action': item['action'], 'instance_uuid': item['server_id'], 'message': None,
             **{name: item[name] for name in ('request_id', 'user_id', 'project_id',
                                              'start_time')}}
    if call.version >= (2, 58):
        shown['updated_at'] = item['start_time']
    return shown


def index(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /servers/{id}/os-instance-actions: newest first."""
    servers.find(call, id)
    items = call.tx.list('server_action', server_id=id)[::-1]
    return {'instanceActions': [_view(call, item) for item in items]}


def show(call: web.Call, id: str, request_id: str) -> web.Answer:
    """Respond to GET /servers/{id}/os-instance-actions/{request_id}."""
    servers.find(call, id)
    for item in call.tx.list('server_action', server_id=id, request_id=request_id):
        return {'instanceAction': {**_view(call, item), 'events': []}}
    raise errors.NotFound(f'Action for request_id {request_id} on instance {id} not found')


ROUTES = [web.Route('GET', '/servers/{id}/os-instance-actions', index),
          web.Route('GET', '/servers/{id}/os-instance-actions/{request_id}', show)]
