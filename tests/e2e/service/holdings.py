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

"""Resources in the cloud, on this machine and at the broker, and the project's usage."""

from collections.abc import Iterable

import openstack
from control.settings import REGION

from tests.e2e.service.machines import Machines
from tests.e2e.service.running import Service
from tests.e2e.waiting import wait_for


class Holdings:
    """Takes stock. Two stocks are compared to see whether something was left."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.machines = Machines(service.settings.directory)
        self.cloud = openstack.connect(auth_url=service.settings.url(
            'keystone', '/v3'), username='trove', password=service.store.get('keystone-trove'),
            project_name='service', user_domain_name='Default',
            project_domain_name='Default', region_name=REGION,
            load_yaml_config=False, load_envvars=False)

    def close(self) -> None:
        """Close the connections."""
        self.cloud.close()

    def in_cloud(self) -> set[str]:
        """Everything the service user has in the cloud."""
        cloud = self.cloud
        kinds: dict[str, Iterable] = {
            'server': cloud.compute.servers(), 'server group': cloud.compute.server_groups(),
            'port': cloud.network.ports(), 'security group': cloud.network.security_groups(),
            'floating ip': cloud.network.ips(), 'volume': cloud.block_storage.volumes(),
            'snapshot': cloud.block_storage.snapshots()}
        return {f'{kind} {thing.id}' for kind, things in kinds.items() for thing in things}

    def at_broker(self) -> set[str]:
        """Accounts, queues, exchanges and bindings.

        What the services themselves make for replies is left out.
        """
        found = {f'user {user["name"]}' for user in self._service.broker('users')}
        found |= {f'queue {queue["name"]}' for queue in self._service.broker('queues')
                  if queue['name'].startswith('guestagent.')}
        found |= {f'exchange {exchange["name"]}' for exchange in self._service.broker('exchanges')
                  if exchange['name'].startswith('g.')}
        found |= {f'binding {binding["source"]} to {binding["destination"]}'
                  for binding in self._service.broker('bindings')
                  if binding['source'].startswith('g.') or binding['destination'].startswith('g.')}
        return found | {
            f'permission of {permission["user"]}'
            for permission in self._service.broker('permissions')
        }

    def all(self) -> set[str]:
        """Everything together, with the use of quotas."""
        usage = {
            f'{number} {resource} charged'
            for resource, number in self._service.usage().items()
        }
        return self.in_cloud() | self.machines.on_host() | self.at_broker() | usage

    def settled(self, seconds: float = 60.0) -> set[str]:
        """Everything together, once nothing is being made or deleted any more."""
        def look() -> set[str] | None:
            open_ones = self._service.rows('SELECT id FROM operations WHERE active = 1')
            stock = self.all()
            return stock if not open_ones and stock == self.all() else None
        return wait_for('nothing is being made or deleted', look, seconds, interval=0.3)

    def assert_as_before(self, before: set[str], seconds: float = 15.0) -> None:
        """Nothing has come and nothing has gone since a stock was taken.

        The host may follow a moment after the cloud reports a server as gone.
        """
        wait_for(
            'there is what there was before', lambda: self.all() == before, seconds, interval=0.3,
            state=lambda: f'more: {sorted(self.all() - before)}, less: '
            f'{sorted(before - self.all())}')
