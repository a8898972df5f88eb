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

"""trove-taskmanager: works off the operation journal."""

from trove.common.process import memory

memory.without_eventlet()

import os  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402

from oslo_config import cfg  # noqa: E402
from oslo_utils import importutils  # noqa: E402

from trove.common import cfg as options  # noqa: E402
from trove.common.process import metrics, service  # noqa: E402
from trove.common.rpc import keys, transport  # noqa: E402

CONF = cfg.CONF

#: Seconds between two looks for notifications to send.
NOTIFICATION_INTERVAL = 1.0
#: Seconds between two looks whether an audit period is over.
USAGE_INTERVAL = 15.0


def main() -> None:
    options.parse(sys.argv[1:], program='trove-taskmanager')
    try:
        keys.check_keys(CONF)
    except keys.KeyConfigurationError as problem:
        sys.exit(f'trove-taskmanager does not start: {problem}')
    service.exit_now(serve())


def serve() -> int:
    """Run until a signal asks to stop."""
    from trove.taskmanager import tools

    manager = importutils.import_object(CONF.taskmanager_manager, tools.from_conf(CONF),
                                        f'{socket.gethostname()}:{os.getpid()}')
    process = service.Service('trove-taskmanager', stop_timeout=CONF.service_stop_timeout)
    process.on_start(manager.start)
    process.on_start(lambda: metrics.serve(CONF.metrics.bind_host, CONF.metrics.taskmanager_port))
    process.add_server(
        lambda: transport.control_bus(CONF).server(CONF.taskmanager_queue, CONF.host, [manager]))
    process.add_timer('sweep', CONF.taskmanager.sweep_interval, manager.sweep)
    process.add_timer('leases', CONF.taskmanager.lease_time / 3, manager.renew_leases)
    process.add_timer('flavors', CONF.taskmanager.flavor_refresh_interval, manager.refresh_flavors)
    process.add_timer('notifications', NOTIFICATION_INTERVAL, manager.send_notifications)
    process.add_timer('usage', USAGE_INTERVAL, manager.write_usage)
    process.add_timer('silence', CONF.taskmanager.silence_interval, manager.look_at_guests,
                      delay=CONF.taskmanager.silence_interval)
    process.add_timer('watch', CONF.taskmanager.watch_interval / 2, manager.look_at_cloud)
    process.add_timer('guest_bus', CONF.taskmanager.guest_bus_interval / 2,
                      manager.repair_guest_bus)
    process.on_stop(transport.close_all)
    process.on_stop(manager.stop)
    return process.run()


if __name__ == '__main__':
    main()
