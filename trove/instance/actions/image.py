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

"""Rebuild from another image, upgrade to another version, migrate to another host.

The data volume survives each of them. An instance without one keeps its data on the root disk,
which another image replaces; rebuild and upgrade are refused for it.
"""

import datetime
import re
from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.common.kinds import OperationKind
from trove.configuration import values
from trove.datastore import models as datastore_models
from trove.db import configurations, datastores, instances, session
from trove.db.rows import InstanceRow
from trove.db.session import Connection, Row
from trove.instance import models, validation
from trove.instance.models import Also, Recorded

CONF = cfg.CONF

_NUMBERS = re.compile(r'\d+(?:\.\d+)*')


def rebuild(context: Any, row: InstanceRow, image_id: str) -> Recorded:
    """Record that the server is rebuilt from another image or its current one, in any state.

    :raises trove.common.exception.BadRequest: no such image.
    :raises trove.common.exception.NotSupported: the data would be lost.
    :raises trove.common.exception.Unprocessable: no server, or another operation is open.
    """
    _require_volume(row)
    found = validation.rebuild_image(row, image_id)
    return models.record(context, row, OperationKind.INSTANCE_REBUILD, _reimage_deadline(),
                         check=_has_server,
                         args={'image_id': found, 'former_image_id': row.image_id or found})


def _require_volume(row: InstanceRow) -> None:
    if not row.volume_support:
        raise exception.NotSupported(
            f'Instance {row.id} has no volume: its data is on the disk that another image '
            f'replaces.')


def _has_server(found: InstanceRow, _now: datetime.datetime) -> None:
    models.require_server(found)


def _reimage_deadline() -> int:
    """Return the seconds after which the new guest must serve: stop, Nova, agent, data, health of
    the engine.
    """
    return (2 * CONF.takeover_timeout + CONF.resize_time_out + CONF.agent_start_timeout
            + CONF.state_change_wait_time)


def upgrade(context: Any, row: InstanceRow, version: str,
            also: Also = models.nothing_else) -> Recorded | None:
    """Record that an instance goes over to another version of its datastore.

    Its current version means: to the image that this version has now.

    :returns: None if the instance has this version and its image; ``also`` is written all the same.
    :raises trove.common.exception.BadRequest, NotFound: no such version, several of the name, or a
        downgrade.
    :raises trove.common.exception.NotSupported: the data would be lost, or the instance is a member
        of a cluster.
    :raises trove.common.exception.Unprocessable: another operation is open, or the version rejects
        values of the instance's configuration group.
    """
    def read(connection: Connection) -> tuple[Row, Any]:
        found = datastore_models.find_version(connection,
                                              datastore_models.find(connection, row.datastore_id),
                                              version)
        return found, datastores.bound(connection, found.id, 'flavor')

    models.require_no_cluster(row, context)
    new, flavors = session.read(read)
    image_id = validation.image(new, "instance['datastore_version']")
    if new.id == row.datastore_version_id and image_id == row.image_id:
        models.write(also)
        return None
    _require_volume(row)
    check_version(row, new, flavors, may_be_inactive=context.is_admin)
    args = {
        'image_id': image_id,
        'former_image_id': row.image_id or image_id,
        'version_id': new.id,
        'version': {
            'id': new.id,
            'name': new.name,
            'number': new.version
        },
        'former_version': {
            'id': row.datastore_version_id,
            'name': row.version_name,
            'number': row.version_number
        }
    }

    def check(found: InstanceRow, now: datetime.datetime) -> None:
        _has_server(found, now)
        if found.datastore_version_id != row.datastore_version_id:
            raise exception.Unprocessable(
                f'Instance {row.id} has just gone over to another version.')

    def write(connection: Connection, now: datetime.datetime) -> None:
        _check_group(connection, row, new)
        instances.change(connection, row.id, now, desired_version_id=new.id)
        also(connection, now)

    return models.record(context, row, OperationKind.INSTANCE_UPGRADE, _reimage_deadline(),
                         args=args,
                         check=check, also=write)


def check_version(row: InstanceRow, new: Row, flavors: Any, *, may_be_inactive: bool) -> None:
    """Refuse a version that an instance cannot go over to; see :func:`upgrade`.

    :param flavors: ids of the flavors that the version allows; empty for any.
    """
    place = f"instance['datastore_version'] {new.name}"
    if not new.active and not may_be_inactive:
        raise exception.BadRequest(f'{place} is not offered.')
    if new.manager != row.manager:
        raise exception.BadRequest(
            f'{place} is for {new.manager}; the instance is one of {row.manager}.')
    if flavors and row.flavor_id not in flavors:
        raise exception.BadRequest(
            f'{place} does not allow flavor {row.flavor_id}, which the instance has.')
    current = _numbers(row.version_number or row.version_name)
    target = _numbers(new.version or new.name)
    if current and target and target < current[:len(target)]:
        raise exception.BadRequest(
            f'{place} is older than {row.version_name}, which the instance has; a downgrade is '
            f'not possible.')


def _check_group(connection: Connection, row: InstanceRow, new: Row) -> None:
    """Refuse a version that rejects values of the instance's configuration group.

    A version without rules is accepted: only its engine can reject values.

    :raises trove.common.exception.Unprocessable: naming the rejected values.
    """
    rules = [values.rule(found) for found in datastores.parameters(connection, new.id)]
    if not rules or row.configuration_id is None or new.id == row.datastore_version_id:
        return
    unfit = values.unfit(rules, configurations.values(connection, row.configuration_id))
    if unfit:
        raise exception.Unprocessable(
            f'Configuration group {row.configuration_id} of instance {row.id} sets values that '
            f'datastore version {new.name} does not accept: {", ".join(unfit)}. Change these '
            f'values or detach the group first.')


def _numbers(version: str) -> tuple[int, ...]:
    found = _NUMBERS.match(version)
    return tuple(int(part) for part in found.group().split('.')) if found else ()


def migrate(context: Any, row: InstanceRow, host: str | None, *, live: bool) -> Recorded:
    """Record that the server moves to another host.

    :param host: target; None lets Nova choose.
    :param live: move the running server; otherwise the engine is stopped for the move.
    :raises trove.common.exception.Unprocessable: the instance is busy.
    """
    kind = OperationKind.INSTANCE_MIGRATE_LIVE if live else OperationKind.INSTANCE_MIGRATE
    # Twice the move, for the revert; the engine is stopped and started.
    deadline = (2 * CONF.resize_time_out + 2 * CONF.restart_timeout + CONF.agent_start_timeout
                + CONF.state_change_wait_time)
    return models.record(context, row, kind, deadline, args={'host': host},
                         check=models.require_ready)


def upgrade_agent(context: Any, row: InstanceRow, args: dict[str, Any]) -> Recorded:
    """Record that the agent of an instance is replaced by another version.

    :raises trove.common.exception.Unprocessable: no server, or another operation is open.
    """
    models.require_server(row)
    return models.record(context, row, OperationKind.INSTANCE_UPGRADE_AGENT,
                         CONF.agent_start_timeout,
                         args=args)
