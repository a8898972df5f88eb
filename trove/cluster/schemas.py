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

"""Schemas of requests and responses about clusters."""

from trove.common.http.schemas import (FLAVOR, FREE, IPV4, SIZE, STRING, TEXT, UUID, array,
                                       compiled, obj, page_of, wrapped)

_NIC = obj({
    'net-id': UUID,
    'network_id': UUID,
    'subnet_id': UUID,
    'ip_address': IPV4
}, extras=False)
#: The command line sends a list of types, other clients a text.
_TYPE = {'anyOf': [TEXT, array(TEXT)], 'reason': 'must be text or a list of texts'}
NODE = obj({
    'flavorRef': FLAVOR,
    'volume': obj({'size': SIZE, 'type': {**TEXT, 'type': ['string', 'null']}}, required=('size',)),
    'nics': array(_NIC),
    'availability_zone': TEXT,
    'modules': array(obj({'id': UUID}, required=('id',))),
    'region_name': TEXT,
    'name': TEXT,
    'type': _TYPE,
    'related_to': TEXT,
}, required=('flavorRef',))
_COUNT = {'type': 'integer', 'minimum': 1}

CREATE = compiled(
    wrapped(
        'cluster',
        obj(
            {
                'name': TEXT,
                'datastore': obj({
                    'type': TEXT,
                    'version': TEXT
                }, required=('type', 'version')),
                'instances': array(NODE),
                'locality': {
                    'enum': ['affinity', 'anti-affinity']
                },
                'extended_properties': obj({
                    'num_configsvr': _COUNT,
                    'num_mongos': _COUNT,
                    'configsvr_volume_size': SIZE,
                    'mongos_volume_size': SIZE,
                    'configsvr_volume_type': TEXT,
                    'mongos_volume_type': TEXT
                }),
                'configuration': TEXT,
            }, required=('name', 'datastore', 'instances'))))

#: key of an action -> schema of the body
ACTIONS = {
    'grow': compiled(obj({'grow': array(NODE, minItems=1)})),
    'shrink': compiled(obj({'shrink': array(obj({'id': UUID}, required=('id',)), minItems=1)})),
    'restart': compiled(obj({'restart': FREE})),
    'upgrade': compiled(
        obj({'upgrade': obj({'datastore_version': TEXT}, required=('datastore_version',))})),
    'configuration_attach': compiled(
        obj({
            'configuration_attach': obj({'configuration_id': TEXT}, required=('configuration_id',))
        })),
    'configuration_detach': compiled(obj({'configuration_detach': FREE})),
    'add_shard': compiled(obj({'add_shard': FREE})),
    'reset-status': compiled(obj({'reset-status': FREE})),
}
MGMT_RESET_TASK = compiled(obj({'reset-task': FREE}, required=('reset-task',)))
ROOT = compiled(obj({'password': {'type': ['string', 'null'], 'maxLength': 255}}))

# --- responses ------------------------------------------------------------------------------------

#: There are no clusters, so this empty page is the only response.
INDEX = page_of('clusters', obj({'id': STRING}))
