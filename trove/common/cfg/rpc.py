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

"""The two message buses, the keys that seal what travels on the guest bus, and the RPC services."""

from oslo_config import cfg

GUEST_BUS = [
    cfg.StrOpt('transport_url', secret=True,
               help='Where the guest bus is, as rabbit://user:password@host:port/vhost. Changing it moves all guests '
                    'to another broker: they only notice when they are rebuilt. On the control plane this is the '
                    "account of the control plane; in a guest it is the guest's own."),
    cfg.StrOpt('management_url', secret=True,
               help='Management API of the broker of the guest bus, as http://user:password@host:15672. The account '
                    'needs the tag administrator, because it makes one user per guest. Without user and password '
                    'in it, those of transport_url are used.'),
    cfg.StrOpt('management_ca_file',
               help='File with the certificate authorities trusted for an https management_url; those of the system '
                    'when unset.'),
    cfg.IntOpt('management_timeout', default=10, min=1, help='Seconds one request to the management API may take.'),
    cfg.BoolOpt('provision', default=True,
                help='Make a broker user of its own for each guest. When false, exchanges and queues are still made, '
                     'but over AMQP, and every guest uses the account that the operator puts into '
                     'trove-guestagent.conf ([guest_bus] transport_url): isolation then rests on the sealed messages '
                     'alone.'),
    cfg.ListOpt('guest_hosts', default=[],
                help='host:port list under which guests reach the broker, when that differs from transport_url (they '
                     'are on the management network).'),
    cfg.IntOpt('max_connections', default=4, min=2, help='Connections one guest may have open at the same time.'),
    cfg.IntOpt('max_channels', default=8, min=2, help='Channels one guest may have open at the same time.'),
    cfg.StrOpt('queue_type', default='classic', choices=['classic', 'quorum'],
               help='Type of the queues of guests and of the conductor. quorum survives the loss of a node of a '
                    'cluster, at two to three times the load on the broker; but on RabbitMQ 3.10 a quorum queue that '
                    'is only minutes old is lost when its node is killed. Only affects queues made afterwards.'),
    cfg.IntOpt('guest_queue_length', default=1000, min=10,
               help='Messages kept for a guest that does not listen; the oldest are dropped. Only affects queues made '
                    'afterwards.'),
    cfg.IntOpt('conductor_queue_length', default=100000, min=1000,
               help='Reports kept for a conductor that does not listen; the oldest are dropped, so that a guest that '
                    'floods cannot fill the broker. Changing it needs the queue deleted first.'),
]

CONDUCTOR = [
    cfg.FloatOpt('batch_interval', default=0.1, min=0.0,
                 help='Seconds in which reports of guests are gathered and then written with one statement each. A '
                      'report that finds the conductor idle is written at once.'),
    cfg.IntOpt('batch_size', default=500, min=1, help='Reports written in one transaction at most.'),
    cfg.IntOpt('queue_size', default=10000, min=100,
               help='Reports held in memory; when it is full the conductor stops reading from the broker for a while.'),
]

DEFAULT = [
    cfg.HostAddressOpt('host', default='0.0.0.0',
                       help='Name of this RPC server, and publisher id of notifications. Give each host its own.'),
    cfg.IntOpt('report_interval', default=30, min=0,
               help='Seconds between two reports of a guest. Lower it to see trouble sooner, at the price of load on '
                    'conductor and database; keep agent_heartbeat_expiry at three times this or more. 0 switches the '
                    'reports off.'),
    cfg.StrOpt('taskmanager_queue', default='taskmanager', help='RPC topic of the task manager.'),
    cfg.StrOpt('conductor_queue', default='trove-conductor', help='RPC topic of the conductor.'),
    cfg.StrOpt('conductor_manager', default='trove.conductor.manager.Manager',
               help='Class that takes the reports of guests.'),
    cfg.IntOpt('trove_conductor_workers', min=1,
               help='Processes of the conductor on this host, one when unset. One process takes several hundred '
                    'reports a second.'),
    cfg.IntOpt('agent_call_low_timeout', default=15, min=1, help='Seconds a guest may take for a short call.'),
    cfg.IntOpt('agent_call_high_timeout', default=180, min=1, help='Seconds a guest may take for a long call.'),
    cfg.IntOpt('agent_heartbeat_expiry', default=90, min=1,
               help='Seconds without a report after which a guest counts as unreachable; never less than three times '
                    'report_interval, so that one lost report shows nothing.'),
    cfg.IntOpt('service_stop_timeout', default=30, min=1,
               help='Seconds a service that is asked to stop waits for the work it has begun.'),
    cfg.StrOpt('inst_rpc_key_encr_key', secret=True,
               help='Secret under which the keys of the instances are kept in the database: at least 32 random '
                    'characters, the same on all hosts. Services refuse to start without it. To change it, put the '
                    'former value into inst_rpc_key_encr_old_keys and run trove-manage rotate_instance_keys.'),
    cfg.ListOpt('inst_rpc_key_encr_old_keys', secret=True, default=[],
                help='Former values of inst_rpc_key_encr_key, only used to open what was sealed under them.'),
    cfg.BoolOpt('enable_secure_rpc_messaging', default=True, deprecated_for_removal=True,
                deprecated_reason='Messages to and from guests are always sealed.', help='Has no effect.'),
    cfg.StrOpt('taskmanager_rpc_encr_key', secret=True, deprecated_for_removal=True,
               deprecated_reason='The task manager is only told the id of an operation; the rest is in the database.',
               help='Has no effect.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [('guest_bus', GUEST_BUS), ('conductor', CONDUCTOR), (None, DEFAULT)]


def heartbeat_expiry(conf: cfg.ConfigOpts) -> int:
    """Seconds without a report after which a guest counts as unreachable: three intervals at least."""
    return max(conf.agent_heartbeat_expiry, 3 * conf.report_interval)


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options of this concern alone; registering twice is harmless."""
    for group, options in list_opts():
        conf.register_opts(options, group=group)
