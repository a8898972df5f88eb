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

"""Schemas of requests and responses on instances; validation.py checks the meaning of values."""

from typing import Any

from trove.common.http.schemas import (BOOLEAN, CIDR, FLAVOR, FREE, INTEGER, IPV4, LINKS, MOMENT,
                                       NAME, NUMBER, SIZE, STRING, TEXT, UUID, array, compiled,
                                       nullable, obj, page_of, showing, shown, wrapped)

#: Maximum number of databases or users in one message to a guest.
MAX_OBJECTS = 1000
#: Maximum number of allowed networks; each is a rule of the security group.
MAX_CIDRS = 256

DATABASE_NAME = obj({'name': TEXT}, required=('name',))
DATABASE = obj({'name': TEXT, 'character_set': TEXT, 'collate': TEXT}, required=('name',))
HOST = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': r'^%?[\w().-]*%?\Z',
        'reason': 'must be %, an address, or an address with a leading or trailing %'}
USER = obj(
    {
        'name': NAME,
        'password': TEXT,
        'host': HOST,
        'databases': array(DATABASE_NAME, uniqueItems=True, maxItems=MAX_OBJECTS)
    }, required=('name', 'password'))

_VOLUME = obj({'size': SIZE, 'type': {**TEXT, 'type': ['string', 'null']}}, required=('size',))

#: openstacksdk sends the size alone.
_NEW_VOLUME = {'anyOf': [obj({'size': SIZE}, required=('size',)), *SIZE['anyOf']],
               'reason': "must be an object with 'size', a whole number of GB, at least 1"}

_NIC = obj({
    'net-id': UUID,
    'network_id': UUID,
    'subnet_id': UUID,
    'ip_address': IPV4
}, extras=False)

_ACCESS = obj({
    'is_public': {
        'type': 'boolean'
    },
    'allowed_cidrs': array(CIDR, uniqueItems=True, maxItems=MAX_CIDRS)
})

CREATE = compiled(wrapped('instance', obj({
    'name': TEXT,
    'flavorRef': FLAVOR,
    'volume': _VOLUME,
    'datastore': obj({'type': TEXT, 'version': TEXT, 'version_number': TEXT}),
    'databases': array(DATABASE, maxItems=MAX_OBJECTS),
    'users': array(USER, maxItems=MAX_OBJECTS),
    'restorePoint': obj({'backupRef': UUID}, required=('backupRef',)),
    'replica_of': UUID,
    'replica_count': {'type': 'integer', 'minimum': 1, 'maximum': 3},
    'configuration': TEXT,
    'configuration_id': {'anyOf': [UUID, {'type': 'null'}], 'reason': 'must be a UUID or null'},
    'nics': array(_NIC, maxItems=1),
    'availability_zone': TEXT,
    'region_name': TEXT,
    'locality': TEXT,
    'modules': array(obj({'id': UUID}, required=('id',))),
    'access': _ACCESS,
    'deletion_protection': {'type': 'boolean'},
}, required=('name',))))

#: Keys of an update. ``configuration`` and ``replica_of`` are meaningful without a value too.
_CHANGES = {
    'name': TEXT,
    'configuration': {'anyOf': [UUID, {'type': 'null'}], 'reason': 'must be a UUID or null'},
    'replica_of': {},
    'datastore_version': TEXT,
    'deletion_protection': {'type': 'boolean'},
}
#: Schema of a PUT.
UPDATE = compiled(
    wrapped('instance',
            obj({
                **_CHANGES, 'access': obj(_ACCESS['properties'], extras=False)
            }, extras=False)))
#: Schema of a PATCH.
EDIT = compiled(wrapped('instance', obj({**_CHANGES, 'slave_of': {}}, extras=False)))

RESTART = compiled(obj({'restart': {'anyOf': [FREE, {'type': 'null'}],
                                    'reason': 'must be an object'}}))
RESIZE_VOLUME = compiled(wrapped('resize', obj({'volume': _NEW_VOLUME}, required=('volume',))))
RESIZE_FLAVOR = compiled(wrapped('resize', obj({'flavorRef': FLAVOR}, required=('flavorRef',))))
RESET_STATUS = compiled(obj({'reset_status': FREE}))
PROMOTE = compiled(obj({'promote_to_replica_source': FREE}))
EJECT = compiled(obj({'eject_replica_source': FREE}))

_ANYTHING_TRUE = {'type': ['boolean', 'integer', 'string', 'null']}
SSL_CHANGE = compiled(wrapped('ssl', obj({
    'enable': _ANYTHING_TRUE, 'disable': _ANYTHING_TRUE, 'rollback': _ANYTHING_TRUE,
    'mode': {'enum': ['basic', 'enforced', 'mtls'], 'reason': 'must be basic, enforced or mtls'},
    'container_ref': {'type': ['string', 'null'], 'maxLength': 1024},
    'password_ref': {'type': ['string', 'null'], 'maxLength': 1024}})))


def size_of(volume: Any) -> int:
    """Return the size in GB of the volume of a resize, in either form that the schema accepts."""
    return int(volume['size'] if isinstance(volume, dict) else volume)


# --- answers -------------------------------------------------------------------------------------

_LINKED = shown('LinkedInstance', {'id': STRING, 'links': LINKS})
_FLAVOR = shown('', {'id': STRING, 'links': LINKS})
_SHOWN_ACCESS = shown('', {}, {'is_public': BOOLEAN, 'allowed_cidrs': nullable(array(STRING))})
_ADDRESS = shown('Address', {
    'address': STRING,
    'type': {
        'enum': ['private', 'public']
    }
}, {'network': STRING})

_SUMMARY = {
    'id': STRING,
    'name': STRING,
    'status': STRING,
    'operating_status': STRING,
    'links': LINKS,
    'flavor': _FLAVOR,
    'datastore': shown('', {
        'type': STRING,
        'version': STRING
    }),
    'region': nullable(STRING),
    'access': _SHOWN_ACCESS,
    'deletion_protection': BOOLEAN
}
_SUMMARY_SOMETIMES = {
    'volume': shown('', {'size': INTEGER}),
    'hostname': STRING,
    'ip': array(STRING),
    'addresses': array(_ADDRESS),
    'replica_of': _LINKED,
    'replicas': array(_LINKED),
    'tenant_id': STRING
}
_DETAIL = {
    **_SUMMARY, 'datastore': shown('', {
        'type': STRING,
        'version': STRING,
        'version_number': nullable(STRING)
    }, {'desired_version': STRING}),
    'created': MOMENT,
    'updated': nullable(MOMENT),
    'service_status_updated': nullable(MOMENT)
}
_DETAIL_SOMETIMES = {
    **_SUMMARY_SOMETIMES, 'fault': shown('InstanceFault', {
        'message': STRING,
        'created': MOMENT,
        'details': nullable(STRING)
    }),
    'configuration': shown('', {
        'id': STRING,
        'name': nullable(STRING),
        'links': LINKS
    }),
    'cluster_id': STRING,
    'shard_id': STRING,
    'server_id': nullable(STRING),
    'volume_id': nullable(STRING),
    'encrypted_rpc_messaging': BOOLEAN
}
_COMPLETE_SOMETIMES = {
    **_DETAIL_SOMETIMES, 'pending_restart': array(STRING),
    'drifted_options': array(STRING),
    'locality': STRING,
    'local_storage': shown('', {'used': NUMBER}),
    'volume': shown('', {'size': INTEGER}, {
        'used': NUMBER,
        'used_percent': NUMBER
    })
}

#: Used by the views of administrators, which add fields.
DETAIL_ALWAYS, DETAIL_SOMETIMES = _DETAIL, _DETAIL_SOMETIMES

INDEX = page_of('instances', shown('InstanceSummary', _SUMMARY, _SUMMARY_SOMETIMES))
DETAIL = page_of('instances', shown('InstanceDetail', _DETAIL, _DETAIL_SOMETIMES))
SHOW = showing('instance', shown('Instance', _DETAIL, _COMPLETE_SOMETIMES))
CONFIGURATION = showing('instance', shown('InstanceDefaults', {'configuration': FREE}))
SSL = showing(
    'ssl',
    shown(
        '', {
            'status': {
                'enum': ['on', 'off']
            },
            'mode': {
                'enum': ['builtin', 'basic', 'enforced', 'mtls']
            },
            'certificate': shown('Certificate', {
                'cn': nullable(STRING),
                'expire_at': nullable(STRING),
                'san': array(STRING)
            }, {'payload': nullable(STRING)})
        }))
SSL_CHANGED = showing('ssl',
                      shown('', {'restart_required': BOOLEAN}, {
                          'status': STRING,
                          'mode': STRING
                      }))
CREATED = showing('instance',
                  shown('CreatedInstance', _DETAIL, {
                      **_COMPLETE_SOMETIMES, 'password': STRING
                  }))
