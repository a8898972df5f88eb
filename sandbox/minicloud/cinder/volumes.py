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

"""Volumes: create, list, show, change, delete."""

import datetime
from typing import Any

from minicloud import errors, quota, web, work
from minicloud.cinder import types
from minicloud.state import Record, Transaction

#: States in which a volume may be deleted.
_DELETABLE = ('available', 'error', 'error_restoring', 'error_extending', 'error_managing')

_NAME = {'type': ['string', 'null'], 'maxLength': 255}
METADATA = {'type': 'object', 'additionalProperties': {'type': 'string', 'maxLength': 255},
            'propertyNames': {'minLength': 1, 'maxLength': 255}}
_CREATE = {
    'type': 'object', 'additionalProperties': False, 'properties': {
        'name': _NAME, 'display_name': _NAME, 'description': _NAME,
        'display_description': _NAME,
        'size': {'type': ['integer', 'string', 'null'], 'pattern': '^[0-9]+$'},
        'volume_type': {'type': ['string', 'null'], 'maxLength': 255},
        'metadata': {'anyOf': [METADATA, {'type': 'null'}]},
        'availability_zone': {'type': ['string', 'null'], 'maxLength': 255},
        'snapshot_id': {'type': ['string', 'null']}, 'source_volid': {'type': ['string', 'null']},
        'imageRef': {'type': ['string', 'null']}, 'image_id': {'type': ['string', 'null']},
        'multiattach': {'type': ['boolean', 'string', 'null']},
        'consistencygroup_id': {'type': 'null'}, 'group_id': {'type': 'null'},
        'backup_id': {'type': 'null'}, 'user_id': {'type': ['string', 'null']},
        'project_id': {'type': ['string', 'null']}, 'status': {'type': ['string', 'null']},
        'attach_status': {'type': ['string', 'null']}, 'source_replica': {'type': 'null'}}}


def moment(call: web.Call) -> str:
    """Return the present time in Cinder's format."""
    return datetime.datetime.fromtimestamp(call.cloud.clock(), datetime.UTC).strftime(
        '%Y-%m-%dT%H:%M:%S.%f')


def find(call: web.Call, id: str) -> Record:
    """Return the volume; raise 404 if the caller may not see it."""
    record = call.tx.get('volume', id)
    if record is None or not (call.is_admin or record['project_id'] == call.project_id):
        raise errors.NotFound(f'Volume {id} could not be found.')
    return record


def attachments(tx: Transaction, record: Record) -> list[dict[str, Any]]:
    """Return the attachments of a volume as the volume shows them."""
    return [{'id': record['id'], 'attachment_id': item['id'], 'volume_id': record['id'],
             'server_id': item['server_id'], 'host_name': item['host'],
             'device': item['device'], 'attached_at': item['attached_at']}
            for item in tx.list('attachment', volume_id=record['id'])
            if item['attached_at'] is not None]


def summary(call: web.Call, record: Record) -> dict[str, Any]:
    """Return the fields of a volume in a list without details."""
    path = f'/v3/{record["project_id"]}/volumes/{record["id"]}'
    return {'id': record['id'], 'name': record['name'], 'links': [
        {'rel': 'self', 'href': call.url(path)}, {'rel': 'bookmark', 'href': call.url(path)}]}


def view(call: web.Call, record: Record) -> dict[str, Any]:
    """Return all fields of a volume."""
    names = ('size', 'status', 'description', 'volume_type', 'metadata', 'availability_zone',
             'snapshot_id', 'source_volid', 'user_id', 'created_at', 'updated_at', 'multiattach')
    shown = {**summary(call, record), **{name: record[name] for name in names},
             'attachments': attachments(call.tx, record), 'encrypted': False,
             'bootable': 'true' if record['bootable'] else 'false',
             'consistencygroup_id': None, 'replication_status': None, 'migration_status': None,
             'os-vol-tenant-attr:tenant_id': record['project_id']}
    if call.is_admin:
        shown |= {'os-vol-host-attr:host': f'{call.cloud.settings.host}@loop#loop',
                  'os-vol-mig-status-attr:migstat': None,
                  'os-vol-mig-status-attr:name_id': None}
    for since, extra in (((3, 13), {'group_id': None}),
                         ((3, 48), {'shared_targets': False, 'service_uuid': None}),
                         ((3, 61), {'cluster_name': None}),
                         ((3, 63), {'volume_type_id': record['volume_type_id']}),
                         ((3, 65), {'consumes_quota': True})):
        if call.version >= since:
            shown |= extra
    return shown


def sortings(call: web.Call) -> list[tuple[str, str]]:
    """Return the requested sort order; the default is the newest first."""
    if 'sort' in call.query:
        pairs = [item.partition(':') for item in call.query['sort'].split(',')]
        return [(key, direction or 'desc') for key, _, direction in pairs]
    return [(call.query.get('sort_key', 'created_at'), call.query.get('sort_dir', 'desc'))]


def _matches(call: web.Call, record: Record) -> bool:
    for name in ('name', 'status', 'availability_zone', 'volume_type', 'snapshot_id', 'user_id'):
        requested = call.query.get(name, call.query.get('display_name') if name == 'name' else None)
        if requested is not None and requested != record[name]:
            return False
        like = call.query.get(f'{name}~')
        if like is not None and like not in (record[name] or ''):
            return False
    if 'bootable' in call.query and web.as_bool(call.query['bootable']) != record['bootable']:
        return False
    if 'metadata' in call.query:
        requested_items = _metadata_filter(call.query['metadata'])
        return requested_items.items() <= record['metadata'].items()
    return True


def _metadata_filter(text: str) -> dict[str, str]:
    """Parse ``{'a': 'b'}``, the Python syntax that clients send."""
    items = [item.partition(':') for item in text.strip('{} ').split(',') if item.strip()]
    return {name.strip(' \'"'): value.strip(' \'"') for name, _, value in items}


def visible(call: web.Call, kind: str) -> list[Record]:
    """Return the records of a kind that the caller may see; an admin may request all projects'."""
    if call.is_admin and call.flag('all_tenants'):
        project_id = call.query.get('project_id')
        return [record for record in call.tx.list(kind)
                if project_id in (None, record['project_id'])]
    return call.tx.list(kind, project_id=call.project_id)


def _index(call: web.Call, shape: Any) -> web.Answer:
    records = [record for record in visible(call, 'volume') if _matches(call, record)]
    records = web.sort(records[::-1], sortings(call))
    total = len(records)
    records = records[web.integer(call.query.get('offset', 0), 'offset'):]
    chosen, following = web.page(call, records)
    body: dict[str, Any] = {'volumes': [shape(call, record) for record in chosen]}
    if following:
        body['volumes_links'] = [{'rel': 'next', 'href': following}]
    if call.version >= (3, 45) and call.flag('with_count'):
        body['count'] = total
    return body


def index(call: web.Call) -> web.Answer:
    """Respond to GET /volumes."""
    return _index(call, summary)


def detail(call: web.Call) -> web.Answer:
    """Respond to GET /volumes/detail."""
    return _index(call, view)


def overview(call: web.Call) -> web.Answer:
    """Respond to GET /volumes/summary: number and total size."""
    records = visible(call, 'volume')
    return {'volume-summary': {'total_count': len(records),
                               'total_size': sum(record['size'] for record in records),
                               'metadata': {}}}


def show(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /volumes/{id}."""
    return {'volume': view(call, find(call, id))}


def usage(tx: Transaction, project_id: str) -> dict[str, int]:
    """Return the project's usage of each resource in the block storage quota."""
    volumes = tx.list('volume', project_id=project_id)
    snapshots = tx.list('snapshot', project_id=project_id)
    return {**dict.fromkeys(quota.BUILT_IN['volume'], 0), 'volumes': len(volumes),
            'snapshots': len(snapshots),
            'gigabytes': sum(item['size'] for item in volumes + snapshots)}


def spend(call: web.Call, project_id: str, **requested: int) -> None:
    """Raise when a request exceeds the project's quota, with Cinder's messages."""
    limit = quota.limits(call.tx, 'volume', project_id)
    used = usage(call.tx, project_id)
    exceeded = quota.exceeded(limit, used, requested)
    if 'gigabytes' in exceeded:
        raise errors.OverLimit(
            'VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed '
            f"gigabytes quota. Requested {requested['gigabytes']}G, quota is "
            f"{limit['gigabytes']}G and {used['gigabytes']}G has been consumed.")
    for name in exceeded:
        title = {'volumes': 'VolumeLimitExceeded', 'snapshots': 'SnapshotLimitExceeded'}[name]
        raise errors.OverLimit(f'{title}: Maximum number of {name} allowed ({limit[name]}) '
                               f"exceeded for quota '{name}'.")


def create(call: web.Call) -> web.Answer:
    """Respond to POST /volumes."""
    body = call.member('volume')
    web.check(_CREATE, body)
    if body.get('imageRef') or body.get('image_id'):
        raise errors.BadRequest('Invalid input received: The images of this cloud are root '
                                'trees and cannot be copied to a volume.')
    zone = body.get('availability_zone')
    if zone not in (None, '', call.cloud.settings.availability_zone):
        raise errors.BadRequest(f"Availability zone '{zone}' is invalid.")
    source = _source(call, body)
    size = _size(call, body.get('size'), source)
    kind = types.choose(call, body.get('volume_type'))
    spend(call, call.project_id, volumes=1, gigabytes=size)
    now = moment(call)
    record = call.tx.put('volume', {
        'id': call.cloud.new_id(), 'name': body.get('name', body.get('display_name')) or '',
        'description': body.get('description', body.get('display_description')), 'size': size,
        'status': 'creating', 'volume_type': kind['name'], 'volume_type_id': kind['id'],
        'project_id': call.project_id, 'user_id': call.identity.user_id,
        'metadata': body.get('metadata') or {}, 'bootable': False,
        'availability_zone': call.cloud.settings.availability_zone,
        'snapshot_id': body.get('snapshot_id'), 'source_volid': body.get('source_volid'),
        'multiattach': False, 'readonly': False, 'previous_status': None,
        'created_at': now, 'updated_at': now})
    things = [f'volume:{record["id"]}', *([f'volume:{source["id"]}'] if source else [])]
    work.submit(call.tx, 'volume.create', {'volume_id': record['id']}, things)
    return 202, {'volume': view(call, record)}


def _source(call: web.Call, body: dict[str, Any]) -> Record | None:
    """Return the snapshot or volume that the new volume copies."""
    if body.get('snapshot_id'):
        source = call.tx.get('snapshot', body['snapshot_id'])
        if source is None or not (call.is_admin or source['project_id'] == call.project_id):
            raise errors.NotFound(f"Snapshot {body['snapshot_id']} could not be found.")
    elif body.get('source_volid'):
        source = find(call, body['source_volid'])
    else:
        return None
    if source['status'] not in ('available', 'in-use'):
        raise errors.BadRequest(f"Invalid source: {source['id']} is {source['status']}.")
    return source


def _size(call: web.Call, given: Any, source: Record | None) -> int:
    if given is None and source is not None:
        return source['size']
    try:
        size = int(given)
    except (TypeError, ValueError):
        size = 0
    if size < 1:
        raise errors.BadRequest(f"Invalid input received: Volume size '{given}' must be an "
                                'integer and greater than 0')
    if source is not None and size < source['size']:
        raise errors.BadRequest(f'Invalid input received: Volume size {size}GB cannot be '
                                f"smaller than the source's size {source['size']}GB.")
    most = quota.limits(call.tx, 'volume', call.project_id)['per_volume_gigabytes']
    if 0 <= most < size:
        raise errors.OverLimit('VolumeSizeExceedsLimit: Requested volume size '
                               f'{size}G is larger than maximum allowed limit {most}G.')
    return size


def update(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /volumes/{id}: name, description, metadata."""
    record = find(call, id)
    body = call.member('volume')
    web.check({'type': 'object', 'properties': {
        'name': _NAME, 'display_name': _NAME, 'description': _NAME,
        'display_description': _NAME, 'metadata': METADATA},
        'additionalProperties': False, 'minProperties': 1}, body)
    changes = {name.removeprefix('display_'): value for name, value in body.items()}
    record = call.tx.update('volume', record['id'], **changes, updated_at=moment(call))
    return {'volume': view(call, record)}


def delete(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /volumes/{id}."""
    record = find(call, id)
    snapshots = call.tx.list('snapshot', volume_id=id)
    if snapshots and call.flag('cascade'):
        for snapshot in snapshots:
            call.tx.update('snapshot', snapshot['id'], status='deleting')
            work.submit(call.tx, 'snapshot.delete', {'snapshot_id': snapshot['id']},
                        [f'volume:{snapshot["id"]}', f'volume:{id}'])
        snapshots = []
    force = call.version >= (3, 23) and call.flag('force')
    remove(call, record, bool(snapshots), force)
    return 202, None


def remove(call: web.Call, record: Record, has_snapshots: bool, force: bool) -> None:
    """Start to delete the volume; raise 400 in a status that forbids it."""
    attached = call.tx.list('attachment', volume_id=record['id'])
    if force:
        call.require_admin('volume:force_delete')
    if attached or has_snapshots or (record['status'] not in _DELETABLE and not force):
        raise errors.BadRequest(
            'Invalid volume: Volume status must be available or error or error_restoring or '
            'error_extending or error_managing and must not be migrating, attached, belong to '
            'a group, have snapshots, awaiting a transfer, or be disassociated from snapshots '
            'after volume transfer.')
    call.tx.update('volume', record['id'], status='deleting', updated_at=moment(call))
    work.submit(call.tx, 'volume.delete', {'volume_id': record['id']},
                [f'volume:{record["id"]}'])


ROUTES = [web.Route('GET', '/volumes', index), web.Route('GET', '/volumes/detail', detail),
          web.Route('GET', '/volumes/summary', overview),
          web.Route('POST', '/volumes', create), web.Route('GET', '/volumes/{id}', show),
          web.Route('PUT', '/volumes/{id}', update),
          web.Route('DELETE', '/volumes/{id}', delete)]
