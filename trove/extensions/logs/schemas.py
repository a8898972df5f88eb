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

"""Schemas of requests and responses about logs."""

from trove.common.http.schemas import FLAG, INTEGER, STRING, array, compiled, obj, showing, shown

ACTION = compiled(
    obj(
        {
            'name': {
                'type': 'string',
                'minLength': 1,
                'maxLength': 255
            },
            'enable': FLAG,
            'disable': FLAG,
            'publish': FLAG,
            'discard': FLAG
        }, required=('name',), xml={'name': 'log'}))

_SHOWN = shown(
    'Log', {
        'name': STRING,
        'type': {
            'type': 'string',
            'enum': ['SYS', 'USER']
        },
        'status': STRING,
        'published': {
            **INTEGER, 'description': 'bytes that are stored'
        },
        'pending': {
            **INTEGER, 'description': 'bytes that are not stored yet'
        },
        'container': {
            **STRING, 'description': 'container of the store; "None" before the first publish'
        },
        'prefix': {
            **STRING,
            'description': 'prefix of the stored objects; "None" before the first publish'
        },
        'metafile': {
            **STRING, 'description': 'name of the object with the list of stored objects'
        }
    })
INDEX = showing('logs', array(_SHOWN))
SHOW = showing('log', _SHOWN)
