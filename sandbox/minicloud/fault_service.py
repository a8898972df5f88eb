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

"""Planned faults over HTTP, for tests of a running process (admins only)."""

from minicloud import errors, web

_REQUEST = {'type': 'object', 'additionalProperties': False,
            'required': ['service', 'method', 'path'], 'properties': {
                'service': {'enum': ['compute', 'network', 'volume', 'image']},
                'method': {'type': 'string'}, 'path': {'type': 'string'},
                'nth': {'type': 'integer', 'minimum': 1},
                'times': {'type': 'integer', 'minimum': 1},
                'mode': {'enum': ['before', 'after', 'delay', 'status']},
                'status': {'type': 'integer', 'minimum': 400, 'maximum': 599},
                'message': {'type': 'string'},
                'seconds': {'type': 'number', 'minimum': 0, 'maximum': 600}}}
_WORK = {'type': 'object', 'additionalProperties': False, 'required': ['kind'], 'properties': {
    'kind': {'type': 'string'}, 'nth': {'type': 'integer', 'minimum': 1},
    'times': {'type': 'integer', 'minimum': 1}, 'message': {'type': 'string'}}}


def add(call: web.Call) -> web.Answer:
    """Respond to POST /v1/faults with ``request`` or ``work``: see :mod:`minicloud.faults`."""
    call.require_admin('faults:create')
    body = call.json()
    if isinstance(body, dict) and 'work' in body:
        web.check(_WORK, body['work'])
        call.cloud.faults.work(**body['work'])
    else:
        fault = call.member('request')
        web.check(_REQUEST, fault)
        call.cloud.faults.request(**fault)
    return 201, body


def clear(call: web.Call) -> web.Answer:
    """Respond to DELETE /v1/faults: remove all planned faults."""
    call.require_admin('faults:delete')
    call.cloud.faults.clear()
    return 204, None


SERVICE = web.Service('faults', '/v1', [web.Route('POST', '/faults', add),
                                        web.Route('DELETE', '/faults', clear)],
                      lambda request: None, errors.render_fault)
