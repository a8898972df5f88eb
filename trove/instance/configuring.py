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

"""The configuration group of an instance: whether it may be attached, recording that it is to be, and the defaults."""

import datetime
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from trove.common import exception, policy, states, template
from trove.db import configurations, instances
from trove.db.session import Connection, Row
from trove.instance import models
from trove.instance.models import Recorded

CONF = cfg.CONF

#: Writes what belongs to the same transaction, like a new name.
Also = Callable[[Connection, datetime.datetime], None]
#: Seconds for taking back what a guest may have taken.
_MARGIN = 60


def find(connection: Connection, context: Any, configuration_id: str, version_id: str | None, *,
         for_update: bool = False) -> Row:
    """A group of the caller's that an instance of a datastore version may have.

    :raises trove.common.exception.NotFound: there is none of that id.
    :raises trove.common.exception.BadRequest: it is for another version.
    """
    group = policy.owned(context,
                         configurations.get(connection, configuration_id, for_update=for_update),
                         configuration_id)
    if group.datastore_version_id != version_id:
        raise exception.BadRequest(
            f"instance['configuration'] {configuration_id} is for another datastore version "
            f"than that of the instance.")
    return group


def attach(context: Any, row: Row, configuration_id: str, also: Also) -> Recorded:
    """Write down that an instance is to have a group; its row names the group from now on.

    :raises trove.common.exception.BadRequest: it has one already, not now, or the group is for another version.
    :raises trove.common.exception.NotFound: there is no such group.
    """
    _require_free(row)

    def write(connection: Connection, now: datetime.datetime) -> None:
        # Held until the end of the transaction, so nobody deletes it meanwhile.
        find(connection, context, configuration_id, row.datastore_version_id, for_update=True)
        instances.change(connection, row.id, now, configuration_id=configuration_id,
                         configuration_digest=None)
        also(connection, now)

    return models.record(context, row, 'instance_attach_configuration',
                         CONF.configuration_timeout + _MARGIN, args={
                             'configuration_id': configuration_id
                         }, check=lambda found, _now: _require_free(found), also=write)


def _require_free(row: Row) -> None:
    if row.configuration_id is not None:
        raise exception.BadRequest(
            f'Instance {row.id} already has configuration {row.configuration_id}; detach it '
            f'first.')
    status = states.shown(models.facts_of(row))
    if status != 'ACTIVE' or row.operation_kind is not None:
        raise exception.BadRequest(
            f'Instance {row.id} cannot take a configuration now (instance status was {status}).')


def detach(context: Any, row: Row, also: Also) -> Recorded:
    """Write down that an instance is to let go of its group.

    :raises trove.common.exception.Unprocessable: not now.
    """
    def check(found: Row, now: datetime.datetime) -> None:
        models.require_ready(found, now)
        if found.configuration_id != row.configuration_id:
            raise exception.Unprocessable(
                f'The configuration group of instance {row.id} was just changed; try again.')

    return models.record(context, row, 'instance_detach_configuration',
                         CONF.configuration_timeout + _MARGIN,
                         args={'configuration_id': row.configuration_id}, check=check, also=also)


def defaults(row: Row) -> dict[str, str]:
    """The options an instance has without a group: the template, rendered for its flavor.

    :raises trove.common.exception.NotSupported: its datastore has no template.
    """
    text = template.render(row.manager, row.version_name, {
        'ram': row.ram,
        'vcpus': row.vcpus
    }, row.server_id_number, name=row.datastore_name)
    return template.options(text)
