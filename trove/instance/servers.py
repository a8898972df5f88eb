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

"""What is done to the server of an instance: another image, another version, another host, and starting it.

The data volume stays through all of it. An instance without one has its data on the root disk, which another image
replaces; so that is refused.
"""

import datetime
import re
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.configuration import values
from trove.datastore import models as datastore_models
from trove.db import configurations, datastores, instances, session
from trove.db.session import Connection, Row
from trove.instance import models, validation
from trove.instance.models import Recorded

CONF = cfg.CONF

_NUMBERS = re.compile(r'\d+(?:\.\d+)*')


# --- another image -------------------------------------------------------------------------------

def rebuild(context: Any, row: Row, image_id: str) -> Recorded:
    """Write down that the server is to be given another image, or its own once more, whatever its state.

    :raises trove.common.exception.BadRequest: there is no such image.
    :raises trove.common.exception.NotSupported: the data would be lost.
    :raises trove.common.exception.Unprocessable: there is no server, or another operation is open.
    """
    _require_volume(row)
    found = validation.rebuild_image(row, image_id)
    return models.record(context, row, 'instance_rebuild', _reimage_time(), check=_has_server,
                         args={'image_id': found, 'former_image_id': row.image_id or found})


def _require_volume(row: Row) -> None:
    if not row.volume_support:
        raise exception.NotSupported(
            f'Instance {row.id} has its data on the disk that another image replaces: it '
            f'has no volume.')


def _has_server(found: Row, _now: datetime.datetime) -> None:
    models.require_server(found)


def _reimage_time() -> int:
    """Seconds until the new guest must serve: stopping, Nova, the agent, the data, and the engine's health."""
    return (2 * CONF.takeover_timeout + CONF.resize_time_out + CONF.agent_start_timeout
            + CONF.state_change_wait_time)


# --- another version -----------------------------------------------------------------------------


def upgrade(
    context: Any, row: Row, version: str, also: Callable[[Connection, datetime.datetime],
                                                         None] = lambda _connection, _now: None
) -> Recorded | None:
    """Write down that an instance is to go over to another version of its datastore.

    The version it has already stands for the image that this version has now: there is nothing to do if it is the same.

    :param also: writes what belongs to the same transaction.
    :returns: None when there is nothing to do.
    :raises trove.common.exception.BadRequest, NotFound: there is no such version, or several, or it is no way forward.
    :raises trove.common.exception.NotSupported: the data would be lost, or it is a member of a cluster.
    :raises trove.common.exception.Unprocessable: another operation is open, or the version does not take values of the
        configuration group that the instance has.
    """
    def read(connection: Connection) -> tuple[Row, Any]:
        found = datastore_models.find_version(connection,
                                              datastore_models.find(connection, row.datastore_id),
                                              version)
        return found, datastores.bound(connection, found.id, 'flavor')

    models.require_no_cluster(row, context)
    wanted, flavors = session.read(read)
    image_id = validation.image(wanted, "instance['datastore_version']")
    if wanted.id == row.datastore_version_id and image_id == row.image_id:
        return None
    _require_volume(row)
    check_version(row, wanted, flavors, may_be_inactive=context.is_admin)
    args = {
        'image_id': image_id,
        'former_image_id': row.image_id or image_id,
        'version_id': wanted.id,
        'version': {
            'id': wanted.id,
            'name': wanted.name,
            'number': wanted.version
        },
        'former_version': {
            'id': row.datastore_version_id,
            'name': row.version_name,
            'number': row.version_number
        }
    }

    def check(found: Row, now: datetime.datetime) -> None:
        _has_server(found, now)
        if found.datastore_version_id != row.datastore_version_id:
            raise exception.Unprocessable(
                f'Instance {row.id} has just gone over to another version.')

    def write(connection: Connection, now: datetime.datetime) -> None:
        _check_group(connection, row, wanted)
        instances.change(connection, row.id, now, desired_version_id=wanted.id)
        also(connection, now)

    return models.record(context, row, 'instance_upgrade', _reimage_time(), args=args, check=check,
                         also=write)


def check_version(row: Row, wanted: Row, flavors: Any, *, may_be_inactive: bool) -> None:
    """Refuse a version that an instance cannot go over to; see :func:`upgrade`.

    :param flavors: ids of the flavors that the version is bound to; none for any.
    """
    place = f"instance['datastore_version'] {wanted.name}"
    if not wanted.active and not may_be_inactive:
        raise exception.BadRequest(f'{place} is not offered.')
    if wanted.manager != row.manager:
        raise exception.BadRequest(
            f'{place} is for {wanted.manager}; the instance is one of {row.manager}.')
    if flavors and row.flavor_id not in flavors:
        raise exception.BadRequest(
            f'{place} does not allow flavor {row.flavor_id}, which the instance has.')
    now, then = (_numbers(number or name)
                 for number, name in ((row.version_number, row.version_name), (wanted.version,
                                                                               wanted.name)))
    if now and then and then < now[:len(then)]:
        raise exception.BadRequest(
            f'{place} is older than {row.version_name}, which the instance has; data do not go '
            f'back.')


def _check_group(connection: Connection, row: Row, wanted: Row) -> None:
    """Refuse a version whose engine would come up without the values of the instance's configuration group.

    Of a version without any rules nothing is known: its engine says what it does not take.
    """
    rules = [values.rule(found) for found in datastores.parameters(connection, wanted.id)]
    if not rules or row.configuration_id is None or wanted.id == row.datastore_version_id:
        return
    unfit = values.unfit(rules, configurations.values(connection, row.configuration_id))
    if unfit:
        raise exception.Unprocessable(
            f'Configuration group {row.configuration_id}, which instance {row.id} has, sets what datastore version '
            f'{wanted.name} does not take: {", ".join(unfit)}. Change these values, or detach the group, first.'
        )


def _numbers(version: str) -> tuple[int, ...]:
    found = _NUMBERS.match(version)
    return tuple(int(part) for part in found.group().split('.')) if found else ()


# --- another host, and starting --------------------------------------------------------------------

def migrate(context: Any, row: Row, host: str | None, *, live: bool) -> Recorded:
    """Write down that the server is to be moved to another host.

    :param host: where to; None lets Nova choose.
    :param live: while it runs; else the database is stopped for it.
    :raises trove.common.exception.Unprocessable: not now.
    """
    kind = 'instance_migrate_live' if live else 'instance_migrate'
    # There and, should it fail, back; the engine stopped and started.
    deadline = (2 * CONF.resize_time_out + 2 * CONF.restart_timeout + CONF.agent_start_timeout
                + CONF.state_change_wait_time)
    return models.record(context, row, kind, deadline, args={'host': host},
                         check=models.require_ready)


def start(context: Any, row: Row) -> Recorded:
    """Write down that server and database are to run, whichever of them does not.

    :raises trove.common.exception.Unprocessable: there is no server, or another operation is open.
    """
    # What a reset has left is taken back first, and the volume attached.
    deadline = (CONF.revert_time_out + CONF.reboot_time_out + CONF.volume_time_out +
                2 * CONF.agent_start_timeout + CONF.restart_timeout + CONF.state_change_wait_time)
    return models.record(context, row, 'instance_start', deadline, check=_has_server)
