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

"""Schemas of requests and responses about operations and events."""

from trove.common.http.schemas import (BOOLEAN, FREE, INTEGER, MOMENT, STRING, array, compiled,
                                       nullable, obj, page_of, showing, shown)

_ERROR = {'type': ['object', 'null'], 'properties': {'code': STRING, 'message': nullable(STRING)},
          'required': ['code', 'message'], 'additionalProperties': False}
_OPERATION = {
    'id': STRING,
    'kind': STRING,
    'state': STRING,
    'resource_type': STRING,
    'resource_id': STRING,
    'project_id': nullable(STRING),
    'step': nullable(STRING),
    'position': INTEGER,
    'steps_total': INTEGER,
    'cancel_wanted': BOOLEAN,
    'started': nullable(MOMENT),
    'error': _ERROR,
    'request_id': nullable(STRING),
    'user_id': nullable(STRING),
    'created': MOMENT,
    'updated': nullable(MOMENT),
    'finished': nullable(MOMENT),
    'deadline': nullable(MOMENT),
}
_STEP = shown(
    'OperationStep', {
        'name': STRING,
        'attempt': INTEGER,
        'outcome': nullable(STRING),
        'started': MOMENT,
        'ended': nullable(MOMENT),
        'runs': INTEGER,
        'busy_ms': INTEGER,
        'late_ms': INTEGER,
        'note': nullable(STRING)
    })
_CHILD = shown(
    'OperationChild', {
        'id': STRING,
        'kind': STRING,
        'state': STRING,
        'resource_type': STRING,
        'resource_id': STRING,
        'error': _ERROR
    })
_EVENT = shown('Event', {
    'id': STRING, 'time': MOMENT, 'type': STRING, 'text': STRING, 'operation_id': nullable(STRING),
    'request_id': nullable(STRING), 'user_id': nullable(STRING)})

_OBJECT = {'anyOf': [FREE, {'type': 'null'}], 'reason': 'must be an object'}
CANCEL = compiled(obj({'cancel': _OBJECT}))
RETRY = compiled(obj({'retry': _OBJECT}))

INDEX = page_of('operations', shown('Operation', _OPERATION))
SHOW = showing('operation', shown('OperationWithSteps', {**_OPERATION, 'steps': array(_STEP)},
                                  {'children': array(_CHILD)}))
EVENTS = page_of('events', _EVENT)
