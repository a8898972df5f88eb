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

"""Replication: the source of a new replica, promote, detach and eject."""

import datetime
import functools
from typing import Any

from oslo_config import cfg

from trove.common import exception, states
from trove.common.cfg.rpc import heartbeat_expiry
from trove.common.kinds import OperationKind
from trove.db import instances, session
from trove.db.rows import InstanceRow
from trove.instance import models
from trove.instance.models import Also, Recorded

CONF = cfg.CONF


def check_source(context: Any, source_id: str) -> InstanceRow:
    """Return the instance that a new replica is to follow.

    :raises trove.common.exception.NotFound: no such instance in the project.
    :raises trove.common.exception.Unauthorized: the instance is itself a replica.
    :raises trove.common.exception.Unprocessable: the instance is busy.
    :raises trove.common.exception.BadRequest: the engine has no replication.
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


def promote(context: Any, row: InstanceRow) -> Recorded:
    """Record that a replica becomes the source of its replica set.

    :raises trove.common.exception.BadRequest: the instance is not a replica.
    :raises trove.common.exception.Unprocessable: the instance is busy.
    """
    return models.record(context, row, OperationKind.INSTANCE_PROMOTE, CONF.usage_timeout,
                         check=_require_ready_replica)


def detach(context: Any, row: InstanceRow, also: Also = models.nothing_else) -> Recorded:
    """Record that a replica becomes an independent instance.

    :raises trove.common.exception.BadRequest: the instance is not a replica.
    :raises trove.common.exception.Unprocessable: the instance is busy.
    """
    return models.record(context, row, OperationKind.INSTANCE_DETACH_REPLICA, CONF.usage_timeout,
                         check=_require_ready_replica, also=also)


def _require_ready_replica(row: InstanceRow, now: datetime.datetime) -> None:
    if row.slave_of_id is None:
        raise exception.BadRequest(f'Instance {row.id} is not a replica.')
    models.require_ready(row, now)


def eject(context: Any, row: InstanceRow) -> Recorded:
    """Record that the replicas of a source that does not respond continue without it.

    :raises trove.common.exception.BadRequest: the instance has no replicas, or its agent still
        reports.
    :raises trove.common.exception.Unprocessable: another operation is open.
    """
    if not session.read(instances.replicas_of, [row.id]):
        raise exception.BadRequest(
            f'Instance {row.id} is not a replica source: it has no replicas.')
    return models.record(context, row, OperationKind.INSTANCE_EJECT, CONF.usage_timeout,
                         check=functools.partial(_require_silent, expiry=heartbeat_expiry(CONF)))


def _require_silent(row: InstanceRow, now: datetime.datetime, *, expiry: int) -> None:
    if not states.is_expired(row.service_status_updated, now, expiry):
        raise exception.BadRequest(
            f'Instance {row.id} cannot be ejected: its agent has reported within the last '
            f'{expiry} seconds. Promote one of its replicas instead.')
