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

"""Schemas of requests and responses about backups and backup strategies."""

from trove.common.http.schemas import (FLAG, MOMENT, NUMBER, STRING, TEXT, UUID, array, compiled,
                                       nullable, obj, page_of, showing, shown, wrapped)

_CONTAINER = {'type': 'string', 'minLength': 1, 'maxLength': 255,
              'pattern': r'^[@%+=:,./_-]*[A-Za-z0-9][A-Za-z0-9@%+=:,./_-]*\Z',
              'reason': 'must have letters, digits and @ % + = : , . / _ - only'}
_RESTORE_FROM = obj({
    'remote_location': {'type': 'string', 'minLength': 1, 'maxLength': 1024},
    'local_datastore_version_id': UUID,
    'size': {'type': 'number', 'minimum': 0, 'maximum': 2 ** 31},
}, required=('remote_location', 'local_datastore_version_id', 'size'))

CREATE = compiled(wrapped('backup', obj({
    'name': TEXT,
    'instance': UUID,
    'description': TEXT,
    'parent_id': UUID,
    'incremental': FLAG,
    'swift_container': _CONTAINER,
    'storage_driver': {'enum': ['swift', 'cinder'], 'reason': 'must be swift or cinder'},
    'restore_from': _RESTORE_FROM,
}, required=('name',))))

STRATEGY_CREATE = compiled(
    wrapped(
        'backup_strategy',
        obj(
            {
                'instance_id': {
                    'anyOf': [UUID, {
                        'type': 'string',
                        'maxLength': 0
                    }],
                    'reason': 'must be a UUID, or empty'
                },
                'swift_container': _CONTAINER,
            }, required=('swift_container',), extras=False)))

# --- responses ------------------------------------------------------------------------------------

BACKUP = shown(
    'Backup', {
        'id': STRING,
        'name': STRING,
        'description': nullable(STRING),
        'locationRef': nullable(STRING),
        'instance_id': nullable(STRING),
        'created': MOMENT,
        'updated': MOMENT,
        'size': nullable(NUMBER),
        'status': STRING,
        'parent_id': nullable(STRING),
        'project_id': STRING,
        'storage_driver': nullable(STRING),
    }, {
        'datastore': shown('', {
            'type': STRING,
            'version': STRING,
            'version_id': STRING
        }),
        'fault': shown('BackupFault', {
            'code': STRING,
            'message': STRING
        }),
    })
INDEX = page_of('backups', BACKUP)
SHOW = showing('backup', BACKUP)

STRATEGY = shown('BackupStrategy', {
    'project_id': STRING, 'instance_id': STRING, 'backend': STRING, 'swift_container': STRING})
STRATEGIES = showing('backup_strategies', array(STRATEGY))
STRATEGY_SHOW = showing('backup_strategy', STRATEGY)
