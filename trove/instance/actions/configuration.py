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

"""Configuration group of an instance: attach, detach, and the defaults without a group."""

import datetime
from typing import Any

from oslo_config import cfg

from trove.common import exception, policy, states, template
from trove.common.kinds import OperationKind
from trove.db import configurations, instances
from trove.db.rows import InstanceRow
from trove.db.session import Connection, Row
from trove.instance import models
from trove.instance.models import Also, Recorded

CONF = cfg.CONF

#: Seconds for reverting values that the guest may already have applied.
_REVERT_MARGIN = 60


def find(connection: Connection, context: Any, configuration_id: str, version_id: str | None, *,
         for_update: bool = False) -> Row:
    """Return a group of the caller that fits instances of a datastore version.

    :raises trove.common.exception.NotFound: no such group in the caller's project.
    :raises trove.common.exception.BadRequest: the group belongs to another version.
    """
    group = policy.owned(context,
                         configurations.get(connection, configuration_id, for_update=for_update),
                         configuration_id)
    if group.datastore_version_id != version_id:
        raise exception.BadRequest(
            f"instance['configuration'] {configuration_id} is for another datastore version "
            f"than that of the instance.")
    return group


def change(context: Any, row: InstanceRow, configuration_id: str | None,
           also: Also = models.nothing_else) -> Recorded | None:
    """Record that a group is attached, or with None that the attached one is detached.

    :returns: None when no group is attached and none is requested.
    :raises trove.common.exception.BadRequest: a group is attached already, the instance is busy, or
        the group belongs to another version.
    :raises trove.common.exception.NotFound: no such group.
    :raises trove.common.exception.Unprocessable: the group cannot be detached now.
    """
    if configuration_id is not None:
        return attach(context, row, configuration_id, also)
    if row.configuration_id is not None:
        return detach(context, row, also)
    models.write(also)
    return None


def attach(context: Any, row: InstanceRow, configuration_id: str,
           also: Also = models.nothing_else) -> Recorded:
    """Record that a group is attached; the row of the instance names the group from now on.

    :raises trove.common.exception.BadRequest: a group is attached already, the instance is busy, or
        the group belongs to another version.
    :raises trove.common.exception.NotFound: no such group.
    """
    _require_attachable(row)

    def write(connection: Connection, now: datetime.datetime) -> None:
        # The lock keeps the group from being deleted before this transaction ends.
        find(connection, context, configuration_id, row.datastore_version_id, for_update=True)
        instances.change(connection, row.id, now, configuration_id=configuration_id,
                         configuration_digest=None)
        also(connection, now)

    return models.record(context, row, OperationKind.INSTANCE_ATTACH_CONFIGURATION,
                         CONF.configuration_timeout + _REVERT_MARGIN, args={
                             'configuration_id': configuration_id
                         }, check=lambda found, _now: _require_attachable(found), also=write)


def _require_attachable(row: InstanceRow) -> None:
    if row.configuration_id is not None:
        raise exception.BadRequest(
            f'Instance {row.id} already has configuration {row.configuration_id}; detach it '
            f'first.')
    status = states.shown(models.facts_of(row))
    if status != 'ACTIVE' or row.operation_kind is not None:
        raise exception.BadRequest(
            f'Instance {row.id} cannot take a configuration now (instance status was {status}).')


def detach(context: Any, row: InstanceRow, also: Also = models.nothing_else) -> Recorded:
    """Record that the group is detached.

    :raises trove.common.exception.Unprocessable: the instance is busy, or its group has just
        changed.
    """
    def check(found: InstanceRow, now: datetime.datetime) -> None:
        models.require_ready(found, now)
        if found.configuration_id != row.configuration_id:
            raise exception.Unprocessable(
                f'The configuration group of instance {row.id} was just changed; try again.')

    return models.record(context, row, OperationKind.INSTANCE_DETACH_CONFIGURATION,
                         CONF.configuration_timeout + _REVERT_MARGIN,
                         args={'configuration_id': row.configuration_id}, check=check, also=also)


def defaults(row: InstanceRow) -> dict[str, str]:
    """Return the options of an instance without a group: the template, rendered for its flavor.

    :raises trove.common.exception.NotSupported: the datastore has no template.
    """
    text = template.render(row.manager, row.version_name, {
        'ram': row.ram,
        'vcpus': row.vcpus
    }, row.server_id_number, name=row.datastore_name)
    return template.options(text)
