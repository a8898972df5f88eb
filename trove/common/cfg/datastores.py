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

"""One group per datastore manager, with the option names operators already have in their files."""

from oslo_config import cfg

DEFAULT = [
    cfg.StrOpt('default_datastore', help='Datastore, by id or name, of a create that names none.'),
    cfg.StrOpt('template_path', default='/etc/trove/templates/',
               help='Directory of configuration templates that take precedence over the packaged ones.'),
    cfg.BoolOpt('hostname_require_valid_ip', default=True, deprecated_name='hostname_require_ipv4',
                help='Refuse user hosts that are no IP address or pattern of one.'),
]


def _group(*, ports: str, mount_point: str, ignore_users: list[str], ignore_dbs: list[str],
           backup_strategy: str, replication_strategy: str) -> list[cfg.Opt]:
    return [
        cfg.ListOpt('tcp_ports', default=ports.split(','),
                    help='TCP ports or from-to ranges opened to the allowed networks.'),
        cfg.ListOpt('udp_ports', default=[], help='UDP ports or ranges opened to the allowed networks.'),
        cfg.StrOpt('mount_point', default=mount_point, help='Where the data volume is mounted in the guest.'),
        cfg.BoolOpt('volume_support', default=True,
                    help='Keep the data on a Cinder volume. Without it the data lives and dies with the server.'),
        cfg.StrOpt('device_path', default='/dev/vdb',
                   help='Device of the data volume, used only when it cannot be found by its volume id.'),
        cfg.BoolOpt('root_on_create', default=False,
                    help='Enable root when an instance is created and return its password once.'),
        cfg.ListOpt('ignore_users', default=ignore_users, help='Accounts tenants neither see nor name.'),
        cfg.ListOpt('ignore_dbs', default=ignore_dbs, help='Databases tenants neither see nor name.'),
        cfg.IntOpt('default_password_length', default=36, min=8, max=128,
                   help='Characters of a generated password.'),
        cfg.StrOpt('backup_strategy', default=backup_strategy, help='Backup driver; empty switches backups off.'),
        cfg.StrOpt('replication_strategy', default=replication_strategy,
                   help='Replication strategy; empty switches replication off.'),
        cfg.ListOpt('guest_log_exposed_logs', default=['general', 'slow_query'], help='Logs that tenants see.'),
    ]


GROUPS = {
    'mariadb': _group(ports='3306', mount_point='/var/lib/mysql', ignore_users=['os_admin', 'root'],
                      ignore_dbs=['mysql', 'information_schema', 'performance_schema', 'sys'],
                      backup_strategy='mariabackup', replication_strategy='MariaDBGTIDReplication'),
    'mysql': _group(ports='3306', mount_point='/var/lib/mysql', ignore_users=['os_admin', 'root'],
                    ignore_dbs=['mysql', 'information_schema', 'performance_schema', 'sys'],
                    backup_strategy='xtrabackup', replication_strategy='MysqlGTIDReplication'),
    'postgresql': _group(ports='5432', mount_point='/var/lib/postgresql', ignore_users=['os_admin', 'postgres'],
                         ignore_dbs=['os_admin', 'postgres'], backup_strategy='pg_basebackup',
                         replication_strategy='PostgresqlReplicationStreaming'),
    'redis': _group(ports='6379', mount_point='/var/lib/redis', ignore_users=['os_admin', 'replicator'],
                    ignore_dbs=[], backup_strategy='RedisBackup', replication_strategy='RedisSyncReplication'),
}


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, DEFAULT), *GROUPS.items()]
