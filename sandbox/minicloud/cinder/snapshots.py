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

"""Snapshots of volumes."""

from typing import Any

from minicloud import errors, web, work
from minicloud.cinder import volumes
from minicloud.state import Record


def _find(call: web.Call, id: str) -> Record:
    record = call.tx.get('snapshot', id)
    if record is None or not (call.is_admin or record['project_id'] == call.project_id):
        raise errors.NotFound(f'Snapshot {id} could not be found.')
    return record


def _view(call: web.Call, record: Record) -> dict[str, Any]:
    names = ('id', 'name', 'description', 'volume_id', 'status', 'size', 'metadata',
             'created_at', 'updated_at')
    shown = {name: record[name] for name in names}
    shown |= {'os-extended-snapshot-attributes:progress':
              '100%' if record['status'] == 'available' else '0%',
              'os-extended-snapshot-attributes:project_id': record['project_id']}
    if call.version >= (3, 41):
        shown['user_id'] = record['user_id']
    return shown


def index(call: web.Call) -> web.Answer:
    """Respond to GET /snapshots and /snapshots/detail."""
    records = [record for record in volumes.visible(call, 'snapshot')
               if all(call.query.get(name, record[name]) == record[name]
                      for name in ('name', 'status', 'volume_id'))]
    records = web.sort(records[::-1], volumes.sortings(call))
    chosen, following = web.page(call, records)
    body: dict[str, Any] = {'snapshots': [_view(call, record) for record in chosen]}
    if following:
        body['snapshots_links'] = [{'rel': 'next', 'href': following}]
    return body


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /snapshots/{id}."""
    return {'snapshot': _view(call, _find(call, id))}


def create(call: web.Call) -> web.Answer:
    """Respond to POST /snapshots; ``force`` allows a volume in use (from 3.66 on always allowed).
    """
    body = call.member('snapshot')
    volume = volumes.find(call, str(body.get('volume_id')))
    allowed = ['available']
    if call.version >= (3, 66) or web.as_bool(body.get('force', False)):
        allowed.append('in-use')
    if volume['status'] not in allowed:
        raise errors.BadRequest(f"Invalid volume: Volume {volume['id']} status must be "
                                f"{' or '.join(allowed)}, but current status is: "
                                f"{volume['status']}.")
    metadata = body.get('metadata') or {}
    web.check(volumes.METADATA, metadata)
    volumes.spend(call, call.project_id, snapshots=1, gigabytes=volume['size'])
    now = volumes.moment(call)
    record = call.tx.put('snapshot', {
        'id': call.cloud.new_id(), 'name': body.get('name') or '',
        'description': body.get('description'), 'volume_id': volume['id'],
        'status': 'creating', 'size': volume['size'], 'metadata': metadata,
        'project_id': call.project_id, 'user_id': call.identity.user_id,
        'created_at': now, 'updated_at': now})
    work.submit(call.tx, 'snapshot.create', {'snapshot_id': record['id']},
                [f'volume:{record["id"]}', f'volume:{volume["id"]}'])
    return 202, {'snapshot': _view(call, record)}


def update(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /snapshots/{id}: name and description."""
    _find(call, id)
    body = call.member('snapshot')
    changes = {name: body[name] for name in ('name', 'description') if name in body}
    return {'snapshot': _view(call, call.tx.update('snapshot', id, **changes))}


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /snapshots/{id}."""
    record = _find(call, id)
    if record['status'] not in ('available', 'error'):
        raise errors.BadRequest('Invalid snapshot: Snapshot status must be available or error, '
                                f"but current status is: {record['status']}.")
    call.tx.update('snapshot', id, status='deleting')
    work.submit(call.tx, 'snapshot.delete', {'snapshot_id': id},
                [f'volume:{id}', f'volume:{record["volume_id"]}'])
    return 202, None


ROUTES = [web.Route('GET', '/snapshots', index), web.Route('GET', '/snapshots/detail', index),
          web.Route('POST', '/snapshots', create), web.Route('GET', '/snapshots/{id}', show),
          web.Route('PUT', '/snapshots/{id}', update),
          web.Route('DELETE', '/snapshots/{id}', delete)]
