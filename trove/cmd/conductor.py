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

"""trove-conductor: takes the reports of guests."""

from trove.common.process import memory

memory.without_eventlet()

import sys  # noqa: E402

from oslo_config import cfg  # noqa: E402
from oslo_utils import importutils  # noqa: E402

from trove.common import cfg as options  # noqa: E402
from trove.common.process import metrics, service, workers  # noqa: E402
from trove.common.rpc import keys, transport  # noqa: E402

CONF = cfg.CONF

#: Seconds between two summaries of refused reports in the log.
SUMMARY_INTERVAL = 60.0
PURGE_INTERVAL = 3600.0


def main() -> None:
    options.parse(sys.argv[1:], program='trove-conductor')
    try:
        keys.check_keys(CONF)
    except keys.KeyConfigurationError as problem:
        sys.exit(f'trove-conductor does not start: {problem}')
    service.exit_now(workers.run(serve, CONF.trove_conductor_workers or 1))


def serve() -> int:
    """Run one process until a signal asks to stop."""
    from trove.taskmanager.api import TaskManagerAPI

    taskmanager = TaskManagerAPI(transport.control_bus(CONF), CONF.taskmanager_queue)
    manager = importutils.import_object(CONF.conductor_manager, CONF, taskmanager)
    process = service.Service('trove-conductor', stop_timeout=CONF.service_stop_timeout)
    process.on_start(manager.start)
    process.on_start(manager.register_metrics)
    process.on_start(lambda: metrics.serve(CONF.metrics.bind_host, CONF.metrics.conductor_port,
                                           workers.worker_number()))
    process.add_server(
        lambda: transport.guest_bus(CONF).server(CONF.conductor_queue, CONF.host, [manager]))
    process.add_timer('summary', SUMMARY_INTERVAL, manager.log_refused, delay=SUMMARY_INTERVAL)
    process.add_timer('purge', PURGE_INTERVAL, manager.purge, delay=PURGE_INTERVAL)
    process.on_reload(lambda: CONF.mutate_config_files())
    process.on_stop(transport.close_all)
    process.on_stop(manager.stop)
    return process.run()


if __name__ == '__main__':
    main()
