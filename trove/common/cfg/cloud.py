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

"""How the service reaches the other services of the cloud, and what it asks of them."""

from oslo_config import cfg


def _endpoint(prefix: str, service: str, service_type: str, *, url_name: str | None = None,
              name: str | None = None) -> list[cfg.Opt]:
    name = name or prefix
    return [
        cfg.URIOpt(url_name or f'{prefix}_url', help=f'Fixed URL of {service}, instead of the one in the catalog.'),
        cfg.StrOpt(f'{name}_service_type', default=service_type, help=f'Type of {service} in the catalog.'),
        cfg.StrOpt(f'{name}_endpoint_type', default='publicURL',
                   help=f'Interface of {service} in the catalog: publicURL, internalURL or adminURL.'),
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
               help='Microversion of every Nova request, at least 2.52.'),
    cfg.StrOpt('glance_client_version', default='2', help='Major version of the Glance API.'),
    cfg.StrOpt('cinder_client_version', default='3', help='Major version of the Cinder API.'),
    cfg.IntOpt('cloud_call_timeout', default=30, min=1,
               help='Seconds to wait for one answer of a cloud service.'),
]

SERVER = [
    cfg.StrOpt('nova_keypair', help='Keypair of the service user that is put into every guest.'),
    cfg.BoolOpt('use_nova_server_config_drive', default=False,
                help='Ask Nova for a config drive instead of relying on the metadata service.'),
    cfg.BoolOpt('volume_rootdisk_support', default=False, help='Boot guests from a Cinder volume.'),
    cfg.IntOpt('volume_rootdisk_size', default=10, min=1, help='GB of that boot volume.'),
    cfg.StrOpt('block_device_mapping', default='vdb', help='Device name hint given to Nova for the data volume.'),
]

NETWORK_DEFAULT = [
    cfg.BoolOpt('trove_security_groups_support', default=True,
                help='Make a security group for each instance.'),
    cfg.StrOpt('trove_security_group_name_prefix', default='trove_sg', help='First part of its name.'),
    cfg.StrOpt('trove_security_group_rule_cidr', default='0.0.0.0/0',
               help='Network that may connect when the user names none.'),
    cfg.ListOpt('management_networks', default=[], deprecated_name='default_neutron_networks',
                help='Network on which guests reach the broker; the last one is used.'),
    cfg.ListOpt('management_security_groups', default=[],
                help='Security groups of the port on that network. Empty: a group that lets nothing in.'),
    cfg.ListOpt('reserved_network_cidrs', default=[],
                help='Networks that tenants may not attach when network isolation is off.'),
    cfg.StrOpt('ip_regex', help='Show only addresses that match; needs black_list_regex too.'),
    cfg.StrOpt('black_list_regex', help='Hide addresses that match; needs ip_regex too.'),
]

NETWORK = [
    cfg.StrOpt('public_network_id', help='External network of public addresses; unset: the first one found.'),
    cfg.BoolOpt('enable_access_check', default=True,
                help='Refuse a tenant subnet that has no router port, for instances that are to be public.'),
    cfg.BoolOpt('network_isolation', default=True, help='Passed to the guest.'),
]

VOLUME = [
    cfg.StrOpt('cinder_volume_type', help='Volume type when the user names none.'),
    cfg.BoolOpt('online_volume_resize', default=True, help='Extend volumes while they are attached.'),
    cfg.BoolOpt('enable_volume_az', default=False,
                help="Make the volume in the instance's availability zone."),
]

SERVICE_CREDENTIALS = [
    cfg.URIOpt('auth_url', default='https://0.0.0.0/identity/v3', deprecated_name='trove_auth_url',
               deprecated_group='DEFAULT', help='Keystone of the service user.'),
    cfg.StrOpt('username', default='', deprecated_name='nova_proxy_admin_user', deprecated_group='DEFAULT',
               help='Name of the service user.'),
    cfg.StrOpt('password', default='', secret=True, deprecated_name='nova_proxy_admin_pass',
               deprecated_group='DEFAULT', help='Password of the service user.'),
    cfg.StrOpt('project_id', default='', deprecated_name='nova_proxy_admin_tenant_id', deprecated_group='DEFAULT',
               help='Id of the service project.'),
    cfg.StrOpt('project_name', default='', deprecated_name='nova_proxy_admin_tenant_name',
               deprecated_group='DEFAULT', help='Name of the service project.'),
    cfg.StrOpt('user_domain_name', default='Default', deprecated_name='nova_proxy_admin_user_domain_name',
               deprecated_group='DEFAULT', help='Domain of the service user.'),
    cfg.StrOpt('project_domain_name', default='Default', deprecated_name='nova_proxy_admin_project_domain_name',
               deprecated_group='DEFAULT', help='Domain of the service project.'),
    cfg.StrOpt('region_name', default='RegionOne', deprecated_name='os_region_name', deprecated_group='DEFAULT',
               help='Region in which instances are made.'),
    cfg.StrOpt('cafile', help='Certificates that sign the endpoints.'),
    cfg.BoolOpt('insecure', default=False, help='Accept any certificate of Keystone. For trials only.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, ENDPOINTS + SERVER + NETWORK_DEFAULT + VOLUME), ('network', NETWORK),
            ('service_credentials', SERVICE_CREDENTIALS)]
