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

"""Views of operations and events, which the historic API does not have."""

import json
from collections.abc import Sequence
from typing import Any


from trove.common.http import views
from trove.db.rows import EventRow, OperationRow, OperationStepRow


def operation(row: OperationRow) -> dict[str, Any]:
    """Return the fields of an operation: kind, progress and result."""
    steps = json.loads(row.steps)
    current = steps[row.position] if 0 <= row.position < len(steps) and row.active else None
    return {
        'id': row.id,
        'kind': row.kind,
        'state': row.state,
        'resource_type': row.resource_type,
        'resource_id': row.resource_id,
        'project_id': row.project_id,
        'step': current,
        'position': max(row.position, 0),
        'steps_total': len(steps),
        'cancel_wanted': bool(row.cancel_wanted),
        'error': _error(row),
        'request_id': row.request_id,
        'user_id': row.actor,
        'created': views.timestamp(row.created),
        'started': views.timestamp(row.started),
        'updated': views.timestamp(row.updated),
        'finished': views.timestamp(row.finished),
        'deadline': views.timestamp(row.deadline),
    }


def _error(row: OperationRow) -> dict[str, Any] | None:
    return {'code': row.error_code, 'message': row.error_text} if row.error_code else None


def with_steps(row: OperationRow, steps: Sequence[OperationStepRow],
               children: Sequence[OperationRow] = ()) -> dict[str, Any]:
    """Return the fields of an operation with its steps.

    ``busy_ms`` and ``late_ms`` are the time of the control plane.

    :param children: operations that the operation has opened.
    """
    shown = operation(row)
    shown['steps'] = [{
        'name': step.name,
        'attempt': step.attempt,
        'outcome': step.outcome,
        'started': views.timestamp(step.started),
        'ended': views.timestamp(step.ended),
        'runs': step.runs,
        'busy_ms': step.busy_ms,
        'late_ms': step.late_ms,
        'note': step.note,
    } for step in steps]
    if children:
        shown['children'] = [{
            'id': child.id,
            'kind': child.kind,
            'state': child.state,
            'resource_type': child.resource_type,
            'resource_id': child.resource_id,
            'error': _error(child)
        } for child in children]
    return shown


def event(row: EventRow) -> dict[str, Any]:
    return {
        'id': row.id,
        'time': views.timestamp(row.time),
        'type': row.type,
        'text': row.text,
        'operation_id': row.operation_id,
        'request_id': row.request_id,
        'user_id': row.actor,
    }
