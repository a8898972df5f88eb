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

"""Background jobs of the network: bridges, filters, floating addresses."""

import logging
from typing import TYPE_CHECKING

from minicloud import specs, work
from minicloud.hypervisor import FloatingSpec

if TYPE_CHECKING:
    from minicloud.cloud import Cloud

LOG = logging.getLogger(__name__)


def _network_failed(cloud: 'Cloud', message: str, network_id: str) -> None:
    with cloud.state.transaction() as tx:
        if tx.get('network', network_id) is not None:
            tx.update('network', network_id, status='ERROR')


@work.job('network.plug', failed=_network_failed)
def plug(cloud: 'Cloud', network_id: str) -> None:
    """Update the bridge to the network's subnets."""
    with cloud.state.transaction() as tx:
        network = tx.get('network', network_id)
        if network is None:
            return
        spec, subnets = specs.network(network), specs.subnets(tx, network_id)
    cloud.hypervisor.plug_network(spec, subnets)
    with cloud.state.transaction() as tx:
        if tx.get('network', network_id) is not None:
            tx.update('network', network_id, status='ACTIVE')


def _only_logged(cloud: 'Cloud', message: str, **args: object) -> None:
    """Do nothing: the runner has logged the failure, and no record shows it."""


@work.job('network.unplug', failed=_only_logged)
def unplug(cloud: 'Cloud', network_id: str) -> None:
    """Remove the bridge of a deleted network."""
    cloud.hypervisor.unplug_network(network_id)


@work.job('security.apply', failed=_only_logged)
def apply_security(cloud: 'Cloud', group_ids: list[str]) -> None:
    """Update the filters of all ports in these groups to the groups' rules."""
    with cloud.state.transaction() as tx:
        affected = tuple(
            specs.port(tx, port) for port in tx.list('port')
            if set(group_ids) & set(port['security_groups'])
            and specs.is_plugged(tx, port))
    if affected:
        cloud.hypervisor.apply_security(affected)


def _floating_failed(cloud: 'Cloud', message: str, floating_id: str) -> None:
    with cloud.state.transaction() as tx:
        if tx.get('floatingip', floating_id) is not None:
            tx.update('floatingip', floating_id, status='ERROR')


@work.job('floating.apply', failed=_floating_failed)
def apply_floating(cloud: 'Cloud', floating_id: str) -> None:
    """Route a floating address as its record requires."""
    with cloud.state.transaction() as tx:
        floating = tx.get('floatingip', floating_id)
        if floating is None:
            return
        port = tx.get('port', floating['port_id'])
        port_spec = None if port is None else specs.port(tx, port)
    spec = specs.floating(floating)
    if port_spec is None:
        cloud.hypervisor.unbind_floating_ip(spec)
    else:
        cloud.hypervisor.bind_floating_ip(spec, floating['fixed_ip_address'], port_spec)
    with cloud.state.transaction() as tx:
        if tx.get('floatingip', floating_id) is not None:
            tx.update('floatingip', floating_id, status='ACTIVE' if port_spec else 'DOWN')


@work.job('floating.remove', failed=_only_logged)
def remove_floating(cloud: 'Cloud', floating_id: str, address: str, network_id: str) -> None:
    """Remove the route of a deleted floating address."""
    cloud.hypervisor.unbind_floating_ip(FloatingSpec(floating_id, address, network_id))
