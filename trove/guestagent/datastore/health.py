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

"""From what a probe and systemd say to the service status a user sees: pure decisions, no input or output."""

from dataclasses import dataclass

from trove.guestagent.system.systemd import UnitState

HEALTHY = 'healthy'
RUNNING = 'running'
SHUTDOWN = 'shutdown'
CRASHED = 'crashed'
UNKNOWN = 'unknown'
BUILDING = 'building'
FAILED = 'failed to spawn'

#: Bytes an engine needs for what it writes next, even when it only empties something.
MIN_FREE = 16 * 1024 * 1024
#: Failed queries in a row that are called starting; more are called hung.
PATIENCE = 3


@dataclass(frozen=True)
class Health:
    """A service status in the words of the wire, and why."""
    status: str
    reason: str = ''


@dataclass(frozen=True)
class Probe:
    """The answer of the engine's smallest query. ``failures`` counts those failed in a row, this one included."""
    answered: bool
    failures: int = 0
    reason: str = ''
    #: It replied, only not to us: out of connections, or the agent's account is locked.
    replied: bool = False


def judge(probe: Probe, unit: UnitState | None, *, should_run: bool) -> Health:
    """The status of an engine.

    :param unit: None when systemd did not answer.
    :param should_run: false after a wanted stop: systemd calls a unit ``failed`` that was stopped while it was
        still starting, and only the agent knows that this was wanted.
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
    """What the state of the data volume adds: an engine that answers and cannot write is up and not healthy.

    It keeps serving, so that somebody can make room through it; and a crash for want of room says so.

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
