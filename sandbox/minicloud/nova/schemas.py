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

"""JSON schemas of request bodies about servers."""

from typing import Any

#: Printable characters of the basic plane, no white space at the ends.
NAME = {
    'type': 'string',
    'minLength': 1,
    'maxLength': 255,
    'pattern': '^(?!\\s)[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\uffff-\U0010ffff]*(?<!\\s)\\Z'
}
METADATA = {'type': 'object', 'additionalProperties': {'type': 'string', 'maxLength': 255},
            'propertyNames': {'minLength': 1, 'maxLength': 255}}
TAG = {'type': 'string', 'minLength': 1, 'maxLength': 60, 'pattern': '^[^,/]*$'}
TAGS = {'type': 'array', 'items': TAG, 'maxItems': 50}
USER_DATA = {'type': ['string', 'null'], 'maxLength': 65535}
BOOLEAN = {'type': ['boolean', 'string', 'integer', 'null']}
_TEXT = {'type': ['string', 'null'], 'maxLength': 255}
_COUNT = {'type': ['integer', 'string'], 'pattern': '^[0-9]+$', 'minimum': 1}
_HINTS = {'type': 'object'}

_NETWORKS = {'anyOf': [
    {'type': 'string', 'enum': ['auto', 'none']},
    {'type': 'array', 'items': {
        'type': 'object', 'additionalProperties': False, 'properties': {
            'uuid': _TEXT, 'port': _TEXT, 'fixed_ip': _TEXT, 'tag': TAG}}}]}

_BLOCK_DEVICE = {
    'type': 'object', 'additionalProperties': False, 'properties': {
        'boot_index': {'type': ['integer', 'string', 'null']}, 'uuid': _TEXT,
        'source_type': {'enum': ['volume', 'image', 'snapshot', 'blank']},
        'destination_type': {'enum': ['local', 'volume']}, 'volume_size': {},
        'delete_on_termination': BOOLEAN, 'device_name': _TEXT, 'guest_format': _TEXT,
        'device_type': _TEXT, 'disk_bus': _TEXT, 'tag': TAG, 'volume_type': _TEXT,
        'no_device': BOOLEAN}}

CREATE = {
    'type': 'object', 'additionalProperties': False, 'required': ['name', 'flavorRef'],
    'properties': {
        'name': NAME, 'flavorRef': {'type': ['string', 'integer'], 'minLength': 1},
        'imageRef': {'type': 'string'}, 'adminPass': {'type': 'string'},
        'metadata': METADATA, 'networks': _NETWORKS, 'accessIPv4': _TEXT, 'accessIPv6': _TEXT,
        'OS-DCF:diskConfig': {'enum': ['AUTO', 'MANUAL']}, 'personality': {},
        'availability_zone': _TEXT, 'key_name': _TEXT, 'config_drive': BOOLEAN,
        'user_data': USER_DATA, 'block_device_mapping_v2': {
            'type': 'array', 'items': _BLOCK_DEVICE},
        'security_groups': {'type': 'array', 'items': {
            'type': 'object', 'properties': {'name': {'type': 'string', 'minLength': 1}},
            'additionalProperties': False}},
        'min_count': _COUNT, 'max_count': _COUNT, 'return_reservation_id': BOOLEAN,
        'os:scheduler_hints': _HINTS, 'OS-SCH-HNT:scheduler_hints': _HINTS,
        'description': {'type': ['string', 'null'], 'maxLength': 255}, 'tags': TAGS,
        'hostname': {'type': 'string', 'minLength': 1, 'maxLength': 255},
        'host': _TEXT, 'hypervisor_hostname': _TEXT,
        'trusted_image_certificates': {'type': ['array', 'null']}}}

REBUILD = {
    'type': 'object', 'additionalProperties': False, 'required': ['imageRef'], 'properties': {
        'imageRef': {'type': 'string'}, 'name': NAME, 'adminPass': {'type': 'string'},
        'metadata': METADATA, 'preserve_ephemeral': BOOLEAN,
        'OS-DCF:diskConfig': {'enum': ['AUTO', 'MANUAL']}, 'accessIPv4': _TEXT,
        'accessIPv6': _TEXT, 'description': {'type': ['string', 'null'], 'maxLength': 255},
        'key_name': _TEXT, 'user_data': USER_DATA,
        'hostname': {'type': 'string', 'minLength': 1, 'maxLength': 255},
        'trusted_image_certificates': {'type': ['array', 'null']}}}


def migrate_live(version: tuple[int, int]) -> dict[str, Any]:
    """Return the schema of ``os-migrateLive``, which several microversions have changed."""
    properties: dict[str, Any] = {'host': _TEXT}
    if version < (2, 25):
        properties |= {'block_migration': BOOLEAN, 'disk_over_commit': BOOLEAN}
    else:
        properties['block_migration'] = {'anyOf': [BOOLEAN, {'const': 'auto'}]}
    required = sorted(properties)
    if (2, 30) <= version < (2, 68):
        properties['force'] = BOOLEAN
    return {'type': 'object', 'additionalProperties': False, 'required': required,
            'properties': properties}


UPDATE = {
    'type': 'object', 'additionalProperties': False, 'properties': {
        'name': NAME, 'accessIPv4': _TEXT, 'accessIPv6': _TEXT,
        'OS-DCF:diskConfig': {'enum': ['AUTO', 'MANUAL']},
        'description': {'type': ['string', 'null'], 'maxLength': 255},
        'hostname': {'type': 'string', 'minLength': 1, 'maxLength': 255}}}

ATTACH_VOLUME = {
    'type': 'object', 'additionalProperties': False, 'required': ['volumeId'], 'properties': {
        'volumeId': {'type': 'string', 'format': 'uuid'}, 'device': _TEXT, 'tag': TAG,
        'delete_on_termination': BOOLEAN}}

ATTACH_INTERFACE = {
    'type': 'object', 'additionalProperties': False, 'properties': {
        'net_id': _TEXT, 'port_id': _TEXT, 'tag': TAG, 'fixed_ips': {
            'type': 'array', 'maxItems': 1, 'items': {
                'type': 'object', 'additionalProperties': False, 'required': ['ip_address'],
                'properties': {'ip_address': {'type': 'string'}}}}}}
