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

"""Security groups of Neutron: the networks that may connect to the ports of a database. Uses
openstacksdk.

A group allows exactly its rules. A change adds new rules before it removes old ones, so the
connections of an allowed client are never cut.
"""

import dataclasses
import ipaddress
from typing import Any, Iterable

from openstack import exceptions as sdk_errors
from openstack.network.v2 import _proxy

from trove.cloud import errors
from trove.common import exception


@dataclasses.dataclass(frozen=True, order=True)
class Rule:
    """A network that may connect to a range of ports.

    :ivar protocol: tcp or udp.
    :ivar cidr: normal form.
    """
    protocol: str
    first: int
    last: int
    cidr: str


def rules(tcp_ports: Iterable[str], udp_ports: Iterable[str],
          cidrs: Iterable[str]) -> frozenset[Rule]:
    """Return a rule for each port and each network; without a network, none.

    :param tcp_ports: ``3306`` or ``3306-3310``, as in the options of a datastore.
    :param cidrs: ``10.0.0.0/24``, ``2001:db8::/32``; an address is a network of one.
    :raises ValueError: a port or a network is malformed.
    """
    networks = [str(ipaddress.ip_network(cidr, strict=False)) for cidr in cidrs]
    ranges = [(protocol, *_range(text))
              for protocol, ports in (('tcp', tcp_ports), ('udp', udp_ports))
              for text in ports]
    return frozenset(Rule(protocol, first, last, network) for protocol, first, last in ranges
                     for network in networks)


class Firewall:
    """The security groups of the service project in one region."""

    def __init__(self, proxy: _proxy.Proxy, project_id: str) -> None:
        self._neutron = proxy
        self._project_id = project_id

    def find_groups(self, name: str) -> list[str]:
        """Return the ids of the groups with this name, oldest first."""
        with errors.translated('network', 'look for the security group'):
            listed = [
                item
                for item in self._neutron.security_groups(name=name, project_id=self._project_id)
                if item.name == name and item.project_id == self._project_id
            ]
        return [
            item.id for item in sorted(listed, key=lambda item: (item.created_at or '', item.id))
        ]

    def list_groups(self) -> dict[str, str]:
        """Return id -> name of the groups of the service project."""
        with errors.translated('network', 'list the security groups'):
            return {
                item.id: item.name
                for item in self._neutron.security_groups(project_id=self._project_id)
            }

    def ensure_group(self, name: str, rules_: frozenset[Rule], *, description: str = '') -> str:
        """Ensure that the group with this name allows exactly these rules.

        :param rules_: all rules of the group.
        :returns: its id.
        """
        found = self.find_groups(name)
        if found:
            group_id = found[0]
        else:
            with errors.translated('network', 'create the security group'):
                group_id = self._neutron.create_security_group(name=name, description=description,
                                                               project_id=self._project_id).id
        self._ensure_rules(group_id, rules_)
        return group_id

    def _ensure_rules(self, group_id: str, rules_: frozenset[Rule]) -> None:
        with errors.translated('network', 'list the rules of the security group'):
            listed = list(
                self._neutron.security_group_rules(security_group_id=group_id, direction='ingress'))
        present = [(item.id, _rule(item)) for item in listed if item.direction == 'ingress']
        for rule in sorted(rules_ - {known for _, known in present}):
            self._add(group_id, rule)
        for rule_id, known in present:
            if known not in rules_:
                with errors.translated('network', 'remove a rule of the security group'):
                    self._neutron.delete_security_group_rule(rule_id, ignore_missing=True)

    def _add(self, group_id: str, rule: Rule) -> None:
        ethertype = 'IPv6' if ':' in rule.cidr else 'IPv4'
        with errors.translated('network', 'add a rule to the security group'):
            try:
                self._neutron.create_security_group_rule(
                    security_group_id=group_id, direction='ingress', ether_type=ethertype,
                    protocol=rule.protocol, port_range_min=rule.first, port_range_max=rule.last,
                    remote_ip_prefix=rule.cidr, project_id=self._project_id)
            except sdk_errors.ConflictException as error:
                # A concurrent request has created the same rule, unless the quota is exhausted.
                if 'quota' in str(error).lower():
                    raise

    def delete_group(self, group_id: str) -> None:
        """Delete a group, which may be gone already.

        :raises CloudError: retriable while a port still uses it.
        """
        with errors.translated('network', 'delete the security group'):
            self._neutron.delete_security_group(group_id, ignore_missing=True)

    def named_groups(self, names: Iterable[str]) -> list[str]:
        """Return the ids of groups that an option lists by id or name.

        :raises CloudError: one of them does not exist.
        """
        names = list(names)
        with errors.translated('network', 'list the security groups'):
            listed = list(self._neutron.security_groups(project_id=self._project_id))
        by_name = {item.name: item.id for item in listed}
        ids = {item.id for item in listed}
        missing = [name for name in names if name not in ids and name not in by_name]
        if missing:
            raise exception.CloudError(
                'A security group of the management network is missing; contact the operator.',
                code='security_group_failed', retriable=False,
                detail=f'management_security_groups names {", ".join(missing)}, which the '
                f'service project does not have')
        return [name if name in ids else by_name[name] for name in names]


def _range(text: str) -> tuple[int, int]:
    first, _, last = text.strip().partition('-')
    low, high = int(first), int(last or first)
    if not 1 <= low <= high <= 65535:
        raise ValueError(f'{text} is not a port or range of ports')
    return low, high


def _rule(item: Any) -> Rule | None:
    """Convert a rule of Neutron; None for a rule that Trove never creates."""
    if item.remote_group_id or item.protocol not in ('tcp', 'udp') or item.port_range_min is None:
        return None
    prefix = item.remote_ip_prefix or ('::/0' if item.ether_type == 'IPv6' else '0.0.0.0/0')
    return Rule(item.protocol, int(item.port_range_min),
                int(item.port_range_max or item.port_range_min),
                str(ipaddress.ip_network(prefix, strict=False)))
