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

"""Instances: find them, ask whether something may be done to them now, and record that it is to be done."""

import dataclasses
import datetime
import json
import secrets
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from oslo_config import cfg
from trove.common.rpc import clients, keys
from trove.db.session import Connection, Row

from trove.common import exception, notification, states
from trove.common.cfg.rpc import heartbeat_expiry
from trove.db import (backups, configurations, events, instances, notifications, operations, quotas,
                      session)

CONF = cfg.CONF

RESOURCE = 'instance'


@dataclasses.dataclass(frozen=True)
class Nic:
    """The tenant's network of a new instance, as the user named it."""

    network_id: str | None = None
    subnet_id: str | None = None
    ip_address: str | None = None


@dataclasses.dataclass(frozen=True)
class CreateRequest:
    """What a user asked for when creating an instance, in our words and not yet checked.

    ``databases`` are ``{"name", "character_set"?, "collate"?}``, ``users`` are ``{"name", "password", "host"?,
    "databases"?}``; ``volume_size`` is GB.
    """

    name: str
    flavor_id: str | None = None
    volume_size: int | None = None
    volume_type: str | None = None
    datastore: str | None = None
    datastore_version: str | None = None
    version_number: str | None = None
    databases: tuple[dict[str, Any], ...] = ()
    users: tuple[dict[str, Any], ...] = ()
    backup_id: str | None = None
    replica_of: str | None = None
    replica_count: int = 1
    configuration_id: str | None = None
    nic: Nic | None = None
    availability_zone: str | None = None
    region: str | None = None
    locality: str | None = None
    access: dict[str, Any] | None = None
    deletion_protection: bool = False
    #: ids
    modules: tuple[str, ...] = ()
    #: keys the request had, also those whose value says nothing
    given: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class CheckedRequest:
    """What will be made: the request after validation, with what was looked up on the way."""

    name: str
    version: Row
    flavor_id: str
    ram: int
    vcpus: int
    image_id: str
    volume_support: bool
    volume_size: int | None
    volume_type: str | None
    databases: list[dict[str, Any]]
    users: list[dict[str, Any]]
    nic: Nic | None
    availability_zone: str | None
    region: str
    locality: str | None
    access: dict[str, Any] | None
    root_password: str | None
    deletion_protection: bool = False
    #: ids, in the order in which they are applied
    modules: list[str] = dataclasses.field(default_factory=list)
    configuration_id: str | None = None


class Recorded(NamedTuple):
    """An operation that was written down, and the instance it is on."""
    operation_id: str
    instance_id: str


# --- finding -------------------------------------------------------------------------------------


def find(context: Any, instance_id: str, *, only_own: bool = False,
         include_deleted: bool = False) -> Row:
    """A live instance of the caller's project; an administrator finds those of others too.

    :param only_own: an administrator too finds only the instances of the project.
    :raises trove.common.exception.NotFound:
    """
    row = session.read(instances.get, instance_id, include_deleted=include_deleted)
    if row is None or (row.tenant_id != context.project_id and (only_own or not context.is_admin)):
        raise exception.not_found(instance_id)
    return row


facts_of = states.facts_of


# --- may it be done now? -------------------------------------------------------------------------

def require_server(row: Row) -> None:
    """Refuse while the instance has no server: early in a build, or lost.

    :raises trove.common.exception.Unprocessable:
    """
    if row.compute_instance_id is None:
        raise exception.Unprocessable(f'Instance {row.id} is not ready: it has no server '
                                      f'(instance status was {states.shown(facts_of(row))}).')


def require_ready(row: Row, now: datetime.datetime) -> None:
    """Refuse an action that needs an idle instance.

    :raises trove.common.exception.Unprocessable: saying which status is in the way.
    """
    require_server(row)
    refusal = states.refusal(facts_of(row), now, heartbeat_expiry(CONF))
    if refusal is not None:
        raise exception.Unprocessable(
            f'Instance {row.id} is not currently available for an action to be performed ({refusal}).'
        )


def require_no_cluster(row: Row, context: Any, *, admin_may: bool = False) -> None:
    """Members of a cluster are changed through their cluster.

    :raises trove.common.exception.NotSupported:
    """
    if row.cluster_id is not None and not (admin_may and context.is_admin):
        raise exception.NotSupported(
            f'Instance {row.id} belongs to a cluster; use the call of the cluster.')


# --- recording -----------------------------------------------------------------------------------

def create(context: Any, checked: CheckedRequest, *, rehearsal: bool = False) -> Recorded:
    """Write down a new instance, what it takes from the quota, and the operation that makes it: all or nothing.

    Which args and secrets the operation has stands in :mod:`trove.taskmanager.flows.instance_create`; the secrets
    are sealed under the operation's id.

    :param rehearsal: take everything back; only the refusals are wanted.
    :raises trove.common.exception.QuotaExceeded: nothing is left behind.
    """
    recorded = Recorded(operations.new_id(), str(uuid.uuid4()))
    ring = clients.key_ring()
    args = {'databases': checked.databases, 'modules': checked.modules,
            'nic': dataclasses.asdict(checked.nic) if checked.nic else None}
    hidden = {'users': checked.users, 'root_password': checked.root_password}
    sealed = ring.seal(recorded.operation_id, json.dumps(hidden).encode())
    values = _columns(context, checked, recorded.instance_id)

    def write(connection: Connection) -> None:
        now = session.utcnow()
        _hold_group(connection, checked.configuration_id)
        size = checked.volume_size if checked.volume_support else 0
        quotas.consume(connection, context.project_id, instances.quota_of(checked.ram, size), now)
        instances.create(connection, values, now)
        operations.create(connection, kind='instance_create', resource_type=RESOURCE,
                          resource_id=recorded.instance_id, now=now, deadline=CONF.usage_timeout,
                          project_id=context.project_id, args=args, secrets=sealed,
                          request_id=context.request_id, actor=context.user_id,
                          operation_id=recorded.operation_id)

    if rehearsal:
        session.rehearse(write)
        return recorded
    session.write(write)
    clients.wake_taskmanager(recorded.operation_id)
    return recorded


def _hold_group(connection: Connection, configuration_id: str | None) -> None:
    """Let nobody delete the configuration group before the instance that has it is written down."""
    if configuration_id is not None and configurations.get(connection, configuration_id,
                                                           for_update=True) is None:
        raise exception.not_found(configuration_id)


def _columns(context: Any, checked: CheckedRequest, instance_id: str) -> dict[str, Any]:
    new_key = keys.new_instance_key()
    return {
        'id': instance_id,
        'name': checked.name,
        'tenant_id': context.project_id,
        'user_id': context.user_id,
        'region_id': checked.region,
        'availability_zone': checked.availability_zone,
        'image_id': checked.image_id,
        'flavor_id': checked.flavor_id,
        'ram': checked.ram,
        'vcpus': checked.vcpus,
        'volume_support': checked.volume_support,
        'volume_size': checked.volume_size,
        'volume_type': checked.volume_type,
        'datastore_version_id': checked.version.id,
        'locality': checked.locality,
        'encrypted_key': clients.key_ring().seal(instance_id, new_key),
        # 32 bits, never 0: what MySQL's server_id takes. Equal ones only matter inside one replica set.
        'server_id_number': secrets.randbelow(2**32 - 2) + 1,
        'access': checked.access,
        'deletion_protection': checked.deletion_protection,
        'configuration_id': checked.configuration_id,
    }


def delete(context: Any, row: Row) -> Recorded:
    """Write down that an instance is to be deleted. What is being done to it is cancelled first.

    :returns: the operation that will delete it, also when it was asked before.
    :raises trove.common.exception.Forbidden: it has replicas.
    :raises trove.common.exception.NotSupported: it is a member of a cluster.
    :raises trove.common.exception.Conflict: deletion protection.
    """
    require_no_cluster(row, context)
    wanted = {
        'kind': 'instance_delete',
        'resource_type': RESOURCE,
        'resource_id': row.id,
        'deadline': CONF.delete_deadline,
        'project_id': row.tenant_id,
        'request_id': context.request_id,
        'actor': context.user_id,
        'operation_id': operations.new_id()
    }

    def write(connection: Connection) -> tuple[str, str]:
        """:returns: (the operation that deletes, the one to wake)"""
        _require_unprotected(row, _still_there(connection, row.id).deletion_protection)
        if instances.replicas_of(connection, [row.id]):
            raise exception.Forbidden(
                f'Instance {row.id} has replicas. Detach replicas before deleting it.')
        asked = ask(connection, session.utcnow())
        # Operations are held before instances, as task managers do; what was asked for is taken back with the rest.
        _require_unprotected(row, instances.hold_protection(connection, row.id))
        return asked

    def ask(connection: Connection, now: datetime.datetime) -> tuple[str, str]:
        running = operations.request_cancel(connection, RESOURCE, row.id, wanted, now)
        if running is None:
            operations.create(connection, now=now, **wanted)
            return wanted['operation_id'], wanted['operation_id']
        if running.kind == 'instance_delete':
            return running.id, running.id
        former = json.loads(
            running.successor)['operation_id'] if running.successor else wanted['operation_id']
        return former, running.id

    # An operation that opens or closes between our two statements makes the first try fail; the second sees it.
    for last in (False, False, True):
        try:
            operation_id, to_wake = session.write(write)
            break
        except exception.Unprocessable:
            if last:
                raise
    clients.wake_taskmanager(to_wake)
    return Recorded(operation_id, row.id)


def _require_unprotected(row: Row, is_protected: bool) -> None:
    if is_protected:
        raise exception.Conflict(f'Instance {row.id} has deletion protection; switch it off first.',
                                 code='deletion_protected')


def record(context: Any, row: Row, kind: str, deadline: int, *, args: dict[str, Any] | None = None,
           check: Callable[[Row, datetime.datetime], None] = lambda _row, _now: None,
           also: Callable[[Connection, datetime.datetime], None] = lambda _connection, _now: None,
           rehearsal: bool = False) -> Recorded:
    """Write down that something is to be done to an instance; the unique index on open operations is the lock.

    :param deadline: seconds.
    :param check: refuses, given the row as it is inside the transaction.
    :param also: writes what belongs to the same transaction.
    :param rehearsal: take everything back; only the refusals are wanted, and the operation is none.
    :raises trove.common.exception.Unprocessable: another operation is open.
    """
    def write(connection: Connection) -> str:
        now = session.utcnow()
        check(_still_there(connection, row.id), now)
        also(connection, now)
        return operations.create(connection, kind=kind, resource_type=RESOURCE, resource_id=row.id,
                                 now=now, deadline=deadline, project_id=row.tenant_id, args=args,
                                 request_id=context.request_id, actor=context.user_id)

    if rehearsal:
        session.rehearse(write)
        return Recorded('', row.id)
    operation_id = session.write(write)
    clients.wake_taskmanager(operation_id)
    return Recorded(operation_id, row.id)


def restart(context: Any, row: Row) -> Recorded:
    """Write down that the database is to be restarted.

    :raises trove.common.exception.Unprocessable: not now.
    :raises trove.common.exception.NotSupported: it is a member of a cluster.
    """
    require_no_cluster(row, context, admin_may=True)
    return record(context, row, 'instance_restart', CONF.restart_timeout, check=require_ready)


def reboot(context: Any, row: Row) -> Recorded:
    """Write down that the server is to be rebooted, whatever its state: that is what a reboot is for.

    :raises trove.common.exception.Unprocessable: there is no server, or another operation is open.
    """
    # Stopping what runs, Nova's part, the agent's start and the engine's, each with its own limit in the flow.
    deadline = CONF.reboot_time_out + CONF.agent_start_timeout + 2 * CONF.restart_timeout
    return record(context, row, 'instance_reboot', deadline,
                  check=lambda found, _now: require_server(found))


def stop(context: Any, row: Row) -> Recorded:
    """Write down that the database is to be stopped, until it is restarted.

    :raises trove.common.exception.Unprocessable: there is no server, or another operation is open.
    :raises trove.common.exception.GuestTimeout: the agent could not hear it.
    """
    def check(found: Row, now: datetime.datetime) -> None:
        require_server(found)
        if states.is_expired(found.service_status_updated, now, heartbeat_expiry(CONF)):
            raise exception.GuestTimeout(
                f'The agent of instance {row.id} has not reported for too long to be told.')

    return record(context, row, 'instance_stop', CONF.restart_timeout, check=check)


def reset(context: Any, row: Row, *, forget_service: bool = True) -> str | None:
    """Give up what is being done to an instance and what went wrong with it, so that something else may be done.

    Nothing in the cloud is touched: a delete finds all there is by name.

    :param forget_service: also what its guest last said, until it says something again.
    :returns: the operation that was given up, if any.
    """
    def write(connection: Connection) -> str | None:
        now = session.utcnow()
        _still_there(connection, row.id)
        given_up = operations.abandon(connection, RESOURCE, row.id, now)
        instances.change(connection, row.id, now, error_code=None, desired_version_id=None)
        if forget_service:
            instances.forget_service(connection, row.id)
        failed = backups.fail_running(connection, row.id, now)
        told = [f'{given_up.kind} was given up' if given_up else 'nothing was being done']
        if failed:
            told.append(f'{failed} running backups count as failed')
        events.add(connection, resource_type=RESOURCE, resource_id=row.id, type='instance.reset',
                   text=f'The status was reset: {", ".join(told)}.', now=now,
                   project_id=row.tenant_id, operation_id=given_up.id if given_up else None,
                   actor=context.user_id, request_id=context.request_id)
        for phase in (notification.START, notification.END):
            notifications.emit(connection, 'instance_reset_status', phase, tenant_id=row.tenant_id,
                               now=now, request_id=context.request_id, instance_id=row.id)
        return given_up.id if given_up else None

    return session.write(write)


def _still_there(connection: Connection, instance_id: str) -> Row:
    row = instances.get(connection, instance_id)
    if row is None:
        raise exception.not_found(instance_id)
    return row
