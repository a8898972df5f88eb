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

"""Views of instances, datastore versions and parameters for administrators."""

import datetime
from collections.abc import Sequence
from typing import Any

from trove.common.http import views
from trove.common.http.request import Request
from trove.configuration import values
from trove.db.rows import FullInstanceRow, InstanceRow
from trove.db.session import Row
from trove.instance import views as instance_views

_GIB = 1024 ** 3


def version(row: Row) -> dict[str, Any]:
    """Return the fields of a version.

    An empty list is shown as a list with an empty text, because clients split and join it.
    """
    return {
        'id': row.id,
        'name': row.name,
        'version': row.version,
        'datastore_id': row.datastore_id,
        'datastore_name': row.datastore_name,
        'datastore_manager': row.manager,
        'image': row.image_id,
        'image_tags': (row.image_tags or '').split(','),
        'packages': (row.packages or '').split(','),
        'active': bool(row.active),
        'registry_ext': row.registry_ext,
        'repl_strategy': row.repl_strategy,
        'default': row.default_version_id == row.id
    }


def parameter(row: Row) -> dict[str, Any]:
    """Return a parameter rule; its bounds have other names than for users, and 0 is shown."""
    shown = {'name': row.name, 'datastore_version_id': row.datastore_version_id,
             'restart_required': bool(row.restart_required), 'type': row.data_type}
    for key in ('max_size', 'min_size'):
        limit = values.bound(getattr(row, key))
        if limit is not None:
            shown[key] = limit
    return shown


def instance(request: Request, row: InstanceRow, addresses: Sequence[Row], replicas: Sequence[Row],
             now: datetime.datetime) -> dict[str, Any]:
    """Return the detail view with the fields for administrators."""
    shown = instance_views.detail(request, row, addresses, replicas, now)
    shown.update(server=_server(row), service_status=row.service_status, tenant_id=row.tenant_id,
                 deleted=bool(row.deleted), deleted_at=views.timestamp(row.deleted_at),
                 task_description=_task_description(row))
    return shown


def instance_complete(request: Request, row: FullInstanceRow, addresses: Sequence[Row],
                      replicas: Sequence[Row], now: datetime.datetime,
                      root: Row | None) -> dict[str, Any]:
    """Return one instance with its volume, its guest and the user who enabled root.

    :param addresses: all addresses, also those that users do not see.
    """
    shown = instance(request, row,
                     [address for address in addresses if address.kind != 'management'], replicas,
                     now)
    if shown['server'] is not None and 'status' in shown['server']:
        shown['server']['addresses'] = _by_network(addresses)
    if row.locality is not None:
        shown['locality'] = row.locality
    if not row.volume_support and row.volume_used is not None:
        shown['local_storage'] = {'used': round(row.volume_used / _GIB, 2)}
    shown['volume'] = _volume(row)
    shown['guest_status'] = {'state_description': row.service_status}
    if root is not None:
        shown['root_enabled'] = views.timestamp(root.created)
        shown['root_enabled_by'] = root.user
    return shown


def _server(row: InstanceRow) -> dict[str, Any] | None:
    """Return the server as it is stored; values that only Nova has are null."""
    if row.compute_instance_id is None:
        return None
    if row.server_status is None and not row.deleted:
        return {'id': row.compute_instance_id}
    shown: dict[str, Any] = {
        'id': row.compute_instance_id,
        'name': row.name,
        'status': row.server_status,
        'tenant_id': None,
        'host': None,
        'local_id': None
    }
    if row.deleted:
        shown |= {'deleted': True, 'deleted_at': views.timestamp(row.deleted_at)}
    return shown


def _by_network(addresses: Sequence[Row]) -> dict[str, list[dict[str, Any]]]:
    """Return the addresses in Nova's layout, by ids of networks, because Neutron has the names."""
    found: dict[str, list[dict[str, Any]]] = {}
    for address in addresses:
        found.setdefault(address.network_id or address.kind, []).append({
            'addr': address.address, 'version': address.family,
            'OS-EXT-IPS:type': 'floating' if address.kind == 'public' else 'fixed',
            'OS-EXT-IPS-MAC:mac_addr': address.mac})
    return found


def _volume(row: InstanceRow) -> dict[str, Any] | None:
    if not row.volume_support:
        return None
    attached = [{
        'server_id': row.compute_instance_id
    }] if row.volume_id and row.compute_instance_id else []
    return {
        'id': row.volume_id,
        'size': row.volume_size,
        'attachments': attached,
        'availability_zone': None,
        'created_at': None,
        'status': None,
        'used': _gigabytes(row.volume_used),
        'total': _gigabytes(row.volume_total)
    }


def _gigabytes(count: int | None) -> float | None:
    return None if count is None else round(count / _GIB, 2)


def _task_description(row: InstanceRow) -> str:
    """Return the current operation in a few words, which no client parses."""
    if row.operation_kind is not None:
        words = row.operation_kind.replace('_', ' ')
        return f'Cancelling: {words}.' if row.cancel_wanted else f'Running: {words}.'
    if row.error_code is not None:
        return f'The last operation failed: {row.error_code}.'
    if row.restart_required:
        return 'Waiting for a restart.'
    return 'No tasks for the instance.'


def root_history(instance_id: str, row: Row | None) -> dict[str, Any]:
    if row is None:
        return {'id': instance_id, 'enabled': 'Never', 'user': 'Nobody'}
    return {'id': instance_id, 'enabled': views.timestamp(row.created), 'user': row.user}
