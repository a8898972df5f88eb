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

"""Messages of the notification bus, with the event types and payload keys that consumers know.

The functions are pure: they take rows and values and return messages. :mod:`trove.db.notifications`
stores the messages, :mod:`trove.taskmanager.notifier` sends them. Passwords, keys and tokens are
never part of a payload.
"""

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from oslo_config import cfg
from oslo_context import context as oslo_context

from trove.common import states
from trove.common.kinds import OperationKind

START, END, ERROR = 'start', 'end', 'error'

#: kind of an operation -> its part of the event type, where that differs from the kind
EVENTS: dict[str, str] = {
    OperationKind.INSTANCE_RESIZE_FLAVOR: 'instance_resize_instance',
    OperationKind.INSTANCE_UPGRADE: 'upgrade',
    OperationKind.INSTANCE_MIGRATE: 'migrate',
    OperationKind.INSTANCE_MIGRATE_LIVE: 'migrate',
    OperationKind.INSTANCE_DETACH_REPLICA: 'instance_detach',
}

#: kind of an operation -> usage event emitted when the operation succeeds
USAGE_EVENTS: dict[str, str] = {
    OperationKind.INSTANCE_CREATE: 'trove.instance.create',
    OperationKind.INSTANCE_RESIZE_VOLUME: 'trove.instance.modify_volume',
    OperationKind.INSTANCE_RESIZE_FLAVOR: 'trove.instance.modify_flavor',
    OperationKind.INSTANCE_DELETE: 'trove.instance.delete',
}
EXISTS = 'trove.instance.exists'
QUOTA = 'dbaas.quota'

#: kind -> {argument of the operation: key in the payload of its start event}
_ARGUMENTS: dict[str, dict[str, str]] = {
    OperationKind.INSTANCE_RESIZE_VOLUME: {'size': 'new_size'},
    OperationKind.INSTANCE_MIGRATE: {'host': 'host'},
    OperationKind.INSTANCE_MIGRATE_LIVE: {'host': 'host'},
    OperationKind.INSTANCE_UPGRADE: {'version_id': 'datastore_version_id'},
    OperationKind.INSTANCE_ATTACH_CONFIGURATION: {'configuration_id': 'configuration_id'},
    OperationKind.BACKUP_CREATE: {'backup_id': 'backup_id'},
}


@dataclasses.dataclass(frozen=True)
class NotificationMessage:
    """Message to send.

    :ivar id: its ``message_id``, by which consumers recognise a repeated message.
    """

    event_type: str
    publisher_id: str
    payload: dict[str, Any]
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))


def enabled(conf: cfg.ConfigOpts) -> bool:
    """Return whether the configuration names a notification driver; else nothing is stored."""
    return any(name != 'noop' for name in conf.oslo_messaging_notifications.driver)


def client_address() -> str | None:
    """Return the client's address of the request being served."""
    return getattr(oslo_context.get_current(), 'client_address', None)


def request_id() -> str | None:
    """Return the id of the request being served."""
    return getattr(oslo_context.get_current(), 'request_id', None)


def of_phase(conf: cfg.ConfigOpts, event: str, phase: str, *, server_type: str,
             tenant_id: str | None, request_id: str | None, client_ip: str | None,
             **more: Any) -> NotificationMessage:
    """Return the message ``dbaas.<event>.start``, ``.end`` or ``.error``.

    :param event: kind of an operation, or a part of the event type.
    :param server_type: api or taskmanager.
    :param more: further fields of the payload.
    """
    base = {
        'tenant_id': tenant_id,
        'client_ip': client_ip or '',
        'server_ip': conf.host,
        'server_type': server_type,
        'request_id': request_id or ''
    }
    return NotificationMessage(f'dbaas.{EVENTS.get(event, event)}.{phase}',
                               f'{server_type}.{conf.host}', {**base, **more})


def about(kind: str, resource_type: str, resource_id: str, args: Mapping[str, Any],
          row: Any) -> dict[str, Any]:
    """Return the payload fields of a start event that describe the operation.

    :param row: row of :func:`trove.db.instances.get`, None for other resources.
    """
    found: dict[str, Any] = {f'{resource_type}_id': resource_id}
    found |= {
        key: args[name]
        for name, key in _ARGUMENTS.get(kind, {}).items()
        if args.get(name) is not None
    }
    if kind == OperationKind.INSTANCE_RESIZE_FLAVOR:
        found['new_flavor_id'] = args['flavor']['id']
    if kind == OperationKind.INSTANCE_CREATE and row is not None:
        found |= {'name': row.name, 'flavor_id': row.flavor_id, 'datastore': row.datastore_name,
                  'datastore_version': row.version_name, 'image_id': row.image_id,
                  'availability_zone': row.availability_zone, 'region_name': row.region_id,
                  'volume_size': row.volume_size,
                  'databases': [database['name'] for database in args.get('databases') or []]}
    return found


def usage(conf: cfg.ConfigOpts, row: Any, *, flavor_name: str | None,
          launched: datetime | None) -> dict[str, Any]:
    """Return the payload fields common to all usage events.

    :param row: row of :func:`trove.db.instances.get`.
    :param launched: time the instance became active.
    """
    status = states.shown(states.facts_of(row)).lower()
    found = {
        'created_at': timestamp(row.created),
        'launched_at': timestamp(launched or row.created),
        'name': row.name,
        'instance_id': row.id,
        'instance_name': row.name,
        'instance_type_id': row.flavor_id,
        'instance_type': flavor_name or row.flavor_id,
        'instance_size': row.ram,
        'nova_instance_id': row.compute_instance_id,
        'region': conf.region,
        'state': status,
        'state_description': status,
        'tenant_id': row.tenant_id,
        'user_id': row.user_id,
        'availability_zone': row.availability_zone,
        'service_id': conf.notification_service_id.get(row.manager or '')
    }
    if row.volume_support:
        found |= {'volume_size': row.volume_size, 'nova_volume_id': row.volume_id}
    return found


def usage_event(conf: cfg.ConfigOpts, kind: str, now_: Mapping[str, Any], before: Mapping[str, Any],
                now: datetime) -> NotificationMessage | None:
    """Return the usage event of a successful operation, None for kinds without one.

    :param now_: fields of :func:`usage` after the operation.
    :param before: the same fields at the request; empty if notifications were disabled then.
    """
    event = USAGE_EVENTS.get(kind)
    if event is None:
        return None
    payload = dict(now_)
    if kind == OperationKind.INSTANCE_DELETE:
        # The delete has cleared these columns.
        lost = ('nova_instance_id', 'nova_volume_id', 'service_id')
        payload |= {key: before[key] for key in lost if before.get(key) is not None}
        payload['deleted_at'] = timestamp(now)
    elif kind != OperationKind.INSTANCE_CREATE:
        payload['modify_at'] = timestamp(now)
    if kind == OperationKind.INSTANCE_RESIZE_FLAVOR:
        payload['old_instance_size'] = before.get('instance_size')
    if kind == OperationKind.INSTANCE_RESIZE_VOLUME:
        payload['old_volume_size'] = before.get('volume_size')
    return NotificationMessage(event, conf.host, payload)


def exists(conf: cfg.ConfigOpts, fields: Mapping[str, Any], begins: datetime,
           ends: datetime) -> NotificationMessage:
    """Return the event for an instance that existed in an audit period.

    :param fields: fields of :func:`usage`.
    """
    return NotificationMessage(EXISTS, conf.host, {**fields, 'display_name': fields['name'],
                                                   'audit_period_beginning': timestamp(begins),
                                                   'audit_period_ending': timestamp(ends)})


def quota(conf: cfg.ConfigOpts, tenant_id: str, resource: str, in_use: int, limit: int,
          updated: datetime) -> NotificationMessage:
    """Return the event with a project's usage and limit of one resource."""
    return NotificationMessage(
        QUOTA, conf.host, {
            'tenant_id': tenant_id,
            'resource': resource,
            'in_use': in_use,
            'reserved': 0,
            'limit': limit,
            'updated': timestamp(updated)
        })


def last_period(now: datetime, seconds: int) -> tuple[datetime, datetime]:
    """Return begin and end of the last complete audit period."""
    epoch = datetime(1970, 1, 1)
    ends = epoch + timedelta(seconds=int((now - epoch).total_seconds()) // seconds * seconds)
    return ends - timedelta(seconds=seconds), ends


def timestamp(moment: datetime | None) -> str | None:
    """Return ISO 8601 in UTC with seconds precision, None for None."""
    return moment.replace(microsecond=0).isoformat() + 'Z' if moment is not None else None


def names(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of databases or users."""
    return [item['name'] for item in items]
