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

"""Security groups and their rules."""

import ipaddress
from collections.abc import Iterable
from typing import Any

from minicloud import errors, web, work
from minicloud.neutron import attributes as attr
from minicloud.neutron import collection
from minicloud.state import Record, Transaction

_PROTOCOLS = {'ah': 51, 'dccp': 33, 'egp': 8, 'esp': 50, 'gre': 47, 'icmp': 1, 'icmpv6': 58,
              'igmp': 2, 'ipip': 4, 'ipv6-encap': 41, 'ipv6-frag': 44, 'ipv6-icmp': 58,
              'ipv6-nonxt': 59, 'ipv6-opts': 60, 'ipv6-route': 43, 'ospf': 89, 'pgm': 113,
              'rsvp': 46, 'sctp': 132, 'tcp': 6, 'udp': 17, 'udplite': 136, 'vrrp': 112}
_WITH_PORTS = ('tcp', 'udp', 'sctp', 'dccp', 'udplite', '6', '17', '132', '33', '136')


def _direction(value: Any) -> str:
    if value not in ('ingress', 'egress'):
        raise attr.Invalid(f"'{value}' is not in ['ingress', 'egress']")
    return value


def _ethertype(value: Any) -> str:
    known = {'ipv4': 'IPv4', 'ipv6': 'IPv6'}
    if str(value).lower() not in known:
        raise attr.Invalid(f"'{value}' is not in ['IPv4', 'IPv6']")
    return known[str(value).lower()]


def _protocol(value: Any) -> str | None:
    text = str(value).lower()
    if text in ('any', 'none', ''):
        return None
    if text not in _PROTOCOLS and not (text.isdigit() and int(text) <= 255):
        raise attr.Invalid(f'Security group rule protocol {value} not supported')
    return text


GROUP: attr.Attributes = {
    'name': attr.Attribute(attr.text(), ''),
    'description': attr.Attribute(attr.text(), ''),
    'stateful': attr.Attribute(attr.boolean, True),
}
RULE: attr.Attributes = {
    'security_group_id': attr.Attribute(attr.identity, update=False, required=True),
    'direction': attr.Attribute(_direction, update=False, required=True),
    'ethertype': attr.Attribute(_ethertype, 'IPv4', update=False),
    'protocol': attr.Attribute(attr.optional(_protocol), None, update=False),
    'port_range_min': attr.Attribute(attr.optional(attr.whole(0, 65535)), None, update=False),
    'port_range_max': attr.Attribute(attr.optional(attr.whole(0, 65535)), None, update=False),
    'remote_ip_prefix': attr.Attribute(attr.optional(attr.network_prefix), None, update=False),
    'remote_group_id': attr.Attribute(attr.optional(attr.identity), None, update=False),
    'description': attr.Attribute(attr.text(), ''),
}


def _rule_view(call: web.Call, record: Record) -> dict[str, Any]:
    view = {**collection.standard(record), **{name: record[name] for name in RULE},
            'remote_address_group_id': None, 'normalized_cidr': record['remote_ip_prefix']}
    del view['name']
    return view


def _group_view(call: web.Call, record: Record) -> dict[str, Any]:
    rules = call.tx.list('security_group_rule', security_group_id=record['id'])
    return {**collection.standard(record), 'stateful': record['stateful'], 'shared': False,
            'security_group_rules': [_rule_view(call, rule) for rule in rules]}


GROUPS = collection.Collection(
    'security_group', 'security_groups', 'Security group {id} does not exist',
    'SecurityGroupNotFound', _group_view)
RULES = collection.Collection(
    'security_group_rule', 'security_group_rules', 'Security group rule {id} does not exist',
    'SecurityGroupRuleNotFound', _rule_view)
#: Name of the collection in the paths of its tags.
TAGGED = collection.Collection(
    'security_group', 'security-groups', GROUPS.missing, GROUPS.missing_type, _group_view)


def _add_rule(call: web.Call, group: Record, **values: Any) -> Record:
    defaults = {name: attribute.default for name, attribute in RULE.items()}
    return call.tx.put('security_group_rule', collection.stamp(call, {
        'name': '', **defaults, **values, 'security_group_id': group['id'],
        'project_id': group['project_id']}))


def _add_group(call: web.Call, **values: Any) -> Record:
    group = call.tx.put('security_group', collection.stamp(call, values))
    for ethertype in ('IPv4', 'IPv6'):
        _add_rule(call, group, direction='egress', ethertype=ethertype)
    return group


def default_group(call: web.Call, project_id: str) -> Record:
    """Return the project's group named ``default``; create it on the first request."""
    found = call.tx.list('security_group', project_id=project_id, name='default')
    if found:
        return found[0]
    group = _add_group(call, name='default', description='Default security group',
                       stateful=True, project_id=project_id)
    for ethertype in ('IPv4', 'IPv6'):
        _add_rule(call, group, direction='ingress', ethertype=ethertype,
                  remote_group_id=group['id'])
    return group


def require(call: web.Call, group_ids: Iterable[str], project_id: str) -> None:
    """Raise unless the groups exist and a port of this project may use them."""
    for group_id in group_ids:
        group = call.tx.get('security_group', group_id)
        if group is None or not (call.is_admin or group['project_id'] == project_id):
            raise errors.NotFound(f'Security group {group_id} does not exist',
                                  'SecurityGroupNotFound')


def members_changed(tx: Transaction, group_ids: list[str]) -> None:
    """Record the jobs that update filters with rules that name the changed groups."""
    naming = {rule['security_group_id'] for rule in tx.list('security_group_rule')
              if rule['remote_group_id'] in group_ids}
    _apply(tx, naming)


def _apply(tx: Transaction, group_ids: Iterable[str]) -> None:
    groups = set(group_ids)
    if any(groups & set(port['security_groups']) for port in tx.list('port')):
        work.submit(tx, 'security.apply', {'group_ids': sorted(groups)}, ['security'])


def create_group(call: web.Call) -> web.Answer:
    """Respond to POST /security-groups."""
    values = attr.read(call, 'security_group', GROUP, new=True)
    default_group(call, values['project_id'])
    if values['name'] == 'default':
        raise errors.Conflict('Default security group already exists.',
                              'SecurityGroupDefaultAlreadyExists')
    collection.spend(call.tx, 'security_group', values['project_id'])
    return 201, {'security_group': _group_view(call, _add_group(call, **values))}


def update_group(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /security-groups/{id}."""
    record = collection.find(call, GROUPS, id, change=True)
    values = attr.read(call, 'security_group', GROUP, new=False)
    if record['name'] == 'default' and values.get('name', 'default') != 'default':
        raise errors.Conflict('Updating default security group not allowed.',
                              'SecurityGroupCannotUpdateDefault')
    return {'security_group': _group_view(call, collection.change(
        call, GROUPS, record, **values))}


def delete_group(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /security-groups/{id}; a group in use is refused."""
    record = collection.find(call, GROUPS, id, change=True)
    if record['name'] == 'default' and not call.is_admin:
        raise errors.Conflict('Insufficient rights for removing default security group.',
                              'SecurityGroupCannotRemoveDefault')
    if any(id in port['security_groups'] for port in call.tx.list('port')):
        raise errors.Conflict(f'Security Group {id} in use.', 'SecurityGroupInUse')
    for rule in call.tx.list('security_group_rule'):
        if id in (rule['security_group_id'], rule['remote_group_id']):
            call.tx.remove('security_group_rule', rule['id'])
    call.tx.remove('security_group', id)
    return 204, None


def create_rule(call: web.Call) -> web.Answer:
    """Respond to POST /security-group-rules."""
    values = attr.read(call, 'security_group_rule', RULE, new=True)
    group = collection.find(call, GROUPS, values['security_group_id'], change=True)
    if values['remote_group_id'] is not None:
        collection.find(call, GROUPS, values['remote_group_id'])
    _check_rule(values)
    for other in call.tx.list('security_group_rule', security_group_id=group['id']):
        if _meaning(other) == _meaning(values):
            raise errors.Conflict(
                f'Security group rule already exists. Rule id is {other["id"]}.',
                'SecurityGroupRuleExists')
    collection.spend(call.tx, 'security_group_rule', group['project_id'])
    del values['project_id']
    record = _add_rule(call, group, **values)
    _apply(call.tx, [group['id']])
    return 201, {'security_group_rule': _rule_view(call, record)}


def _check_rule(values: dict[str, Any]) -> None:
    protocol = values['protocol']
    low, high = values['port_range_min'], values['port_range_max']
    if values['remote_ip_prefix'] and values['remote_group_id']:
        raise errors.BadRequest('Only remote_ip_prefix or remote_group_id or '
                                'remote_address_group_id may be provided.',
                                'SecurityGroupMultipleRemoteEntites')
    if values['remote_ip_prefix']:
        version = ipaddress.ip_network(values['remote_ip_prefix']).version
        if values['ethertype'] != f'IPv{version}':
            raise errors.BadRequest(
                f'Conflicting value ethertype {values["ethertype"]} for CIDR '
                f'{values["remote_ip_prefix"]}', 'SecurityGroupRuleParameterConflict')
    if low is None and high is None:
        return
    if protocol is None:
        raise errors.BadRequest('Must also specify protocol if port range is given.',
                                'SecurityGroupProtocolRequiredWithPorts')
    if protocol in _WITH_PORTS and (low is None or high is None or low > high):
        raise errors.BadRequest('For TCP/UDP protocols, port_range_min must be '
                                '<= port_range_max', 'SecurityGroupInvalidPortRange')
    if protocol in ('icmp', 'icmpv6', 'ipv6-icmp', '1', '58'):
        if low is None:
            raise errors.BadRequest(f'ICMP code (port-range-max) {high} is provided but ICMP '
                                    'type (port-range-min) is missing.',
                                    'SecurityGroupMissingIcmpType')
        if low > 255 or (high or 0) > 255:
            raise errors.BadRequest('Invalid value for ICMP type or code.',
                                    'SecurityGroupInvalidIcmpValue')


def _meaning(rule: dict[str, Any]) -> tuple:
    """Return the traffic that a rule allows, normalised for comparison."""
    prefix = rule['remote_ip_prefix']
    if prefix in ('0.0.0.0/0', '::/0'):
        prefix = None
    protocol = rule['protocol']
    number = _PROTOCOLS.get(protocol, protocol) if protocol is not None else None
    return (rule['direction'], rule['ethertype'], None if number is None else int(number),
            rule['port_range_min'], rule['port_range_max'], prefix, rule['remote_group_id'])


def update_rule(call: web.Call, id: str) -> web.Answer:
    """Respond to PUT /security-group-rules/{id}: only the description can change."""
    record = collection.find(call, RULES, id, change=True)
    values = attr.read(call, 'security_group_rule', RULE, new=False)
    return {'security_group_rule': _rule_view(call, collection.change(
        call, RULES, record, **values))}


def delete_rule(call: web.Call, id: str) -> web.Answer:
    """Respond to DELETE /security-group-rules/{id}."""
    record = collection.find(call, RULES, id, change=True)
    call.tx.remove('security_group_rule', id)
    _apply(call.tx, [record['security_group_id']])
    return 204, None


def show_group(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /security-groups/{id}."""
    return collection.show(call, GROUPS, id)


def list_groups(call: web.Call) -> web.Answer:
    """Respond to GET /security-groups."""
    default_group(call, call.project_id)
    return collection.listing(call, GROUPS)


def show_rule(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /security-group-rules/{id}."""
    return collection.show(call, RULES, id)


def list_rules(call: web.Call) -> web.Answer:
    """Respond to GET /security-group-rules."""
    return collection.listing(call, RULES)


ROUTES = [
    web.Route('GET', '/security-groups', list_groups),
    web.Route('POST', '/security-groups', create_group),
    web.Route('GET', '/security-groups/{id}', show_group),
    web.Route('PUT', '/security-groups/{id}', update_group),
    web.Route('DELETE', '/security-groups/{id}', delete_group),
    web.Route('GET', '/security-group-rules', list_rules),
    web.Route('POST', '/security-group-rules', create_rule),
    web.Route('GET', '/security-group-rules/{id}', show_rule),
    web.Route('PUT', '/security-group-rules/{id}', update_rule),
    web.Route('DELETE', '/security-group-rules/{id}', delete_rule)]
