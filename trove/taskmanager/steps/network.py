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

"""Steps on the security group, the ports and the public address of an instance."""

import ipaddress
import json
from collections.abc import Mapping
from typing import Any

from trove.cloud import firewall
from trove.cloud import names
from trove.cloud import network
from trove.common import exception
from trove.db.session import Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Change, Done, Step, Work
from trove.taskmanager.steps import base


def access_of(row: Row) -> Mapping[str, Any]:
    """Return the access of an instance:

    ``{"is_public": bool, "allowed_cidrs": [..]}``, both optional.
    """
    return json.loads(row.access) if row.access else {}


def allowed_networks(conf: Any, access: Mapping[str, Any]) -> list[str]:
    """Return the networks that may connect.

    Without a list, or with an empty one: the operator's default; without a default, none.
    """
    allowed = access.get('allowed_cidrs')
    if allowed:
        return list(allowed)
    return [conf.trove_security_group_rule_cidr] if conf.trove_security_group_rule_cidr else []


def ensure_rules(work: Work, access: Mapping[str, Any]) -> str | None:
    """Ensure that the instance's security group allows exactly this access.

    :returns: its id; None where the operator disabled security groups.
    :raises StepFailed, CloudError:
    """
    conf, row = work.tools.conf, base.instance(work)
    if not conf.trove_security_groups_support:
        return None
    options = conf[row.manager]
    try:
        rules = firewall.rules(options.tcp_ports, options.udp_ports,
                               allowed_networks(conf, access))
    except ValueError as error:
        raise exception.StepFailed(
            code='security_group_failed',
            detail=f'ports of [{row.manager}] or allowed networks: {error}') from error
    try:
        return base.cloud(work).firewall.ensure_group(
            names.security_group(conf.trove_security_group_name_prefix, row.id), rules,
            description=f'Database instance {row.id}')
    except exception.CloudError as error:
        raise base.failing_as('security_group_failed', error) from error


def ensure_public_address(work: Work, port_id: str) -> network.PublicAddress:
    """Ensure a floating address of the tenant's project for the port.

    :raises CloudError: no address is available, or no router connects the port.
    """
    conf, cloud, row = work.tools.conf, base.cloud(work), base.instance(work)
    try:
        port = cloud.network.get_port(port_id)
        if conf.network.enable_access_check:
            _check_router(cloud, port)
        public = cloud.network.public_network(conf.network.public_network_id)
        return cloud.network.ensure_public_address(port, network_id=public.id,
                                                   project_id=row.tenant_id,
                                                   description=names.public_address(row.id))
    except exception.CloudError as error:
        raise base.failing_as('floating_ip_failed', error) from error


def _check_router(cloud: Any, port: network.Port) -> None:
    for subnet_id in {fixed.subnet_id for fixed in port.addresses}:
        if not cloud.network.has_router(subnet_id):
            raise exception.CloudError(
                'A public address requires a router on the subnet of the instance; attach one.',
                code='floating_ip_failed', retriable=False,
                detail=f'subnet {subnet_id} has no router port')


def stored_public(work: Work, given: network.PublicAddress) -> Change:
    """Return a change that stores the public address of the instance."""
    return base.addresses(work, 'public', [{
        'kind': 'public',
        'address': given.address,
        'family': ipaddress.ip_address(given.address).version,
        'port_id': given.port_id,
        'network_id': given.network_id,
        'subnet_id': None,
        'mac': None
    }])


def tenant_nic(work: Work[args.Create, Any]) -> args.Nic | None:
    """Return the requested network of the tenant, if any."""
    return work.args.get('nic')


class EnsureSecurityGroup(Step[args.Nothing, facts.Network]):
    """The security group allows only the allowed networks to connect, to the ports of the
    datastore.
    """

    creates = frozenset({'security group'})
    gives = frozenset({'security_group_id'})

    def run(self, work: Work) -> Done:
        group_id = ensure_rules(work, access_of(base.instance(work)))
        return Done(facts={'security_group_id': group_id},
                    changes=[base.changed(work, security_group_id=group_id)])

    def undo(self, work: Work) -> Done:
        delete_groups(work)
        return Done(changes=[base.changed(work, security_group_id=None)])


class EnsureManagementPort(Step[args.Create, facts.Network]):
    """The guest has a port on the network of the broker; no client connects through it."""

    creates = frozenset({'port'})
    needs = frozenset({'security_group_id'})
    gives = frozenset({'management_port_id'})

    def run(self, work: Work) -> Done:
        conf, row = work.tools.conf, base.instance(work)
        if not conf.management_networks:
            return Done(facts={'management_port_id': None})
        try:
            port = base.cloud(work).network.ensure_port(
                names.management_port(row.id), network_id=conf.management_networks[-1],
                security_group_ids=self._groups(work),
                description=f'Database instance {row.id}, management')
        except exception.CloudError as error:
            raise base.failing_as('port_failed', error) from error
        return Done(facts={'management_port_id': port.id},
                    changes=[_stored(work, 'management', port)])

    @staticmethod
    def _groups(work: Work[args.Create, facts.Network]) -> list[str]:
        conf, cloud = work.tools.conf, base.cloud(work)
        if conf.management_security_groups:
            groups = cloud.firewall.named_groups(conf.management_security_groups)
        else:
            groups = [cloud.firewall.ensure_group(
                names.management_group(conf.trove_security_group_name_prefix), frozenset(),
                description='Management ports of database instances: nothing gets in')]
        if not tenant_nic(work) and work.facts['security_group_id']:
            # Without a network of the tenant, clients use this port.
            groups.append(work.facts['security_group_id'])
        return groups

    def undo(self, work: Work) -> Done:
        delete_ports(work, names.management_port(work.resource_id))
        return Done(changes=[base.addresses(work, 'management', [])])


class EnsureTenantPort(Step[args.Create, facts.Network]):
    """The guest has a port on the requested network, with the requested address, if any.

    Arg ``nic``: ``{"network_id", "subnet_id", "ip_address"}``, the last two may be null; or null.
    """

    creates = frozenset({'port'})
    needs = frozenset({'security_group_id', 'management_port_id'})
    gives = frozenset({'tenant_port_id'})

    def run(self, work: Work[args.Create, facts.Network]) -> Done:
        row, nic = base.instance(work), tenant_nic(work)
        if not nic:
            if not work.facts['management_port_id']:
                raise exception.StepFailed(
                    'The instance has no network; name one.', code='port_failed',
                    detail='no nic was requested and management_networks is empty')
            return Done(facts={'tenant_port_id': None})
        group_id = work.facts['security_group_id']
        try:
            port = base.cloud(work).network.ensure_port(
                names.tenant_port(row.id), network_id=nic['network_id'],
                subnet_id=nic.get('subnet_id'), address=nic.get('ip_address'),
                security_group_ids=[group_id] if group_id else [],
                description=f'Database instance {row.id}')
        except exception.CloudError as error:
            raise base.failing_as('port_failed', error) from error
        return Done(facts={'tenant_port_id': port.id}, changes=[_stored(work, 'private', port)])

    def undo(self, work: Work) -> Done:
        delete_ports(work, names.tenant_port(work.resource_id))
        return Done(changes=[base.addresses(work, 'private', [])])


class EnsurePublicAddress(Step[args.Nothing, facts.Network]):
    """A floating address leads to the tenant's port, if public access is requested."""

    creates = frozenset({'floating IP'})
    needs = frozenset({'tenant_port_id'})

    def run(self, work: Work[args.Nothing, facts.Network]) -> Done:
        row, port_id = base.instance(work), work.facts['tenant_port_id']
        if not port_id or not access_of(row).get('is_public'):
            return Done()
        given = ensure_public_address(work, port_id)
        return Done(
            changes=[stored_public(work, given)],
            events=[('instance_create.public_address', f'The public address is {given.address}.')])

    def undo(self, work: Work) -> Done:
        cloud = base.cloud(work)
        for port in cloud.network.find_ports(work.resource_id):
            delete_public_addresses(cloud, work.resource_id, port.id)
        return Done(changes=[base.addresses(work, 'public', [])])


class PortsGone(base.Removal):
    """All ports and public addresses of the instance are removed."""

    removes = frozenset({'port', 'floating IP'})
    what = 'the ports'

    def remaining(self, work: Work) -> list[str]:
        delete_ports(work)
        return []

    def changes(self, work: Work) -> list[Change]:
        return [base.addresses(work, kind, []) for kind in ('management', 'private', 'public')]


class SecurityGroupGone(base.Removal):
    """All security groups of the instance are removed."""

    removes = frozenset({'security group'})
    what = 'the security group'

    def remaining(self, work: Work) -> list[str]:
        delete_groups(work)
        return []

    def changes(self, work: Work) -> list[Change]:
        return [base.changed(work, security_group_id=None)]


def delete_ports(work: Work, name: str | None = None) -> None:
    """Delete the ports of the instance, or those with a name, each after its public addresses."""
    cloud = base.cloud(work)
    for port in cloud.network.find_ports(work.resource_id):
        if name is None or port.name == name:
            delete_public_addresses(cloud, work.resource_id, port.id)
            cloud.network.delete_port(port.id)


def delete_public_addresses(cloud: Any, instance_id: str, port_id: str) -> list[str]:
    """Release the addresses that Trove gave to this instance.

    An address that the user assigned to the port is kept; Neutron detaches it from the deleted
    port.

    :returns: the addresses.
    """
    found = cloud.network.find_public_addresses(port_id, names.public_address(instance_id))
    for public in found:
        cloud.network.delete_public_address(public.id)
    return [public.address for public in found]


def delete_groups(work: Work) -> None:
    """Delete the instance's security groups, found by name."""
    cloud = base.cloud(work)
    name = names.security_group(work.tools.conf.trove_security_group_name_prefix, work.resource_id)
    for group_id in cloud.firewall.find_groups(name):
        cloud.firewall.delete_group(group_id)


def _stored(work: Work, kind: str, port: network.Port) -> Change:
    return base.addresses(work, kind, [{
        'kind': kind,
        'address': fixed.address,
        'family': ipaddress.ip_address(fixed.address).version,
        'port_id': port.id,
        'network_id': port.network_id,
        'subnet_id': fixed.subnet_id,
        'mac': port.mac
    } for fixed in port.addresses])
