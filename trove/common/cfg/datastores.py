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

"""Options of datastores, one group per datastore manager."""

from oslo_config import cfg

from trove.common import engines

DEFAULT = [
    cfg.StrOpt('default_datastore', help='Datastore, by id or name, for creates without one.'),
    cfg.StrOpt('template_path', default='/etc/trove/templates/',
               help='Directory of configuration templates that override the packaged ones.'),
    cfg.BoolOpt('hostname_require_valid_ip', default=True, deprecated_name='hostname_require_ipv4',
                help='Refuse hosts of users that are neither an IP address nor a pattern of one.'),
]


def _group(engine: engines.Engine) -> list[cfg.Opt]:
    return [
        cfg.ListOpt('tcp_ports', default=list(engine.tcp_ports),
                    help='TCP ports or from-to ranges open to the allowed networks.'),
        cfg.ListOpt('udp_ports', default=list(engine.udp_ports),
                    help='UDP ports or from-to ranges open to the allowed networks.'),
        cfg.StrOpt('mount_point', default=engine.mount_point,
                   help='Mount point of the data volume in the guest.'),
        cfg.BoolOpt('volume_support', default=True,
                    help='Store the data on a Cinder volume. When false, the data is lost with '
                         'the server.'),
        cfg.StrOpt('device_path', default='/dev/vdb',
                   help='Device of the data volume, used only if its volume id does not identify '
                        'it.'),
        cfg.BoolOpt('root_on_create', default=False,
                    help='Enable root when an instance is created and return its password once.'),
        cfg.ListOpt('ignore_users', default=list(engine.ignore_users),
                    help='Accounts that tenants can neither see nor name.'),
        cfg.ListOpt('ignore_dbs', default=list(engine.ignore_dbs),
                    help='Databases that tenants can neither see nor name.'),
        cfg.IntOpt('default_password_length', default=36, min=8, max=128,
                   help='Length of generated passwords in characters.'),
        cfg.StrOpt('backup_strategy', default=engine.backup_strategy,
                   help='Backup driver; empty disables backups.'),
        cfg.StrOpt('replication_strategy', default=engine.replication_strategy,
                   help='Replication strategy; empty disables replication.'),
        cfg.ListOpt('guest_log_exposed_logs', default=list(engine.exposed_logs),
                    help='Logs that tenants see.'),
    ]


def groups() -> dict[str, list[cfg.Opt]]:
    """Return options by manager, for all engines with a description."""
    return {manager: _group(engine) for manager, engine in engines.known().items()}


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, DEFAULT), *groups().items()]
