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

"""Volume types: names for kinds of storage; all types of this cloud have the same storage."""

from typing import Any

from minicloud import errors, web
from minicloud.state import Record, Transaction

#: Type of volumes that name none, unless an operator selects another default.
DEFAULT_NAME = '__DEFAULT__'


def _view(call: web.Call, record: Record) -> dict[str, Any]:
    shown = {name: record[name] for name in ('id', 'name', 'description', 'is_public')}
    return {**shown, 'os-volume-type-access:is_public': record['is_public'],
            'qos_specs_id': None, 'extra_specs': record['extra_specs']}


def ensure(tx: Transaction, id: str, name: str, **values: Any) -> Record:
    """Return the type of this name; create it with ``id`` and the values if it is missing."""
    found = tx.list('volume_type', name=name)
    if found:
        return found[0]
    return tx.put('volume_type', {'description': None, 'is_public': True, 'extra_specs': {},
                                  **values, 'id': id, 'name': name})


def default(call: web.Call) -> Record:
    """Return the type of volumes that name none."""
    setting = call.tx.get('setting', 'default_volume_type') or {'value': DEFAULT_NAME}
    return choose(call, setting['value'])


def choose(call: web.Call, name: str | None) -> Record:
    """Return the type with this name or id, or the default type for None."""
    if not name:
        return default(call)
    for record in call.tx.list('volume_type'):
        if name in (record['name'], record['id']):
            return record
    raise errors.NotFound(f'Volume type with name {name} could not be found.')


def _find(call: web.Call, id: str) -> Record:
    record = call.tx.get('volume_type', id)
    if record is None:
        raise errors.NotFound(f'Volume type {id} could not be found.')
    return record


def index(call: web.Call) -> web.Answer:
    """Respond to GET /types."""
    records = [record for record in call.tx.list('volume_type')
               if record['is_public'] or call.is_admin]
    chosen, following = web.page(call, records)
    body: dict[str, Any] = {'volume_types': [_view(call, record) for record in chosen]}
    if following:
        body['volume_type_links'] = [{'rel': 'next', 'href': following}]
    return body


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /types/{id}; ``default`` is the default type."""
    return {'volume_type': _view(call, default(call) if id == 'default' else _find(call, id))}


def create(call: web.Call) -> web.Answer:
    """Respond to POST /types (admins)."""
    call.require_admin('volume_extension:types_manage')
    body = call.member('volume_type')
    name = body.get('name')
    if not isinstance(name, str) or not 0 < len(name) <= 255:
        raise errors.BadRequest('Invalid input for field/attribute name. A name of 1 to 255 '
                                'characters is required.')
    if call.tx.list('volume_type', name=name):
        raise errors.Conflict(f'Volume Type {name} already exists.')
    public = body.get('os-volume-type-access:is_public', True)
    record = ensure(call.tx, call.cloud.new_id(), name, description=body.get('description'),
                    is_public=web.as_bool(public), extra_specs=body.get('extra_specs') or {})
    return {'volume_type': _view(call, record)}


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /types/{id} (admins); a type in use is refused."""
    call.require_admin('volume_extension:types_manage')
    record = _find(call, id)
    if call.tx.list('volume', volume_type_id=record['id']):
        raise errors.BadRequest(f'Target volume type is still in use: {id}')
    call.tx.remove('volume_type', id)
    return 202, None


def extra_specs(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /types/{id}/extra_specs."""
    return {'extra_specs': _find(call, id)['extra_specs']}


def set_extra_specs(call: web.Call, id: str) -> web.Answer:
    """Respond to POST /types/{id}/extra_specs (admins)."""
    call.require_admin('volume_extension:types_extra_specs:create')
    specs = call.member('extra_specs')
    record = _find(call, id)
    call.tx.update('volume_type', id, extra_specs={**record['extra_specs'], **specs})
    return {'extra_specs': specs}


ROUTES = [web.Route('GET', '/types', index), web.Route('POST', '/types', create),
          web.Route('GET', '/types/{id}', show), web.Route('DELETE', '/types/{id}', delete),
          web.Route('GET', '/types/{id}/extra_specs', extra_specs),
          web.Route('POST', '/types/{id}/extra_specs', set_extra_specs)]
