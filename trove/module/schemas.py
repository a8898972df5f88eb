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

"""Schemas of requests and responses about modules."""

from trove.common.http.schemas import (BOOLEAN, FLAG, INTEGER, MOMENT, STRING, TEXT, UUID, array,
                                       compiled, nullable, obj, page_of, showing, shown, wrapped)
from trove.instance import schemas as instance_schemas

_FIELDS = {
    'name': TEXT,
    'module_type': TEXT,
    'contents': {'type': 'string', 'minLength': 1, 'maxLength': 4294967295},
    'description': TEXT,
    'datastore': obj({'type': TEXT, 'version': TEXT}),
    'all_tenants': FLAG,
    'auto_apply': FLAG,
    'visible': FLAG,
    'live_update': FLAG,
    'priority_apply': FLAG,
    'apply_order': {'type': 'integer', 'minimum': 0, 'maximum': 9},
    'full_access': FLAG,
}
CREATE = compiled(wrapped('module', obj(_FIELDS, required=('name', 'module_type', 'contents'))))
UPDATE = compiled(wrapped('module', obj({
    **_FIELDS, 'type': TEXT, 'all_datastores': FLAG, 'all_datastore_versions': FLAG})))
REAPPLY = compiled(wrapped('reapply', obj({
    'md5': {'type': 'string', 'pattern': '^[0-9A-Fa-f]{32}\\Z', 'reason': 'must be an MD5 sum'},
    'include_clustered': FLAG,
    'batch_size': {'type': 'integer', 'minimum': 0, 'maximum': 10000},
    'batch_delay': {'type': 'integer', 'minimum': 0, 'maximum': 3600},
    'force': FLAG})))
#: Modules in one request.
MAX_MODULES = 100
APPLY = compiled(
    wrapped('modules', array(obj({'id': UUID}, required=('id',)), maxItems=MAX_MODULES)))

# --- responses ------------------------------------------------------------------------------------

_SUMMARY = {
    'id': STRING,
    'name': STRING,
    'description': nullable(STRING),
    'type': STRING,
    'tenant_id': nullable(STRING),
    'tenant': STRING,
    'datastore_id': nullable(STRING),
    'datastore_version_id': nullable(STRING),
    'datastore': STRING,
    'datastore_version': STRING,
    'auto_apply': BOOLEAN,
    'priority_apply': BOOLEAN,
    'is_admin': BOOLEAN,
    'visible': BOOLEAN,
    'apply_order': INTEGER,
    'md5': STRING,
    'created': MOMENT,
    'updated': MOMENT
}
_DETAIL = {**_SUMMARY, 'live_update': BOOLEAN}
INDEX = showing('modules', array(shown('ModuleSummary', _SUMMARY)))
MODULE = showing('module', shown('Module', _DETAIL))
SHOW = showing('module', shown('ModuleWithCount', {**_DETAIL, 'instance_count': INTEGER}))
_COUNT = shown(
    'ModuleCount', {
        'module_name': STRING,
        'module_id': STRING,
        'module_md5': STRING,
        'instance_count': INTEGER,
        'current': BOOLEAN,
        'min_updated_date': nullable(MOMENT),
        'max_updated_date': nullable(MOMENT)
    })
_INSTANCE = instance_schemas.INDEX['properties']['instances']['items']
INSTANCES = page_of('instances', {'anyOf': [_INSTANCE, _COUNT]})

_ON_INSTANCE = shown(
    'InstanceModule', {
        'type': STRING,
        'name': STRING,
        'datastore': STRING,
        'datastore_version': STRING,
        'tenant': STRING,
        'id': STRING,
        'md5': STRING,
        'status': {
            'enum': ['OK', 'ERROR']
        },
        'message': nullable(STRING),
        'created': nullable(MOMENT),
        'updated': nullable(MOMENT),
        'removed': nullable(MOMENT),
        'auto_apply': BOOLEAN,
        'visible': BOOLEAN,
        'is_admin': BOOLEAN,
        'contents': nullable(STRING)
    })
ON_INSTANCE = showing('modules', array(_ON_INSTANCE))
