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

"""Options of guests and their agents, registered on both sides of the guest bus."""

from oslo_config import cfg

INJECTED = [
    cfg.StrOpt('injected_config_location', default='/etc/trove/conf.d',
               help='Directory of the configuration files that cloud-init writes in the guest.'),
    cfg.StrOpt('injected_config_owner', default='root',
               help='Owner of the injected files. They contain secrets, and the agent runs as '
                    'root.'),
    cfg.StrOpt('injected_config_group', default='root', help='Group of the injected files.'),
    cfg.StrOpt('guest_config', default='/etc/trove/trove-guestagent.conf',
               help='File on task manager hosts that is copied into every guest.'),
    cfg.StrOpt('guest_info', default='guest_info.conf',
               help="Name of the guest's own file; a full path if it contains a slash."),
    cfg.StrOpt('cloudinit_location', default='/etc/trove/cloudinit',
               help='Directory of <manager>.cloudinit files that are merged into the user data.'),
]

IDENTITY = [
    cfg.StrOpt('guest_id', help='Id of the instance of this agent. Written by the control plane.'),
    cfg.StrOpt('instance_rpc_encr_key', secret=True,
               help='Key of this instance, 32 bytes in base64. Written by the control plane.'),
    cfg.IntOpt('boot_epoch', default=1, min=1,
               help='Number of times the control plane built this server; orders the reports of '
                    'a rebuilt guest. Written by the control plane.'),
    cfg.StrOpt('datastore_manager',
               help='Datastore manager of this guest. Written by the control plane.'),
    cfg.StrOpt('datastore_version',
               help='Version number of the datastore. Written by the control plane.'),
    cfg.StrOpt('tenant_id', help='Project that owns the instance. Written by the control plane.'),
]

AGENT = [
    cfg.IntOpt('command_process_timeout', default=30, min=1,
               help='Default timeout in seconds for programs that the agent runs. Programs that '
                    'need longer have their own timeout.'),
    cfg.IntOpt('state_change_wait_time', default=180, min=1,
               help='Timeout in seconds for the database to reach a state.'),
    cfg.IntOpt('state_change_poll_time', default=1, min=1,
               help='Seconds between two checks of the database state during a wait.'),
    cfg.StrOpt('volume_fstype', default='ext4', choices=['ext4', 'ext3', 'xfs'],
               help='File system of a new data volume.'),
    cfg.StrOpt('format_options', default='-m 1', help='Options of mkfs.'),
    cfg.IntOpt('volume_format_timeout', default=120, min=1, help='Timeout in seconds for mkfs.'),
    cfg.StrOpt('mount_options', default='defaults,noatime',
               help='Mount options of the data volume.'),
    cfg.StrOpt('state_directory', default='/var/lib/trove-guest',
               help="Directory on the root disk for the agent's state, which it needs before the "
                    'data volume is mounted.'),
]


#: In the group of the datastore manager, as options of the same names on the control plane.
RESERVED = [
    cfg.ListOpt('ignore_users', default=[],
                help='Accounts that tenants can neither see nor name, in addition to those of '
                     'the service. Set the same value in trove.conf, because the API validates '
                     'requests first.'),
    cfg.ListOpt('ignore_dbs', default=[],
                help='Databases that tenants can neither see nor name, in addition to those of '
                     'the engine. Set the same value in trove.conf.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, INJECTED + IDENTITY + AGENT)]
