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
"""Files of the OpenStack config drive that configures a machine on its first boot.

Rendering is pure. :func:`write` stores the files in a new disk, where cloud-init's ConfigDrive
data source finds them, so the host's kernel needs neither iso9660 nor vfat. Machines without a
config drive get the same files, since there is no metadata server.
"""

import hashlib
import ipaddress
import json
import os
import pathlib
import re
from typing import Any

from minicloud.hypervisor import PortSpec, ServerSpec

#: Directory of the drive below the root of a machine's disk.
SEED = pathlib.PurePosixPath('var/lib/cloud/seed/config_drive')


def meta_data(spec: ServerSpec) -> dict[str, Any]:
    """Return meta_data.json in Nova's format."""
    document: dict[str, Any] = {
        'uuid': spec.id, 'name': spec.name, 'hostname': host_name(spec.name),
        'launch_index': 0, 'availability_zone': spec.availability_zone,
        'project_id': spec.project_id, 'meta': dict(spec.metadata), 'devices': [],
        'dedicated_cpus': [],
    }
    if spec.key_pairs:
        document['public_keys'] = {pair.name: pair.public_key for pair in spec.key_pairs}
        document['keys'] = [{'name': pair.name, 'type': 'ssh', 'data': pair.public_key}
                            for pair in spec.key_pairs]
    return document


def host_name(name: str) -> str:
    """Return the host name for a server's name, by Nova's rules."""
    text = re.sub(r'[^a-z0-9_.-]', '', name.lower().replace(' ', '-').replace('_', '-'))
    text = text.strip('.-')[:63].rstrip('.-')
    return text or 'server-' + hashlib.sha256(name.encode()).hexdigest()[:8]


def network_data(ports: tuple[PortSpec, ...], mtus: dict[str, int]) -> dict[str, Any]:
    """Return network_data.json in Nova's format, but with one default route per IP version.

    A machine with several equal default routes replies to other networks through the wrong card.
    Clouds without a gateway on the management network do not have this problem. Here the host has
    an address on every network, so only the first card with a gateway gets the route.

    :param mtus: network id -> MTU; the default is 1500.
    """
    links, networks, services = [], [], []
    routed: set[int] = set()
    for port in ports:
        link = 'tap' + port.id[:11]
        links.append({'id': link, 'vif_id': port.id, 'type': 'bridge',
                      'mtu': mtus.get(port.network_id, 1500),
                      'ethernet_mac_address': port.mac})
        for fixed in port.fixed_ips:
            interface = ipaddress.ip_interface(f'{fixed.address}/{fixed.prefixlen}')
            dns = [{'type': 'dns', 'address': server} for server in fixed.dns]
            services += [server for server in dns if server not in services]
            any_address = '0.0.0.0' if interface.version == 4 else '::'
            routes = []
            if fixed.gateway is not None and interface.version not in routed:
                routed.add(interface.version)
                routes.append({'network': any_address, 'netmask': any_address,
                               'gateway': fixed.gateway})
            networks.append({
                'id': f'network{len(networks)}', 'network_id': port.network_id, 'link': link,
                'type': f'ipv{interface.version}', 'ip_address': fixed.address,
                'netmask': str(interface.netmask), 'routes': routes, 'services': dns})
    return {'links': links, 'networks': networks, 'services': services}


def files(spec: ServerSpec, mtus: dict[str, int]) -> dict[str, bytes]:
    """Return path on the drive -> content of all files of the drive."""
    latest = {
        'meta_data.json': meta_data(spec),
        'network_data.json': network_data(spec.ports, mtus),
        'vendor_data.json': {},
        'vendor_data2.json': {},
    }
    drive = {f'openstack/latest/{name}': json.dumps(document).encode()
             for name, document in latest.items()}
    if spec.user_data is not None:
        drive['openstack/latest/user_data'] = spec.user_data
    return drive


def write(root: pathlib.Path, spec: ServerSpec, mtus: dict[str, int]) -> None:
    """Write the drive to a disk that was never booted.

    A machine that ran could have left symbolic links to files of the host, so used disks are not
    allowed. Only the machine's root can read the files, because user data may contain secrets.
    """
    seed = root / SEED
    for name, content in files(spec, mtus).items():
        path = seed / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, 'wb') as stream:
            stream.write(content)
    os.chmod(seed, 0o700)
    hostname = root / 'etc/hostname'
    hostname.unlink(missing_ok=True)
    hostname.write_text(host_name(spec.name) + '\n', encoding='ascii')
