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

Who may see which one is decided here; a guest says what it has, and may be anybody's.
"""

import threading
import time
from typing import Any

from oslo_config import cfg
from trove.db.session import Connection, Row

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
#: Stands in the option for every log.
EXPOSE_ALL = 'all'
#: Seconds between two looks at an operation that is waited for.
_LOOK = 0.25

_LOGS = {'logs': base.list_of(LOG, 100)}
_ONE = {'log': LOG}


def entries(context: Any, row: Row) -> list[dict[str, Any]]:
    """The logs that the caller may see, as the guest describes them.

    :raises trove.common.exception.GuestError:
    """
    found = serving.ask(row, messages.ListLogs(), gives=_LOGS)['logs']
    return [entry for entry in found if may_see(context, row, entry['name'])]


def may_see(context: Any, row: Row, name: str) -> bool:
    """Administrators see all logs, others those that the operator exposes for the datastore."""
    if context.is_admin:
        return True
    exposed = CONF[row.manager].guest_log_exposed_logs if row.manager in CONF else []
    return EXPOSE_ALL in exposed or name in exposed


def find(context: Any, row: Row, name: str) -> dict[str, Any]:
    """One log, as the guest describes it.

    :raises trove.common.exception.BadRequest: there is none of that name.
    :raises trove.common.exception.Forbidden: it is for administrators.
    """
    found = serving.ask(row, messages.ListLogs(), gives=_LOGS)['logs']
    entry = next((entry for entry in found if entry['name'] == name), None)
    if entry is None:
        known = ', '.join(
            sorted(entry['name'] for entry in found if may_see(context, row, entry['name'])))
        raise exception.BadRequest(
            f'There is no log {name[:80]} on the instance; there are {known or "none"}.')
    if not may_see(context, row, name):
        raise exception.Forbidden(f'The log {name} is for administrators.')
    return entry


def switch(row: Row, entry: dict[str, Any], on: bool) -> dict[str, Any]:
    """Have a log written, or not any more; returns its new entry.

    :raises trove.common.exception.BadRequest: it is one that is always on.
    :raises trove.common.exception.GuestError: the engine or the options of the tenant are against it.
    """
    if entry['type'] == SYS:
        raise exception.BadRequest(
            f"The log {entry['name']} cannot be switched on or off: it is always on.")
    return serving.ask(row, messages.SwitchLog(name=entry['name'], on=on), patient=True,
                       gives=_ONE)['log']


def publish(context: Any, row: Row, name: str, *, start_over: bool) -> models.Recorded:
    """Write down that what was not stored of a log yet is to be stored.

    :param start_over: what was stored before is to be forgotten first.
    :raises trove.common.exception.Unprocessable: another operation is open on the instance.
    """
    return models.record(context, row, OperationKind.INSTANCE_PUBLISH_LOG,
                         2 * CONF.guest_log_timeout,
                         args={'log': name, 'start_over': start_over})


def discard(context: Any, row: Row, name: str) -> models.Recorded:
    """Write down that what was stored of a log is to be deleted.

    :raises trove.common.exception.Unprocessable: another operation is open on the instance.
    """
    return models.record(context, row, OperationKind.INSTANCE_DISCARD_LOG, CONF.guest_log_timeout,
                         args={'log': name})


def wait(recorded: models.Recorded, seconds: float) -> bool:
    """Give an operation some time, because clients read what it stores as soon as they are answered.

    :returns: whether it has ended, well.
    :raises trove.common.exception.TroveError: it has ended, and not well.
    """
    deadline = time.monotonic() + seconds
    while True:
        row = session.read(_operation, recorded.operation_id)
        if row is None or row.state not in OperationState.OPEN:
            break
        if time.monotonic() + _LOOK > deadline:
            return False
        # Nothing in this process hears of the end; under eventlet this parks a green thread.
        threading.Event().wait(_LOOK)
    if row is not None and row.state == OperationState.SUCCEEDED:
        return True
    if row is None or row.state == OperationState.CANCELLED:
        raise exception.Unprocessable('The work on the log was cancelled.')
    text = row.error_text or ''
    if row.error_code and row.error_code.startswith('guest_'):
        raise exception.GuestError(text, code=row.error_code)
    raise exception.ObjectStoreFailed(text)


def _operation(connection: Connection, operation_id: str) -> Row | None:
    return operations.get(connection, operation_id)
