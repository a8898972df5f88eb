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

"""trove-guestagent: process of the agent on a database server, with threads, timers and bus."""

from trove.common.process import memory

memory.without_eventlet()
memory.limit_malloc_arenas()

import gc  # noqa: E402
import os  # noqa: E402
import queue  # noqa: E402
import shlex  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402

from oslo_config import cfg  # noqa: E402
from oslo_log import log as logging  # noqa: E402
from oslo_messaging import server as oslo_server  # noqa: E402

from trove import version  # noqa: E402
from trove.common import cfg as options  # noqa: E402
from trove.common.cfg import guest as guest_options  # noqa: E402
from trove.common.rpc import channel, keys, topology, transport  # noqa: E402
from trove.common.process import service as rpc_service  # noqa: E402
from trove.conductor.api import ConductorAPI  # noqa: E402
from trove.guestagent import dbaas  # noqa: E402
from trove.guestagent.agent import Agent, count_start  # noqa: E402
from trove.guestagent.datastore.engine import Engine  # noqa: E402
from trove.guestagent.datastore.manager import Manager  # noqa: E402
from trove.guestagent.journal import Journal  # noqa: E402
from trove.guestagent.system import process  # noqa: E402
from trove.guestagent.system.machine import Machine  # noqa: E402
from trove.guestagent.system.mount import FileSystemOptions  # noqa: E402

LOG = logging.getLogger(__name__)

#: Threads for short commands; the library's default of 64 takes 20 MB of a small guest.
THREADS = 4
#: Seconds between two checks of the engine; a report follows a change or its interval.
TICK = 5
#: Maximum seconds of a check; then systemd restarts the agent.
TICK_LIMIT = 150


class Worker:
    """Thread that runs functions one after the other."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name='worker', daemon=True).start()

    def __call__(self, function: Callable[[], None]) -> None:
        self._work.put(function)

    def _run(self) -> None:
        while True:
            function = self._work.get()
            try:
                function()
            except Exception:
                LOG.exception('A long command broke')


def make_machine(conf: cfg.ConfigOpts) -> Machine:
    """Return this machine, with the configured options for new volumes."""
    return Machine(conf.state_directory, FileSystemOptions(
        kind=conf.volume_fstype, format_options=tuple(shlex.split(conf.format_options)),
        format_timeout=conf.volume_format_timeout, mount_options=conf.mount_options))


def make_engine(conf: cfg.ConfigOpts) -> Engine:
    """Return the engine of this machine, with the configured reserved names."""
    engine = dbaas.engine_for(conf.datastore_manager)
    conf.register_opts(guest_options.RESERVED, group=conf.datastore_manager)
    settings = conf[conf.datastore_manager]
    dbaas.reserve(engine, settings.ignore_users, settings.ignore_dbs)
    return engine


def make_agent(conf: cfg.ConfigOpts, executor: Callable[[Callable[[], None]], None]) -> tuple[
        Agent, channel.GuestChannel]:
    """Return the agent of this machine and its channel; call it once per process.

    It counts a start of the agent.

    :raises SystemExit: the configuration lacks values of the control plane.
    """
    for name in ('guest_id', 'instance_rpc_encr_key', 'datastore_manager'):
        if not getattr(conf, name):
            raise SystemExit(
                f'{name} is not set; guest_info.conf of this server is missing or incomplete')
    key = keys.decode(conf.instance_rpc_encr_key)
    process.set_default_timeout(conf.command_process_timeout)
    machine = make_machine(conf)
    boot = channel.boot_id(conf.boot_epoch, count_start(machine.state_file('boot.json')))
    guest = channel.GuestChannel(conf.guest_id, key, boot)
    release = version.release()
    manager = Manager(make_engine(conf), machine,
                      about={'boot_id': boot, 'agent_version': release},
                      wait=conf.state_change_wait_time, poll=conf.state_change_poll_time)
    conductor = ConductorAPI(transport.agent_bus(conf), guest, conf.conductor_queue)
    agent = Agent(manager, Journal(machine.state_file('commands.json'), key), conductor, executor,
                  boot_id=boot, version=release, report_interval=conf.report_interval)
    return agent, guest


def watch(agent: Agent) -> None:
    """Send systemd a sign of life as long as checks of the engine end."""
    if time.monotonic() - agent.last_tick < TICK_LIMIT:
        rpc_service.notify_systemd('WATCHDOG=1')


def watchdog_interval() -> float:
    """Return a third of the unit's watchdog interval in seconds; 0 without a watchdog."""
    allowed = os.environ.get('WATCHDOG_USEC', '')
    return int(allowed) / 3e6 if allowed.isdigit() else 0


def serve(conf: cfg.ConfigOpts) -> int:
    """Run until a stop signal and return the exit status."""
    worker = Worker()
    agent, guest = make_agent(conf, worker)
    service = rpc_service.Service('guestagent', conf.service_stop_timeout)
    # In the worker thread, so that an engine that recovers for minutes does not delay reports.
    service.on_start(lambda: worker(agent.start))
    endpoint = channel.GuestEndpoint(guest, agent.handle)
    service.add_server(lambda: transport.agent_bus(conf).server(
        topology.queue(conf.guest_id), conf.guest_id, [endpoint]))
    ticks = service.add_timer('tick', TICK, agent.tick)
    agent.on_change = ticks.fire
    service.add_timer('watchdog', watchdog_interval(), lambda: watch(agent))
    service.on_start(gc.freeze)
    LOG.info('Instance %s: agent %s starts as %s', conf.guest_id, version.release(), guest.boot_id)
    return service.run()


def main(argv: list[str] | None = None) -> None:
    """Entry point of the console script."""
    conf = options.CONF
    cfg.set_defaults(oslo_server._pool_opts, executor_thread_pool_size=THREADS)
    options.parse(sys.argv[1:] if argv is None else argv, conf=conf,
                  concerns=options.GUEST_CONCERNS, program='trove-guestagent')
    rpc_service.exit_now(serve(conf))


if __name__ == '__main__':
    main()
