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

"""Logs of an instance: asked of its guest, stored and discarded by operations.

This module decides which logs a caller may see; a guest that reports logs is untrusted.
"""

import threading
import time
from typing import Any

from oslo_config import cfg
from trove.db.rows import InstanceRow, OperationRow
from trove.db.session import Connection

from trove.common import exception
from trove.common.kinds import OperationKind
from trove.common.rpc import messages
from trove.common.rpc.messages import base
from trove.common.rpc.messages.log import LOG
from trove.common.states import OperationState
from trove.db import operations, session
from trove.extensions import serving
from trove.instance import models

CONF = cfg.CONF

SYS = 'SYS'
#: Value of the option that exposes every log.
EXPOSE_ALL = 'all'
#: Seconds between two polls of an operation.
_POLL_INTERVAL = 0.25

_LOGS = {'logs': base.list_of(LOG, 100)}
_ONE = {'log': LOG}


def entries(context: Any, row: InstanceRow) -> list[dict[str, Any]]:
    """Return the logs that the caller may see, as the guest reports them.

    :raises trove.common.exception.GuestError: the guest failed or did not reply.
    """
    found = serving.call(row, messages.ListLogs(), reply=_LOGS)['logs']
    return [entry for entry in found if may_see(context, row, entry['name'])]


def may_see(context: Any, row: InstanceRow, name: str) -> bool:
    """Return whether the caller is an administrator or the operator exposes the log to users."""
    if context.is_admin:
        return True
    exposed = CONF[row.manager].guest_log_exposed_logs if row.manager in CONF else []
    return EXPOSE_ALL in exposed or name in exposed


def find(context: Any, row: InstanceRow, name: str) -> dict[str, Any]:
    """Return one log, as the guest reports it.

    :raises trove.common.exception.BadRequest: no log has that name.
    :raises trove.common.exception.Forbidden: only administrators may see the log.
    """
    found = serving.call(row, messages.ListLogs(), reply=_LOGS)['logs']
    entry = next((entry for entry in found if entry['name'] == name), None)
    if entry is None:
        known = ', '.join(
            sorted(entry['name'] for entry in found if may_see(context, row, entry['name'])))
        raise exception.BadRequest(
            f'There is no log {name[:80]} on the instance; there are {known or "none"}.')
    if not may_see(context, row, name):
        raise exception.Forbidden(f'The log {name} is for administrators.')
    return entry


def switch(row: InstanceRow, entry: dict[str, Any], on: bool) -> dict[str, Any]:
    """Enable or disable a log and return its new entry.

    :raises trove.common.exception.BadRequest: the log is always enabled.
    :raises trove.common.exception.GuestError: the engine or options of the tenant prevent it.
    """
    if entry['type'] == SYS:
        raise exception.BadRequest(
            f"The log {entry['name']} cannot be switched on or off: it is always on.")
    return serving.call(row, messages.SwitchLog(name=entry['name'], on=on), is_long=True,
                        reply=_ONE)['log']


def publish(context: Any, row: InstanceRow, name: str, *, start_over: bool) -> models.Recorded:
    """Record an operation that stores the part of a log that is not stored yet.

    :param start_over: delete the stored part first.
    :raises trove.common.exception.Unprocessable: another operation is open on the instance.
    """
    return models.record(context, row, OperationKind.INSTANCE_PUBLISH_LOG,
                         2 * CONF.guest_log_timeout,
                         args={'log': name, 'start_over': start_over})


def discard(context: Any, row: InstanceRow, name: str) -> models.Recorded:
    """Record an operation that deletes the stored part of a log.

    :raises trove.common.exception.Unprocessable: another operation is open on the instance.
    """
    return models.record(context, row, OperationKind.INSTANCE_DISCARD_LOG, CONF.guest_log_timeout,
                         args={'log': name})


def wait(recorded: models.Recorded, seconds: float) -> bool:
    """Wait for an operation, because clients read the stored log right after the response.

    :returns: True if the operation has succeeded, False if it is still open after the seconds.
    :raises trove.common.exception.TroveError: the operation has failed or was cancelled.
    """
    deadline = time.monotonic() + seconds
    while True:
        row = session.read(_operation, recorded.operation_id)
        if row is None or row.state not in OperationState.OPEN:
            break
        if time.monotonic() + _POLL_INTERVAL > deadline:
            return False
        # The task manager ends the operation in another process. Under eventlet this parks a green
        # thread.
        threading.Event().wait(_POLL_INTERVAL)
    if row is not None and row.state == OperationState.SUCCEEDED:
        return True
    if row is None or row.state == OperationState.CANCELLED:
        raise exception.Unprocessable('The work on the log was cancelled.')
    text = row.error_text or ''
    if row.error_code and row.error_code.startswith('guest_'):
        raise exception.GuestError(text, code=row.error_code)
    raise exception.ObjectStoreFailed(text)


def _operation(connection: Connection, operation_id: str) -> OperationRow | None:
    return operations.get(connection, operation_id)
