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

"""Endpoints of the cloud services, and resources requested from them."""

from oslo_config import cfg


def _endpoint(prefix: str, service: str, service_type: str, *, url_name: str | None = None,
              name: str | None = None) -> list[cfg.Opt]:
    name = name or prefix
    return [
        cfg.URIOpt(url_name or f'{prefix}_url',
                   help=f'Fixed URL of {service} instead of the catalog entry.'),
        cfg.StrOpt(f'{name}_service_type', default=service_type,
                   help=f'Type of {service} in the catalog.'),
        cfg.StrOpt(f'{name}_endpoint_type', default='publicURL',
                   help=f'Interface of {service} in the catalog: publicURL, internalURL or '
                        f'adminURL.'),
        cfg.BoolOpt(f'{prefix}_api_insecure', default=False,
                    help=f'Accept any certificate of {service}. For trials only.'),
    ]


ENDPOINTS = [
    *_endpoint('nova', 'Nova', 'compute', url_name='nova_compute_url', name='nova_compute'),
    *_endpoint('neutron', 'Neutron', 'network'),
    *_endpoint('cinder', 'Cinder', 'volumev3'),
    *_endpoint('glance', 'Glance', 'image'),
    *_endpoint('swift', 'Swift', 'object-store'),
    cfg.StrOpt('nova_client_version', default='2.57',
               help='Microversion of all Nova requests, at least 2.52.'),
    cfg.StrOpt('glance_client_version', default='2', help='Major version of the Glance API.'),
    cfg.StrOpt('cinder_client_version', default='3', help='Major version of the Cinder API.'),
    cfg.IntOpt('cloud_call_timeout', default=30, min=1,
               help='Timeout in seconds for one request to a cloud service.'),
]

SERVER = [
    cfg.StrOpt('nova_keypair', help='Keypair of the service user for all guests.'),
    cfg.BoolOpt('use_nova_server_config_drive', default=False,
                help='Request a config drive from Nova instead of using the metadata service.'),
    cfg.BoolOpt('volume_rootdisk_support', default=False, help='Boot guests from a Cinder volume.'),
    cfg.IntOpt('volume_rootdisk_size', default=10, min=1, help='Size of that boot volume in GB.'),
    cfg.StrOpt('block_device_mapping', default='vdb',
               help='Device name requested from Nova for the data volume.'),
]

NETWORK_DEFAULT = [
    cfg.BoolOpt('trove_security_groups_support', default=True,
                help='Create a security group for each instance.'),
    cfg.StrOpt('trove_security_group_name_prefix', default='trove_sg',
               help='Prefix of the names of security groups.'),
    cfg.StrOpt('trove_security_group_rule_cidr', default='0.0.0.0/0',
               help='Network that may connect if the user names none.'),
    cfg.ListOpt('management_networks', default=[], deprecated_name='default_neutron_networks',
                help='Networks through which guests reach the broker; the last one is used.'),
    cfg.ListOpt('management_security_groups', default=[],
                help='Security groups of the management port. Empty: a group that allows no '
                     'ingress.'),
    cfg.ListOpt('reserved_network_cidrs', default=[],
                help='Networks that tenants may not attach if network_isolation is false.'),
    cfg.StrOpt('ip_regex', help='Show only matching addresses; requires black_list_regex.'),
    cfg.StrOpt('black_list_regex', help='Hide matching addresses; requires ip_regex.'),
]

NETWORK = [
    cfg.StrOpt('public_network_id',
               help='External network of public addresses; unset: the first one found.'),
    cfg.BoolOpt('enable_access_check', default=True,
                help='Refuse a tenant subnet without a router port for public instances.'),
    cfg.BoolOpt('network_isolation', default=True, help='Passed to the guest.'),
]

VOLUME = [
    cfg.StrOpt('cinder_volume_type', help='Volume type if the user names none.'),
    cfg.BoolOpt('online_volume_resize', default=True,
                help='Extend volumes while they are attached.'),
    cfg.BoolOpt('enable_volume_az', default=False,
                help="Create the volume in the instance's availability zone."),
]


def _credential(name: str, old: str, text: str, default: str = '') -> cfg.StrOpt:
    return cfg.StrOpt(name, default=default, deprecated_name=old, deprecated_group='DEFAULT',
                      help=text)


SERVICE_CREDENTIALS = [
    cfg.URIOpt('auth_url', default='https://0.0.0.0/identity/v3', deprecated_name='trove_auth_url',
               deprecated_group='DEFAULT', help='Keystone URL of the service user.'),
    _credential('username', 'nova_proxy_admin_user', 'Name of the service user.'),
    cfg.StrOpt('password', default='', secret=True, deprecated_name='nova_proxy_admin_pass',
               deprecated_group='DEFAULT', help='Password of the service user.'),
    _credential('project_id', 'nova_proxy_admin_tenant_id', 'Id of the service project.'),
    _credential('project_name', 'nova_proxy_admin_tenant_name', 'Name of the service project.'),
    _credential('user_domain_name', 'nova_proxy_admin_user_domain_name',
                'Domain of the service user.', default='Default'),
    _credential('project_domain_name', 'nova_proxy_admin_project_domain_name',
                'Domain of the service project.', default='Default'),
    _credential('region_name', 'os_region_name', 'Region of new instances.', default='RegionOne'),
    cfg.StrOpt('cafile', help='File of certificate authorities for the endpoints.'),
    cfg.BoolOpt('insecure', default=False,
                help='Accept any certificate of Keystone. For trials only.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, ENDPOINTS + SERVER + NETWORK_DEFAULT + VOLUME), ('network', NETWORK),
            ('service_credentials', SERVICE_CREDENTIALS)]
