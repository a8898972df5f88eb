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

"""Message buses, keys of the guest bus, and RPC services."""

from oslo_config import cfg

GUEST_BUS = [
    cfg.StrOpt('transport_url', secret=True,
               help='URL of the guest bus, rabbit://user:password@host:port/vhost. In a guest: '
                    "the guest's own account. A change moves all guests to another broker, which "
                    'requires a rebuild of each guest.'),
    cfg.StrOpt('management_url', secret=True,
               help='URL of the RabbitMQ management API of the guest bus, '
                    'http://user:password@host:15672. The account needs the tag administrator to '
                    'create a user per guest. Without an account in the URL, the account of '
                    'transport_url is used.'),
    cfg.StrOpt('management_ca_file',
               help='File of certificate authorities for an https management_url; unset: those '
                    'of the system.'),
    cfg.IntOpt('management_timeout', default=10, min=1,
               help='Timeout in seconds for one request to the management API.'),
    cfg.BoolOpt('provision', default=True,
                help='Create a broker user for each guest. When false, exchanges and queues are '
                     'still declared over AMQP, and all guests use the account in '
                     'trove-guestagent.conf ([guest_bus] transport_url): isolation then depends '
                     'on the sealed messages alone.'),
    cfg.ListOpt('guest_hosts', default=[],
                help='List of host:port at which guests reach the broker on the management '
                     'network. Empty: the hosts of transport_url.'),
    cfg.IntOpt('max_connections', default=4, min=2,
               help='Maximum number of open connections of one guest.'),
    cfg.IntOpt('max_channels', default=8, min=2,
               help='Maximum number of open channels of one guest.'),
    cfg.StrOpt('queue_type', default='classic', choices=['classic', 'quorum'],
               help='Type of the queues of guests and of the conductor. quorum survives the loss '
                    'of a node of a cluster, at two to three times the load. On RabbitMQ 3.10, a '
                    'quorum queue that is only minutes old is lost when its node is killed. '
                    'Applies to new queues.'),
    cfg.IntOpt('guest_queue_length', default=1000, min=10,
               help='Maximum number of messages for a guest that is not connected; the oldest '
                    'are dropped. Applies to new queues.'),
    cfg.IntOpt('conductor_queue_length', default=100000, min=1000,
               help='Maximum number of reports for a conductor that is not connected; the oldest '
                    'are dropped, so that a flood cannot fill the broker. To change it, delete '
                    'the queue first.'),
]

CONDUCTOR = [
    cfg.FloatOpt('batch_interval', default=0.1, min=0.0,
                 help='Seconds during which reports gather before they are written with one '
                      'statement each. An idle conductor writes a report at once.'),
    cfg.IntOpt('batch_size', default=500, min=1,
               help='Maximum number of reports in one transaction.'),
    cfg.IntOpt('queue_size', default=10000, min=100,
               help='Maximum number of reports in memory; further reports are dropped and '
                    'counted.'),
]

DEFAULT = [
    cfg.HostAddressOpt('host', default='0.0.0.0',
                       help='Name of this RPC server, and publisher id of notifications. Use a '
                            'different name on each host.'),
    cfg.IntOpt('report_interval', default=30, min=0,
               help='Seconds between two reports of a guest. A lower value shows failures sooner '
                    'and loads conductor and database more. Keep agent_heartbeat_expiry at three '
                    'times the value or more. 0 disables reports.'),
    cfg.StrOpt('taskmanager_queue', default='taskmanager', help='RPC topic of the task manager.'),
    cfg.StrOpt('conductor_queue', default='trove-conductor', help='RPC topic of the conductor.'),
    cfg.StrOpt('conductor_manager', default='trove.conductor.manager.Manager',
               help='Class of the RPC endpoint of the conductor.'),
    cfg.IntOpt('trove_conductor_workers', min=1,
               help='Number of conductor processes on this host; unset: one. A process handles '
                    'several hundred reports per second.'),
    cfg.IntOpt('agent_call_low_timeout', default=15, min=1,
               help='Timeout in seconds for short calls to guests.'),
    cfg.IntOpt('agent_call_high_timeout', default=180, min=1,
               help='Timeout in seconds for long calls to guests.'),
    cfg.IntOpt('agent_heartbeat_expiry', default=90, min=1,
               help='Seconds without a report after which a guest is unreachable; at least three '
                    'times report_interval is used, so that one lost report has no effect.'),
    cfg.IntOpt('service_stop_timeout', default=30, min=1,
               help='Seconds a stopping service waits for the work in progress.'),
    cfg.StrOpt('inst_rpc_key_encr_key', secret=True,
               help='Secret that seals the keys of instances in the database: at least 32 random '
                    'characters, the same on all hosts. Services do not start without it. To '
                    'change it, put the former value into inst_rpc_key_encr_old_keys and run '
                    'trove-manage rotate_instance_keys.'),
    cfg.ListOpt('inst_rpc_key_encr_old_keys', secret=True, default=[],
                help='Former values of inst_rpc_key_encr_key, used only to open what they '
                     'sealed.'),
    cfg.BoolOpt('enable_secure_rpc_messaging', default=True, deprecated_for_removal=True,
                deprecated_reason='Messages to and from guests are always sealed.',
                help='Has no effect.'),
    cfg.StrOpt('taskmanager_rpc_encr_key', secret=True, deprecated_for_removal=True,
               deprecated_reason='Messages to the task manager contain only an operation id.',
               help='Has no effect.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [('guest_bus', GUEST_BUS), ('conductor', CONDUCTOR), (None, DEFAULT)]


def heartbeat_expiry(conf: cfg.ConfigOpts) -> int:
    """Return the seconds until a silent guest is unreachable, at least three intervals."""
    return max(conf.agent_heartbeat_expiry, 3 * conf.report_interval)


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options of this concern only; idempotent."""
    for group, options in list_opts():
        conf.register_opts(options, group=group)
