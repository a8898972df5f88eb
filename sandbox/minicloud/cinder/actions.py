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

"""Actions on volumes, their metadata and their attachments."""

from typing import Any

from minicloud import errors, web, work
from minicloud.cinder import types, volumes
from minicloud.state import Record

_IN_USE_EXTEND = (3, 42)


def act(call: web.Call, id: str) -> web.Answer:
    """Respond to POST /volumes/{id}/action."""
    record = volumes.find(call, id)
    body = call.json()
    if not isinstance(body, dict) or len(body) != 1:
        raise errors.BadRequest('There is no such action: the body must have one member.')
    (name, arguments), = body.items()
    if name not in _ACTIONS:
        raise errors.BadRequest(f'There is no such action: {name}')
    return _ACTIONS[name](call, record, arguments if isinstance(arguments, dict) else {})


def _extend(call: web.Call, record: Record, arguments: dict[str, Any]) -> web.Answer:
    size = web.integer(arguments.get('new_size'), 'new_size', lowest=1)
    allowed = ('available', 'in-use') if call.version >= _IN_USE_EXTEND else ('available',)
    if record['status'] not in allowed:
        raise errors.BadRequest(f"Invalid volume: Volume {record['id']} status must be "
                                f"'{allowed}' to extend, currently {record['status']}.")
    if size <= record['size']:
        raise errors.BadRequest(
            'Invalid input received: New size for extend must be greater than current size. '
            f"(current: {record['size']}, extended: {size}).")
    volumes.spend(call, record['project_id'], gigabytes=size - record['size'])
    call.tx.update('volume', record['id'], status='extending', updated_at=volumes.moment(call),
                   previous_status=record['status'])
    servers = [f'server:{item["server_id"]}'
               for item in call.tx.list('attachment', volume_id=record['id'])]
    work.submit(call.tx, 'volume.extend', {'volume_id': record['id'], 'size': size},
                [f'volume:{record["id"]}', *servers])
    return 202, None


def _reset_status(call: web.Call, record: Record, arguments: dict[str, Any]) -> web.Answer:
    call.require_admin('volume_extension:volume_admin_actions:reset_status')
    status = arguments.get('status')
    if status not in ('creating', 'available', 'deleting', 'error', 'error_deleting',
                      'attaching', 'detaching', 'in-use', 'maintenance'):
        raise errors.BadRequest(f'Must specify a valid status, not {status}')
    call.tx.update('volume', record['id'], status=status, updated_at=volumes.moment(call))
    return 202, None


def _force_delete(call: web.Call, record: Record, arguments: dict[str, Any]) -> web.Answer:
    snapshots = bool(call.tx.list('snapshot', volume_id=record['id']))
    volumes.remove(call, record, snapshots, force=True)
    return 202, None


def _set_bootable(call: web.Call, record: Record, arguments: dict[str, Any]) -> web.Answer:
    call.tx.update('volume', record['id'], bootable=web.as_bool(arguments.get('bootable')))
    return 200, None


def _readonly(call: web.Call, record: Record, arguments: dict[str, Any]) -> web.Answer:
    if record['status'] != 'available':
        raise errors.BadRequest('Invalid volume: Volume status must be available to update '
                                'the readonly flag.')
    call.tx.update('volume', record['id'], readonly=web.as_bool(arguments.get('readonly')))
    return 202, None


def _retype(call: web.Call, record: Record, arguments: dict[str, Any]) -> web.Answer:
    kind = types.choose(call, arguments.get('new_type'))
    call.tx.update('volume', record['id'], volume_type=kind['name'], volume_type_id=kind['id'])
    return 202, None


_ACTIONS = {'os-extend': _extend, 'os-reset_status': _reset_status,
            'os-force_delete': _force_delete, 'os-set_bootable': _set_bootable,
            'os-update_readonly_flag': _readonly, 'os-retype': _retype}


def metadata(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /volumes/{id}/metadata."""
    return {'metadata': volumes.find(call, id)['metadata']}


def _store_metadata(call: web.Call, record: Record, items: dict[str, str]) -> web.Answer:
    call.tx.update('volume', record['id'], metadata=items, updated_at=volumes.moment(call))
    return {'metadata': items}


def add_metadata(call: web.Call, id: str) -> web.Answer:
    """Respond to POST /volumes/{id}/metadata: add to the existing metadata."""
    record, items = volumes.find(call, id), call.member('metadata')
    web.check(volumes.METADATA, items)
    return _store_metadata(call, record, {**record['metadata'], **items})


def replace_metadata(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /volumes/{id}/metadata: replace the existing metadata."""
    record, items = volumes.find(call, id), call.member('metadata')
    web.check(volumes.METADATA, items)
    return _store_metadata(call, record, items)


def drop_metadata(call: web.Call, id: str, key: str) -> web.Answer:
    """Respond to DELETE /volumes/{id}/metadata/{key}."""
    record = volumes.find(call, id)
    if key not in record['metadata']:
        raise errors.NotFound(f'Volume {id} has no metadata with key {key}.')
    _store_metadata(call, record, {name: value for name, value in record['metadata'].items()
                                   if name != key})
    return 200, None


def _attachment(record: Record, status: str) -> dict[str, Any]:
    return {'id': record['id'], 'volume_id': record['volume_id'], 'status': status,
            'instance': record['server_id'], 'attached_at': record['attached_at'] or '',
            'detached_at': '', 'attach_mode': 'rw', 'connection_info': {}}


def list_attachments(call: web.Call) -> web.Answer:
    """Respond to GET /attachments and /attachments/detail; only servers change attachments."""
    own = {record['id'] for record in volumes.visible(call, 'volume')}
    return {'attachments': [
        _attachment(item, 'attached' if item['attached_at'] else 'attaching')
        for item in call.tx.list('attachment') if item['volume_id'] in own]}


def show_attachment(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /attachments/{id}."""
    record = call.tx.get('attachment', id)
    if record is None:
        raise errors.NotFound(f'Volume attachment could not be found with filter: '
                              f'attachment_id = {id}.')
    volumes.find(call, record['volume_id'])
    return {'attachment': _attachment(
        record, 'attached' if record['attached_at'] else 'attaching')}


ROUTES = [web.Route('POST', '/volumes/{id}/action', act),
          web.Route('GET', '/volumes/{id}/metadata', metadata),
          web.Route('POST', '/volumes/{id}/metadata', add_metadata),
          web.Route('PUT', '/volumes/{id}/metadata', replace_metadata),
          web.Route('DELETE', '/volumes/{id}/metadata/{key}', drop_metadata),
          web.Route('GET', '/attachments', list_attachments, since=(3, 27)),
          web.Route('GET', '/attachments/detail', list_attachments, since=(3, 27)),
          web.Route('GET', '/attachments/{id}', show_attachment, since=(3, 27))]
