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

"""Servers: find, list, show, change, delete."""

import ast
import json
import re
from typing import Any

from minicloud import errors, specs, web, work
from minicloud.nova import schemas, views
from minicloud.state import Record


def find(call: web.Call, id: str) -> Record:
    """Return the server; raise 404 if it is not the caller's."""
    record = call.tx.get('server', id)
    if record is None or not (call.is_admin or record['project_id'] == call.project_id):
        raise errors.NotFound(f'Instance {id} could not be found.')
    return record


def change(call: web.Call, id: str, **changes: Any) -> Record:
    """Change members of the server and its time of change."""
    return call.tx.update('server', id, **changes, updated_at=call.time())


def unlocked(call: web.Call, record: Record) -> None:
    """Raise on changes of a locked server by a caller who is not an admin."""
    if record['locked'] and not call.is_admin:
        raise errors.Conflict(f"Instance {record['id']} is locked")


def _visible(call: web.Call) -> list[Record]:
    everyone = call.flag('all_tenants') if call.query.get('all_tenants') != '' else True
    if 'all_tenants' in call.query and everyone:
        if not call.is_admin:
            raise errors.Forbidden("Policy doesn't allow os_compute_api:servers:index:"
                                   'get_all_tenants to be performed.')
        requested = call.query.get('project_id', call.query.get('tenant_id'))
        return [record for record in call.tx.list('server')
                if requested in (None, record['project_id'])]
    return call.tx.list('server', project_id=call.project_id)


def _matches(call: web.Call, record: Record) -> bool:
    """Return whether the server matches the filters of the query."""
    query = call.query
    if 'name' in query and not _search(query['name'], record['name']):
        return False
    requested = {status.upper() for status in query.getall('status')}
    if requested and views.status(record) not in requested:
        return False
    values = {'flavor': record['flavor']['id'], 'image': record['image_id'],
              'host': record['host'], 'user_id': record['user_id'], 'uuid': record['id'],
              'availability_zone': record['availability_zone'],
              'reservation_id': record['reservation_id'], 'vm_state': record['vm_state'],
              'task_state': record['task_state'], 'power_state': str(record['power_state']),
              'key_name': (record['key_pair'] or {}).get('name'),
              'hostname': record['hostname'], 'description': record['description']}
    if any(name in query and query[name] != value for name, value in values.items()):
        return False
    if 'locked' in query and web.as_bool(query['locked']) != record['locked']:
        return False
    if 'config_drive' in query and web.as_bool(query['config_drive']) != record['config_drive']:
        return False
    if not query.get('changes-since', '') <= record['updated_at']:
        return False
    return _tags_match(query, set(record['tags'])) and _labels_match(call, record)


def _search(pattern: str, text: str) -> bool:
    """Search like Nova's database: a regular expression, ignoring case."""
    try:
        return re.search(pattern, text, re.IGNORECASE) is not None
    except re.error:
        return pattern in text


def _tags_match(query: Any, tags: set[str]) -> bool:
    tests = {'tags': lambda requested: requested <= tags,
             'tags-any': lambda requested: requested & tags,
             'not-tags': lambda requested: not requested <= tags,
             'not-tags-any': lambda requested: not requested & tags}
    return all(test(set(query[name].split(','))) for name, test in tests.items()
               if name in query)


def _labels_match(call: web.Call, record: Record) -> bool:
    query = call.query
    if 'metadata' in query and not (
            _mapping(query['metadata']).items() <= record['metadata'].items()):
        return False
    held = [fixed['ip_address'] for port in specs.ports_of(call.tx, record)
            for fixed in port['fixed_ips']] if 'ip' in query or 'ip6' in query else []
    return all(any(_search(query[name], address) for address in held)
               for name in ('ip', 'ip6') if name in query)


def _mapping(text: str) -> dict[str, str]:
    """Parse the metadata filter, in JSON or in Python's syntax of a dictionary."""
    try:
        value = json.loads(text)
    except ValueError:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = None
    if not isinstance(value, dict):
        raise errors.BadRequest('Invalid input for query parameters metadata. Value: '
                                f'{text}. It is not an object.')
    return value


def _index(call: web.Call, shape: Any) -> web.Answer:
    records = [record for record in _visible(call) if _matches(call, record)]
    names = {'display_name': 'name', 'uuid': 'id'}
    keys = [names.get(key, key) for key in call.query.getall('sort_key')] or ['created_at']
    directions = call.query.getall('sort_dir')
    directions += ['desc'] * (len(keys) - len(directions))
    records = web.sort(records[::-1], list(zip(keys, directions)))
    chosen, following = web.page(call, records)
    body: dict[str, Any] = {'servers': [shape(call, record) for record in chosen]}
    if following:
        body['servers_links'] = [{'rel': 'next', 'href': following}]
    return body


def index(call: web.Call) -> web.Answer:
    """Respond to GET /servers."""
    return _index(call, views.summary)


def detail(call: web.Call) -> web.Answer:
    """Respond to GET /servers/detail."""
    return _index(call, lambda call, record: views.detail(call, record, alone=False))


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /servers/{id}."""
    return {'server': views.detail(call, find(call, id))}


def update(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /servers/{id}: name and description."""
    find(call, id)
    body = call.member('server')
    web.check(schemas.UPDATE, body)
    changes = {name: body[name] for name in ('name', 'description', 'hostname') if name in body}
    return {'server': views.detail(call, change(call, id, **changes))}


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /servers/{id}: accepted repeatedly until the server is gone."""
    record = find(call, id)
    unlocked(call, record)
    remove(call, record)
    return 204, None


def remove(call: web.Call, record: Record) -> None:
    """Start to delete the server."""
    if record['task_state'] == 'deleting':
        return
    id = record['id']
    change(call, id, task_state='deleting')
    volumes = [f'volume:{item["volume_id"]}'
               for item in call.tx.list('attachment', server_id=id)]
    work.submit(call.tx, 'server.delete', {'server_id': id}, [f'server:{id}', *volumes])


def ips(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /servers/{id}/ips."""
    shown = views.addresses(call, find(call, id))
    return {'addresses': {name: [{'addr': item['addr'], 'version': item['version']}
                                 for item in items] for name, items in shown.items()}}


def groups(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /servers/{id}/os-security-groups."""
    record = find(call, id)
    ids = {group_id for port in specs.ports_of(call.tx, record)
           for group_id in port['security_groups']}
    return {'security_groups': [
        {'id': group['id'], 'name': group['name'], 'description': group['description'],
         'tenant_id': group['project_id'], 'rules': []}
        for group in call.tx.list('security_group') if group['id'] in ids]}


ROUTES = [web.Route('GET', '/servers', index), web.Route('GET', '/servers/detail', detail),
          web.Route('GET', '/servers/{id}', show), web.Route('PUT', '/servers/{id}', update),
          web.Route('DELETE', '/servers/{id}', delete),
          web.Route('GET', '/servers/{id}/ips', ips),
          web.Route('GET', '/servers/{id}/os-security-groups', groups)]
