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

"""Server groups: a policy and the servers created under it.

All machines of this cloud share one host, so a policy is recorded and shown but has no effect.
Unlike on a real cloud of one host, "anti-affinity" does not fail.
"""

from typing import Any

from minicloud import errors, quota, web
from minicloud.state import Record

_POLICIES = ['affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity']
_NAME = {'type': 'string', 'minLength': 1, 'maxLength': 255}
_CREATE_OLD = {'type': 'object', 'additionalProperties': False, 'required': ['name', 'policies'],
               'properties': {'name': _NAME, 'policies': {
                   'type': 'array', 'minItems': 1, 'maxItems': 1,
                   'items': {'enum': _POLICIES}}}}
_CREATE = {'type': 'object', 'additionalProperties': False, 'required': ['name', 'policy'],
           'properties': {'name': _NAME, 'policy': {'enum': _POLICIES}, 'rules': {
               'type': 'object', 'additionalProperties': False,
               'properties': {'max_server_per_host': {'type': ['integer', 'string']}}}}}


def members(call: web.Call, group_id: str) -> list[str]:
    """Return the ids of the servers in the group."""
    return [server['id'] for server in call.tx.list('server', group_id=group_id)]


def _view(call: web.Call, record: Record) -> dict[str, Any]:
    shown = {'id': record['id'], 'name': record['name'], 'members': members(call, record['id'])}
    if call.version >= (2, 64):
        shown |= {'policy': record['policy'], 'rules': record['rules']}
    else:
        shown |= {'policies': [record['policy']], 'metadata': {}}
    if call.version >= (2, 13):
        shown |= {'project_id': record['project_id'], 'user_id': record['user_id']}
    return shown


def find(call: web.Call, id: str) -> Record:
    """Return the group; raise 404 if it is not the caller's."""
    record = call.tx.get('server_group', id)
    if record is None or not (call.is_admin or record['project_id'] == call.project_id):
        raise errors.NotFound(f'Instance group {id} could not be found.')
    return record


def create(call: web.Call) -> web.Answer:
    """Respond to POST /os-server-groups."""
    body = call.member('server_group')
    web.check(_CREATE if call.version >= (2, 64) else _CREATE_OLD, body)
    limit = quota.limits(call.tx, 'compute', call.project_id)
    used = len(call.tx.list('server_group', project_id=call.project_id))
    if quota.exceeded(limit, {'server_groups': used}, {'server_groups': 1}):
        raise errors.Forbidden('Quota exceeded, too many server groups.')
    record = call.tx.put('server_group', {
        'id': call.cloud.new_id(), 'name': body['name'],
        'policy': body.get('policy') or body['policies'][0], 'rules': body.get('rules', {}),
        'project_id': call.project_id, 'user_id': call.identity.user_id})
    return {'server_group': _view(call, record)}


def index(call: web.Call) -> web.Answer:
    """Respond to GET /os-server-groups."""
    everyone = call.is_admin and call.flag('all_projects')
    records = (call.tx.list('server_group') if everyone
               else call.tx.list('server_group', project_id=call.project_id))
    records = records[web.integer(call.query.get('offset', 0), 'offset'):]
    chosen, _ = web.page(call, records)
    return {'server_groups': [_view(call, record) for record in chosen]}


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /os-server-groups/{id}."""
    return {'server_group': _view(call, find(call, id))}


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /os-server-groups/{id}; its servers are kept."""
    find(call, id)
    for server_id in members(call, id):
        call.tx.update('server', server_id, group_id=None)
    call.tx.remove('server_group', id)
    return 204, None


ROUTES = [web.Route('GET', '/os-server-groups', index),
          web.Route('POST', '/os-server-groups', create),
          web.Route('GET', '/os-server-groups/{id}', show),
          web.Route('DELETE', '/os-server-groups/{id}', delete)]
