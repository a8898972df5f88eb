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

"""Changes of an instance that a PUT or a PATCH asks for: one at a time, and a new name beside it.

The name is written in the transaction that accepts the other change, so a refused request changes nothing.
"""

import datetime
import functools
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.db import events, instances, session
from trove.db.session import Connection, Row
from trove.instance import configuring, models, replication, servers, validation
from trove.instance.models import Recorded

CONF = cfg.CONF

#: (context, row, new name or None, value) -> the operation that was recorded, if the change needs one.
Change = Callable[[Any, Row, str | None, Any], Recorded | None]


def rename(context: Any, row: Row, name: str) -> None:
    """The name is the user's word for the instance; nothing in the cloud is found by it."""
    session.write(lambda connection: _rename(connection, session.utcnow(), context=context, row=row,
                                             name=name))


def _rename(connection: Connection, now: datetime.datetime, *, context: Any, row: Row,
            name: str | None) -> None:
    if name is None or name == row.name:
        return
    instances.change(connection, row.id, now, name=name)
    _event(connection, context, row, now, 'instance.rename', f'The instance was renamed to {name}.')


def _event(connection: Connection, context: Any, row: Row, now: datetime.datetime, type_: str,
           text: str) -> None:
    events.add(connection, resource_type=models.RESOURCE, resource_id=row.id, type=type_, text=text,
               now=now, project_id=row.tenant_id, actor=context.user_id,
               request_id=context.request_id)


def protect(context: Any, row: Row, name: str | None, wanted: bool) -> None:
    """Switch deletion protection on or off.

    :raises trove.common.exception.Unprocessable: it comes too late, the instance is being deleted.
    """
    def write(connection: Connection) -> None:
        now = session.utcnow()
        # Held until the end, as a delete does: of two at the same time the second sees the first.
        was = instances.hold_protection(connection, row.id)
        found = instances.get(connection, row.id)
        if wanted and (found is None or found.cancel_wanted
                       or found.operation_kind == 'instance_delete'):
            raise exception.Unprocessable(
                f'Instance {row.id} is being deleted; it cannot be protected any more.')
        _rename(connection, now, context=context, row=row, name=name)
        if wanted != was:
            instances.change(connection, row.id, now, deletion_protection=wanted)
            _event(connection, context, row, now, 'instance.deletion_protection',
                   f'Deletion protection was switched {"on" if wanted else "off"}.')

    session.write(write)


def change_access(context: Any, row: Row, name: str | None, access: dict[str, Any]) -> Recorded:
    """Write down that others may connect. What the given object leaves out is not kept: false, and no networks.

    :raises trove.common.exception.BadRequest: one of the networks is none.
    :raises trove.common.exception.Unprocessable: another operation is open.
    """
    validation.check_access(access)
    wanted = {
        'is_public': access.get('is_public', False),
        'allowed_cidrs': access.get('allowed_cidrs', [])
    }
    return models.record(context, row, 'instance_update_access', CONF.access_timeout,
                         args={'access': wanted}, also=functools.partial(
                             _rename, context=context, row=row, name=name))


def change_configuration(context: Any, row: Row, name: str | None,
                         configuration_id: str | None) -> Recorded | None:
    """Write down that a configuration group is to be attached, or the one there is detached. None to detach: nothing.

    :raises trove.common.exception.BadRequest: one is attached already, not now, or the group is for another version.
    :raises trove.common.exception.NotFound: there is no such group.
    :raises trove.common.exception.Unprocessable: it cannot be detached now.
    """
    also = functools.partial(_rename, context=context, row=row, name=name)
    if configuration_id is not None:
        return configuring.attach(context, row, configuration_id, also)
    if row.configuration_id is not None:
        return configuring.detach(context, row, also)
    if name is not None:
        rename(context, row, name)
    return None


def detach_replica(context: Any, row: Row, name: str | None, _source: Any) -> Recorded:
    """Write down that a replica is to become independent, whatever value was given.

    :raises trove.common.exception.BadRequest: it is no replica.
    :raises trove.common.exception.Unprocessable: not now.
    """
    return replication.detach(context, row,
                              functools.partial(_rename, context=context, row=row, name=name))


def upgrade(context: Any, row: Row, name: str | None, version: str) -> Recorded | None:
    """Write down that the instance is to go over to another version of its datastore; see
    :func:`trove.instance.servers.upgrade`. There may be nothing to do but to rename it.
    """
    recorded = servers.upgrade(context, row, version,
                               functools.partial(_rename, context=context, row=row, name=name))
    if recorded is None and name is not None:
        rename(context, row, name)
    return recorded


#: key of the request -> what it asks for
CHANGES: dict[str, Change] = {
    'access': change_access,
    'configuration': change_configuration,
    'datastore_version': upgrade,
    'deletion_protection': protect,
    'replica_of': detach_replica,
    'slave_of': detach_replica,
}
