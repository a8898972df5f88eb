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

"""Replica sets: whether one can be changed as asked, and recording that it is to be."""

import datetime
import functools
from typing import Any

from oslo_config import cfg

from trove.common import exception, states
from trove.common.cfg.rpc import heartbeat_expiry
from trove.db import instances, session
from trove.db.session import Row
from trove.instance import models
from trove.instance.models import Recorded

CONF = cfg.CONF


def check_source(context: Any, source_id: str) -> Row:
    """The instance that a new replica shall follow.

    :raises trove.common.exception.NotFound: there is none in the project.
    :raises trove.common.exception.Unauthorized: it is a replica itself.
    :raises trove.common.exception.Unprocessable: it cannot now.
    :raises trove.common.exception.BadRequest: its engine has no replicas.
    """
    row = models.find(context, source_id)
    if row.slave_of_id is not None:
        raise exception.Unauthorized(
            f'Instance {row.id} is itself a replica; make replicas of its source '
            f'{row.slave_of_id}.')
    models.require_ready(row, session.utcnow())
    if row.manager not in CONF or not CONF[row.manager].replication_strategy:
        raise exception.BadRequest(
            f"instance['replica_of'] cannot be used: replication is not supported for "
            f"datastore {row.manager}.")
    return row


def promote(context: Any, row: Row) -> Recorded:
    """Write down that a replica is to become the source of its replica set.

    :raises trove.common.exception.BadRequest: it is no replica.
    :raises trove.common.exception.Unprocessable: not now.
    """
    return models.record(context, row, 'instance_promote', CONF.usage_timeout,
                         check=_require_ready_replica)


def detach(context: Any, row: Row, also: Any) -> Recorded:
    """Write down that a replica is to go its own way.

    :param also: see :func:`trove.instance.models.record`.
    :raises trove.common.exception.BadRequest: it is no replica.
    :raises trove.common.exception.Unprocessable: not now.
    """
    return models.record(context, row, 'instance_detach_replica', CONF.usage_timeout,
                         check=_require_ready_replica, also=also)


def _require_ready_replica(row: Row, now: datetime.datetime) -> None:
    if row.slave_of_id is None:
        raise exception.BadRequest(f'Instance {row.id} is not a replica.')
    models.require_ready(row, now)


def eject(context: Any, row: Row) -> Recorded:
    """Write down that the replicas of a source that does not answer any more are to go on without it.

    :raises trove.common.exception.BadRequest: it has no replicas, or it does answer.
    :raises trove.common.exception.Unprocessable: another operation is open.
    """
    if not session.read(instances.replicas_of, [row.id]):
        raise exception.BadRequest(
            f'Instance {row.id} is not a replica source: it has no replicas.')
    return models.record(context, row, 'instance_eject', CONF.usage_timeout,
                         check=functools.partial(_require_silent, expiry=heartbeat_expiry(CONF)))


def _require_silent(row: Row, now: datetime.datetime, *, expiry: int) -> None:
    if not states.is_expired(row.service_status_updated, now, expiry):
        raise exception.BadRequest(
            f'Instance {row.id} cannot be ejected: its agent has reported within the last '
            f'{expiry} seconds. Promote one of its replicas instead.')
