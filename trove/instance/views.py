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

"""Views of instances: plain dicts from rows, without statements or calls."""

import datetime
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from oslo_config import cfg
from trove.db.rows import FullInstanceRow, InstanceRow
from trove.db.session import Row

from trove.common import errors, states
from trove.common.http import views
from trove.common.http.request import Request
from trove.common.cfg.rpc import heartbeat_expiry
from trove.instance import models

CONF = cfg.CONF

#: Statuses in which the reported volume use is not shown.
_NO_USAGE = frozenset({'BUILD', 'REBOOT', 'RESIZE', 'PROMOTE', 'EJECT', 'UPGRADE', 'SHUTDOWN'})
_GIB = 1024 ** 3
_FRAME_KEY = 'trove.instance_frame'


class _Frame(NamedTuple):
    """Values shared by all instances of a response."""
    is_admin: bool
    #: seconds after which a silent guest counts as unreachable
    expiry: int
    #: patterns of addresses to show and to hide; None shows all
    shown_addresses: tuple[re.Pattern[str], re.Pattern[str]] | None


def _frame(request: Request) -> _Frame:
    found = request.environ.get(_FRAME_KEY)
    if found is None:
        both = CONF.ip_regex and CONF.black_list_regex
        found = request.environ[_FRAME_KEY] = _Frame(
            bool(request.context.is_admin), heartbeat_expiry(CONF),
            (re.compile(CONF.ip_regex), re.compile(CONF.black_list_regex)) if both else None)
    return found


def summary(request: Request, row: InstanceRow, addresses: Sequence[Row], replicas: Sequence[Row],
            now: datetime.datetime) -> dict[str, Any]:
    """Return the fields of the short list.

    :param addresses: rows of ``instance_addresses`` that users may see.
    :param replicas: rows of its replicas.
    """
    frame, facts = _frame(request), models.facts_of(row)
    shown: dict[str, Any] = {
        'id': row.id,
        'name': row.name,
        'status': states.shown(facts),
        'operating_status': states.operating(facts, now, frame.expiry),
        'links': views.links(request, 'instances', row.id),
        'flavor': {
            'id': str(row.flavor_id),
            'links': views.links(request, 'flavors', row.flavor_id)
        },
        'datastore': {
            'type': row.datastore_name,
            'version': row.version_name
        },
        'region': row.region_id,
    }
    addresses = [address for address in addresses if _is_visible(address, frame)]
    shown['access'] = _access(row, addresses)
    shown['deletion_protection'] = bool(row.deletion_protection)
    if row.volume_support:
        shown['volume'] = {'size': row.volume_size}
    if row.hostname:
        shown['hostname'] = row.hostname
    elif addresses:
        shown['ip'] = [address.address for address in addresses]
        shown['addresses'] = [_address(address) for address in addresses]
    if row.slave_of_id is not None:
        shown['replica_of'] = _linked(request, row.slave_of_id)
    if replicas:
        shown['replicas'] = [_linked(request, replica.id) for replica in replicas]
    if frame.is_admin:
        shown['tenant_id'] = row.tenant_id
    return shown


def detail(request: Request, row: InstanceRow, addresses: Sequence[Row], replicas: Sequence[Row],
           now: datetime.datetime) -> dict[str, Any]:
    """Return the fields of the detailed list."""
    shown = summary(request, row, addresses, replicas, now)
    shown['datastore']['version_number'] = row.version_number
    if row.desired_version_name is not None:
        shown['datastore']['desired_version'] = row.desired_version_name
    shown['created'] = views.timestamp(row.created)
    shown['updated'] = views.timestamp(row.updated)
    shown['service_status_updated'] = views.timestamp(row.service_status_updated)
    is_admin = request.context.is_admin
    if row.drift is not None and row.error_code is None:
        shown['fault'] = {
            'message': errors.CODES[row.drift].sentence,
            'created': views.timestamp(row.updated),
            'details': None
        }
    elif row.fault_message is not None:
        shown['fault'] = {
            'message': row.fault_message,
            'created': views.timestamp(row.fault_created),
            'details': row.fault_details if is_admin else None
        }
    if row.configuration_id is not None:
        shown['configuration'] = {
            'id': row.configuration_id,
            'name': row.configuration_name,
            'links': views.links(request, 'configurations', row.configuration_id)
        }
    for name in ('cluster_id', 'shard_id'):
        if getattr(row, name) is not None:
            shown[name] = getattr(row, name)
    if is_admin:
        shown['server_id'] = row.compute_instance_id
        shown['volume_id'] = row.volume_id
        shown['encrypted_rpc_messaging'] = row.encrypted_key is not None
    return shown


def complete(request: Request, row: FullInstanceRow, addresses: Sequence[Row],
             replicas: Sequence[Row],
             now: datetime.datetime) -> dict[str, Any]:
    """Return the fields of one instance, including volume use."""
    shown = created(request, row, addresses, replicas, now)
    _add_options(shown, row)
    if row.volume_used is None or shown['status'] in _NO_USAGE:
        return shown
    used = round(row.volume_used / _GIB, 2)
    if not row.volume_support:
        shown['local_storage'] = {'used': used}
        return shown
    shown['volume']['used'] = used
    if row.volume_total:
        shown['volume']['used_percent'] = round(100 * row.volume_used / row.volume_total, 2)
    return shown


def created(request: Request, row: FullInstanceRow, addresses: Sequence[Row],
            replicas: Sequence[Row],
            now: datetime.datetime, password: str | None = None) -> dict[str, Any]:
    """Return the fields of the response to a create.

    :param password: password of root, for engines that create it; shown only here.
    """
    shown = detail(request, row, addresses, replicas, now)
    if row.locality is not None:
        shown['locality'] = row.locality
    if password is not None:
        shown['password'] = password
    return shown


def _add_options(shown: dict[str, Any], row: FullInstanceRow) -> None:
    """Add the options that wait for a restart or have drifted, and the reason of a rejection.
    """
    reported = json.loads(row.service_facts) if row.service_facts else {}
    for key, name in (('pending_restart', 'pending_restart'), ('drifted_options', 'drift')):
        if reported.get(name):
            shown[key] = reported[name]
    if reported.get('rejection') and 'fault' not in shown:
        shown['fault'] = {'message': f'{errors.CODES["guest_configuration_taken_back"].sentence} '
                                     f'{reported["rejection"]}',
                          'created': views.timestamp(row.service_status_updated), 'details': None}


def _access(row: InstanceRow, addresses: Sequence[Row]) -> dict[str, Any]:
    stored = json.loads(row.access) if row.access else None
    if stored is not None:
        return stored
    return {
        'is_public': any(address.kind == 'public' for address in addresses)
    } if addresses else {}


def _is_visible(address: Row, frame: _Frame) -> bool:
    if address.family != 4:
        return False
    if frame.shown_addresses is None:
        return True
    shown, hidden = frame.shown_addresses
    return bool(shown.search(address.address)) and not hidden.search(address.address)


def _address(address: Row) -> dict[str, Any]:
    shown = {'address': address.address, 'type': address.kind}
    if address.kind == 'private' and address.network_id:
        shown['network'] = address.network_id
    return shown


def _linked(request: Request, instance_id: str) -> dict[str, Any]:
    return {'id': instance_id, 'links': views.links(request, 'instances', instance_id)}
