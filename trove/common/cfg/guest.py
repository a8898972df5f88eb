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

"""What a guest is told about itself, and how its agent behaves. Registered on both sides of the wire."""

from oslo_config import cfg

INJECTED = [
    cfg.StrOpt('injected_config_location', default='/etc/trove/conf.d',
               help='Directory of the configuration files that cloud-init writes in the guest.'),
    cfg.StrOpt('injected_config_owner', default='root',
               help='Owner of those files. They hold secrets: the agent runs as root, nobody else needs them.'),
    cfg.StrOpt('injected_config_group', default='root', help='Group of those files.'),
    cfg.StrOpt('guest_config', default='/etc/trove/trove-guestagent.conf',
               help='File on the host of the task manager that is copied into every guest.'),
    cfg.StrOpt('guest_info', default='guest_info.conf',
               help="Name of the guest's own file; a full path if it holds a slash."),
    cfg.StrOpt('cloudinit_location', default='/etc/trove/cloudinit',
               help='Directory of <manager>.cloudinit files that are merged into the user data.'),
]

IDENTITY = [
    cfg.StrOpt('guest_id', help='Id of the instance this agent belongs to. Written by the control plane.'),
    cfg.StrOpt('instance_rpc_encr_key', secret=True,
               help='Key of this instance, 32 bytes in base64. Written by the control plane.'),
    cfg.IntOpt('boot_epoch', default=1, min=1,
               help='Counts how often the control plane built this server. Written by the control plane; orders the '
                    'reports of a rebuilt guest after those of its former self.'),
    cfg.StrOpt('datastore_manager', help='Datastore manager of this guest. Written by the control plane.'),
    cfg.StrOpt('datastore_version', help='Version number of the datastore. Written by the control plane.'),
    cfg.StrOpt('tenant_id', help='Project that owns the instance. Written by the control plane.'),
]

AGENT = [
    cfg.IntOpt('command_process_timeout', default=30, min=1,
               help='Seconds an outside program in the guest may take, unless it is known to need longer.'),
    cfg.IntOpt('state_change_wait_time', default=180, min=1,
               help='Seconds the agent waits for the database to reach a state.'),
    cfg.IntOpt('state_change_poll_time', default=1, min=1, help='Seconds between two looks while it waits.'),
    cfg.StrOpt('volume_fstype', default='ext4', choices=['ext4', 'ext3', 'xfs'],
               help='File system of a new data volume.'),
    cfg.StrOpt('format_options', default='-m 1', help='Options of mkfs.'),
    cfg.IntOpt('volume_format_timeout', default=120, min=1, help='Seconds mkfs may take.'),
    cfg.StrOpt('mount_options', default='defaults,noatime', help='Options the data volume is mounted with.'),
    cfg.StrOpt('state_directory', default='/var/lib/trove-guest',
               help='Directory of the root disk for what the agent must remember before the data volume is mounted.'),
]


#: In a group called after the datastore manager. The control plane has options of the same names.
RESERVED = [
    cfg.ListOpt('ignore_users', default=[],
                help='Accounts tenants neither see nor name, besides those of the service. Give the same names in '
                     'trove.conf, where requests are checked before they come to the guest.'),
    cfg.ListOpt('ignore_dbs', default=[],
                help='Databases tenants neither see nor name, besides those of the engine. Give the same names in '
                     'trove.conf.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, INJECTED + IDENTITY + AGENT)]
