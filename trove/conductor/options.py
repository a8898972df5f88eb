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

"""Events about options that wait for a restart, drifted or were rejected. Pure.

An event is emitted once per change: the sender's row holds the former state.
"""

import dataclasses
import json
from typing import Any

from trove.common.rpc import messages

#: Facts of a report that are stored, for comparison and for views.
PENDING, DRIFT, REJECTION = 'pending_restart', 'drift', 'rejection'
_MAX_LISTED = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """Stored state of a guest's options before a report.

    :param facts: JSON of the former report's facts.
    """
    restart_required: bool = False
    facts: str | None = None


@dataclasses.dataclass
class News:
    """Changes by a report.

    :param restart_required: new value of the instance's column; None to keep it.
    :param events: (type, text) of each event.
    """
    restart_required: bool | None = None
    events: list[tuple[str, str]] = dataclasses.field(default_factory=list)


def facts(heartbeat: messages.Heartbeat) -> dict[str, Any]:
    """Return the facts about options to store."""
    return {
        PENDING: heartbeat.pending_restart,
        DRIFT: heartbeat.drift,
        REJECTION: heartbeat.rejection
    }


def news(heartbeat: messages.Heartbeat, known: Known) -> News | None:
    """Return the changes by a report; None for most reports."""
    before = json.loads(
        known.facts) if known.facts and (DRIFT in known.facts or REJECTION in known.facts) else {}
    waits, drift = bool(heartbeat.pending_restart), before.get(DRIFT, [])
    if (waits == known.restart_required and heartbeat.drift == drift
            and heartbeat.rejection == before.get(REJECTION, '')):
        return None
    found = News()
    if waits != known.restart_required:
        found.restart_required = waits
        found.events.append(('instance.restart_required', 'These options wait for a restart: '
                             f'{_listed(heartbeat.pending_restart)}.') if waits else (
                                 'instance.restart_not_required',
                                 'No option waits for a restart any more.'))
    if heartbeat.drift != drift:
        found.events.append((
            'instance.options_drifted', 'These options were changed in the running database, and '
            f'differ from its configuration: {_listed(heartbeat.drift)}. A restart restores the '
            'configured values.') if heartbeat.drift else (
                'instance.options_as_configured',
                'All options run with their configured values again.'))
    if heartbeat.rejection and heartbeat.rejection != before.get(REJECTION):
        found.events.append(
            ('instance.options_rejected', 'The database does not start with the options of its '
             f'configuration group, and runs with the last valid ones: {heartbeat.rejection}'))
    return found


def _listed(names: list[str]) -> str:
    more = f' and {len(names) - _MAX_LISTED} more' if len(names) > _MAX_LISTED else ''
    return ', '.join(names[:_MAX_LISTED]) + more
