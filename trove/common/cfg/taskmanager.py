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

"""How the task manager works off the operation journal, and how long things may take."""

from oslo_config import cfg

JOURNAL: list[cfg.Opt] = [
    cfg.IntOpt('lease_time', default=60, min=5,
               help='Seconds a claimed operation belongs to its task manager. Raise it when steps are slowed down by '
                    'the cloud so much that another task manager takes over work that is still going on; lower it to '
                    'have the work of a dead task manager continued sooner.'),
    cfg.IntOpt('sweep_interval', default=3, min=1,
               help='Seconds between two looks for operations that are due. Only bounds how late work is found when a '
                    'wake-up message was lost.'),
    cfg.IntOpt('workers', default=8, min=1,
               help='Operations one task manager advances at the same time. Waiting operations hold no worker. Keep '
                    '[database] max_pool_size at least as large.'),
    cfg.IntOpt('step_attempts', default=8, min=1,
               help='How often a step is tried before its operation is undone, when its failure may pass by itself.'),
    cfg.IntOpt('retry_delay', default=2, min=0,
               help='Seconds before the second try of a step; doubled with each further one, up to 30.'),
    cfg.IntOpt('delete_retry_limit', default=60, min=5,
               help='Longest pause, in seconds, between two tries of a delete that the cloud keeps refusing.'),
    cfg.IntOpt('flavor_refresh_interval', default=300, min=10,
               help='Seconds between two looks at the flavors of Nova, which the API serves from its own table.'),
    cfg.IntOpt('watch_interval', default=20, min=0,
               help='Seconds between two looks at the servers, volumes and ports in the cloud, for what was changed '
                    'behind the back of this service: three lists in each region, by one task manager of all. Raise it '
                    'when these lists are a burden to the cloud; changes then show later. 0 switches the looks off.'),
    cfg.IntOpt('guest_bus_interval', default=20, min=0,
               help='Seconds between two comparisons of the accounts, queues and exchanges of guests '
                    'at the broker with the instances in the database; what is missing is made '
                    'again. Bounds how long guests stay silent after a broker has lost its data. '
                    'One task manager of all sends five list requests each time. 0 switches the '
                    'comparison off.'),
    cfg.IntOpt('silence_interval', default=10, min=1,
               help='Seconds between two looks for guests that have stopped to report, or report again.'),
]

DEFAULT: list[cfg.Opt] = [
    cfg.StrOpt('taskmanager_manager', default='trove.taskmanager.manager.Manager',
               help='Class that answers the messages of the task manager.'),
    cfg.BoolOpt('update_status_on_fail', default=True, deprecated_for_removal=True,
                deprecated_reason='A failed operation always ends with a reason the user can see.',
                help='Has no effect.'),
    cfg.IntOpt('usage_timeout', default=1800, min=1,
               help='Seconds until a new instance must be active; later it ends in ERROR with the reason.'),
    cfg.IntOpt('restore_usage_timeout', default=3600, min=1,
               help='The same for an instance made from a backup or as a replica.'),
    cfg.IntOpt('agent_start_timeout', default=600, min=1,
               help='Seconds between the start of the server and the first word of its agent; later the create ends in '
                    'ERROR and says that the guest never called back.'),
    cfg.IntOpt('server_delete_time_out', default=60, min=1,
               help='Seconds to wait for a server to vanish before the delete asks for it again.'),
    cfg.IntOpt('volume_time_out', default=60, min=1,
               help='Seconds for a volume to become available, attached or extended.'),
    cfg.IntOpt('reboot_time_out', default=120, min=1, help='Seconds until a rebooted server must be ACTIVE.'),
    cfg.IntOpt('restart_timeout', default=300, min=1,
               help='Seconds until a restarted database must answer queries again.'),
    cfg.IntOpt('configuration_timeout', default=300, min=1,
               help='Seconds a guest may take for the options of a configuration group; later they count as refused.'),
    cfg.IntOpt('access_timeout', default=300, min=1,
               help='Seconds a change of who may connect may take; later it is taken back.'),
    cfg.IntOpt('resize_time_out', default=900, min=1,
               help='Seconds for each long phase of a resize: Nova changing the flavor of a server, a guest checking '
                    'and growing its file system. Raise it for large volumes that are grown offline.'),
    cfg.IntOpt('revert_time_out', default=600, min=1,
               help='Seconds for Nova to bring a server back to its former flavor when a resize has failed.'),
    cfg.IntOpt('takeover_timeout', default=3600, min=1,
               help='Seconds a guest may take to make a server with another image serve the data it finds, the '
                    "engine's own upgrade included; later the instance goes back to the former image. Raise it for "
                    'large databases.'),
    cfg.IntOpt('delete_deadline', default=86400, min=60,
               help='Seconds a delete goes on trying to remove cloud resources before it ends in ERROR and names what '
                    'is left.'),
    cfg.StrOpt('region', default='LOCAL_DEV', help='Region named in notifications.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [('taskmanager', JOURNAL), (None, DEFAULT)]
