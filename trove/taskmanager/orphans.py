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

"""Orphans: resources in the cloud and at the broker without their instance. Losses: instances
without their resources.

The name of each resource contains the id of its instance, so no list of them is kept. The cloud is
listed before the rows are read: each listed resource belongs to a row that exists or existed. Only
orphans found twice are reported, because a delete may be in progress.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from oslo_config import cfg

from trove.cloud import Cloud, names
from trove.common import exception
from trove.db import instance_drift, session
from trove.taskmanager import drift
from trove.taskmanager.watch import look

CONF = cfg.CONF


@dataclasses.dataclass(frozen=True, order=True)
class Orphan:
    """A resource without its instance.

    :ivar kind: the first column of the report; also the order of deletion.
    :ivar region: None for resources of the broker.
    """

    kind: str
    region: str | None
    id: str
    name: str
    instance_id: str


@dataclasses.dataclass(frozen=True)
class Loss:
    """An instance without a resource that it needs."""

    instance_id: str
    name: str
    drift: str
    detail: str


#: Kinds in the order of deletion: an owner before the resources it uses.
KINDS = ('server', 'port', 'floating IP', 'volume', 'security group', 'server group', 'broker',
         'objects')


class Search:
    """A search for orphans, which can also delete them.

    :param cloud: function of a region that returns a :class:`trove.cloud.Cloud` with the service's
        credentials.
    :param broker: :class:`trove.common.rpc.broker.Broker`.
    """

    def __init__(self, conf: cfg.ConfigOpts, cloud: Callable[[str | None], Cloud],
                 broker: Any) -> None:
        self._conf = conf
        self._cloud = cloud
        self._broker = broker
        #: Sentences about lists that are unavailable.
        self.problems: set[str] = set()

    def orphans(self) -> list[Orphan]:
        """Return the orphans, in the order of :data:`KINDS`.

        :raises trove.common.exception.CloudError, BrokerError: a list is unavailable.
        """
        found = self._once()
        if found:
            found &= self._once()
        return sorted(found, key=lambda item: (KINDS.index(item.kind), item.name, item.id))

    def _once(self) -> set[Orphan]:
        found = {item for region in self._regions() for item in self._in_region(region)}
        found |= {Orphan('broker', None, instance_id, ', '.join(things), instance_id)
                  for instance_id, things in self._broker.everything().items()}
        alive = session.read(instance_drift.alive, sorted({item.instance_id for item in found}))
        return {item for item in found if item.instance_id not in alive}

    def _regions(self) -> list[str | None]:
        """Return the regions that have or had instances, and the configured one."""
        return sorted({*session.read(instance_drift.regions, include_deleted=True),
                       self._conf.service_credentials.region_name}, key=str)

    def _in_region(self, region: str | None) -> Iterator[Orphan]:
        cloud = self._cloud(region)
        for server in cloud.compute.list_servers():
            yield Orphan('server', region, server.id, server.name, server.instance_id)
        prefix = self._conf.trove_security_group_name_prefix
        named: list[tuple[str, str, Iterable[tuple[str, str]]]] = [
            ('port', names.PREFIX + '{}', ((port.id, port.name)
                                           for port in cloud.network.list_ports())),
            ('floating IP', names.public_address('{}'),
             ((address.id, address.description)
              for address in cloud.network.list_public_addresses())),
            ('volume', names.PREFIX + '{}', ((volume.id, volume.name)
                                             for volume in cloud.volume.list_volumes())),
            ('security group', names.security_group(prefix,
                                                    '{}'), cloud.firewall.list_groups().items()),
            ('server group', names.server_group('{}'), cloud.compute.list_server_groups().items())
        ]
        for kind, pattern, items in named:
            for item_id, name in items:
                instance_id = names.instance_of(name, pattern)
                if instance_id is not None:
                    yield Orphan(kind, region, item_id, name, instance_id)
        yield from self._stored(cloud, region)

    def _stored(self, cloud: Cloud, region: str | None) -> Iterator[Orphan]:
        """Yield logs in the accounts of projects that have or had instances in this region."""
        container = self._conf.guest_log_container_name
        for project in session.read(instance_drift.projects, region):
            try:
                listed = list(cloud.objects(project).list(container))
            except exception.ObjectStoreMissing:
                return
            except exception.CloudError as error:
                # An operator may have given the service no rights to the accounts of some projects.
                self.problems.add(f'Objects of project {project} cannot be listed: {error.message}')
                continue
            by_instance: dict[str, int] = {}
            for item in listed:
                instance_id = names.instance_of(item.name.partition('/')[0], '{}')
                if instance_id is not None:
                    by_instance[instance_id] = by_instance.get(instance_id, 0) + 1
            for instance_id, number in by_instance.items():
                yield Orphan('objects', region, project, f'{number} in {container}/{instance_id}',
                             instance_id)

    def losses(self) -> list[Loss]:
        """Return the idle instances that lack a resource now."""
        found = []
        for region in session.read(instance_drift.regions):
            stock, ports = look(self._cloud(region)), session.read(instance_drift.ports, region)
            for row in session.read(instance_drift.idle, region):
                finding = drift.of(row, ports.get(row.id, ()), stock)
                if finding.drift is not None:
                    found.append(Loss(row.id, row.name, finding.drift, finding.detail))
        return found

    def delete(self, orphan: Orphan) -> bool:
        """Request the deletion of an orphan.

        :returns: whether it is gone; if not, call again later.
        :raises trove.common.exception.CloudError, BrokerError: the deletion was refused.
        """
        if orphan.kind == 'broker':
            self._broker.remove_guest(orphan.id)
            return True
        cloud = self._cloud(orphan.region)
        match orphan.kind:
            case 'server':
                return cloud.compute.delete_server(orphan.id, again=True)
            case 'port':
                cloud.network.delete_port(orphan.id)
            case 'floating IP':
                cloud.network.delete_public_address(orphan.id)
            case 'volume':
                return not cloud.volume.delete_volume(orphan.id)
            case 'security group':
                cloud.firewall.delete_group(orphan.id)
            case 'server group':
                cloud.compute.delete_server_group(orphan.name)
            case 'objects':
                cloud.objects(orphan.id).delete_all(self._conf.guest_log_container_name,
                                                    f'{orphan.instance_id}/')
        return True
