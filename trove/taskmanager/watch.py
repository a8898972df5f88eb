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

"""Looks at the cloud and at the guests from time to time, and writes down what has changed behind our back.

One list of servers, volumes and ports for each region, however many instances there are; what is missing from a list
is asked for by itself before anybody is told. Nothing is mended here: what is shown leads to an action of somebody.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from trove.cloud import Cloud
from trove.common import exception
from trove.common.cfg.rpc import heartbeat_expiry
from trove.db import heartbeats, instance_drift, session
from trove.db.session import Row
from trove.taskmanager import drift
from trove.taskmanager.periodic import Lease

LOG = logging.getLogger(__name__)

#: New findings in one look that are asked for by themselves; the rest waits for the next look.
MAX_CONFIRMED = 50


class Watch:
    """The periodic tasks that look for changes.

    :param cloud: function of a region giving a :class:`trove.cloud.Cloud`.
    """

    def __init__(self, conf: cfg.ConfigOpts, clock: Callable[[], datetime],
                 cloud: Callable[[str | None], Cloud]) -> None:
        self._conf = conf
        self._clock = clock
        self._cloud = cloud

    def guests(self, lease: Lease) -> None:
        """Write down which guests have fallen silent and which are back."""
        session.write(heartbeats.mark_silent, self._clock(), heartbeat_expiry(self._conf))

    def resources(self, lease: Lease) -> None:
        """Compare the rows of idle instances with what the cloud has."""
        for region in session.read(instance_drift.regions):
            session.write(lease.renew)
            try:
                self._region(region)
            except exception.CloudError as error:
                # One region that is away must not keep the others from being looked at.
                LOG.warning('Region %s could not be looked at: %s %s', region, error.message,
                            error.detail)

    def _region(self, region: str | None) -> None:
        cloud = self._cloud(region)
        stock = look(cloud)
        rows = session.read(instance_drift.idle, region)
        ports = session.read(instance_drift.ports, region)
        confirmed = 0
        for row in rows:
            finding = drift.of(row, ports.get(row.id, ()), stock)
            if (finding.server_status, finding.drift) == (row.server_status, row.drift):
                continue
            if finding.drift is not None and finding.drift != row.drift:
                confirmed += 1
                if confirmed > MAX_CONFIRMED:
                    continue
                finding = drift.of(row, ports.get(row.id, ()),
                                   look_again(cloud, row, ports.get(row.id, set())))
            self._note(row, finding)

    def _note(self, row: Row, finding: drift.Finding) -> None:
        told = drift.events(row, finding)
        if session.write(instance_drift.record, row, self._clock(),
                         server_status=finding.server_status, drift=finding.drift, changes=told):
            for _type, text in told:
                LOG.warning('Instance %s: %s', row.id, text)


def look(cloud: Cloud) -> drift.Stock:
    """All that is ours in a region: three lists."""
    return drift.Stock(servers=_by_id(cloud.compute.list_servers()), volumes=_by_id(
        cloud.volume.list_volumes()), ports=_by_id(cloud.network.list_ports()))


def look_again(cloud: Cloud, row: Any, port_ids: set[str]) -> drift.Stock:
    """What one instance has, each thing asked for by its id: lists may be late, and names may have been changed."""
    servers = _there(cloud.compute.get_server, {row.compute_instance_id})
    volumes = _there(cloud.volume.get_volume, {row.volume_id} if row.volume_id else set())
    return drift.Stock(servers=servers, volumes=volumes, ports=_there(cloud.network.get_port,
                                                                      port_ids))


def _there(get: Callable[[str], Any], ids: set[str]) -> dict[str, Any]:
    found = {}
    for item_id in ids:
        try:
            found[item_id] = get(item_id)
        except exception.CloudNotFound:
            LOG.debug('%s is not there', item_id)
    return found


def _by_id(items: list[Any]) -> Mapping[str, Any]:
    return {item.id: item for item in items}
