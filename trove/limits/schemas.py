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

"""Schema of the response about limits."""

from trove.common.http.schemas import INTEGER, STRING, array, showing, shown

_ABSOLUTE = {'title': 'AbsoluteLimits', 'type': 'object', 'required': ['verb'],
             'properties': {'verb': {'const': 'ABSOLUTE'}},
             'additionalProperties': INTEGER}
_RATE = shown(
    'RateLimit', {
        'verb': {
            'enum': ['POST', 'PUT', 'DELETE', 'GET']
        },
        'value': INTEGER,
        'remaining': INTEGER,
        'unit': STRING,
        'nextAvailable': STRING,
        'uri': STRING,
        'regex': STRING
    })
INDEX = showing('limits', array({'anyOf': [_ABSOLUTE, _RATE]}))
