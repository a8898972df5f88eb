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

"""Self-description of Neutron: versions, extensions, agents, availability zones."""

import webob

from minicloud import errors, web

_EXTENSIONS = {
    'agent': 'agent', 'allowed-address-pairs': 'Allowed Address Pairs',
    'availability_zone': 'Availability Zone', 'binding': 'Port Binding',
    'default-subnetpools': None, 'dns-integration': 'DNS Integration',
    'external-net': 'Neutron external network', 'fip-port-details': 'Floating IP Port Details',
    'network-ip-availability': None, 'net-mtu': 'Network MTU',
    'net-mtu-writable': 'Network MTU (writable)', 'pagination': 'Pagination support',
    'port-security': 'Port Security', 'port-device-profile': None,
    'project-id': 'project_id field enabled', 'provider': 'Provider Network',
    'quotas': 'Quota management support', 'quota_details': 'Quota details management support',
    'router': 'Neutron L3 Router', 'security-group': 'security-group',
    'sorting': 'Sorting support', 'standard-attr-description': 'standard-attr-description',
    'standard-attr-revisions': 'Resource revision numbers',
    'standard-attr-tag': 'Tag support for resources with standard attribute',
    'standard-attr-timestamp': 'Resource timestamps', 'stateful-security-group': None,
    'security-groups-normalized-cidr': None, 'ip-substring-filtering': None}


def _extension(alias: str) -> dict:
    name = _EXTENSIONS[alias] or alias
    return {'alias': alias, 'name': name, 'description': f'{name}.', 'links': [],
            'updated': '2020-01-01T00:00:00-00:00'}


def documents(request: webob.Request) -> webob.Response | None:
    """Respond to the paths that need no token."""
    path = request.path_info.rstrip('/')
    if request.method != 'GET' or path not in ('', '/v2.0'):
        return None
    own = {'id': 'v2.0', 'status': 'CURRENT', 'links': [
        {'rel': 'self', 'href': f'{request.application_url}/v2.0/'}]}
    if path == '':
        return errors.json_response(200, {'versions': [own]})
    plurals = {'networks': 'network', 'subnets': 'subnet', 'ports': 'port', 'routers': 'router',
               'floatingips': 'floatingip', 'security-groups': 'security_group'}
    return errors.json_response(200, {'version': own, 'resources': [
        {'name': name, 'collection': plural, 'links': [
            {'rel': 'self', 'href': f'{request.application_url}/v2.0/{plural}'}]}
        for plural, name in plurals.items()]})


def extensions(call: web.Call) -> web.Answer:
    """Respond to GET /extensions."""
    return {'extensions': [_extension(alias) for alias in _EXTENSIONS]}


def extension(call: web.Call, alias: str) -> web.Answer:
    """Respond to GET /extensions/{alias}."""
    if alias not in _EXTENSIONS:
        raise errors.NotFound(f'Extension with alias {alias} does not exist',
                              'HTTPNotFound')
    return {'extension': _extension(alias)}


def agents(call: web.Call) -> web.Answer:
    """Respond to GET /agents: this cloud needs none."""
    call.require_admin('get_agent')
    return {'agents': []}


def availability_zones(call: web.Call) -> web.Answer:
    """Respond to GET /availability_zones."""
    zone = call.cloud.settings.availability_zone
    return {'availability_zones': [{'name': zone, 'resource': resource, 'state': 'available'}
                                   for resource in ('network', 'router')]}


ROUTES = [web.Route('GET', '/extensions', extensions),
          web.Route('GET', '/extensions/{alias}', extension),
          web.Route('GET', '/agents', agents),
          web.Route('GET', '/availability_zones', availability_zones)]
