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

"""Views of servers."""

import hashlib
from typing import Any

from minicloud import specs, web
from minicloud.nova import flavors
from minicloud.state import Record

_RESIZING = dict.fromkeys(('resize_prep', 'resize_migrating', 'resize_migrated',
                           'resize_finish'), 'RESIZE')
#: vm state -> task state -> shown status; None is every other task.
_STATUS: dict[str, dict[str | None, str]] = {
    'building': {None: 'BUILD'},
    'active': {None: 'ACTIVE', 'rebooting': 'REBOOT', 'rebooting_hard': 'HARD_REBOOT',
               'rebuilding': 'REBUILD', 'migrating': 'MIGRATING', **_RESIZING},
    'stopped': {None: 'SHUTOFF', 'rebooting_hard': 'HARD_REBOOT', 'rebuilding': 'REBUILD',
                **_RESIZING},
    'resized': {None: 'VERIFY_RESIZE', 'resize_reverting': 'REVERT_RESIZE'},
    'error': {None: 'ERROR', 'rebuilding': 'REBUILD', 'rebooting_hard': 'HARD_REBOOT'},
}


def status(record: Record) -> str:
    """Return the status for a vm state and a task state."""
    words = _STATUS[record['vm_state']]
    return words.get(record['task_state'], words[None])


def links(call: web.Call, id: str) -> list[dict[str, str]]:
    """Return the links of a server."""
    return [{'rel': 'self', 'href': call.url(f'/v2.1/servers/{id}')},
            {'rel': 'bookmark', 'href': call.url(f'/servers/{id}')}]


def summary(call: web.Call, record: Record) -> dict[str, Any]:
    """Return the fields of a server in a list without details."""
    return {'id': record['id'], 'name': record['name'], 'links': links(call, record['id'])}


def addresses(call: web.Call, record: Record) -> dict[str, list[dict[str, Any]]]:
    """Return the server's addresses by network, floating ones included."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for port in specs.ports_of(call.tx, record):
        network = call.tx.get('network', port['network_id'])
        found = [(fixed['ip_address'], 'fixed') for fixed in port['fixed_ips']]
        found += [(floating['floating_ip_address'], 'floating')
                  for floating in call.tx.list('floatingip', port_id=port['id'])]
        shown.setdefault(network['name'], []).extend(
            {'addr': address, 'version': 6 if ':' in address else 4, 'OS-EXT-IPS:type': kind,
             'OS-EXT-IPS-MAC:mac_addr': port['mac_address']} for address, kind in found)
    return shown


def security_groups(call: web.Call, record: Record) -> list[dict[str, str]]:
    """Return the names of the groups of the server's ports."""
    groups = {group_id for port in specs.ports_of(call.tx, record)
              for group_id in port['security_groups']}
    return [{'name': call.tx.get('security_group', group_id)['name']}
            for group_id in sorted(groups)]


def _flavor(call: web.Call, record: Record) -> dict[str, Any]:
    flavor = record['flavor']
    if call.version < (2, 47):
        return {'id': flavor['id'], 'links': flavors.links(call, flavor['id'])[1:]}
    names = ('vcpus', 'ram', 'disk', 'ephemeral', 'swap', 'extra_specs')
    return {'original_name': flavor['name'], **{name: flavor[name] for name in names}}


def _volumes(call: web.Call, record: Record) -> list[dict[str, Any]]:
    shown = []
    for item in call.tx.list('attachment', server_id=record['id']):
        volume = {'id': item['volume_id']}
        if call.version >= (2, 3):
            volume['delete_on_termination'] = item['delete_on_termination']
        shown.append(volume)
    return shown


def detail(call: web.Call, record: Record, alone: bool = True) -> dict[str, Any]:
    """Return all fields of a server; ``alone`` adds those that lists omit."""
    flavor_links = [{'rel': 'bookmark', 'href': call.url(f'/images/{record["image_id"]}')}]
    shown = {
        **summary(call, record), 'status': status(record), 'tenant_id': record['project_id'],
        'user_id': record['user_id'], 'metadata': record['metadata'],
        'hostId': hashlib.sha224((record['project_id'] + record['host']).encode()).hexdigest(),
        'image': {'id': record['image_id'], 'links': flavor_links},
        'flavor': _flavor(call, record), 'created': record['created_at'],
        'updated': record['updated_at'], 'addresses': addresses(call, record),
        'accessIPv4': '', 'accessIPv6': '', 'OS-DCF:diskConfig': 'AUTO',
        'OS-EXT-AZ:availability_zone': record['availability_zone'],
        'config_drive': 'True' if record['config_drive'] else '',
        'key_name': record['key_pair']['name'] if record['key_pair'] else None,
        'OS-SRV-USG:launched_at': _old_style(record['launched_at']),
        'OS-SRV-USG:terminated_at': None,
        'OS-EXT-STS:task_state': record['task_state'], 'OS-EXT-STS:vm_state': record['vm_state'],
        'OS-EXT-STS:power_state': record['power_state'],
        'os-extended-volumes:volumes_attached': _volumes(call, record)}
    if status(record) in ('ACTIVE', 'BUILD', 'REBUILD', 'RESIZE', 'VERIFY_RESIZE'):
        shown['progress'] = 0
    groups = security_groups(call, record)
    if groups:
        shown['security_groups'] = groups
    if record['fault'] and status(record) == 'ERROR':
        hidden = set() if call.is_admin else {'details'}
        shown['fault'] = {name: value for name, value in record['fault'].items()
                          if name not in hidden}
    return shown | _administrative(call, record) | _later(call, record, alone)


def _old_style(moment: str | None) -> str | None:
    """Return a time in the format of the usage extension."""
    return None if moment is None else moment.removesuffix('Z') + '.000000'


def _administrative(call: web.Call, record: Record) -> dict[str, Any]:
    if not call.is_admin:
        return {'OS-EXT-SRV-ATTR:hostname': record['hostname']} if call.version >= (
            2, 90) else {}
    shown = {'host': record['host'], 'instance_name': f'instance-{record["id"][:8]}',
             'hypervisor_hostname': record['host']}
    if call.version >= (2, 3):
        shown |= {'hostname': record['hostname'], 'reservation_id': record['reservation_id'],
                  'launch_index': record['launch_index'], 'kernel_id': '', 'ramdisk_id': '',
                  'root_device_name': '/dev/vda', 'user_data': record['user_data']}
    shown = {f'OS-EXT-SRV-ATTR:{name}': value for name, value in shown.items()}
    if call.version >= (2, 16):
        shown['host_status'] = 'UP'
    return shown


def _later(call: web.Call, record: Record, alone: bool) -> dict[str, Any]:
    """Return the fields that later microversions added."""
    shown = {}
    for since, name, value in (
            ((2, 9), 'locked', record['locked']),
            ((2, 19), 'description', record['description']),
            ((2, 26), 'tags', record['tags']),
            ((2, 63), 'trusted_image_certificates', None),
            ((2, 73), 'locked_reason', record['locked_reason']),
            ((2, 96), 'pinned_availability_zone', record['pinned_zone'])):
        if call.version >= since:
            shown[name] = value
    if call.version >= (2, 71) and alone:
        shown['server_groups'] = [record['group_id']] if record['group_id'] else []
    return shown
