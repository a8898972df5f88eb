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

"""Flavors: sizes of machines, project access, extra specs."""

from typing import Any

from minicloud import errors, web
from minicloud.state import Record

_SIZES = {'ram': 1, 'vcpus': 1, 'disk': 0, 'swap': 0, 'OS-FLV-EXT-DATA:ephemeral': 0}
_CREATE = {
    'type': 'object', 'additionalProperties': False, 'required': ['name', 'ram', 'vcpus', 'disk'],
    'properties': {
        'name': {'type': 'string', 'minLength': 1, 'maxLength': 255},
        'id': {'type': ['string', 'integer', 'null'], 'maxLength': 255},
        'rxtx_factor': {'type': ['number', 'string']},
        'os-flavor-access:is_public': {'type': ['boolean', 'string']},
        'description': {'type': ['string', 'null'], 'maxLength': 65535},
        **{name: {'type': ['integer', 'string'], 'pattern': '^[0-9]+$', 'minimum': lowest}
           for name, lowest in _SIZES.items()}}}


def find(call: web.Call, id: str) -> Record:
    """Return the flavor; raise 404 if this project cannot use it."""
    record = call.tx.get('flavor', id)
    if record is None or not _usable(call, record):
        raise errors.NotFound(f'Flavor {id} could not be found.')
    return record


def _usable(call: web.Call, record: Record) -> bool:
    return call.is_admin or record['is_public'] or call.project_id in record['access']


def links(call: web.Call, id: str) -> list[dict[str, str]]:
    """Return the links of a flavor."""
    return [{'rel': 'self', 'href': call.url(f'/v2.1/flavors/{id}')},
            {'rel': 'bookmark', 'href': call.url(f'/flavors/{id}')}]


def _view(call: web.Call, record: Record) -> dict[str, Any]:
    shown = {name: record[name] for name in ('id', 'name', 'ram', 'vcpus', 'disk')}
    swap = record['swap']
    shown |= {'swap': swap if swap or call.version >= (2, 75) else '',
              'OS-FLV-EXT-DATA:ephemeral': record['ephemeral'],
              'OS-FLV-DISABLED:disabled': False, 'rxtx_factor': 1.0,
              'os-flavor-access:is_public': record['is_public'],
              'links': links(call, record['id'])}
    if call.version >= (2, 55):
        shown['description'] = record['description']
    if call.version >= (2, 61):
        shown['extra_specs'] = record['extra_specs']
    return shown


def _summary(call: web.Call, record: Record) -> dict[str, Any]:
    shown = {'id': record['id'], 'name': record['name'], 'links': links(call, record['id'])}
    if call.version >= (2, 55):
        shown['description'] = record['description']
    return shown


def _index(call: web.Call, shape: Any) -> web.Answer:
    records = [record for record in call.tx.list('flavor') if _usable(call, record)]
    public = call.query.get('is_public')
    if not call.is_admin or public is None:
        records = [record for record in records
                   if record['is_public'] or call.project_id in record['access']]
    elif public.lower() != 'none':
        records = [record for record in records if record['is_public'] == web.as_bool(public)]
    least_ram = web.integer(call.query.get('minRam', 0), 'minRam')
    least_disk = web.integer(call.query.get('minDisk', 0), 'minDisk')
    records = [record for record in records
               if record['ram'] >= least_ram and record['disk'] >= least_disk]
    key = {'flavorid': 'id', 'memory_mb': 'ram'}.get(
        call.query.get('sort_key', 'flavorid'), call.query.get('sort_key'))
    records = web.sort(records, [(key, call.query.get('sort_dir', 'asc'))])
    chosen, following = web.page(call, records)
    body: dict[str, Any] = {'flavors': [shape(call, record) for record in chosen]}
    if following:
        body['flavors_links'] = [{'rel': 'next', 'href': following}]
    return body


def index(call: web.Call) -> web.Answer:
    """Respond to GET /flavors."""
    return _index(call, _summary)


def detail(call: web.Call) -> web.Answer:
    """Respond to GET /flavors/detail."""
    return _index(call, _view)


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /flavors/{id}."""
    return {'flavor': _view(call, find(call, id))}


def new(id: str, name: str, ram: int, vcpus: int, disk: int, **values: Any) -> Record:
    """Return the record of a new flavor."""
    return {'id': id, 'name': name, 'ram': ram, 'vcpus': vcpus, 'disk': disk, 'ephemeral': 0,
            'swap': 0, 'is_public': True, 'access': [], 'extra_specs': {}, 'description': None,
            **values}


def create(call: web.Call) -> web.Answer:
    """Respond to POST /flavors (admins)."""
    call.require_admin('os_compute_api:os-flavor-manage:create')
    body = call.member('flavor')
    web.check(_CREATE, body)
    id = body.get('id')
    id = call.cloud.new_id() if id in (None, 'auto') else str(id)
    if any(body['name'] == other['name'] or id == other['id']
           for other in call.tx.list('flavor')):
        raise errors.Conflict(f"Flavor with name {body['name']} already exists.")
    public = web.as_bool(body.get('os-flavor-access:is_public', True))
    record = call.tx.put('flavor', new(
        id, body['name'], int(body['ram']), int(body['vcpus']), int(body['disk']),
        ephemeral=int(body.get('OS-FLV-EXT-DATA:ephemeral', 0)), swap=int(body.get('swap', 0)),
        is_public=public, access=[] if public else [call.project_id],
        description=body.get('description')))
    return {'flavor': _view(call, record)}


def update(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /flavors/{id}: the description (admins)."""
    call.require_admin('os_compute_api:os-flavor-manage:update')
    find(call, id)
    description = call.member('flavor').get('description')
    return {'flavor': _view(call, call.tx.update('flavor', id, description=description))}


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /flavors/{id} (admins); existing machines keep their resources."""
    call.require_admin('os_compute_api:os-flavor-manage:delete')
    call.tx.remove('flavor', find(call, id)['id'])
    return 202, None


def specs(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /flavors/{id}/os-extra_specs."""
    return {'extra_specs': find(call, id)['extra_specs']}


def set_specs(call: web.Call, id: str) -> web.Answer:
    """Respond to POST /flavors/{id}/os-extra_specs (admins)."""
    call.require_admin('os_compute_api:os-flavor-extra-specs:create')
    record, items = find(call, id), call.member('extra_specs')
    call.tx.update('flavor', id, extra_specs={
        **record['extra_specs'], **{name: str(value) for name, value in items.items()}})
    return {'extra_specs': items}


def drop_spec(call: web.Call, id: str, key: str) -> web.Answer:
    """Respond to DELETE /flavors/{id}/os-extra_specs/{key} (admins)."""
    call.require_admin('os_compute_api:os-flavor-extra-specs:delete')
    record = find(call, id)
    if key not in record['extra_specs']:
        raise errors.NotFound(f'Flavor {id} has no extra specs with key {key}.')
    call.tx.update('flavor', id, extra_specs={
        name: value for name, value in record['extra_specs'].items() if name != key})
    return 200, None


def access(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /flavors/{id}/os-flavor-access (admins)."""
    call.require_admin('os_compute_api:os-flavor-access')
    record = find(call, id)
    if record['is_public']:
        raise errors.NotFound('Access list not available for public flavors.')
    return {'flavor_access': [{'flavor_id': id, 'tenant_id': project_id}
                              for project_id in record['access']]}


def change_access(call: web.Call, id: str) -> web.Answer:
    """Respond to POST /flavors/{id}/action: add or remove a project's access (admins)."""
    call.require_admin('os_compute_api:os-flavor-access')
    record, body = find(call, id), call.json()
    for name in ('addTenantAccess', 'removeTenantAccess'):
        if isinstance(body, dict) and isinstance(body.get(name), dict):
            project_id = str(body[name].get('tenant'))
            kept = [other for other in record['access'] if other != project_id]
            call.tx.update('flavor', id, access=[
                *kept, *([project_id] if name == 'addTenantAccess' else [])])
            return access(call, id)
    raise errors.BadRequest('There is no such action.')


ROUTES = [web.Route('GET', '/flavors', index), web.Route('GET', '/flavors/detail', detail),
          web.Route('POST', '/flavors', create), web.Route('GET', '/flavors/{id}', show),
          web.Route('PUT', '/flavors/{id}', update, since=(2, 55)),
          web.Route('DELETE', '/flavors/{id}', delete),
          web.Route('GET', '/flavors/{id}/os-extra_specs', specs),
          web.Route('POST', '/flavors/{id}/os-extra_specs', set_specs),
          web.Route('DELETE', '/flavors/{id}/os-extra_specs/{key}', drop_spec),
          web.Route('GET', '/flavors/{id}/os-flavor-access', access),
          web.Route('POST', '/flavors/{id}/action', change_access)]
