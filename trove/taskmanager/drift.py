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

"""Differences between the cloud and the database. Pure functions of rows and lists."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from trove.cloud import compute
from trove.cloud.compute import Server
from trove.cloud.network import Port
from trove.cloud.volume import Volume
from trove.common import errors
from trove.common.states import Drift


@dataclasses.dataclass(frozen=True)
class Stock:
    """The resources of the service in one region of the cloud, by id."""

    servers: Mapping[str, Server]
    volumes: Mapping[str, Volume]
    ports: Mapping[str, Port]


@dataclasses.dataclass(frozen=True)
class Finding:
    """State of one instance in the cloud.

    :ivar server_status: Nova's status of its server.
    :ivar drift: one of :class:`trove.common.states.Drift`, or None when nothing is missing.
    :ivar detail: the resource in question, for operators.
    """

    server_status: str
    drift: str | None = None
    detail: str = ''


def of(row: Any, port_ids: Iterable[str], stock: Stock) -> Finding:
    """Return the state of an instance that has a server.

    :param row: with compute_instance_id and volume_id.
    :param port_ids: the ports of the instance.
    """
    server = stock.servers.get(row.compute_instance_id)
    if server is None or server.status == compute.DELETED:
        return Finding(compute.DELETED, Drift.SERVER_MISSING, f'server {row.compute_instance_id}')
    found = [*_volume(row, server, stock), *_ports(port_ids, server, stock)]
    if not found:
        return Finding(server.status)
    worst = min(found, key=lambda item: Drift.ALL.index(item[0]))
    return Finding(server.status, *worst)


def _volume(row: Any, server: Server, stock: Stock) -> list[tuple[str, str]]:
    if row.volume_id is None:
        return []
    volume = stock.volumes.get(row.volume_id)
    if volume is None:
        return [(Drift.VOLUME_MISSING, f'volume {row.volume_id}')]
    # Either side may be late: a volume is detached only when both report it so.
    if row.volume_id not in server.volume_ids and server.id not in volume.server_ids:
        return [(Drift.VOLUME_DETACHED, f'volume {volume.id} is {volume.status}')]
    return []


def _ports(port_ids: Iterable[str], server: Server, stock: Stock) -> list[tuple[str, str]]:
    found = []
    for port_id in sorted(set(port_ids)):
        port = stock.ports.get(port_id)
        if port is None:
            found.append((Drift.PORT_MISSING, f'port {port_id}'))
        elif port.device_id != server.id:
            found.append(
                (Drift.PORT_DETACHED, f'port {port_id} belongs to {port.device_id or "nothing"}'))
    return found


def events(row: Any, finding: Finding) -> list[tuple[str, str]]:
    """Return the (type, sentence) pairs of the events about a changed state.

    :param row: the former state, with server_status and drift.
    """
    found = []
    if finding.drift is not None and finding.drift != row.drift:
        found.append(('instance.drift',
                     f'{errors.CODES[finding.drift].sentence} The database service did not cause '
                      f'this ({finding.detail}).'))
    if finding.drift is None and row.drift is not None:
        found.append(('instance.mended', f'No longer the case: {errors.CODES[row.drift].sentence}'))
    if finding.server_status != row.server_status and finding.drift != Drift.SERVER_MISSING:
        found.append(('instance.server', f'The server is {finding.server_status} now and was '
                      f'{row.server_status or "unknown"}. The database service did not cause '
                      f'this.'))
    return found
