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

"""Steps that change the clients that may connect to an existing instance.

The arg ``access`` is ``{"is_public": bool, "allowed_cidrs": [..]}``, both keys always present. The
row keeps the former access until the operation has succeeded, so that an undo knows it.
"""

from collections.abc import Mapping
from typing import Any

from trove.cloud import names
from trove.common import exception
from trove.taskmanager import args, facts
from trove.taskmanager.step import Done, Step, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import network


class RulesSet(Step[args.UpdateAccess, facts.Nothing]):
    """The security group allows exactly the requested clients: new rules are added before old ones
    are removed.
    """

    def run(self, work: Work[args.UpdateAccess, facts.Nothing]) -> Done:
        return self._set(work, work.args['access'])

    def undo(self, work: Work[args.UpdateAccess, facts.Nothing]) -> Done:
        return self._set(work, network.access_of(base.instance(work)))

    @staticmethod
    def _set(work: Work, access: Mapping[str, Any]) -> Done:
        group_id = network.ensure_rules(work, access)
        if group_id == base.instance(work).security_group_id:
            return Done()
        return Done(changes=[base.changed(work, security_group_id=group_id)])


class PublicAddressSet(Step[args.UpdateAccess, facts.Nothing]):
    """A public instance has a floating address, any other has none."""

    def run(self, work: Work[args.UpdateAccess, facts.Nothing]) -> Done:
        return self._set(work, bool(work.args['access']['is_public']))

    def undo(self, work: Work[args.UpdateAccess, facts.Nothing]) -> Done:
        return self._set(work, bool(network.access_of(base.instance(work)).get('is_public')))

    def _set(self, work: Work, is_public: bool) -> Done:
        return self._ensure_address(work) if is_public else self._release_addresses(work)

    @staticmethod
    def _ensure_address(work: Work) -> Done:
        port_id = tenant_port_id(work)
        if port_id is None:
            raise exception.StepFailed(
                'A public address requires a network of the tenant; the instance has none.',
                code='floating_ip_failed')
        given = network.ensure_public_address(work, port_id)
        return Done(
            changes=[network.stored_public(work, given)],
            events=[(f'{work.kind}.public_address', f'The public address is {given.address}.')])

    @staticmethod
    def _release_addresses(work: Work) -> Done:
        cloud, found = base.cloud(work), []
        for port in cloud.network.find_ports(work.resource_id):
            found += network.delete_public_addresses(cloud, work.resource_id, port.id)
        return Done(
            changes=[base.addresses(work, 'public', [])],
            events=[(f'{work.kind}.public_address', f'The public address {address} was released.')
                    for address in found])


def tenant_port_id(work: Work) -> str | None:
    """Return the id of the port on the tenant's network, found by its name."""
    name = names.tenant_port(work.resource_id)
    return next((port.id
                 for port in base.cloud(work).network.find_ports(work.resource_id)
                 if port.name == name), None)
