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

"""Self-description of Cinder: versions, extensions, services, availability zones."""

import webob

from minicloud import errors, web

LOWEST, HIGHEST = (3, 0), (3, 71)
_EXTENSIONS = {'os-quota-sets': 'Quotas', 'os-availability-zone': 'AvailabilityZones',
               'os-services': 'Services', 'os-types-extra-specs': 'TypesExtraSpecs',
               'os-volume-actions': 'VolumeActions', 'os-admin-actions': 'AdminActions',
               'os-extended-snapshot-attributes': 'ExtendedSnapshotAttributes',
               'os-vol-tenant-attr': 'VolumeTenantAttribute',
               'os-vol-host-attr': 'VolumeHostAttribute'}


def documents(request: webob.Request) -> webob.Response | None:
    """Respond to the paths that need no token."""
    path = request.path_info.rstrip('/')
    if request.method != 'GET' or path not in ('', '/v3'):
        return None
    body = {'versions': [{
        'id': 'v3.0', 'status': 'CURRENT', 'version': web.show(HIGHEST),
        'min_version': web.show(LOWEST), 'updated': '2023-08-31T00:00:00Z',
        'media-types': [{'base': 'application/json',
                         'type': 'application/vnd.openstack.volume+json;version=3'}],
        'links': [{'rel': 'self', 'href': f'{request.application_url}/v3/'},
                  {'rel': 'describedby', 'type': 'text/html',
                   'href': 'https://docs.openstack.org/'}]}]}
    return errors.json_response(300 if path == '' else 200, body)


def extensions(call: web.Call) -> web.Answer:
    """Respond to GET /extensions."""
    return {'extensions': [{'alias': alias, 'name': name, 'description': f'{name}.',
                            'links': [], 'updated': '2013-01-01T00:00:00+00:00'}
                           for alias, name in _EXTENSIONS.items()]}


def services(call: web.Call) -> web.Answer:
    """Respond to GET /os-services (admins)."""
    call.require_admin('volume_extension:services:index')
    settings = call.cloud.settings
    return {'services': [
        {'binary': binary, 'host': host, 'zone': settings.availability_zone,
         'status': 'enabled', 'state': 'up', 'disabled_reason': None,
         'updated_at': call.time().rstrip('Z') + '.000000'}
        for binary, host in (('cinder-scheduler', settings.host),
                             ('cinder-volume', f'{settings.host}@loop'))]}


def availability_zones(call: web.Call) -> web.Answer:
    """Respond to GET /os-availability-zone."""
    return {'availabilityZoneInfo': [{'zoneName': call.cloud.settings.availability_zone,
                                      'zoneState': {'available': True}}]}


def no_backups(call: web.Call) -> web.Answer:
    """Respond to GET /backups: this cloud's block storage makes none."""
    return {'backups': []}


ROUTES = [web.Route('GET', '/extensions', extensions),
          web.Route('GET', '/os-services', services),
          web.Route('GET', '/os-availability-zone', availability_zones),
          web.Route('GET', '/backups', no_backups),
          web.Route('GET', '/backups/detail', no_backups)]
