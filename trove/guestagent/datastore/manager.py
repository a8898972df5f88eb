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

"""Dispatch of the control plane's commands on a guest, for any engine.

:meth:`Manager.run_short` runs commands with an immediate result, :meth:`Manager.execute` long ones.
    The agent ensures that none runs twice; see :mod:`trove.guestagent.agent`.
"""

import dataclasses
import logging
import os
import time
from collections.abc import Callable
from typing import Any

from trove.common import exception
from trove.common.rpc import messages
from trove.guestagent.datastore import health, reimage
from trove.guestagent.datastore.configuration import Configuration
from trove.guestagent.datastore.data_volume import DataVolume
from trove.guestagent.datastore.engine import Engine, EngineError, Place
from trove.guestagent.datastore.lifecycle import Lifecycle
from trove.guestagent.datastore.logs import Logs
from trove.guestagent.datastore.prepare import Preparation, Prepared
from trove.guestagent.datastore.user_options import REVERTED
from trove.guestagent.datastore.users_and_databases import UsersAndDatabases
from trove.guestagent.modules.store import Modules
from trove.guestagent.system import diagnostics
from trove.guestagent.system.machine import Machine

LOG = logging.getLogger(__name__)

#: Seconds for a command without a deadline.
LONGEST = 3600


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Result of a long command: its last step, and facts for the flow that sent it."""
    step: str = ''
    data: dict[str, Any] = dataclasses.field(default_factory=dict)


class Manager:
    """Dispatcher of commands for one engine on one machine."""

    def __init__(self, engine: Engine, machine: Machine, *, about: dict[str, Any] | None = None,
                 make_lifecycle: Callable[..., Lifecycle] = Lifecycle, **timing: Any) -> None:
        """
        :param about: result of a Ping.
        :param timing: wait, poll, clock and sleep of :class:`Lifecycle`.
        """
        self._engine = engine
        self._machine = machine
        self._about = about or {}
        self._clock: Callable[[], float] = timing.get('clock', time.monotonic)
        self.configuration = Configuration(engine, machine)
        self.lifecycle = make_lifecycle(engine, machine, self.configuration, **timing)
        clock = {'clock': timing['clock']} if 'clock' in timing else {}
        self.preparation = Preparation(engine, machine, self.lifecycle, self.configuration, **clock)
        self.user_options = self.preparation.user_options
        self.data_volume = DataVolume(machine, self.lifecycle, self.preparation)
        self._takeover = reimage.TakeOver(engine, machine, self.lifecycle, self.configuration,
                                          **clock)
        self._handover = reimage.HandOver(engine, machine, self.preparation, self.data_volume)
        self.logs = Logs(engine, machine, self.configuration, self._log_place)
        self.modules = Modules(machine, self._module_directory)
        #: kind -> capability that the engine needs ("" for none), and the handler
        self._short: dict[str, tuple[str, Callable[[Any], dict[str, Any]]]] = {
            **UsersAndDatabases(engine).handlers,
            'ListLogs': ('', lambda command: {'logs': self.logs.entries()}),
            'SwitchLog': ('', lambda command: {'log': self.logs.switch(command.name, command.on)}),
            'ListModules': ('', self.modules.list),
            'ApplyModule': ('', self.modules.apply),
            'RemoveModule': ('', self.modules.remove),
        }
        self._long: dict[str, Callable[[Any, Callable[[str], None]], Outcome]] = {
            'Prepare': self._prepare,
            'ApplyConfiguration': self._apply_configuration,
            'Restart': self._restart,
            'HandOver': self._hand_over,
            'TakeOver': self._take_over,
            'StopDatabase': self._stop,
            'StartDatabase': self._start,
            'ReleaseVolume': self._release_volume,
            'GrowVolume': self._grow_volume,
            'PublishLog': self._publish_log,
            'DiscardLog': self._discard_log,
        }

    @property
    def long_commands(self) -> frozenset[str]:
        """Kinds that :meth:`execute` runs; each may be run again after an interruption."""
        return frozenset(self._long)

    # --- state ------------------------------------------------------------------------------------

    def resume(self) -> None:
        """Mount the volume and start the engine if it should run, after a start of the agent."""
        self.data_volume.resume()
        if not self.preparation.state().finished:
            return
        if self.lifecycle.should_run and not self._machine.unit(
                self._engine.description.unit).state().running:
            LOG.info('Starting the engine')
            self.lifecycle.start()

    def health(self) -> health.Health:
        """Return the status to report while no long command runs."""
        prepared = self.preparation.state()
        if prepared.failure:
            return health.Health(health.FAILED, prepared.failure)
        if not prepared.finished:
            return health.Health(health.BUILDING, 'waiting to be prepared')
        if not self._volume_there(prepared):
            return health.Health(health.SHUTDOWN, 'the data volume is not mounted')
        return health.with_volume(self.lifecycle.health(),
                                  self._machine.volume_use(prepared.mount_point).available,
                                  read_only=self._machine.is_read_only(prepared.mount_point))

    def volume(self) -> dict[str, int]:
        """Return the bytes of the data's file system; {} before preparation and without volume."""
        prepared = self.preparation.state()
        if not prepared.finished or not self._volume_there(prepared):
            return {}
        return dataclasses.asdict(self._machine.volume_use(prepared.mount_point))

    def _volume_there(self, prepared: Prepared) -> bool:
        return not prepared.volume or self._machine.is_mounted(prepared.mount_point)

    def engine_facts(self) -> dict[str, Any]:
        """Return version and uptime; {} while the engine does not answer."""
        try:
            return dataclasses.asdict(self._engine.facts())
        except EngineError as error:
            LOG.debug('No facts: %s', error.message)
            return {}

    # --- long commands ----------------------------------------------------------------------------

    def execute(self, command: messages.Command, progress: Callable[[str], None]) -> Outcome:
        """Run a long command to its end.

        :param progress: called with the name of each step when it begins.
        :raises GuestError: coded; a PrepareFailed also names the step.
        """
        return self._long[command.KIND](command, progress)

    def _prepare(self, command: messages.Prepare, progress: Callable[[str], None]) -> Outcome:
        step = self.preparation.run(command, progress)
        return Outcome(step, {'volume': self.volume(), 'engine': self.engine_facts(),
                              'problems': self.preparation.problems(command)})

    def _restart(self, command: messages.Restart, progress: Callable[[str], None]) -> Outcome:
        self._require_prepared()
        progress('restart')
        try:
            # Check before the stop: a broken configuration must not stop a running database.
            self.user_options.check()
            self.lifecycle.restart(command.deadline or None)
            self.user_options.settle()
        except EngineError as error:
            code = REVERTED if error.code == REVERTED else 'guest_restart_failed'
            raise exception.GuestError(error.message, code=code) from None
        return Outcome('restart', {'engine': self.engine_facts()})

    def _apply_configuration(self, command: messages.ApplyConfiguration,
                             progress: Callable[[str], None]) -> Outcome:
        self._require_prepared()
        return Outcome('apply', self.user_options.apply(command.options, progress))

    def _stop(self, command: messages.StopDatabase, progress: Callable[[str], None]) -> Outcome:
        self._require_prepared()
        progress('stop')
        self.lifecycle.stop(command.deadline or None, for_good=command.do_not_start_on_reboot)
        return Outcome('stop')

    def _start(self, command: messages.StartDatabase, progress: Callable[[str], None]) -> Outcome:
        self._require_prepared()
        progress('mount')
        self.data_volume.mount()
        progress('start')
        place = self.preparation.place(self.preparation.state().mount_point)
        limit = command.deadline or None
        try:
            if command.config_contents:
                self.configuration.write_base(command.config_contents)
                self._engine.validate_configuration(place)
                self.lifecycle.restart(limit)
            else:
                self.lifecycle.start(limit)
        except EngineError as error:
            raise exception.GuestError(error.message, code='guest_restart_failed') from None
        return Outcome('start', {'engine': self.engine_facts()})

    def _release_volume(self, command: messages.ReleaseVolume,
                        progress: Callable[[str], None]) -> Outcome:
        # A machine that was prepared in part releases its volume, too: another machine gets it.
        self.data_volume.release(command.deadline or LONGEST, progress)
        return Outcome('unmount')

    def _grow_volume(self, command: messages.GrowVolume,
                     progress: Callable[[str], None]) -> Outcome:
        self._require_prepared()
        how = self.data_volume.grow(command.size, command.deadline or LONGEST, progress)
        return Outcome('start', {'how': how, 'volume': self.volume()})

    def _publish_log(self, command: messages.PublishLog,
                     progress: Callable[[str], None]) -> Outcome:
        self._require_prepared()
        end = self._clock() + (command.deadline or LONGEST)
        return Outcome('publish', self.logs.publish(command, progress,
                                                    lambda: self._clock() >= end))

    def _discard_log(self, command: messages.DiscardLog,
                     progress: Callable[[str], None]) -> Outcome:
        self._require_prepared()
        progress('discard')
        return Outcome('discard', self.logs.discard(command.name))

    def _hand_over(self, command: messages.HandOver, progress: Callable[[str], None]) -> Outcome:
        self._require_prepared()
        self._handover.run(command, command.deadline or LONGEST, progress)
        return Outcome('unmount')

    def _take_over(self, command: messages.TakeOver, progress: Callable[[str], None]) -> Outcome:
        step = self._takeover.run(command, progress)
        return Outcome(step, {'engine': self.engine_facts(), 'volume': self.volume(),
                              'upgraded': self._takeover.upgraded})

    # --- short commands ---------------------------------------------------------------------------

    def run_short(self, command: messages.Command) -> dict[str, Any]:
        """Run a short command and return its result, in the shape its message class documents.

        :raises GuestError: coded.
        """
        if command.KIND == 'Ping':
            return dict(self._about)
        if command.KIND == 'Diagnose':
            return {'version': str(self._about.get('agent_version', '')), **diagnostics.process()}
        if command.KIND == 'DescribeHardware':
            return dict(diagnostics.hardware())
        if command.KIND not in self._short:
            raise exception.GuestError(code='guest_unknown_command')
        self._require_prepared()
        capability, handler = self._short[command.KIND]
        if capability and capability not in self._engine.description.capabilities:
            raise exception.GuestError(
                f'{self._engine.description.manager} does not support {capability}.',
                code='guest_not_supported')
        return handler(command)

    def _require_prepared(self) -> None:
        if not self.preparation.state().finished:
            raise exception.GuestError(code='guest_not_prepared')

    def _log_place(self) -> Place | None:
        prepared = self.preparation.state()
        return self.preparation.place(
            prepared.mount_point) if self._volume_there(prepared) else None

    def _module_directory(self) -> str:
        prepared = self.preparation.state()
        if not self._volume_there(prepared):
            raise exception.GuestError('The data volume, which holds the modules, is not mounted.',
                                       code='guest_volume_failed')
        return os.path.join(self.preparation.place(prepared.mount_point).state_directory, 'modules')
