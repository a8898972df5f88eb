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

"""Restart, reboot, start and stop."""

import datetime
from typing import Any

from oslo_config import cfg

from trove.common import exception, states
from trove.common.cfg.rpc import heartbeat_expiry
from trove.common.kinds import OperationKind
from trove.db.rows import InstanceRow
from trove.instance import models
from trove.instance.models import Recorded

CONF = cfg.CONF


def restart(context: Any, row: InstanceRow) -> Recorded:
    """Record the restart of the database engine.

    :raises trove.common.exception.Unprocessable: the instance is busy or has no server.
    :raises trove.common.exception.NotSupported: the instance is a member of a cluster.
    """
    models.require_no_cluster(row, context, admin_may=True)
    return models.record(context, row, OperationKind.INSTANCE_RESTART, CONF.restart_timeout,
                         check=models.require_ready)


def reboot(context: Any, row: InstanceRow) -> Recorded:
    """Record the reboot of the server, in any state of the instance.

    :raises trove.common.exception.Unprocessable: no server, or another operation is open.
    """
    # Stop the engine, reboot in Nova, start the agent and the engine: each has a limit of its own.
    deadline = CONF.reboot_time_out + CONF.agent_start_timeout + 2 * CONF.restart_timeout
    return models.record(context, row, OperationKind.INSTANCE_REBOOT, deadline,
                         check=lambda found, _now: models.require_server(found))


def start(context: Any, row: InstanceRow) -> Recorded:
    """Record the start of the server and the database engine, whichever is not running.

    :raises trove.common.exception.Unprocessable: no server, or another operation is open.
    """
    # The flow first reverts what a reset left behind, and attaches the volume.
    deadline = (CONF.revert_time_out + CONF.reboot_time_out + CONF.volume_time_out +
                2 * CONF.agent_start_timeout + CONF.restart_timeout + CONF.state_change_wait_time)
    return models.record(context, row, OperationKind.INSTANCE_START, deadline,
                         check=lambda found, _now: models.require_server(found))


def stop(context: Any, row: InstanceRow) -> Recorded:
    """Record the stop of the database engine, which then stays stopped until a restart.

    :raises trove.common.exception.Unprocessable: no server, or another operation is open.
    :raises trove.common.exception.GuestTimeout: the agent does not report.
    """
    def check(found: InstanceRow, now: datetime.datetime) -> None:
        models.require_server(found)
        expiry = heartbeat_expiry(CONF)
        if states.is_expired(found.service_status_updated, now, expiry):
            raise exception.GuestTimeout(
                f'The agent of instance {row.id} has not reported for more than {expiry} seconds; '
                f'the database cannot be stopped.')

    return models.record(context, row, OperationKind.INSTANCE_STOP, CONF.restart_timeout,
                         check=check)
