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

"""Self-description of Nova: versions, extensions, zones, services, the one host."""

import os
import time
import uuid
from typing import Any

import webob

from minicloud import errors, web

LOWEST, HIGHEST = (2, 1), (2, 96)
_EXTENSIONS = ('NMN', 'OS-DCF', 'OS-EXT-AZ', 'OS-EXT-SRV-ATTR', 'OS-EXT-STS', 'OS-FLV-DISABLED',
               'OS-FLV-EXT-DATA', 'OS-SCH-HNT', 'OS-SRV-USG', 'os-admin-actions',
               'os-attach-interfaces', 'os-availability-zone', 'os-block-device-mapping',
               'os-config-drive', 'os-console-output', 'os-extended-volumes', 'os-flavor-access',
               'os-flavor-extra-specs', 'os-flavor-manage', 'os-hypervisors',
               'os-instance-actions', 'os-keypairs', 'os-quota-sets', 'os-server-groups',
               'os-server-start-stop', 'os-services', 'os-used-limits', 'os-user-data',
               'os-volume_attachments')


def documents(request: webob.Request) -> webob.Response | None:
    """Respond to the paths that need no token."""
    path = request.path_info.rstrip('/')
    if request.method != 'GET' or path not in ('', '/v2.1'):
        return None
    own = {'id': 'v2.1', 'status': 'CURRENT', 'version': web.show(HIGHEST),
           'min_version': web.show(LOWEST), 'updated': '2013-07-23T11:33:21Z',
           'links': [{'rel': 'self', 'href': f'{request.application_url}/v2.1/'}]}
    if path == '':
        return errors.json_response(200, {'versions': [own]})
    own['links'].append({'rel': 'describedby', 'type': 'text/html',
                         'href': 'https://docs.openstack.org/'})
    own['media-types'] = [{'base': 'application/json',
                           'type': 'application/vnd.openstack.compute+json;version=2.1'}]
    return errors.json_response(200, {'version': own})


def _extension(alias: str) -> dict[str, Any]:
    return {'alias': alias, 'name': alias, 'description': f'{alias}.', 'links': [],
            'namespace': 'http://docs.openstack.org/compute/ext/fake_xml',
            'updated': '2014-12-03T00:00:00Z'}


def extensions(call: web.Call) -> web.Answer:
    """Respond to GET /extensions."""
    return {'extensions': [_extension(alias) for alias in _EXTENSIONS]}


def extension(call: web.Call, alias: str) -> web.Answer:
    """Respond to GET /extensions/{alias}."""
    if alias not in _EXTENSIONS:
        raise errors.NotFound('The resource could not be found.')
    return {'extension': _extension(alias)}


def zones(call: web.Call) -> web.Answer:
    """Respond to GET /os-availability-zone."""
    return {'availabilityZoneInfo': [{'zoneName': call.cloud.settings.availability_zone,
                                      'zoneState': {'available': True}, 'hosts': None}]}


def zones_detail(call: web.Call) -> web.Answer:
    """Respond to GET /os-availability-zone/detail (admins)."""
    call.require_admin('os_compute_api:os-availability-zone:detail')
    settings = call.cloud.settings
    up = {'active': True, 'available': True, 'updated_at': call.time().rstrip('Z') + '.000000'}
    return {'availabilityZoneInfo': [
        {'zoneName': zone, 'zoneState': {'available': True},
         'hosts': {host: {binary: up} for host in hosts}}
        for zone, binary, hosts in (
            ('internal', 'nova-conductor', (settings.host,)),
            (settings.availability_zone, 'nova-compute', settings.hosts))]}


def _stable_id(call: web.Call, name: str, host: str, since: web.Version = (2, 53)) -> str | int:
    """Return an id for an object that each host has once: a number before ``since``, then a UUID.
    """
    if call.version < since:
        return call.cloud.settings.hosts.index(host) + 1
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f'{name}.{host}'))


def services(call: web.Call) -> web.Answer:
    """Respond to GET /os-services (admins)."""
    call.require_admin('os_compute_api:os-services:list')
    settings = call.cloud.settings
    found = []
    for number, (binary, zone, host) in enumerate((
            ('nova-conductor', 'internal', settings.host),
            ('nova-scheduler', 'internal', settings.host),
            *(('nova-compute', settings.availability_zone, host)
              for host in settings.hosts)), start=1):
        id = number if call.version < (2, 53) else _stable_id(call, binary, host)
        shown = {'id': id, 'binary': binary, 'host': host, 'zone': zone,
                 'status': 'enabled', 'state': 'up', 'disabled_reason': None,
                 'updated_at': call.time().rstrip('Z') + '.000000'}
        if call.version >= (2, 11):
            shown['forced_down'] = False
        if binary == call.query.get('binary', binary) and host == call.query.get('host', host):
            found.append(shown)
    return {'services': found}


def _hypervisor(call: web.Call, host: str, detail: bool) -> dict[str, Any]:
    shown = {'id': _stable_id(call, 'hypervisor', host), 'hypervisor_hostname': host,
             'state': 'up', 'status': 'enabled'}
    servers = call.tx.list('server', host=host)
    if call.flag('with_servers'):
        shown['servers'] = [{'uuid': server['id'], 'name': f'instance-{server["id"][:8]}'}
                            for server in servers]
    if not detail:
        return shown
    shown |= {'host_ip': '127.0.0.1', 'hypervisor_type': 'nspawn', 'hypervisor_version': 1000,
              'service': {'id': _stable_id(call, 'nova-compute', host), 'host': host,
                          'disabled_reason': None}}
    if call.version >= (2, 88):
        with open('/proc/uptime', encoding='ascii') as file:
            seconds = int(float(file.read().split()[0]))
        shown['uptime'] = (time.strftime(' %H:%M:%S', time.gmtime(call.cloud.clock()))
                           + f' up {seconds // 86400} days, {seconds // 3600 % 24}:'
                           f'{seconds // 60 % 60:02d}')
    else:
        shown |= _resources(servers)
        shown['cpu_info'] = {} if call.version >= (2, 28) else '{}'
    return shown


def _resources(servers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the resources of the host and the amounts allocated to machines."""
    ram = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 2 ** 20
    root = os.statvfs('/')
    disk = root.f_frsize * root.f_blocks // 2 ** 30
    used = {name: sum(server['flavor'][name] for server in servers)
            for name in ('vcpus', 'ram', 'disk')}
    return {'vcpus': os.cpu_count() or 1, 'vcpus_used': used['vcpus'], 'memory_mb': ram,
            'memory_mb_used': used['ram'], 'free_ram_mb': ram - used['ram'], 'local_gb': disk,
            'local_gb_used': used['disk'], 'free_disk_gb': disk - used['disk'],
            'disk_available_least': root.f_frsize * root.f_bavail // 2 ** 30,
            'running_vms': len(servers), 'current_workload': 0}


def hypervisors(call: web.Call) -> web.Answer:
    """Respond to GET /os-hypervisors (admins)."""
    call.require_admin('os_compute_api:os-hypervisors:list')
    return {'hypervisors': _named(call, False)}


def hypervisors_detail(call: web.Call) -> web.Answer:
    """Respond to GET /os-hypervisors/detail (admins)."""
    call.require_admin('os_compute_api:os-hypervisors:list-detail')
    return {'hypervisors': _named(call, True)}


def _named(call: web.Call, detail: bool) -> list[dict[str, Any]]:
    pattern = call.query.get('hypervisor_hostname_pattern', '')
    return [_hypervisor(call, host, detail) for host in call.cloud.settings.hosts
            if pattern in host]


def hypervisor(call: web.Call, id: str) -> web.Answer:
    """Respond to GET /os-hypervisors/{id} (admins)."""
    call.require_admin('os_compute_api:os-hypervisors:show')
    for host in call.cloud.settings.hosts:
        shown = _hypervisor(call, host, True)
        if id == str(shown['id']):
            return {'hypervisor': shown}
    raise errors.NotFound(f"Compute host {id} could not be found.")


def statistics(call: web.Call) -> web.Answer:
    """Respond to GET /os-hypervisors/statistics (admins)."""
    call.require_admin('os_compute_api:os-hypervisors:statistics')
    return {'hypervisor_statistics': {'count': len(call.cloud.settings.hosts),
                                      **_resources(call.tx.list('server'))}}


def aggregates(call: web.Call) -> web.Answer:
    """Respond to GET /os-aggregates (admins): always empty, with one host."""
    call.require_admin('os_compute_api:os-aggregates:index')
    return {'aggregates': []}


ROUTES = [web.Route('GET', '/extensions', extensions),
          web.Route('GET', '/extensions/{alias}', extension),
          web.Route('GET', '/os-availability-zone', zones),
          web.Route('GET', '/os-availability-zone/detail', zones_detail),
          web.Route('GET', '/os-services', services),
          web.Route('GET', '/os-aggregates', aggregates),
          web.Route('GET', '/os-hypervisors', hypervisors),
          web.Route('GET', '/os-hypervisors/detail', hypervisors_detail),
          web.Route('GET', '/os-hypervisors/statistics', statistics, until=(2, 87)),
          web.Route('GET', '/os-hypervisors/{id}', hypervisor)]
