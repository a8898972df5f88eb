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

"""Status words: of guests, of operations, and of the API.

The functions are pure: they take data and a time, and return words. The table test in
tests/unit/common/test_states.py covers all combinations.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from trove.common.kinds import OperationKind


class ServiceStatus:
    """States of the database service in a guest, stored and sent as these words."""

    NEW = 'new'
    BUILDING = 'building'
    RUNNING = 'running'
    HEALTHY = 'healthy'
    BLOCKED = 'blocked'
    SHUTDOWN = 'shutdown'
    CRASHED = 'crashed'
    FAILED = 'failed to spawn'
    RESTARTING = 'restarting'
    UNKNOWN = 'unknown'
    DELETED = 'deleted'

    ALL = (NEW, BUILDING, RUNNING, HEALTHY, BLOCKED, SHUTDOWN, CRASHED, FAILED, RESTARTING, UNKNOWN,
           DELETED)
    #: states that a guest may report
    REPORTABLE = (BUILDING, RUNNING, HEALTHY, BLOCKED, SHUTDOWN, CRASHED, FAILED, RESTARTING,
                  UNKNOWN)
    #: statuses in which an action may start
    ACTIONABLE = (RUNNING, HEALTHY, SHUTDOWN, CRASHED, BLOCKED)
    #: statuses in which users and databases can be managed
    SERVING = (RUNNING, HEALTHY)


#: service status -> ``operating_status`` of the API
OPERATING_WORDS = {
    ServiceStatus.NEW: 'NEW',
    ServiceStatus.BUILDING: 'BUILD',
    ServiceStatus.RUNNING: 'ACTIVE',
    ServiceStatus.HEALTHY: 'HEALTHY',
    ServiceStatus.BLOCKED: 'BLOCKED',
    ServiceStatus.SHUTDOWN: 'SHUTDOWN',
    ServiceStatus.CRASHED: 'SHUTDOWN',
    ServiceStatus.FAILED: 'FAILED',
    ServiceStatus.RESTARTING: 'RESTARTING',
    ServiceStatus.UNKNOWN: 'ERROR',
    ServiceStatus.DELETED: 'DELETED',
}


class OperationState:
    """States of an operation."""

    RUNNING = 'running'
    REVERTING = 'undoing'
    SUCCEEDED = 'succeeded'
    FAILED = 'failed'
    CANCELLED = 'cancelled'

    OPEN = (RUNNING, REVERTING)
    CLOSED = (SUCCEEDED, FAILED, CANCELLED)


#: kind of the open operation -> ``status`` of the API; None for the server's word
OPERATION_WORDS: dict[str, str | None] = {
    OperationKind.INSTANCE_CREATE: 'BUILD',
    OperationKind.INSTANCE_DELETE: 'SHUTDOWN',
    OperationKind.INSTANCE_RESTART: 'REBOOT',
    OperationKind.INSTANCE_RESIZE_VOLUME: 'RESIZE',
    OperationKind.INSTANCE_RESIZE_FLAVOR: 'RESIZE',
    OperationKind.INSTANCE_REBOOT: 'REBOOT',
    OperationKind.INSTANCE_STOP: None,
    OperationKind.INSTANCE_START: None,
    OperationKind.INSTANCE_REBUILD: 'BUILD',
    OperationKind.INSTANCE_UPGRADE: 'UPGRADE',
    OperationKind.INSTANCE_MIGRATE: None,
    OperationKind.INSTANCE_MIGRATE_LIVE: None,
    OperationKind.INSTANCE_UPDATE_ACCESS: None,
    OperationKind.INSTANCE_PUBLISH_LOG: None,
    OperationKind.INSTANCE_DISCARD_LOG: None,
    OperationKind.INSTANCE_PROMOTE: 'PROMOTE',
    OperationKind.INSTANCE_EJECT: 'EJECT',
    OperationKind.INSTANCE_DETACH_REPLICA: 'DETACH',
    OperationKind.INSTANCE_UPGRADE_AGENT: None,
    OperationKind.INSTANCE_ATTACH_CONFIGURATION: None,
    OperationKind.INSTANCE_DETACH_CONFIGURATION: None,
    OperationKind.INSTANCE_UPDATE_CONFIGURATION: None,
    OperationKind.BACKUP_CREATE: 'BACKUP',
}

#: Kinds of operations that can be cancelled, as in their flows.
CANCELLABLE = frozenset({
    OperationKind.INSTANCE_CREATE, OperationKind.INSTANCE_RESIZE_VOLUME,
    OperationKind.INSTANCE_RESIZE_FLAVOR, OperationKind.INSTANCE_UPDATE_ACCESS,
    OperationKind.INSTANCE_REBUILD, OperationKind.INSTANCE_UPGRADE, OperationKind.INSTANCE_MIGRATE})

#: status in Nova -> ``status`` of the API; others are UNKNOWN
SERVER_WORDS = {
    'ACTIVE': 'ACTIVE',
    'BUILD': 'BUILD',
    'ERROR': 'ERROR',
    'REBOOT': 'REBOOT',
    'HARD_REBOOT': 'REBOOT',
    'RESIZE': 'RESIZE',
    'VERIFY_RESIZE': 'RESIZE',
    'SHUTDOWN': 'SHUTDOWN',
    'SHUTOFF': 'SHUTDOWN',
    'STOPPED': 'SHUTDOWN',
    'DELETED': 'SHUTDOWN',
}


#: Every ``status`` of the API.
SHOWN = tuple(sorted({'ERROR', 'RESTART_REQUIRED', 'UNKNOWN', *SERVER_WORDS.values(),
                      *filter(None, OPERATION_WORDS.values())}))


class Facts(NamedTuple):
    """Columns that determine the shown status of an instance, from one row of a list query."""

    server_status: str | None
    service_status: str | None
    heartbeat: datetime | None
    error_code: str | None = None
    restart_required: bool = False
    backup_running: bool = False
    operation_kind: str | None = None
    cancel_wanted: bool = False
    deleted: bool = False
    #: difference between cloud and database, one of :class:`Drift`
    drift: str | None = None


class Drift:
    """Differences between cloud and database; also error codes of :mod:`trove.common.errors`."""

    SERVER_MISSING = 'server_missing'
    VOLUME_MISSING = 'volume_missing'
    VOLUME_DETACHED = 'volume_detached'
    PORT_MISSING = 'port_missing'
    PORT_DETACHED = 'port_detached'

    #: the worst first; only the first one is reported
    ALL = (SERVER_MISSING, VOLUME_MISSING, VOLUME_DETACHED, PORT_MISSING, PORT_DETACHED)


def facts_of(row: Any) -> Facts:
    """Return the facts of a row of :mod:`trove.db.instances`."""
    return Facts(server_status=row.server_status, service_status=row.service_status,
                 heartbeat=row.service_status_updated, error_code=row.error_code,
                 restart_required=row.restart_required, backup_running=row.backup_running,
                 operation_kind=row.operation_kind, cancel_wanted=bool(
                     row.cancel_wanted), deleted=row.deleted, drift=row.drift)


def shown(facts: Facts) -> str:
    """Return the ``status`` for users; the first match wins."""
    deleting = facts.operation_kind == OperationKind.INSTANCE_DELETE
    if facts.deleted or facts.cancel_wanted or deleting:
        return 'SHUTDOWN'
    if facts.operation_kind is not None:
        return OPERATION_WORDS.get(facts.operation_kind) or _server_word(facts.server_status)
    if facts.error_code is not None or facts.drift is not None:
        return 'ERROR'
    if facts.restart_required and facts.server_status == 'ACTIVE':
        return 'RESTART_REQUIRED'
    if facts.backup_running:
        return 'BACKUP'
    return _server_word(facts.server_status)


def _server_word(server_status: str | None) -> str:
    # A missing server is shown as shut down: nothing can connect to it.
    return SERVER_WORDS.get(server_status, 'UNKNOWN') if server_status else 'SHUTDOWN'


def operating(facts: Facts, now: datetime, expiry: int) -> str:
    """Return the ``operating_status`` for users.

    :param now: UTC without a time zone, by the control plane's clock.
    :param expiry: seconds until a silent guest is unreachable.
    """
    # A backup is no task of the instance: its database serves as usual.
    if facts.operation_kind not in (None, OperationKind.BACKUP_CREATE):
        return ''
    if facts.server_status != 'ACTIVE' or facts.service_status is None:
        return ''
    if facts.error_code is not None and facts.service_status == ServiceStatus.NEW:
        return ''
    if is_expired(facts.heartbeat, now, expiry):
        return 'ERROR'
    if facts.restart_required:
        return 'RESTART_REQUIRED'
    return OPERATING_WORDS.get(facts.service_status, 'ERROR')


def is_expired(heartbeat: datetime | None, now: datetime, expiry: int) -> bool:
    """Return whether the last heartbeat is missing or older than ``expiry`` seconds."""
    return heartbeat is None or now - heartbeat > timedelta(seconds=expiry)


def refusal(facts: Facts, now: datetime, expiry: int) -> str | None:
    """Return why an action may not start, as the end of a sentence; None if it may."""
    if facts.operation_kind is not None:
        return f'task status was {facts.operation_kind}'
    status = shown(facts)
    if status not in ('ACTIVE', 'HEALTHY', 'RESTART_REQUIRED'):
        return f'instance status was {status}'
    if facts.backup_running:
        return 'instance status was BACKUP'
    if facts.service_status not in ServiceStatus.ACTIONABLE:
        return f'service status was {facts.service_status}'
    if is_expired(facts.heartbeat, now, expiry):
        return 'its agent has not reported for too long'
    return None
