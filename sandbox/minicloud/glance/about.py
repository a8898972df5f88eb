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

"""Self-description of Glance: versions and the schemas that clients read."""

import webob

from minicloud import errors, web

_VERSIONS = ['v2.9', 'v2.8', 'v2.7', 'v2.6', 'v2.5', 'v2.4', 'v2.3', 'v2.2', 'v2.1', 'v2.0']
_TEXT = {'type': ['null', 'string'], 'maxLength': 255}
_SCHEMA_PROPERTIES = {
    'id': {'type': 'string'}, 'name': _TEXT, 'status': {'type': 'string', 'readOnly': True},
    'visibility': {'type': 'string', 'enum': ['community', 'public', 'private', 'shared']},
    'protected': {'type': 'boolean'}, 'os_hidden': {'type': 'boolean'},
    'checksum': {**_TEXT, 'readOnly': True}, 'os_hash_algo': {**_TEXT, 'readOnly': True},
    'os_hash_value': {**_TEXT, 'readOnly': True}, 'owner': _TEXT,
    'size': {'type': ['null', 'integer'], 'readOnly': True},
    'virtual_size': {'type': ['null', 'integer'], 'readOnly': True},
    'container_format': _TEXT, 'disk_format': _TEXT, 'min_ram': {'type': 'integer'},
    'min_disk': {'type': 'integer'}, 'created_at': {'type': 'string', 'readOnly': True},
    'updated_at': {'type': 'string', 'readOnly': True},
    'tags': {'type': 'array', 'items': {'type': 'string', 'maxLength': 255}},
    'file': {'type': 'string', 'readOnly': True}, 'self': {'type': 'string', 'readOnly': True},
    'schema': {'type': 'string', 'readOnly': True}}
_IMAGE_SCHEMA = {'name': 'image', 'properties': _SCHEMA_PROPERTIES,
                 'additionalProperties': {'type': 'string'},
                 'links': [{'rel': 'self', 'href': '{self}'},
                           {'rel': 'enclosure', 'href': '{file}'}]}


def documents(request: webob.Request) -> webob.Response | None:
    """Respond to the paths that need no token."""
    path = request.path_info.rstrip('/')
    if request.method != 'GET' or path not in ('', '/versions', '/v2'):
        return None
    links = [{'rel': 'self', 'href': f'{request.application_url}/v2/'}]
    return errors.json_response(300 if path == '' else 200, {'versions': [
        {'id': id, 'status': 'CURRENT' if place == 0 else 'SUPPORTED', 'links': links}
        for place, id in enumerate(_VERSIONS)]})


def image_schema(call: web.Call) -> web.Answer:
    """Respond to GET /schemas/image."""
    return _IMAGE_SCHEMA


def images_schema(call: web.Call) -> web.Answer:
    """Respond to GET /schemas/images."""
    return {'name': 'images', 'properties': {
        'images': {'type': 'array', 'items': _IMAGE_SCHEMA},
        'first': {'type': 'string'}, 'next': {'type': 'string'}, 'schema': {'type': 'string'}}}


ROUTES = [web.Route('GET', '/schemas/image', image_schema),
          web.Route('GET', '/schemas/images', images_schema)]
