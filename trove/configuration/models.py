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

"""Configuration groups: lookup, changes, and operations that apply changes to instances."""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from trove.common import exception, notification, policy
from trove.common.kinds import OperationKind, ResourceType
from trove.common.rpc import clients
from trove.configuration import values
from trove.datastore import models as datastore_models
from trove.db import configurations, datastores, notifications, operations, session
from trove.db.session import Connection, Row

CONF = cfg.CONF


@dataclasses.dataclass(frozen=True)
class CreateRequest:
    """Request for a group.

    ``datastore`` and ``version`` are ids or names; None selects the operator's defaults.
    """

    name: str
    description: str | None
    values: dict[str, Any]
    datastore: str | None = None
    version: str | None = None
    version_number: str | None = None
    #: the values are text and have to be converted to the types of the rules
    from_text: bool = False


def find(context: Any, configuration_id: str) -> Row:
    """Return a live group of the caller's project; for an administrator, of any project.

    :raises trove.common.exception.NotFound: no such group.
    """
    return policy.owned(context, session.read(configurations.get, configuration_id),
                        configuration_id)


def checked_values(connection: Connection, version_id: str, version_name: str,
                   given: Mapping[str, Any], *, from_text: bool) -> dict[str, Any]:
    """Return the values as they are stored.

    :raises trove.common.exception.Unprocessable: the rules of the version do not allow them.
    """
    rules = [values.rule(row) for row in datastores.parameters(connection, version_id)]
    typed = values.from_text(rules, given) if from_text else dict(given)
    values.check(rules, typed, version_name)
    return typed


def create(context: Any, requested: CreateRequest, *, dry_run: bool = False) -> str:
    """Create a group of the caller's project, for an active or inactive version.

    :param dry_run: check everything, write nothing.
    :returns: id of the group, empty in a dry run.
    :raises trove.common.exception.NotFound, BadRequest: no such datastore or version.
    :raises trove.common.exception.Unprocessable: a rule refuses a value.
    """
    def write(connection: Connection) -> str:
        version = datastore_models.resolve(connection, requested.datastore, requested.version,
                                           requested.version_number)
        checked = checked_values(connection, version.id, version.name, requested.values,
                                 from_text=requested.from_text)
        return configurations.create(connection, name=requested.name,
                                     description=requested.description,
                                     tenant_id=context.project_id, version_id=version.id,
                                     new=checked, now=session.utcnow())

    if dry_run:
        session.dry_run(write)
        return ''
    with notifications.wrap('configuration_create', tenant_id=context.project_id,
                            request_id=context.request_id, name=requested.name,
                            datastore=requested.datastore,
                            datastore_version=requested.version):
        return session.write(write)


def edit(context: Any, configuration_id: str, given: Mapping[str, Any], *,
         from_text: bool = False) -> str | None:
    """Replace some values and keep the others.

    :returns: id of the operation that applies the values to the instances; an open operation of a
        former edit applies these too. None if no instance needs them.
    :raises trove.common.exception.Unprocessable: a rule refuses a value.
    """
    return _change(context, configuration_id, given, {}, keep=True, from_text=from_text)


def replace(context: Any, configuration_id: str, given: Mapping[str, Any],
            columns: Mapping[str, Any], *, from_text: bool = False) -> str | None:
    """Replace all values. Return and raise as :func:`edit` does.

    :param columns: new name or description.
    """
    return _change(context, configuration_id, given, columns, keep=False, from_text=from_text)


def _change(context: Any, configuration_id: str, given: Mapping[str, Any],
            columns: Mapping[str, Any], *, keep: bool, from_text: bool) -> str | None:
    """Change a group in a transaction that locks its row, so that a second change waits."""
    def write(connection: Connection) -> str | None:
        now = session.utcnow()
        row = policy.owned(context, configurations.get(connection, configuration_id,
                                                       for_update=True), configuration_id)
        new = checked_values(connection, row.datastore_version_id, row.version_name, given,
                             from_text=from_text)
        stored = configurations.values(connection, row.id)
        if keep:
            new = values.merged(stored, new)
        # Digests are compared because true equals 1 in Python.
        if configurations.digest(new) != configurations.digest(stored):
            configurations.replace_values(connection, row.id, new)
        configurations.change(connection, row.id, now, **columns)
        kind = OperationKind.CONFIGURATION_EDIT if keep else OperationKind.CONFIGURATION_UPDATE
        return _apply(connection, context, row, new, kind, now)

    operation_id = session.write(write)
    if operation_id is not None:
        clients.wake_taskmanager(operation_id)
    return operation_id


def _apply(connection: Connection, context: Any, row: Row, new: Mapping[str, Any], kind: str,
           now: datetime.datetime) -> str | None:
    """Return the operation that applies the values to outdated instances, None if there are none.
    """
    operation_id = None
    if configurations.outdated_instances(connection, row.id, configurations.digest(new)):
        # An open operation reads the values at every poll, and once more under the lock of this row
        # before it ends.
        running = operations.open_of(connection, 'configuration', row.id)
        if running is None:
            return operations.create(
                connection, kind=kind, resource_type=ResourceType.CONFIGURATION,
                resource_id=row.id, now=now,
                deadline=CONF.usage_timeout + 2 * CONF.configuration_timeout,
                project_id=row.tenant_id, request_id=context.request_id, actor=context.user_id)
        operation_id = running.id
    for phase in (notification.START, notification.END):
        notifications.emit(connection, kind, phase, tenant_id=row.tenant_id,
                           request_id=context.request_id, now=now, configuration_id=row.id)
    return operation_id


def delete(context: Any, configuration_id: str) -> None:
    """Delete a group that is attached to no instance of any project.

    :raises trove.common.exception.BadRequest: the group is attached.
    """
    def write(connection: Connection) -> None:
        row = policy.owned(context, configurations.get(connection, configuration_id,
                                                       for_update=True), configuration_id)
        attached = configurations.count_instances(connection, row.id)
        if attached:
            raise exception.BadRequest(
                f'Configuration group {row.id} cannot be deleted: it is attached to {attached} '
                f'instances. Detach it from them first.')
        configurations.mark_deleted(connection, row.id, session.utcnow())

    with notifications.wrap('configuration_delete', tenant_id=context.project_id,
                            request_id=context.request_id, configuration_id=configuration_id):
        session.write(write)
