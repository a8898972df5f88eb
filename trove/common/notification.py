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

"""What is told on the notification bus, with the event types and payload keys that consumers know.

Pure: takes rows and values, returns messages. Who writes them down is :mod:`trove.db.notices`, who sends them
:mod:`trove.taskmanager.notifier`. Passwords, keys and tokens are never part of a payload.
"""

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from oslo_config import cfg
from oslo_context import context as oslo_context

from trove.common import states

START, END, ERROR = 'start', 'end', 'error'

#: kind of an operation -> its part of the event type, where consumers know another word than the kind
EVENTS = {
    'instance_resize_flavor': 'instance_resize_instance',
    'instance_upgrade': 'upgrade',
    'instance_migrate': 'migrate',
    'instance_migrate_live': 'migrate',
    'instance_detach_replica': 'instance_detach',
}

#: kind of an operation -> the usage event that its success is
USAGE_EVENTS = {
    'instance_create': 'trove.instance.create',
    'instance_resize_volume': 'trove.instance.modify_volume',
    'instance_resize_flavor': 'trove.instance.modify_flavor',
    'instance_delete': 'trove.instance.delete',
}
EXISTS = 'trove.instance.exists'
QUOTA = 'dbaas.quota'

#: argument of an operation -> the key of its start event, for arguments that are told
_ARGUMENTS = {
    'instance_resize_volume': {'size': 'new_size'},
    'instance_migrate': {'host': 'host'},
    'instance_migrate_live': {'host': 'host'},
    'instance_upgrade': {'version_id': 'datastore_version_id'},
    'instance_attach_configuration': {'configuration_id': 'configuration_id'},
    'backup_create': {'backup_id': 'backup_id'},
}


@dataclasses.dataclass(frozen=True)
class Notice:
    """One message that is to be sent.

    :ivar id: its ``message_id``: who gets it twice knows it by this.
    """

    event_type: str
    publisher_id: str
    payload: dict[str, Any]
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))


def enabled(conf: cfg.ConfigOpts) -> bool:
    """Whether an operator has said where notifications go; without that nothing is written down."""
    return any(name != 'noop' for name in conf.oslo_messaging_notifications.driver)


def client_address() -> str | None:
    """Where the request that is being served came from."""
    return getattr(oslo_context.get_current(), 'client_address', None)


def request_id() -> str | None:
    """The id of the request that is being served."""
    return getattr(oslo_context.get_current(), 'request_id', None)


def of_phase(conf: cfg.ConfigOpts, event: str, phase: str, *, server_type: str,
             tenant_id: str | None, request_id: str | None, client_ip: str | None,
             **more: Any) -> Notice:
    """``dbaas.<event>.start``, ``.end`` or ``.error``.

    :param event: kind of an operation, or the word consumers know.
    :param server_type: api or taskmanager.
    :param more: what the event is about.
    """
    base = {
        'tenant_id': tenant_id,
        'client_ip': client_ip or '',
        'server_ip': conf.host,
        'server_type': server_type,
        'request_id': request_id or ''
    }
    return Notice(f'dbaas.{EVENTS.get(event, event)}.{phase}', f'{server_type}.{conf.host}', {
        **base,
        **more
    })


def about(kind: str, resource_type: str, resource_id: str, args: Mapping[str, Any],
          row: Any) -> dict[str, Any]:
    """What an operation is about: the keys that its start event has besides the base.

    :param row: of :func:`trove.db.instances.get`, or None for other resources.
    """
    found: dict[str, Any] = {f'{resource_type}_id': resource_id}
    found |= {
        key: args[name]
        for name, key in _ARGUMENTS.get(kind, {}).items()
        if args.get(name) is not None
    }
    if kind == 'instance_resize_flavor':
        found['new_flavor_id'] = args['flavor']['id']
    if kind == 'instance_create' and row is not None:
        found |= {'name': row.name, 'flavor_id': row.flavor_id, 'datastore': row.datastore_name,
                  'datastore_version': row.version_name, 'image_id': row.image_id,
                  'availability_zone': row.availability_zone, 'region_name': row.region_id,
                  'volume_size': row.volume_size,
                  'databases': [database['name'] for database in args.get('databases') or []]}
    return found


def usage(conf: cfg.ConfigOpts, row: Any, *, flavor_name: str | None,
          launched: datetime | None) -> dict[str, Any]:
    """The fields that all usage events have.

    :param row: of :func:`trove.db.instances.get`.
    :param launched: when the instance became active.
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
                now: datetime) -> Notice | None:
    """The usage event that the success of an operation is, if it is one.

    :param now_: fields of :func:`usage` after the operation.
    :param before: the same from when it was asked for; empty when nobody listened then.
    """
    event = USAGE_EVENTS.get(kind)
    if event is None:
        return None
    payload = dict(now_)
    if kind == 'instance_delete':
        # The row has forgotten what is gone.
        lost = ('nova_instance_id', 'nova_volume_id', 'service_id')
        payload |= {key: before[key] for key in lost if before.get(key) is not None}
        payload['deleted_at'] = timestamp(now)
    elif kind != 'instance_create':
        payload['modify_at'] = timestamp(now)
    if kind == 'instance_resize_flavor':
        payload['old_instance_size'] = before.get('instance_size')
    if kind == 'instance_resize_volume':
        payload['old_volume_size'] = before.get('volume_size')
    return Notice(event, conf.host, payload)


def exists(conf: cfg.ConfigOpts, fields: Mapping[str, Any], begins: datetime,
           ends: datetime) -> Notice:
    """An instance was there in an audit period. :param fields: of :func:`usage`."""
    return Notice(EXISTS, conf.host, {**fields, 'display_name': fields['name'],
                                      'audit_period_beginning': timestamp(begins),
                                      'audit_period_ending': timestamp(ends)})


def quota(conf: cfg.ConfigOpts, tenant_id: str, resource: str, in_use: int, limit: int,
          updated: datetime) -> Notice:
    """What a project has of one resource."""
    return Notice(
        QUOTA, conf.host, {
            'tenant_id': tenant_id,
            'resource': resource,
            'in_use': in_use,
            'reserved': 0,
            'limit': limit,
            'updated': timestamp(updated)
        })


def last_period(now: datetime, seconds: int) -> tuple[datetime, datetime]:
    """Begin and end of the last audit period that is over."""
    epoch = datetime(1970, 1, 1)
    ends = epoch + timedelta(seconds=int((now - epoch).total_seconds()) // seconds * seconds)
    return ends - timedelta(seconds=seconds), ends


def timestamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return moment.replace(microsecond=0).isoformat() + 'Z' if moment is not None else None


def names(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of databases or users, without what else is known of them."""
    return [item['name'] for item in items]
