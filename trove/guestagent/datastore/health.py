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

"""Service status that a user sees, from a probe and the state of the unit: pure decisions."""

from dataclasses import dataclass

from trove.guestagent.system.systemd import UnitState

HEALTHY = 'healthy'
RUNNING = 'running'
SHUTDOWN = 'shutdown'
CRASHED = 'crashed'
UNKNOWN = 'unknown'
BUILDING = 'building'
FAILED = 'failed to spawn'

#: Bytes an engine needs for its next writes, even for deleting.
MIN_FREE = 16 * 1024 * 1024
#: Failed queries in a row that count as starting; more count as hung.
PATIENCE = 3


@dataclass(frozen=True)
class Health:
    """Service status, in the words of the wire, and its reason."""
    status: str
    reason: str = ''


@dataclass(frozen=True)
class Probe:
    """Result of the smallest query. ``failures`` counts the failed ones in a row, with this one."""
    answered: bool
    failures: int = 0
    reason: str = ''
    #: The engine replied but refused: no free connection, or the agent's account is locked.
    replied: bool = False


def judge(probe: Probe, unit: UnitState | None, *, should_run: bool) -> Health:
    """Return the status of an engine.

    :param unit: None if systemd did not answer.
    :param should_run: false after a requested stop. systemd reports a unit as ``failed`` that was
        stopped while it was starting; only the agent knows that the stop was requested.
    """
    if probe.answered:
        return Health(HEALTHY)
    if unit is None:
        return Health(UNKNOWN, 'systemd does not answer')
    if not unit.loaded:
        return Health(UNKNOWN, 'the unit of the database does not exist')
    died = unit.result in ('signal', 'core-dump', 'oom-kill', 'watchdog')
    if unit.active == 'active':
        if probe.replied or probe.failures <= PATIENCE:
            return Health(RUNNING, probe.reason)
        return Health(CRASHED, f'hung: {probe.reason}')
    if unit.active in ('activating', 'reloading', 'deactivating'):
        if unit.sub == 'auto-restart' and died:
            return Health(CRASHED, f'restarting after {unit.result}')
        return Health(RUNNING, f'{unit.active} ({unit.sub})')
    if unit.active == 'inactive' or not should_run:
        return Health(SHUTDOWN, '' if not should_run else 'stopped')
    return Health(CRASHED, f'{unit.active}: {unit.result}')


def with_volume(seen: Health, available: int, *, read_only: bool) -> Health:
    """Return the status with the state of the data volume.

    An engine that answers and cannot write is up and not healthy. It keeps serving, so that the
    tenant can delete data through it. A crash for lack of space names the cause.

    :param available: bytes for the engine's account.
    """
    if read_only:
        trouble = 'the data volume is read-only'
    elif available < MIN_FREE:
        trouble = 'the data volume is full'
    else:
        return seen
    if seen.status == HEALTHY:
        return Health(RUNNING, trouble)
    return Health(seen.status, f'{seen.reason}; {trouble}' if seen.reason else trouble)
