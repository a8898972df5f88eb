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

"""Schemas of requests and responses about configuration groups and parameters."""

from trove.common.http.schemas import (BOOLEAN, FREE, INTEGER, MOMENT, NUMBER, STRING, TEXT, array,
                                       compiled, nullable, obj, page_of, showing, shown, wrapped)

_NAME = {**TEXT, 'maxLength': 64}
_DESCRIPTION = {'type': ['string', 'null'], 'maxLength': 256}

CREATE = compiled(wrapped('configuration', obj({
    'name': _NAME,
    'description': _DESCRIPTION,
    'values': FREE,
    'datastore': obj({'type': TEXT, 'version': TEXT, 'version_number': TEXT}),
}, required=('name', 'values'))))
EDIT = compiled(wrapped('configuration', obj({'values': FREE}, required=('values',))))
UPDATE = compiled(
    wrapped('configuration', obj({
        'name': _NAME,
        'description': _DESCRIPTION,
        'values': FREE
    })))

# --- responses ------------------------------------------------------------------------------------

_SUMMARY = {
    'id': STRING,
    'name': STRING,
    'description': nullable(STRING),
    'created': MOMENT,
    'updated': nullable(MOMENT),
    'datastore_name': nullable(STRING),
    'datastore_version_id': STRING,
    'datastore_version_name': nullable(STRING)
}
SUMMARY = shown('ConfigurationSummary', _SUMMARY)
CONFIGURATION = shown('Configuration', {
    **_SUMMARY, 'datastore_version_number': nullable(STRING),
    'values': FREE,
    'instance_count': INTEGER
})
_PARAMETER = {'name': STRING, 'datastore_version_id': STRING, 'restart_required': BOOLEAN,
              'type': {'enum': ['boolean', 'float', 'integer', 'string']}}
PARAMETER = shown('ConfigurationParameter', _PARAMETER, {'max': NUMBER, 'min': NUMBER})

INDEX = page_of('configurations', SUMMARY)
SHOW = showing('configuration', CONFIGURATION)
INSTANCES = page_of(
    'instances', shown('AttachedInstance', {
        'id': STRING,
        'name': STRING,
        'up_to_date': BOOLEAN
    }))
PARAMETERS = showing('configuration-parameters', array(PARAMETER))
PARAMETER_SHOW = {**PARAMETER, 'xml': {'name': 'configuration-parameter'}}
