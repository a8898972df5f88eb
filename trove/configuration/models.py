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

"""Configuration groups: find them, change their values, and what a change means for the instances that have them."""

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
    """What a user asked for; ``datastore`` and the rest by id or name, None for the operator's defaults."""

    name: str
    description: str | None
    wanted: dict[str, Any]
    datastore: str | None = None
    version: str | None = None
    version_number: str | None = None
    #: the values came as text, and their types are the rules'
    from_text: bool = False


def find(context: Any, configuration_id: str) -> Row:
    """A live group of the caller's project; an administrator finds those of others too.

    :raises trove.common.exception.NotFound:
    """
    return policy.owned(context, session.read(configurations.get, configuration_id),
                        configuration_id)


def checked_values(connection: Connection, version_id: str, version_name: str,
                   wanted: Mapping[str, Any], *, from_text: bool) -> dict[str, Any]:
    """The values as they will be stored.

    :raises trove.common.exception.Unprocessable: the rules of the version do not allow them.
    """
    rules = [values.rule(row) for row in datastores.parameters(connection, version_id)]
    typed = values.from_text(rules, wanted) if from_text else dict(wanted)
    values.check(rules, typed, version_name)
    return typed


def create(context: Any, asked: CreateRequest, *, dry_run: bool = False) -> str:
    """A new group of the caller's project, for an active or inactive version.

    :param dry_run: check everything, write nothing.
    :returns: its id, empty when it is none.
    :raises trove.common.exception.NotFound, BadRequest: no such datastore or version.
    :raises trove.common.exception.Unprocessable: a value cannot be.
    """
    def write(connection: Connection) -> str:
        version = datastore_models.resolve(connection, asked.datastore, asked.version,
                                           asked.version_number)
        wanted = checked_values(connection, version.id, version.name, asked.wanted,
                                from_text=asked.from_text)
        return configurations.create(connection, name=asked.name, description=asked.description,
                                     tenant_id=context.project_id, version_id=version.id,
                                     new=wanted, now=session.utcnow())

    if dry_run:
        session.dry_run(write)
        return ''
    with notifications.wrap('configuration_create', tenant_id=context.project_id,
                            request_id=context.request_id, name=asked.name,
                            datastore=asked.datastore,
                            datastore_version=asked.version):
        return session.write(write)


def edit(context: Any, configuration_id: str, given: Mapping[str, Any], *,
         from_text: bool = False) -> str | None:
    """Give some values anew and keep the others.

    :returns: the operation that brings them to the instances that have the group: one that brings values of a former
        edit goes on with these. None when nothing is to be done.
    :raises trove.common.exception.Unprocessable: a value cannot be.
    """
    return _change(context, configuration_id, given, {}, keep=True, from_text=from_text)


def replace(context: Any, configuration_id: str, given: Mapping[str, Any],
            columns: Mapping[str, Any], *, from_text: bool = False) -> str | None:
    """Make the values be ``given`` and none else. Returns and raises as :func:`edit`.

    :param columns: name or description, when they change too.
    """
    return _change(context, configuration_id, given, columns, keep=False, from_text=from_text)


def _change(context: Any, configuration_id: str, given: Mapping[str, Any],
            columns: Mapping[str, Any], *, keep: bool, from_text: bool) -> str | None:
    """One transaction that holds the group's row: of two changes at a time the second sees the first."""
    def write(connection: Connection) -> str | None:
        now = session.utcnow()
        row = policy.owned(context, configurations.get(connection, configuration_id,
                                                       for_update=True), configuration_id)
        wanted = checked_values(connection, row.datastore_version_id, row.version_name, given,
                                from_text=from_text)
        stored = configurations.values(connection, row.id)
        if keep:
            wanted = values.merged(stored, wanted)
        # As text, since to Python true equals 1.
        if configurations.digest(wanted) != configurations.digest(stored):
            configurations.replace_values(connection, row.id, wanted)
        configurations.change(connection, row.id, now, **columns)
        kind = OperationKind.CONFIGURATION_EDIT if keep else OperationKind.CONFIGURATION_UPDATE
        return _tell_instances(connection, context, row, wanted, kind, now)

    operation_id = session.write(write)
    if operation_id is not None:
        clients.wake_taskmanager(operation_id)
    return operation_id


def _tell_instances(connection: Connection, context: Any, row: Row, wanted: Mapping[str, Any],
                    kind: str, now: datetime.datetime) -> str | None:
    """The operation that brings the values to the instances without them, if there are any."""
    operation_id = None
    if configurations.outdated_instances(connection, row.id, configurations.digest(wanted)):
        # It reads the values each time it looks, and looks once more, holding this row, before it ends.
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
    """End a group that no instance has, whoever's the instance is.

    :raises trove.common.exception.BadRequest: it is attached.
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
