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

"""Ports of servers: existing ones named by the user and new ones on a network."""

from typing import Any

from minicloud import errors, quota, web
from minicloud.neutron import collection, networks, ports, security_groups
from minicloud.state import Record, Transaction


def choose(call: web.Call, requested: Any) -> list[dict[str, Any]]:
    """Return the requested ``networks`` of a body: entries with ``port`` or ``uuid``."""
    if requested is None and call.version >= (2, 37):
        raise errors.BadRequest("Invalid input for field/attribute server. 'networks' is a "
                                'required property')
    if requested == 'none':
        return []
    if requested in (None, 'auto', []):
        return _only_network(call)
    chosen, seen = [], set()
    for entry in requested:
        if entry.get('port'):
            key = entry['port']
            _usable_port(call, key)
        elif entry.get('uuid'):
            key = None
            _usable_network(call, entry['uuid'])
        else:
            raise errors.BadRequest('Bad networks format: network uuid or port is required.')
        if key is not None and key in seen:
            raise errors.BadRequest(f'Port ID {key} is given twice.')
        seen.add(key)
        chosen.append(entry)
    return chosen


def _only_network(call: web.Call) -> list[dict[str, Any]]:
    mine = [network for network in call.tx.list('network')
            if network['project_id'] == call.project_id
            or (network['shared'] and not network['router:external'])]
    if len(mine) > 1:
        raise errors.Conflict('Multiple possible networks found, use a Network ID to be more '
                              'specific.')
    return [{'uuid': network['id']} for network in mine]


def _usable_port(call: web.Call, port_id: str) -> Record:
    record = call.tx.get('port', port_id)
    if record is None or not collection.sees(call, ports.COLLECTION, record):
        raise errors.BadRequest(f'Port {port_id} could not be found.')
    if record['device_id']:
        raise errors.Conflict(f'Port {port_id} is still in use.')
    if not record['fixed_ips']:
        raise errors.BadRequest(f'Port {port_id} requires a FixedIP in order to be used.')
    return record


def _usable_network(call: web.Call, network_id: str) -> Record:
    record = call.tx.get('network', network_id)
    if record is None or not collection.sees(call, networks.COLLECTION, record):
        raise errors.BadRequest(f'Network {network_id} could not be found.')
    if record['router:external'] and not (call.is_admin or record['shared']):
        raise errors.Forbidden('It is not allowed to create an interface on external network '
                               f'{network_id}')
    if not call.tx.list('subnet', network_id=network_id):
        raise errors.BadRequest(f'Network {network_id} requires a subnet in order to boot '
                                'instances on.')
    return record


def plug(call: web.Call, server: Record, entries: list[dict[str, Any]],
         group_ids: list[str] | None) -> list[str]:
    """Bind or create the ports of the entries for the server; return their ids in order."""
    return [_bind(call, server, entry, group_ids)['id'] for entry in entries]


def _bind(call: web.Call, server: Record, entry: dict[str, Any],
          group_ids: list[str] | None) -> Record:
    bound = {'device_id': server['id'],
             'device_owner': f'compute:{server["availability_zone"]}',
             'binding:host_id': call.cloud.settings.host, 'status': 'DOWN',
             'vif_type': 'bridge'}
    if entry.get('port'):
        record = _usable_port(call, entry['port'])
    else:
        _spend_port(call, server['project_id'])
        fixed = [{'ip_address': entry['fixed_ip']}] if entry.get('fixed_ip') else None
        try:
            record = ports.make(call, {
                'network_id': entry['uuid'], 'project_id': server['project_id'],
                'fixed_ips': fixed, 'security_groups': group_ids})
        except errors.Conflict as error:
            raise errors.BadRequest(error.message) from error
        bound['by_nova'] = True
    return collection.change(call, ports.COLLECTION, record, **bound)


def _spend_port(call: web.Call, project_id: str) -> None:
    limit = quota.limits(call.tx, 'network', project_id)
    used = {'port': len(call.tx.list('port', project_id=project_id))}
    if quota.exceeded(limit, used, {'port': 1}):
        raise errors.Forbidden('Maximum number of ports exceeded')


def unplug(tx: Transaction, port: Record) -> None:
    """Release the port: remove one created for the server, unbind one of the user's."""
    if port['by_nova']:
        ports.remove(tx, port)
        return
    tx.update('port', port['id'], **{
        'device_id': '', 'device_owner': '', 'binding:host_id': '', 'status': 'DOWN',
        'vif_type': 'unbound'})


def groups_named(call: web.Call, requested: list[dict[str, str]] | None) -> list[str] | None:
    """Return the ids of security groups given by name or id; None if none are given."""
    if not requested:
        return None
    return [group_named(call, entry['name'], call.project_id)['id'] for entry in requested]


def group_named(call: web.Call, name: str, project_id: str) -> Record:
    """Return one of the project's security groups by name or id."""
    matching = [group for group in call.tx.list('security_group', project_id=project_id)
                if name in (group['name'], group['id'])]
    if len(matching) > 1:
        raise errors.Conflict(f"Multiple security_groups matches found for name '{name}', use "
                              'an ID to be more specific.')
    if not matching:
        if name == 'default':
            return security_groups.default_group(call, project_id)
        raise errors.BadRequest(f"Unable to find security_group with name or id '{name}'")
    return matching[0]
