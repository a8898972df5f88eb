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

"""Images: their records, visibility, tags and properties.

Machines boot from a root tree on the host. The property ``rootfs_path`` names it; only admins see
and set this property, and it makes an image active. Uploaded bytes are stored as well, but the
hypervisor decides whether a machine can boot from them.
"""

import json
import os
from typing import Any

from minicloud import errors, web
from minicloud.state import Record

#: Property that names the root tree.
PATH_PROPERTY = 'rootfs_path'

_BASE = {'name': None, 'visibility': 'shared', 'protected': False, 'container_format': None,
         'disk_format': None, 'min_disk': 0, 'min_ram': 0, 'os_hidden': False}
_READ_ONLY = {'id', 'status', 'created_at', 'updated_at', 'size', 'virtual_size', 'checksum',
              'os_hash_algo', 'os_hash_value', 'file', 'schema', 'self', 'owner',
              'direct_url', 'locations'}


def find(call: web.Call, id: str, change: bool = False) -> Record:
    """Return the image; raise 404 if the caller may not see it, 403 if not change it."""
    record = call.tx.get('image', id)
    if record is None or not sees(call, record):
        raise errors.NotFound(f'No image found with ID {id}')
    if change and not call.is_admin and record['owner'] != call.project_id:
        raise errors.Forbidden('You are not authorized to complete the modify_image action.')
    return record


def sees(call: web.Call, record: Record) -> bool:
    """Return whether the caller may see the image."""
    return (call.is_admin or record['owner'] == call.project_id
            or record['visibility'] in ('public', 'community'))


def view(call: web.Call, record: Record) -> dict[str, Any]:
    """Return the fields of the image that the caller sees."""
    properties = {name: value for name, value in record['properties'].items()
                  if call.is_admin or name != PATH_PROPERTY}
    names = (*_BASE, 'id', 'status', 'created_at', 'updated_at', 'size', 'virtual_size',
             'checksum', 'os_hash_algo', 'os_hash_value', 'owner', 'tags')
    path = f'/v2/images/{record["id"]}'
    return {**properties, **{name: record[name] for name in names}, 'self': path,
            'file': f'{path}/file', 'schema': '/v2/schemas/image'}


def new(call: web.Call, values: dict[str, Any]) -> Record:
    """Return the record of a new image of the caller, not stored yet."""
    now = call.time()
    return {'id': call.cloud.new_id(), **_BASE, 'owner': call.project_id, 'tags': [],
            'properties': {}, 'status': 'queued', 'size': None, 'virtual_size': None,
            'checksum': None, 'os_hash_algo': None, 'os_hash_value': None, 'path': None,
            'uploaded': False,
            'created_at': now, 'updated_at': now, **values}


def _set(call: web.Call, record: Record, name: str, value: Any) -> None:
    """Change one member of the image's view; None removes a property."""
    if name in _READ_ONLY and not (name == 'owner' and call.is_admin):
        raise errors.Forbidden(f"Attribute '{name}' is read-only.")
    if name == PATH_PROPERTY and not call.is_admin:
        raise errors.Forbidden(f"Property '{name}' is for admins to set.")
    if name == 'visibility' and value == 'public' and not call.is_admin:
        raise errors.Forbidden('You are not authorized to complete publicize_image action.')
    if name == 'tags':
        record['tags'] = _tags(value)
    elif name == 'owner':
        record['owner'] = value
    elif name in _BASE:
        record[name] = _checked(name, value)
    elif value is not None and not isinstance(value, str):
        raise errors.BadRequest(f"Invalid value '{value}' for property {name}: not a string")
    else:
        record['properties'] = {key: kept for key, kept in record['properties'].items()
                                if key != name}
        if value is not None:
            record['properties'][name] = value


def _tags(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(
            isinstance(tag, str) and len(tag) <= 255 for tag in value):
        raise errors.BadRequest(f"Invalid value '{value}' for tags")
    return sorted(set(value))


def _checked(name: str, value: Any) -> Any:
    if name in ('min_disk', 'min_ram'):
        return web.integer(value, name)
    if name in ('protected', 'os_hidden'):
        if not isinstance(value, bool):
            raise errors.BadRequest(f"Invalid value '{value}' for {name}: not a boolean")
        return value
    allowed = {'visibility': ('public', 'private', 'shared', 'community'),
               'container_format': (None, 'ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker',
                                    'compressed'),
               'disk_format': (None, 'ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2',
                               'vdi', 'iso', 'ploop')}.get(name)
    if allowed is not None and value not in allowed:
        raise errors.BadRequest(f"Invalid value '{value}' for {name}")
    if allowed is None and value is not None and not (
            isinstance(value, str) and len(value) <= 255):
        raise errors.BadRequest(f"Invalid value '{value}' for {name}: at most 255 characters")
    return value


def settle(record: Record) -> Record:
    """Activate an image that has a root tree; return the image."""
    path = record['properties'].get(PATH_PROPERTY)
    if path:
        record |= {'path': path, 'status': 'active', 'size': record['size'] or 0}
    return record


def create(call: web.Call) -> web.Answer:
    """Respond to POST /images."""
    body = call.json()
    if not isinstance(body, dict):
        raise errors.BadRequest('The body must be an object.')
    record = new(call, {})
    if 'id' in body:
        requested = str(body.pop('id'))
        if call.tx.get('image', requested) is not None:
            raise errors.Conflict(f'Image ID {requested} already exists!')
        record['id'] = requested
    for name, value in body.items():
        _set(call, record, name, value)
    call.tx.put('image', settle(record))
    response = errors.json_response(201, view(call, record))
    response.headers['Location'] = call.url(f'/v2/images/{record["id"]}')
    return response


def patch(call: web.Call, id: str) -> web.Answer:
    """Respond to PATCH /images/{id}: JSON patch operations on the view."""
    record = find(call, id, change=True)
    if not call.request.content_type.startswith('application/openstack-images-v2'):
        raise errors.UnsupportedMediaType('Unsupported Content-Type '
                                          f'{call.request.content_type}')
    operations = call.json()
    if not isinstance(operations, list):
        raise errors.BadRequest('Request body must be a JSON array of operation objects.')
    for operation in operations:
        verb = operation.get('op') if isinstance(operation, dict) else None
        name = str(operation.get('path', '')).lstrip('/') if verb else ''
        name = name.replace('~1', '/').replace('~0', '~')
        if verb not in ('add', 'replace', 'remove') or not name:
            raise errors.BadRequest(f'Invalid JSON patch operation: {json.dumps(operation)}')
        there = name in record['properties'] or name in record
        if verb in ('replace', 'remove') and not there:
            raise errors.Conflict(f'Property {name} does not exist.')
        if verb == 'remove' and name in record:
            raise errors.Forbidden(f'Property {name} may not be removed.')
        _set(call, record, name, None if verb == 'remove' else operation.get('value'))
    record['updated_at'] = call.time()
    return view(call, call.tx.put('image', settle(record)))


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /images/{id}."""
    return view(call, find(call, id))


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /images/{id}: remove the record and uploaded bytes."""
    record = find(call, id, change=True)
    if record['protected']:
        raise errors.Forbidden(f'Image {id} is protected and cannot be deleted.')
    if any(server['image_id'] == id for server in call.tx.list('server')):
        raise errors.Conflict(f'Image {id} could not be deleted because it is in use: '
                              'machines run from it.')
    call.tx.remove('image', id)
    if record['uploaded']:
        call.later = lambda: _forget(record)
    return 204, None


def _forget(record: Record) -> web.Answer:
    os.unlink(record['path'])
    return 204, None


def _matches(call: web.Call, record: Record, shown: dict[str, Any]) -> bool:
    for name in set(call.query) - {'limit', 'marker', 'sort_key', 'sort_dir', 'sort',
                                   'member_status'}:
        values = call.query.getall(name)
        if name == 'tag':
            if not set(values) <= set(record['tags']):
                return False
        elif name == 'visibility':
            if values[0] != 'all' and record['visibility'] != values[0]:
                return False
        elif name in ('size_min', 'size_max'):
            size, bound = record['size'] or 0, web.integer(values[0], name)
            if size < bound if name == 'size_min' else size > bound:
                return False
        elif str(_lower(shown.get(name))) not in _alternatives(values[0]):
            return False
    return call.query.get('os_hidden') is not None or not record['os_hidden']


def _lower(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _alternatives(value: str) -> list[str]:
    """Parse ``in:a,"b,c"`` or a plain value."""
    if not value.startswith('in:'):
        return [value]
    return [item.strip('"') for item in value[3:].split(',')]


def index(call: web.Call) -> web.Answer:
    """Respond to GET /images."""
    shown = [view(call, record) for record in call.tx.list('image')[::-1]
             if sees(call, record) and (
                 record['visibility'] != 'community' or record['owner'] == call.project_id
                 or call.query.get('visibility') in ('community', 'all'))
             and _matches(call, record, view(call, record))]
    if 'sort' in call.query:
        pairs = [item.partition(':') for item in call.query['sort'].split(',')]
        keys = [(key, direction or 'desc') for key, _, direction in pairs]
    else:
        given = call.query.getall('sort_key') or ['created_at']
        directions = call.query.getall('sort_dir') or ['desc']
        keys = list(zip(given, directions + [directions[-1]] * len(given)))
    chosen, following = web.page(call, web.sort(shown, keys), most=1000)
    body = {'images': chosen, 'schema': '/v2/schemas/images',
            'first': call.request.path_qs.removeprefix('/image')}
    if following:
        body['next'] = following.removeprefix(call.request.application_url)
    return body


def add_tag(call: web.Call, id: str, tag: str) -> web.Answer:
    """Respond to PUT /images/{id}/tags/{tag}."""
    record = find(call, id, change=True)
    call.tx.update('image', id, tags=_tags([*record['tags'], tag]), updated_at=call.time())
    return 204, None


def drop_tag(call: web.Call, id: str, tag: str) -> web.Answer:
    """Respond to DELETE /images/{id}/tags/{tag}."""
    record = find(call, id, change=True)
    if tag not in record['tags']:
        raise errors.NotFound(f'Image {id} does not have the tag {tag}.')
    call.tx.update('image', id, tags=[kept for kept in record['tags'] if kept != tag],
                   updated_at=call.time())
    return 204, None


def _switch(call: web.Call, id: str, status: str, before: str) -> web.Answer:
    call.require_admin('deactivate')
    record = find(call, id, change=True)
    if record['status'] not in (status, before):
        raise errors.Forbidden(f'Not allowed to change the status of image {id} from '
                               f"{record['status']} to {status}.")
    call.tx.update('image', id, status=status, updated_at=call.time())
    return 204, None


def deactivate(call: web.Call, id: str) -> web.Answer:
    """Respond to POST /images/{id}/actions/deactivate (admins)."""
    return _switch(call, id, 'deactivated', 'active')


def reactivate(call: web.Call, id: str) -> web.Answer:
    """Respond to POST /images/{id}/actions/reactivate (admins)."""
    return _switch(call, id, 'active', 'deactivated')


def members(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /images/{id}/members: always empty, since sharing is not supported."""
    find(call, id)
    return {'members': [], 'schema': '/v2/schemas/members'}


ROUTES = [web.Route('GET', '/images', index), web.Route('POST', '/images', create),
          web.Route('GET', '/images/{id}', show), web.Route('PATCH', '/images/{id}', patch),
          web.Route('DELETE', '/images/{id}', delete),
          web.Route('PUT', '/images/{id}/tags/{tag}', add_tag),
          web.Route('DELETE', '/images/{id}/tags/{tag}', drop_tag),
          web.Route('POST', '/images/{id}/actions/deactivate', deactivate),
          web.Route('POST', '/images/{id}/actions/reactivate', reactivate),
          web.Route('GET', '/images/{id}/members', members)]
