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

"""Lifecycle of the engine: start, stop, restart, health, and repair of a locked-out agent."""

import logging
import os
import time
from collections.abc import Callable

from trove.guestagent.datastore import health
from trove.guestagent.datastore.configuration import Configuration
from trove.guestagent.datastore.engine import (
    Engine, EngineError, EngineUnavailable, LockedOut, Restart)
from trove.guestagent.system import files, systemd
from trove.guestagent.system.machine import Machine
from trove.guestagent.system.process import ProcessFailed

LOG = logging.getLogger(__name__)

#: Minimum seconds between two repairs: each restarts the tenant's engine.
REPAIR_PAUSE = 600
#: Failed restarts by systemd after which the engine counts as failed.
TRIES = 2


class Lifecycle:
    """Driver of one engine's unit and judge of its health.

    :param clock: monotonic seconds. :param sleep: waits a number of seconds.
    """

    def __init__(self, engine: Engine, machine: Machine, configuration: Configuration, *,
                 wait: float = 180, poll: float = 1, clock: Callable[[], float] = time.monotonic,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        self._engine = engine
        self._unit = machine.unit(engine.description.unit)
        self._configuration = configuration
        self._wait = wait
        self._poll = poll
        self._clock = clock
        self._sleep = sleep
        self._failures = 0
        self._repaired_at: float | None = None
        #: Time at which another user layer did not help either.
        self._fell_back_at: float | None = None
        #: File that exists while the engine is stopped on request; a boot removes it.
        self._stop_mark = machine.runtime_file('stopped')
        self.locked_out = False
        self._failed = False
        self._restarts: int | None = None

    def health(self) -> health.Health:
        """Probe the engine, then systemd, and count failures in a row."""
        try:
            self._engine.probe()
        except EngineUnavailable as error:
            self._failures += 1
            self.locked_out = isinstance(error, LockedOut)
            probe = health.Probe(answered=False, failures=self._failures, reason=error.message,
                                 replied=error.answering)
        except EngineError as error:
            self._failures += 1
            probe = health.Probe(answered=False, failures=self._failures, reason=error.message,
                                 replied=True)
        else:
            self._failures = 0
            self.locked_out = self._failed = False
            self._restarts = None
            return health.Health(health.HEALTHY)
        try:
            state = self._unit.state()
            should_run = self.should_run
        except ProcessFailed as error:
            LOG.warning('systemd does not answer: %s', error)
            return health.judge(probe, None, should_run=True)
        if not state.running:
            # Count anew once the engine is up again.
            self._failures = 0
        # Count the restarts by systemd since the engine was first seen down.
        self._restarts = state.restarts if self._restarts is None else min(
            self._restarts, state.restarts)
        self._failed = state.active == 'failed' or state.restarts - self._restarts >= TRIES
        return health.judge(probe, state, should_run=should_run)

    def is_up(self) -> bool:
        """Return whether a process of the engine runs, whether it answers or not."""
        try:
            return self._unit.state().active not in ('inactive', 'failed')
        except ProcessFailed as error:
            raise EngineUnavailable(f'systemd does not answer: {error}') from None

    @property
    def should_run(self) -> bool:
        """Requested state of the engine, kept on disk since the agent may restart."""
        return not os.path.exists(self._stop_mark) and self._unit.enabled()

    def start(self, timeout: float | None = None) -> None:
        """Start the engine now and with the machine, and wait for an answered query.

        If the engine does not start with a user layer that it was never started with, the last good
        one replaces that layer. :meth:`Configuration.rejection` then returns the reason.

        :raises EngineError: with the last errors of the engine.
        """
        self._engine_action(self._unit.start, timeout)

    def restart(self, timeout: float | None = None) -> None:
        """Stop the engine, then start it as :meth:`start` does."""
        self._engine_action(self._unit.restart, timeout)

    def notice_restart(self) -> None:
        """Record the options in force if systemd started the engine, with the machine or after a
        crash.

        This costs a query of systemd, so it happens only while an option waits for a restart.
        """
        if not self._configuration.pending_restart() or self._configuration.rejection():
            return
        try:
            state = self._unit.state()
        except ProcessFailed as error:
            LOG.warning('systemd does not answer: %s', error)
            return
        if state.running and state.run and state.run != self._configuration.run():
            LOG.info('The engine was restarted: options that waited for a restart are in force')
            self._configuration.note_in_force(state.run)

    def stop(self, timeout: float | None = None, *, for_good: bool = False) -> None:
        """Stop the engine.

        :param for_good: keep the engine stopped after a start of the machine or the agent.
        :raises EngineError: the engine did not stop in time.
        """
        try:
            if for_good:
                self._unit.enable(False)
            files.write(self._stop_mark, '')
            self._unit.stop(timeout or self._wait)
        except ProcessFailed as error:
            raise EngineError(f'The engine did not stop: {error}') from None

    def _engine_action(self, action: Callable[[float], None], timeout: float | None) -> None:
        limit = timeout or self._wait
        deadline = self._clock() + limit
        untested = self._configuration.is_untested()
        try:
            # Keep half of the time for a start without a layer that may be bad.
            self._start_and_wait(action, limit / 2 if untested else limit)
        except EngineError as error:
            self._start_without(error, max(1.0, deadline - self._clock()))

    def _start_without(self, error: EngineError, limit: float) -> None:
        """Start the engine with the last good user layer instead of one never started with.

        :raises EngineError: ``error``, if there is no other layer, or the layer was not the cause.
        """
        if not self._configuration.fall_back(error.message):
            raise error
        LOG.warning(
            'The engine does not start with its user layer; falling back to the last good one: %s',
            error.message)
        try:
            self._start_and_wait(self._unit.restart, limit)
        except EngineError:
            self._fell_back_at = self._clock()
            self._configuration.reinstate()
            raise error from None

    def _start_and_wait(self, action: Callable[[float], None], limit: float) -> None:
        deadline = self._clock() + limit
        files.remove(self._stop_mark)
        try:
            self._unit.enable(True)
            action(limit)
        except ProcessFailed as error:
            LOG.warning('The unit did not start: %s', error)
            raise EngineError(f'The engine did not start.{self._last_words()}') from None
        if not self._wait_for_answer(deadline):
            # The engine was just restarted for the tenant: the best time for another restart.
            self.restore_account()
        run = self._run()
        if not run or run != self._configuration.run():
            # A running engine that was not restarted has not read its files again.
            self._configuration.note_in_force(run)

    def _run(self) -> str:
        try:
            return self._unit.state().run
        except ProcessFailed:
            return ''

    def _wait_for_answer(self, deadline: float) -> bool:
        """Return true when the engine answers, false when it refuses the agent's account."""
        while True:
            try:
                self._engine.probe()
                return True
            except LockedOut:
                return False
            except EngineUnavailable as error:
                reason = error.message
            state = self._unit.state()
            if self._clock() >= deadline or state.active in ('failed', 'inactive'):
                how = f'the unit is {state.active} ({state.result})'
                raise EngineError(
                    f'The engine did not come up, {how}: {reason}{self._last_words()}')
            self._sleep(self._poll)

    def _last_words(self) -> str:
        try:
            lines = [*self._unit.recent_errors(), *self._engine.recent_errors()]
        except ProcessFailed:
            return ''
        return error_excerpt(lines)

    # --- repair -----------------------------------------------------------------------------------

    def may_repair(self) -> bool:
        """Return whether :meth:`repair` has something to do."""
        return self._may_restore_account() or self._may_fall_back()

    def repair(self) -> None:
        """Restore a locked-out agent's account, or start an engine that failed with new options."""
        if self._may_fall_back():
            self._start_without(EngineError(f'The engine did not start.{self._last_words()}'),
                                self._wait)
        else:
            self.restore_account()

    def _may_fall_back(self) -> bool:
        return self._failed and self._is_due(
            self._fell_back_at) and self._configuration.is_untested() and self.should_run

    def _is_due(self, moment: float | None) -> bool:
        return moment is None or self._clock() - moment >= REPAIR_PAUSE

    def _may_restore_account(self) -> bool:
        """Return whether the agent is locked out and the last repair is long enough ago."""
        return self.locked_out and self._is_due(self._repaired_at)

    def restore_account(self) -> None:
        """Restart the engine with statements that give the agent its account back."""
        LOG.warning('The engine refuses the agent; restarting it with the recovery statements')
        self._repaired_at = self._clock()
        self._engine.restore_account(_RestartOnce(self._unit, self._wait))
        if not self._wait_for_answer(self._clock() + self._wait):
            raise EngineError("The engine refuses the agent's account even after the repair.")


def error_excerpt(lines: list[str]) -> str:
    """Return the first errors in a log, or its last line, as the end of a sentence."""
    chosen = [line for line in lines if any(word in line for word in ('ERROR', 'FATAL', 'PANIC'))
              ][:2] or lines[-1:]
    return ''.join(f' Log: {line.strip()[:200]}' for line in chosen)


class _RestartOnce(Restart):
    def __init__(self, unit: systemd.Unit, timeout: float) -> None:
        self._unit = unit
        self._timeout = timeout

    def with_environment(self, name: str, value: str) -> None:
        self._unit.restart_with(name, value, self._timeout)

    def now(self) -> None:
        self._unit.restart(self._timeout)
