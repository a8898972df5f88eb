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

"""Volumes and ports attached to, and detached from, existing servers."""

from typing import Any

from minicloud import errors, specs, web, work
from minicloud.cinder import volumes
from minicloud.nova import cards, create, history, schemas, servers
from minicloud.state import Record

_ATTACHABLE = ('active', 'stopped', 'resized')


def _ready(record: Record, action: str) -> None:
    for kind, allowed in (('vm_state', _ATTACHABLE), ('task_state', (None,))):
        if record[kind] not in allowed:
            raise errors.Conflict(f"Cannot '{action}' instance {record['id']} while it is in "
                                  f'{kind} {record[kind]}')


def _view(call: web.Call, item: Record) -> dict[str, Any]:
    shown = {'volumeId': item['volume_id'], 'serverId': item['server_id'],
             'device': item['device']}
    if call.version >= (2, 89):
        shown |= {'attachment_id': item['id'], 'bdm_uuid': item['id']}
    else:
        shown['id'] = item['volume_id']
    if call.version >= (2, 70):
        shown['tag'] = item['tag']
    if call.version >= (2, 79):
        shown['delete_on_termination'] = item['delete_on_termination']
    return shown


def _find(call: web.Call, id: str, volume_id: str) -> Record:
    servers.find(call, id)
    found = call.tx.list('attachment', server_id=id, volume_id=volume_id)
    if not found:
        raise errors.NotFound(f'Instance {id} is not attached to volume {volume_id}')
    return found[0]


def list_volumes(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /servers/{id}/os-volume_attachments."""
    servers.find(call, id)
    return {'volumeAttachments': [_view(call, item)
                                  for item in call.tx.list('attachment', server_id=id)]}


def show_volume(call: web.Call, id: str, volume_id: str) -> web.Answer:
    """Respond to GET /servers/{id}/os-volume_attachments/{volume_id}."""
    return {'volumeAttachment': _view(call, _find(call, id, volume_id))}


def attach_volume(call: web.Call, id: str) -> web.Answer:
    """Respond to POST /servers/{id}/os-volume_attachments."""
    record, body = servers.find(call, id), call.member('volumeAttachment')
    web.check(schemas.ATTACH_VOLUME, body)
    servers.unlocked(call, record)
    _ready(record, 'attach_volume')
    volume = volumes.find(call, body['volumeId'])
    if volume['status'] != 'available':
        raise errors.BadRequest(
            f"Invalid volume: volume '{volume['id']}' status must be 'available'. Currently in "
            f"'{volume['status']}'")
    taken = [item['device'] for item in call.tx.list('attachment', server_id=id)]
    item = create.attach(call, record, {
        'volume_id': volume['id'], 'device': create.device_name(body.get('device'), taken),
        'tag': body.get('tag'),
        'delete_on_termination': web.as_bool(body.get('delete_on_termination') or False)},
        plugged=False)
    history.record(call, id, 'attach_volume')
    work.submit(call.tx, 'server.attach', {'server_id': id, 'attachment_id': item['id']},
                [f'server:{id}', f'volume:{volume["id"]}'])
    return {'volumeAttachment': _view(call, item)}


def update_volume(call: web.Call, id: str, volume_id: str) -> web.Answer:
    """Respond to PUT /servers/{id}/os-volume_attachments/{volume_id}: delete_on_termination."""
    item, body = _find(call, id, volume_id), call.member('volumeAttachment')
    if body.get('volumeId', volume_id) != volume_id:
        raise errors.NotSupported('Volumes of machines cannot be swapped.')
    if 'delete_on_termination' in body:
        call.tx.update('attachment', item['id'],
                       delete_on_termination=web.as_bool(body['delete_on_termination']))
    return 202, None


def detach_volume(call: web.Call, id: str, volume_id: str) -> web.Answer:
    """Respond to DELETE /servers/{id}/os-volume_attachments/{volume_id}."""
    record, item = servers.find(call, id), _find(call, id, volume_id)
    servers.unlocked(call, record)
    _ready(record, 'detach_volume')
    volume = call.tx.get('volume', volume_id)
    if volume['status'] != 'in-use':
        raise errors.BadRequest(
            f"Invalid volume: Invalid input received: Invalid volume: Volume {volume_id} status "
            f"must be in-use to detach, but current status is: {volume['status']}.")
    call.tx.update('volume', volume_id, status='detaching')
    history.record(call, id, 'detach_volume')
    work.submit(call.tx, 'server.detach', {'server_id': id, 'attachment_id': item['id']},
                [f'server:{id}', f'volume:{volume_id}'])
    return 202, None


def _interface(call: web.Call, port: Record) -> dict[str, Any]:
    shown = {'port_id': port['id'], 'net_id': port['network_id'],
             'mac_addr': port['mac_address'], 'port_state': port['status'],
             'fixed_ips': port['fixed_ips']}
    if call.version >= (2, 70):
        shown['tag'] = None
    return shown


def _port(call: web.Call, record: Record, port_id: str) -> Record:
    for port in specs.ports_of(call.tx, record):
        if port['id'] == port_id:
            return port
    raise errors.NotFound(f'Port {port_id} is not attached')


def list_interfaces(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /servers/{id}/os-interface."""
    return {'interfaceAttachments': [
        _interface(call, port) for port in specs.ports_of(call.tx, servers.find(call, id))]}


def show_interface(call: web.Call, id: str, port_id: str) -> web.Answer:
    """Respond to GET /servers/{id}/os-interface/{port_id}."""
    return {'interfaceAttachment': _interface(
        call, _port(call, servers.find(call, id), port_id))}


def attach_interface(call: web.Call, id: str) -> web.Answer:
    """Respond to POST /servers/{id}/os-interface."""
    record, body = servers.find(call, id), call.member('interfaceAttachment')
    web.check(schemas.ATTACH_INTERFACE, body)
    servers.unlocked(call, record)
    _ready(record, 'attach_interface')
    if body.get('port_id') and (body.get('net_id') or body.get('fixed_ips')):
        raise errors.BadRequest('Must not input both network_id and port_id')
    entry: dict[str, Any] = {'port': body.get('port_id'), 'uuid': body.get('net_id')}
    if body.get('fixed_ips'):
        entry['fixed_ip'] = body['fixed_ips'][0]['ip_address']
    entries = cards.choose(call, [entry] if entry['port'] or entry['uuid'] else 'auto')
    port_id = cards.plug(call, record, entries, None)[0]
    port = call.tx.get('port', port_id)
    servers.change(call, id, port_order=[*record['port_order'], port_id])
    history.record(call, id, 'attach_interface')
    work.submit(call.tx, 'server.ports', {'server_id': id}, [f'server:{id}'],
                [f'network:{port["network_id"]}'])
    return {'interfaceAttachment': _interface(call, port)}


def detach_interface(call: web.Call, id: str, port_id: str) -> web.Answer:
    """Respond to DELETE /servers/{id}/os-interface/{port_id}."""
    record = servers.find(call, id)
    port = _port(call, record, port_id)
    servers.unlocked(call, record)
    _ready(record, 'detach_interface')
    cards.unplug(call.tx, port)
    servers.change(call, id, port_order=[kept for kept in record['port_order']
                                         if kept != port_id])
    history.record(call, id, 'detach_interface')
    work.submit(call.tx, 'server.ports', {'server_id': id}, [f'server:{id}'])
    return 202, None


_VOLUMES = '/servers/{id}/os-volume_attachments'
_CARDS = '/servers/{id}/os-interface'
ROUTES = [web.Route('GET', _VOLUMES, list_volumes), web.Route('POST', _VOLUMES, attach_volume),
          web.Route('GET', f'{_VOLUMES}/{{volume_id}}', show_volume),
          web.Route('PUT', f'{_VOLUMES}/{{volume_id}}', update_volume),
          web.Route('DELETE', f'{_VOLUMES}/{{volume_id}}', detach_volume),
          web.Route('GET', _CARDS, list_interfaces), web.Route('POST', _CARDS, attach_interface),
          web.Route('GET', f'{_CARDS}/{{port_id}}', show_interface),
          web.Route('DELETE', f'{_CARDS}/{{port_id}}', detach_interface)]
