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

"""Instances: find, preconditions of actions, create, rename, protect, delete, and record an
operation.
"""

import dataclasses
import datetime
import json
import secrets
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from oslo_config import cfg
from trove.common.rpc import clients, keys
from trove.db.rows import FullInstanceRow, InstanceRow
from trove.db.session import Connection, Row

from trove.common import exception, policy, states
from trove.common.cfg.rpc import heartbeat_expiry
from trove.common.kinds import OperationKind, ResourceType
from trove.db import configurations, events, instances, operations, quotas, session

CONF = cfg.CONF

RESOURCE = ResourceType.INSTANCE


@dataclasses.dataclass(frozen=True)
class Nic:
    """Tenant network of a new instance, as named in the request."""

    network_id: str | None = None
    subnet_id: str | None = None
    ip_address: str | None = None


@dataclasses.dataclass(frozen=True)
class CreateRequest:
    """Body of a create request, parsed and not yet checked.

    ``databases`` are ``{"name", "character_set"?, "collate"?}``, ``users`` are ``{"name",
    "password", "host"?, "databases"?}``; ``volume_size`` is GB.
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
    #: keys of the request, including those with an empty value
    given: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class CheckedRequest:
    """Create request after validation, with the rows and ids that validation looked up."""

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
    """Recorded operation and its instance."""
    operation_id: str
    instance_id: str


#: Write that belongs to the transaction of an action, such as a new name.
Also = Callable[[Connection, datetime.datetime], None]


def nothing_else(_connection: Connection, _now: datetime.datetime) -> None:
    """Write nothing: the default of ``also``."""


# --- finding -------------------------------------------------------------------------------------


def find(context: Any, instance_id: str, *, only_own: bool = False,
         include_deleted: bool = False) -> FullInstanceRow:
    """Return a live instance of the caller's project; for an administrator, of any project.

    :param only_own: limit administrators to their own project too.
    :raises trove.common.exception.NotFound: no such instance.
    """
    row = session.read(instances.get, instance_id, include_deleted=include_deleted)
    return policy.owned(context, row, instance_id, only_own=only_own)


facts_of = states.facts_of


# --- preconditions -------------------------------------------------------------------------------

def require_server(row: InstanceRow) -> None:
    """Refuse an action while the instance has no server: early in a build, or after its loss.

    :raises trove.common.exception.Unprocessable: no server.
    """
    if row.compute_instance_id is None:
        raise exception.Unprocessable(f'Instance {row.id} is not ready: it has no server '
                                      f'(instance status was {states.shown(facts_of(row))}).')


def require_ready(row: InstanceRow, now: datetime.datetime) -> None:
    """Refuse an action that needs an idle instance.

    :raises trove.common.exception.Unprocessable: the instance is busy; the message names its
        status.
    """
    require_server(row)
    refusal = states.refusal(facts_of(row), now, heartbeat_expiry(CONF))
    if refusal is not None:
        raise exception.Unprocessable(
            f'Instance {row.id} is not currently available for an action to be performed '
            f'({refusal}).'
        )


def require_no_cluster(row: InstanceRow, context: Any, *, admin_may: bool = False) -> None:
    """Refuse an action on a member of a cluster, which is changed through its cluster.

    :raises trove.common.exception.NotSupported: the instance is a member.
    """
    if row.cluster_id is not None and not (admin_may and context.is_admin):
        raise exception.NotSupported(
            f'Instance {row.id} belongs to a cluster; use the call of the cluster.')


# --- create, rename, protect, delete -------------------------------------------------------------

def create(context: Any, checked: CheckedRequest, *, dry_run: bool = False) -> Recorded:
    """Insert a new instance, its reservation from the quota and the operation that builds it, in
    one transaction.

    :mod:`trove.taskmanager.flows.instance_create` describes args and secrets of the operation; the
        secrets are
    sealed under the operation's id.

    :param dry_run: check everything, write nothing.
    :raises trove.common.exception.QuotaExceeded: nothing is written.
    """
    recorded = Recorded(operations.new_id(), str(uuid.uuid4()))
    ring = clients.key_ring()
    args = {'databases': checked.databases, 'modules': checked.modules,
            'nic': dataclasses.asdict(checked.nic) if checked.nic else None}
    hidden = {'users': checked.users, 'root_password': checked.root_password}
    sealed = ring.seal(recorded.operation_id, json.dumps(hidden).encode())
    values = _columns(context, checked, recorded.instance_id)

    def insert(connection: Connection) -> None:
        now = session.utcnow()
        _lock_group(connection, checked.configuration_id)
        size = checked.volume_size if checked.volume_support else 0
        quotas.consume(connection, context.project_id, instances.quota_of(checked.ram, size), now)
        instances.create(connection, values, now)
        operations.create(connection, kind=OperationKind.INSTANCE_CREATE, resource_type=RESOURCE,
                          resource_id=recorded.instance_id, now=now, deadline=CONF.usage_timeout,
                          project_id=context.project_id, args=args, secrets=sealed,
                          request_id=context.request_id, actor=context.user_id,
                          operation_id=recorded.operation_id)

    if dry_run:
        session.dry_run(insert)
        return recorded
    session.write(insert)
    clients.wake_taskmanager(recorded.operation_id)
    return recorded


def _lock_group(connection: Connection, configuration_id: str | None) -> None:
    """Lock the configuration group until the end of the transaction that inserts its instance."""
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
        # MySQL's server_id: 32 bits, not 0. Duplicates matter only within a replica set.
        'server_id_number': secrets.randbelow(2**32 - 2) + 1,
        'access': checked.access,
        'deletion_protection': checked.deletion_protection,
        'configuration_id': checked.configuration_id,
    }


def renaming(context: Any, row: InstanceRow, name: str | None) -> Also:
    """Return the write of a new name, for the transaction of another change; None writes nothing.

    The name is only shown to users: nothing in the cloud is found by it.
    """
    def write(connection: Connection, now: datetime.datetime) -> None:
        if name is None or name == row.name:
            return
        instances.change(connection, row.id, now, name=name)
        _add_event(connection, context, row, now, 'instance.rename',
                   f'The instance was renamed to {name}.')

    return write


def write(also: Also) -> None:
    """Run one write in a transaction of its own."""
    session.write(lambda connection: also(connection, session.utcnow()))


def _add_event(connection: Connection, context: Any, row: InstanceRow, now: datetime.datetime,
               type_: str,
               text: str) -> None:
    events.add(connection, resource_type=RESOURCE, resource_id=row.id, type=type_, text=text,
               now=now, project_id=row.tenant_id, actor=context.user_id,
               request_id=context.request_id)


def protect(context: Any, row: InstanceRow, requested: bool, also: Also = nothing_else) -> None:
    """Switch deletion protection on or off.

    :raises trove.common.exception.Unprocessable: the instance is already being deleted.
    """
    def change(connection: Connection, now: datetime.datetime) -> None:
        # A delete takes the same lock: of two concurrent requests the second sees the first.
        former = instances.lock_protection(connection, row.id)
        found = instances.get(connection, row.id)
        if requested and (found is None or found.cancel_wanted
                          or found.operation_kind == OperationKind.INSTANCE_DELETE):
            raise exception.Unprocessable(
                f'Instance {row.id} is being deleted; it cannot be protected any more.')
        also(connection, now)
        if requested != former:
            instances.change(connection, row.id, now, deletion_protection=requested)
            _add_event(connection, context, row, now, 'instance.deletion_protection',
                       f'Deletion protection was switched {"on" if requested else "off"}.')

    write(change)


def delete(context: Any, row: InstanceRow) -> Recorded:
    """Record the deletion of an instance; its open operation is cancelled first.

    :returns: the operation that deletes the instance, also if an earlier request recorded it.
    :raises trove.common.exception.Forbidden: the instance has replicas.
    :raises trove.common.exception.NotSupported: the instance is a member of a cluster.
    :raises trove.common.exception.Conflict: deletion protection is on.
    """
    require_no_cluster(row, context)
    deletion = {
        'kind': OperationKind.INSTANCE_DELETE,
        'resource_type': RESOURCE,
        'resource_id': row.id,
        'deadline': CONF.delete_deadline,
        'project_id': row.tenant_id,
        'request_id': context.request_id,
        'actor': context.user_id,
        'operation_id': operations.new_id()
    }

    def check_and_record(connection: Connection) -> tuple[str, str]:
        _require_unprotected(row, require_present(connection, row.id).deletion_protection)
        if instances.replicas_of(connection, [row.id]):
            raise exception.Forbidden(
                f'Instance {row.id} has replicas. Detach replicas before deleting it.')
        recorded = _record_deletion(connection, deletion, session.utcnow())
        # Operations are locked before instances, in the order of the task managers; a refusal rolls
        # both back.
        _require_unprotected(row, instances.lock_protection(connection, row.id))
        return recorded

    # An operation that opens or closes between two statements fails the first try; the second sees
    # it.
    for last in (False, False, True):
        try:
            operation_id, to_wake = session.write(check_and_record)
            break
        except exception.Unprocessable:
            if last:
                raise
    clients.wake_taskmanager(to_wake)
    return Recorded(operation_id, row.id)


def _record_deletion(connection: Connection, deletion: dict[str, Any],
                     now: datetime.datetime) -> tuple[str, str]:
    """Record a deletion, or cancel the open operation in its favour.

    :returns: ids of the operation that deletes and of the operation to wake.
    """
    running = operations.request_cancel(connection, RESOURCE, deletion['resource_id'], deletion,
                                        now)
    if running is None:
        operations.create(connection, now=now, **deletion)
        return deletion['operation_id'], deletion['operation_id']
    if running.kind == OperationKind.INSTANCE_DELETE:
        return running.id, running.id
    follower = json.loads(running.successor) if running.successor else deletion
    return follower['operation_id'], running.id


def _require_unprotected(row: InstanceRow, is_protected: bool) -> None:
    if is_protected:
        raise exception.Conflict(f'Instance {row.id} has deletion protection; switch it off first.',
                                 code='deletion_protected')


# --- recording -----------------------------------------------------------------------------------

def record(context: Any, row: InstanceRow, kind: str, deadline: int, *,
           args: dict[str, Any] | None = None,
           check: Callable[[InstanceRow, datetime.datetime], None] = lambda _row, _now: None,
           also: Also = nothing_else, dry_run: bool = False) -> Recorded:
    """Record an operation on an instance. The unique index on open operations is the lock.

    :param deadline: seconds.
    :param check: precondition; called with the row as it is inside the transaction.
    :param also: write that belongs to the same transaction.
    :param dry_run: check everything, write nothing; the returned operation id is empty.
    :raises trove.common.exception.Unprocessable: another operation is open.
    """
    def insert(connection: Connection) -> str:
        now = session.utcnow()
        check(require_present(connection, row.id), now)
        also(connection, now)
        return operations.create(connection, kind=kind, resource_type=RESOURCE, resource_id=row.id,
                                 now=now, deadline=deadline, project_id=row.tenant_id, args=args,
                                 request_id=context.request_id, actor=context.user_id)

    if dry_run:
        session.dry_run(insert)
        return Recorded('', row.id)
    operation_id = session.write(insert)
    clients.wake_taskmanager(operation_id)
    return Recorded(operation_id, row.id)


def require_present(connection: Connection, instance_id: str) -> FullInstanceRow:
    """Return the row of a live instance, read in the caller's transaction.

    :raises trove.common.exception.NotFound: the instance is deleted.
    """
    row = instances.get(connection, instance_id)
    if row is None:
        raise exception.not_found(instance_id)
    return row
