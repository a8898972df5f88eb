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

"""Task manager: the operation journal and timeouts."""

from oslo_config import cfg

JOURNAL: list[cfg.Opt] = [
    cfg.IntOpt('lease_time', default=60, min=5,
               help='Seconds a task manager owns a claimed operation without renewing its lease. '
                    'Raise it if slow clouds make other task managers take over operations in '
                    'progress. Lower it to resume the operations of a dead task manager sooner.'),
    cfg.IntOpt('sweep_interval', default=3, min=1,
               help='Seconds between two searches for due operations. It limits the delay of an '
                    'operation after a lost wake-up message.'),
    cfg.IntOpt('workers', default=8, min=1,
               help='Number of operations that a task manager advances at the same time. Waiting '
                    'operations need no worker. Keep [database] max_pool_size at least as large.'),
    cfg.IntOpt('step_attempts', default=8, min=1,
               help='Attempts of a step with a temporary failure before its operation is '
                    'reverted.'),
    cfg.IntOpt('retry_delay', default=2, min=0,
               help='Seconds before the second attempt of a step; doubled at each further '
                    'attempt, up to 30.'),
    cfg.IntOpt('delete_retry_limit', default=60, min=5,
               help='Maximum pause in seconds between two attempts of a delete that the cloud '
                    'refuses.'),
    cfg.IntOpt('flavor_refresh_interval', default=300, min=10,
               help='Seconds between two updates of the flavor table from Nova, which the API '
                    'reads.'),
    cfg.IntOpt('watch_interval', default=20, min=0,
               help='Seconds between two comparisons of servers, volumes and ports in the cloud '
                    'with the database: three lists per region, by one task manager. Raise it to '
                    'reduce the load on the cloud; drift then shows later. 0 disables the '
                    'comparison.'),
    cfg.IntOpt('guest_bus_interval', default=20, min=0,
               help='Seconds between two comparisons of the accounts, queues and exchanges of '
                    'guests at the broker with the database; missing ones are restored. It limits '
                    'how long guests stay silent after a broker lost its data. One task manager '
                    'sends five list requests per comparison. 0 disables the comparison.'),
    cfg.IntOpt('silence_interval', default=10, min=1,
               help='Seconds between two searches for guests that stopped to report, or report '
                    'again.'),
]

DEFAULT: list[cfg.Opt] = [
    cfg.StrOpt('taskmanager_manager', default='trove.taskmanager.manager.Manager',
               help='Class of the RPC endpoint of the task manager.'),
    cfg.BoolOpt('update_status_on_fail', default=True, deprecated_for_removal=True,
                deprecated_reason='A failed operation always ends with a reason the user can see.',
                help='Has no effect.'),
    cfg.IntOpt('usage_timeout', default=1800, min=1,
               help='Timeout in seconds for a create; then the instance ends in ERROR with the '
                    'reason.'),
    cfg.IntOpt('restore_usage_timeout', default=3600, min=1,
               help='Timeout in seconds for a create from a backup or as a replica.'),
    cfg.IntOpt('agent_start_timeout', default=600, min=1,
               help='Timeout in seconds from the start of a server to the first report of its '
                    'agent; then the create ends in ERROR.'),
    cfg.IntOpt('server_delete_time_out', default=60, min=1,
               help='Seconds to wait for the deletion of a server before the request is '
                    'repeated.'),
    cfg.IntOpt('volume_time_out', default=60, min=1,
               help='Timeout in seconds for a volume to become available, attached or extended.'),
    cfg.IntOpt('reboot_time_out', default=120, min=1,
               help='Timeout in seconds for a rebooted server to become ACTIVE.'),
    cfg.IntOpt('restart_timeout', default=300, min=1,
               help='Timeout in seconds for a restarted database to answer queries.'),
    cfg.IntOpt('configuration_timeout', default=300, min=1,
               help='Timeout in seconds for a guest to apply options of a configuration group; '
                    'then the options count as refused.'),
    cfg.IntOpt('access_timeout', default=300, min=1,
               help='Timeout in seconds for updating access rules; the change is reverted when '
                    'it expires.'),
    cfg.IntOpt('resize_time_out', default=900, min=1,
               help='Timeout in seconds for each long phase of a resize: Nova resizing a server, '
                    'a guest checking and growing its file system. Raise it for large volumes '
                    'that grow offline.'),
    cfg.IntOpt('revert_time_out', default=600, min=1,
               help='Timeout in seconds for Nova to revert a failed resize of a server.'),
    cfg.IntOpt('takeover_timeout', default=3600, min=1,
               help='Timeout in seconds for a guest with another image to serve its data, the '
                    "engine's own upgrade included; then the instance reverts to the former "
                    'image. Raise it for large databases.'),
    cfg.IntOpt('delete_deadline', default=86400, min=60,
               help='Seconds a delete tries to remove cloud resources; then it ends in ERROR and '
                    'names the remaining ones.'),
    cfg.StrOpt('region', default='LOCAL_DEV', help='Region in notifications.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [('taskmanager', JOURNAL), (None, DEFAULT)]
