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

"""Schemas of requests and responses of the controllers for administrators."""

from trove.common.http.schemas import (BOOLEAN, FLAG, FREE, INTEGER, MOMENT, NUMBER, STRING, TEXT,
                                       UUID, array, compiled, nullable, obj, page_of, showing,
                                       shown, wrapped)
from trove.configuration.values import TYPES
from trove.instance import schemas as instance_schemas

# --- datastore versions --------------------------------------------------------------------------

#: Items of lists, which are stored joined by commas.
_ITEM = {
    'type': 'string',
    'minLength': 1,
    'pattern': r'^[^,\s]+\Z',
    'reason': 'must not have commas or spaces'
}
_PACKAGES = array({**_ITEM, 'maxLength': 255}, uniqueItems=True)
_TAGS = array({**_ITEM, 'maxLength': 20}, uniqueItems=True, maxItems=5)
_FLAG = {'type': 'boolean'}

VERSION_CREATE = compiled(
    wrapped(
        'version',
        obj(
            {
                'name': TEXT,
                'datastore_name': TEXT,
                'datastore_manager': TEXT,
                'active': _FLAG,
                'image': UUID,
                'image_tags': _TAGS,
                'packages': _PACKAGES,
                'registry_ext': TEXT,
                'repl_strategy': TEXT,
                'default': _FLAG,
                'version': TEXT,
            }, required=('name', 'datastore_name', 'datastore_manager', 'active'), extras=False)))
VERSION_CHANGE = compiled(
    obj(
        {
            'name': TEXT,
            'datastore_manager': TEXT,
            'active': _FLAG,
            'image': UUID,
            'image_tags': _TAGS,
            'packages': _PACKAGES,
            'registry_ext': TEXT,
            'repl_strategy': TEXT,
            'default': _FLAG
        }, extras=False, xml={'name': 'version'}))

VERSION = shown(
    'ManagedDatastoreVersion', {
        'id': STRING,
        'name': STRING,
        'version': STRING,
        'datastore_id': STRING,
        'datastore_name': STRING,
        'datastore_manager': STRING,
        'image': nullable(STRING),
        'image_tags': array(STRING),
        'packages': array(STRING),
        'active': BOOLEAN,
        'registry_ext': nullable(STRING),
        'repl_strategy': nullable(STRING),
        'default': BOOLEAN
    })
VERSIONS = showing('versions', array(VERSION))
VERSION_SHOW = showing('version', VERSION)

# --- parameters ----------------------------------------------------------------------------------

_LIMIT = {'type': ['number', 'null'], 'minimum': -2 ** 63, 'maximum': 2 ** 64 - 1}
PARAMETER_SET = compiled(
    wrapped(
        'configuration-parameter',
        obj(
            {
                'name': {
                    **TEXT, 'maxLength': 128
                },
                'data_type': {
                    'enum': list(TYPES)
                },
                'restart_required': FLAG,
                'max_size': _LIMIT,
                'min_size': _LIMIT,
            }, required=('name', 'data_type', 'restart_required'))))

PARAMETER = shown(
    'ManagedConfigurationParameter', {
        'name': STRING,
        'datastore_version_id': STRING,
        'restart_required': BOOLEAN,
        'type': {
            'enum': list(TYPES)
        }
    }, {
        'max_size': NUMBER,
        'min_size': NUMBER
    })
PARAMETERS = showing('configuration-parameters', array(PARAMETER))
PARAMETER_SHOW = {**PARAMETER, 'xml': {'name': 'configuration-parameter'}}

# --- instances -----------------------------------------------------------------------------------

START = compiled(obj({'start': FREE}))
STOP = compiled(obj({'stop': FREE}))
REBOOT = compiled(obj({'reboot': FREE}))
RESET_TASK_STATUS = compiled(obj({'reset-task-status': FREE}))
MIGRATE = compiled(obj({'migrate': obj({'host': TEXT, 'live': {'type': 'boolean'}})}))
REBUILD = compiled(
    obj({'rebuild': obj({'image_id': UUID}, required=('image_id',), extras=False)}))

AGENT_UPGRADE = compiled(wrapped('upgrade', obj({
    'instance_version': TEXT, 'location': {**TEXT, 'maxLength': 1024}, 'metadata': FREE})))
DIAGNOSTICS = showing(
    'diagnostics',
    shown(
        'Diagnostics', {
            'version': STRING,
            'threads': INTEGER,
            'fdSize': INTEGER,
            'vmSize': INTEGER,
            'vmPeak': INTEGER,
            'vmRss': INTEGER,
            'vmHwm': INTEGER
        }))
HARDWARE = showing('hwinfo', shown('Hardware', {'mem_total': INTEGER, 'num_cpus': INTEGER}))

_SERVER = shown('Server', {'id': STRING}, {
    'name': nullable(STRING),
    'status': nullable(STRING),
    'tenant_id': nullable(STRING),
    'host': nullable(STRING),
    'local_id': nullable(STRING),
    'deleted': BOOLEAN,
    'deleted_at': nullable(MOMENT),
    'addresses': FREE
})
_MANAGED = {
    'server': {
        'anyOf': [_SERVER, {
            'type': 'null'
        }]
    },
    'service_status': nullable(STRING),
    'tenant_id': STRING,
    'deleted': BOOLEAN,
    'deleted_at': nullable(MOMENT),
    'task_description': STRING
}
_VOLUME = shown('ManagedVolume', {'id': nullable(STRING)}, {
    'attachments': nullable(array(FREE)),
    'availability_zone': nullable(STRING),
    'created_at': nullable(STRING),
    'size': nullable(INTEGER),
    'status': nullable(STRING),
    'used': nullable(NUMBER),
    'total': nullable(NUMBER)
})
#: A deleted instance has no version.
_ALWAYS = {**instance_schemas.DETAIL_ALWAYS, **_MANAGED, 'datastore': shown('', {
    'type': nullable(STRING), 'version': nullable(STRING), 'version_number': nullable(STRING)},
    {'desired_version': STRING})}
INSTANCE_INDEX = page_of('instances', shown('ManagedInstanceDetail', _ALWAYS,
                                            instance_schemas.DETAIL_SOMETIMES))
INSTANCE_SHOW = showing('instance', shown(
    'ManagedInstance', {
        **_ALWAYS, 'volume': {'anyOf': [_VOLUME, {'type': 'null'}]},
        'guest_status': shown('', {'state_description': nullable(STRING)})},
    {**{key: schema for key, schema in instance_schemas.DETAIL_SOMETIMES.items()
        if key != 'volume'},
     'locality': STRING, 'local_storage': shown('', {'used': NUMBER}),
     'root_enabled': MOMENT, 'root_enabled_by': nullable(STRING)}))
ROOT_HISTORY = showing('root_history', shown('RootHistory', {
    'id': STRING, 'enabled': STRING, 'user': nullable(STRING)}))
