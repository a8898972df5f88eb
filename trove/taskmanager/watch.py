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

"""Periodic comparison of the cloud and the guests with the database; differences are recorded.

One list of servers, volumes and ports per region, for any number of instances. A resource that is
missing from a list is requested by its id before it is reported. This module repairs nothing:
operators act on its findings.
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

#: New findings confirmed per run; the rest waits for the next run.
MAX_CONFIRMED = 50


class Watch:
    """The periodic tasks that look for changes.

    :param cloud: function of a region that returns a :class:`trove.cloud.Cloud`.
    """

    def __init__(self, conf: cfg.ConfigOpts, clock: Callable[[], datetime],
                 cloud: Callable[[str | None], Cloud]) -> None:
        self._conf = conf
        self._clock = clock
        self._cloud = cloud

    def guests(self, lease: Lease) -> None:
        """Record the guests that stopped reporting, and those that report again."""
        session.write(heartbeats.mark_silent, self._clock(), heartbeat_expiry(self._conf))

    def resources(self, lease: Lease) -> None:
        """Compare the rows of idle instances with the cloud."""
        for region in session.read(instance_drift.regions):
            session.write(lease.renew)
            try:
                self._region(region)
            except exception.CloudError as error:
                # An unavailable region must not prevent the check of the others.
                LOG.warning('Region %s could not be checked: %s %s', region, error.message,
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
                                   confirm(cloud, row, ports.get(row.id, set())))
            self._note(row, finding)

    def _note(self, row: Row, finding: drift.Finding) -> None:
        events = drift.events(row, finding)
        if session.write(instance_drift.record, row, self._clock(),
                         server_status=finding.server_status, drift=finding.drift, changes=events):
            for _type, text in events:
                LOG.warning('Instance %s: %s', row.id, text)


def look(cloud: Cloud) -> drift.Stock:
    """Return all resources of the service in a region, from three lists."""
    return drift.Stock(servers=_by_id(cloud.compute.list_servers()), volumes=_by_id(
        cloud.volume.list_volumes()), ports=_by_id(cloud.network.list_ports()))


def confirm(cloud: Cloud, row: Any, port_ids: set[str]) -> drift.Stock:
    """Return the resources of one instance, each requested by its id.

    Lists may be outdated, and names may have been changed.
    """
    servers = _existing(cloud.compute.get_server, {row.compute_instance_id})
    volumes = _existing(cloud.volume.get_volume, {row.volume_id} if row.volume_id else set())
    return drift.Stock(servers=servers, volumes=volumes, ports=_existing(
        cloud.network.get_port, port_ids))


def _existing(get: Callable[[str], Any], ids: set[str]) -> dict[str, Any]:
    found = {}
    for item_id in ids:
        try:
            found[item_id] = get(item_id)
        except exception.CloudNotFound:
            LOG.debug('%s does not exist', item_id)
    return found


def _by_id(items: list[Any]) -> Mapping[str, Any]:
    return {item.id: item for item in items}
