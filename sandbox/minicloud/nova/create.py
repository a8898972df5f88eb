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

"""Validation and records of POST /servers, before a machine is built."""

import base64
import binascii
import re
import secrets
from typing import Any

from minicloud import errors, quota, web, work
from minicloud.cinder import volumes
from minicloud.glance import images
from minicloud.nova import cards, flavors, groups, history, keypairs, quotas, schemas, views
from minicloud.state import Record

#: Body member -> first microversion with it, or first one without it.
_SINCE = {'description': (2, 19), 'tags': (2, 52), 'trusted_image_certificates': (2, 63),
          'host': (2, 74), 'hypervisor_hostname': (2, 74), 'hostname': (2, 90)}


def create(call: web.Call) -> web.Answer:
    """Respond to POST /servers."""
    body = call.member('server')
    hints = _hints(call, body)
    web.check(schemas.CREATE, body)
    for name, since in _SINCE.items():
        if name in body and call.version < since:
            raise errors.BadRequest('Invalid input for field/attribute server. Additional '
                                    f"properties are not allowed ('{name}' was unexpected)")
    if body.get('personality'):
        raise errors.BadRequest('File injection (personality) is not supported; use '
                                'user_data.')
    flavor, image = _flavor(call, body), image_named(call, body.get('imageRef'))
    _fits(flavor, image)
    count = _count(body)
    quotas.spend(call, call.project_id, {
        'instances': count, 'cores': count * flavor['vcpus'], 'ram': count * flavor['ram']})
    metadata_within_quota(call, body.get('metadata', {}))
    base = _base(call, body, flavor, image, hints)
    entries = cards.choose(call, body.get('networks'))
    if count > 1 and any(entry.get('port') for entry in entries):
        raise errors.BadRequest('Unable to launch multiple instances with a single configured '
                                'port ID. Please launch your instance one by one with different '
                                'ports.')
    disks = _disks(call, body, count)
    group_ids = cards.groups_named(call, body.get('security_groups'))
    servers = [_record(call, base, number, count) for number in range(count)]
    for server in servers:
        _store(call, server, entries, disks, group_ids)
    if web.as_bool(body.get('return_reservation_id', False)):
        return 202, {'reservation_id': base['reservation_id']}
    return _accepted(call, body, servers[0])


def _accepted(call: web.Call, body: dict[str, Any], server: Record) -> web.Answer:
    shown = {'id': server['id'], 'links': views.links(call, server['id']),
             'OS-DCF:diskConfig': body.get('OS-DCF:diskConfig', 'MANUAL'),
             'security_groups': views.security_groups(call, server) or [{'name': 'default'}],
             'adminPass': body.get('adminPass') or secrets.token_urlsafe(9)}
    return errors.json_response(202, {'server': shown}, {
        'Location': views.links(call, server['id'])[0]['href']})


def _hints(call: web.Call, body: dict[str, Any]) -> dict[str, Any]:
    whole = call.json()
    for name in ('os:scheduler_hints', 'OS-SCH-HNT:scheduler_hints'):
        hints = whole.get(name) or body.get(name)
        if hints:
            web.check({'type': 'object'}, hints)
            return hints
    return {}


def _flavor(call: web.Call, body: dict[str, Any]) -> Record:
    reference = str(body['flavorRef']).rstrip('/').rpartition('/')[2]
    try:
        return flavors.find(call, reference)
    except errors.NotFound as error:
        raise errors.BadRequest(error.message) from error


def image_named(call: web.Call, reference: str | None) -> Record:
    """Return an active image by id or address; raise 400 if a machine cannot boot from it."""
    if not reference:
        raise errors.BadRequest('Invalid imageRef provided: an image is needed, booting from '
                                'a volume is not supported.')
    record = call.tx.get('image', reference.rstrip('/').rpartition('/')[2])
    if record is None or not images.sees(call, record):
        raise errors.BadRequest('Invalid imageRef provided.')
    if record['status'] != 'active':
        raise errors.BadRequest(f"Image {record['id']} is not active.")
    return record


def _fits(flavor: Record, image: Record) -> None:
    if flavor['ram'] < image['min_ram']:
        raise errors.BadRequest("Flavor's memory is too small for requested image.")
    if 0 < flavor['disk'] < image['min_disk']:
        raise errors.BadRequest("Flavor's disk is smaller than the minimum size specified in "
                                'image metadata.')


def _count(body: dict[str, Any]) -> int:
    least = int(body.get('min_count', 1))
    most = int(body.get('max_count', max(least, 1)))
    if least > most:
        raise errors.BadRequest('min_count must be <= max_count')
    return most


def metadata_within_quota(call: web.Call, items: dict[str, str]) -> None:
    """Raise on more metadata than the quota allows."""
    most = quota.limits(call.tx, 'compute', call.project_id)['metadata_items']
    if 0 <= most < len(items):
        raise errors.Forbidden('Maximum number of metadata items exceeded')


def user_data_of(body: dict[str, Any]) -> str | None:
    """Return the body's user data, still encoded; raise 400 if it is not base64."""
    text = body.get('user_data')
    if text is None:
        return None
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise errors.BadRequest('Invalid input for field/attribute user_data. Value: '
                                f"{text[:40]}. '{text[:40]}' is not a 'base64'") from None
    return text


def key_pair_of(call: web.Call, name: str | None) -> dict[str, str] | None:
    """Return the public part of the caller's key pair."""
    if name is None:
        return None
    record = keypairs.find(call, name)
    if record is None:
        raise errors.BadRequest('Invalid key_name provided.')
    return {'name': record['name'], 'public_key': record['public_key']}


def _zone(call: web.Call, requested: str | None) -> str:
    ours = call.cloud.settings.availability_zone
    zone, _, host = (requested or ours).partition(':')
    if zone != ours or host not in ('', *call.cloud.settings.hosts):
        raise errors.BadRequest('The requested availability zone is not available')
    return ours


def _base(call: web.Call, body: dict[str, Any], flavor: Record, image: Record,
          hints: dict[str, Any]) -> Record:
    """Return the members that all servers of one request share."""
    group_id = hints.get('group')
    if group_id is not None:
        try:
            groups.find(call, str(group_id))
        except errors.NotFound as error:
            raise errors.BadRequest(error.message) from error
    now = call.time()
    return {
        'description': body.get('description') if call.version >= (2, 19) else None,
        'project_id': call.project_id, 'user_id': call.identity.user_id,
        'flavor': {name: flavor[name] for name in (
            'id', 'name', 'vcpus', 'ram', 'disk', 'ephemeral', 'swap', 'extra_specs')},
        'old_flavor': None, 'old_vm_state': None, 'image_id': image['id'],
        'image_path': image['path'], 'metadata': body.get('metadata', {}),
        'tags': sorted(set(body.get('tags', []))), 'port_order': [],
        'key_pair': key_pair_of(call, body.get('key_name')), 'user_data': user_data_of(body),
        'config_drive': web.as_bool(body.get('config_drive') or False),
        'availability_zone': _zone(call, body.get('availability_zone')),
        'pinned_zone': body.get('availability_zone'), 'vm_state': 'building',
        'task_state': 'scheduling', 'power_state': 0, 'created_at': now, 'updated_at': now,
        'launched_at': None, 'fault': None, 'locked': False, 'locked_reason': None,
        'host': call.cloud.settings.host, 'group_id': group_id,
        'scheduler_hints': hints, 'reservation_id': f'r-{secrets.token_hex(4)}'}


def _record(call: web.Call, base: Record, number: int, count: int) -> Record:
    body = call.member('server')
    name = body['name'].strip() if count == 1 else f"{body['name'].strip()}-{number + 1}"
    hostname = body.get('hostname') or re.sub(
        '-+', '-', re.sub(r'[^a-z0-9-]', '-', name.lower())).strip('-')[:63]
    id = call.cloud.new_id()
    return {**base, 'id': id, 'name': name, 'launch_index': number,
            'hostname': hostname or f'server-{id}'}


def _disks(call: web.Call, body: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Return the requested block devices, validated, with a device name."""
    chosen: list[dict[str, Any]] = []
    for entry in body.get('block_device_mapping_v2', []):
        source, target = entry.get('source_type'), entry.get('destination_type')
        if source == 'image' and target == 'local':
            # The image itself, which imageRef names as well.
            continue
        if source != 'volume' or target not in (None, 'volume') or (
                entry.get('boot_index') in (0, '0')):
            raise errors.BadRequest(
                f'Block Device Mapping is Invalid: {source} to {target} with boot index '
                f"{entry.get('boot_index')} is not supported; attach existing volumes as data "
                'disks.')
        if count > 1:
            raise errors.BadRequest('Cannot attach one or more volumes to multiple instances')
        volume = _volume(call, entry.get('uuid'))
        if any(volume['id'] == other['volume_id'] for other in chosen):
            raise errors.BadRequest('Block Device Mapping is Invalid: a volume is given twice.')
        device = device_name(entry.get('device_name'), [other['device'] for other in chosen])
        chosen.append({
            'volume_id': volume['id'], 'device': device, 'tag': entry.get('tag'),
            'delete_on_termination': web.as_bool(entry.get('delete_on_termination', False))})
    return chosen


def _volume(call: web.Call, volume_id: Any) -> Record:
    try:
        record = volumes.find(call, str(volume_id))
    except errors.NotFound as error:
        raise errors.BadRequest('Block Device Mapping is Invalid: failed to get volume '
                                f'{volume_id}.') from error
    if record['status'] != 'available':
        raise errors.BadRequest(
            f"Invalid volume: volume '{record['id']}' status must be 'available'. Currently in "
            f"'{record['status']}'")
    return record


def device_name(requested: str | None, taken: list[str]) -> str:
    """Return the requested device name, or the next free one."""
    if requested:
        name = requested if requested.startswith('/dev/') else f'/dev/{requested}'
        if name in taken:
            raise errors.BadRequest(f'The supplied device path ({name}) is in use.')
        return name
    for letter in 'bcdefghijklmnopqrstuvwxyz':
        if f'/dev/vd{letter}' not in taken:
            return f'/dev/vd{letter}'
    raise errors.Forbidden('The maximum allowed number of disk devices is exceeded.')


def _store(call: web.Call, server: Record, entries: list[dict[str, Any]],
           disks: list[dict[str, Any]], group_ids: list[str] | None) -> None:
    """Record a server with its ports and disks, and the job to build it."""
    call.tx.put('server', server)
    port_order = cards.plug(call, server, entries, group_ids)
    call.tx.update('server', server['id'], port_order=port_order)
    for disk in disks:
        attach(call, server, disk, plugged=True)
    networks = {f'network:{call.tx.get("port", id)["network_id"]}' for id in port_order}
    things = [f'server:{server["id"]}', *(f'volume:{disk["volume_id"]}' for disk in disks)]
    history.record(call, server['id'], 'create')
    work.submit(call.tx, 'server.create', {'server_id': server['id']}, things, networks)


def attach(call: web.Call, server: Record, disk: dict[str, Any], plugged: bool) -> Record:
    """Record that a volume belongs to a server.

    ``plugged`` False keeps it out of the machine until its attach job is done.
    """
    call.tx.update('volume', disk['volume_id'], status='attaching')
    return call.tx.put('attachment', {
        'id': call.cloud.new_id(), 'server_id': server['id'], 'host': server['host'],
        'attached_at': None, 'plugged': plugged, **disk})
