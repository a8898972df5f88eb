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

"""Agent of a guest: runs each opened command at most once and reports the state of the guest.

It has no thread and no timer of its own. Short commands run in the calling thread, long ones on an
executor; :meth:`Agent.tick` is called every few seconds. A test drives the agent step by step with
its own clock; the process of :mod:`trove.cmd.guest` drives it with threads.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from trove.common import exception
from trove.common.rpc import messages
from trove.common.rpc.transport import BusError
from trove.conductor.api import ConductorAPI
from trove.guestagent.datastore import health
from trove.guestagent.datastore.manager import Manager
from trove.guestagent.journal import Journal
from trove.guestagent.system import files

LOG = logging.getLogger(__name__)

#: Short commands that change nothing; a repeated one runs again.
_READS = frozenset({
    'Ping', 'ListDatabases', 'ListUsers', 'GetUser', 'ListAccess', 'ListLogs', 'ListModules',
    'Diagnose', 'DescribeHardware'
})
#: Short commands with a secret in their result.
_SECRET = frozenset({'EnableRoot'})
#: Long commands that create the database server: there is none until they end.
_PREPARING = frozenset({'Prepare', 'TakeOver'})
#: Results repeated in each heartbeat.
RESULTS = 4
#: Maximum names of options in a report.
MOST_OPTIONS = 100
_REPAIR = 'repair'

#: Runs functions later, one after the other.
Executor = Callable[[Callable[[], None]], None]


def count_start(path: str) -> int:
    """Count and return the starts of the agent on this disk, including this one.

    The number is written before anything is sent, so that no two runs share a number.
    """
    starts = files.read_json(path).get('starts')
    starts = (starts if isinstance(starts, int) and starts >= 0 else 0) + 1
    files.write_json(path, {'starts': starts})
    return starts


class Agent:
    """Agent of one guest.

    :param conductor: RPC client of the conductor.
    :param executor: runs long commands.
    :param report_interval: seconds between two reports while nothing changes; 0 for none.
    :param clock: monotonic seconds.
    """

    def __init__(self, manager: Manager, journal: Journal, conductor: ConductorAPI,
                 executor: Executor, *, boot_id: str, version: str, report_interval: float = 30,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self._manager = manager
        self._journal = journal
        self._conductor = conductor
        self._executor = executor
        self._boot_id = boot_id
        self._version = version
        self._report_interval = report_interval
        self._clock = clock
        self._lock = threading.Lock()
        #: (command id, kind) of the command on the executor, and its current step.
        self._running: tuple[str, str] | None = None
        self._step = ''
        self._sent_at: float | None = None
        self._sent: tuple[Any, ...] = ()
        self._report_due = True
        #: End of the last tick, for the watchdog.
        self.last_tick = clock()
        #: Called when there is something to report before the next tick.
        self.on_change: Callable[[], Any] = lambda: None

    def start(self) -> None:
        """Restore the state of the guest and continue an interrupted command."""
        try:
            self._manager.resume()
        except Exception:
            # A failing engine must not keep the agent from reporting that.
            LOG.exception('The engine could not be started')
        for command in self._journal.unfinished()[-1:]:
            LOG.info('%s %s was interrupted and continues', command.KIND, command.command_id)
            self._begin(command)
        self._changed()

    # --- commands ---------------------------------------------------------------------------------

    def handle(self, kind: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Run an opened message of the control plane; return its result, None for a long command.

        :raises GuestError: coded. :raises ValueError: names the unusable field.
        """
        if kind not in messages.DOWN:
            self._report_unknown(kind, body)
            raise exception.GuestError(code='guest_unknown_command')
        try:
            command = messages.DOWN[kind].from_wire(body)
        except ValueError as problem:
            self._report_unusable(kind, body, str(problem))
            raise
        if kind in self._manager.long_commands:
            self._accept(command)
            return None
        return self._run_short(command)

    def _report_unknown(self, kind: str, body: dict[str, Any]) -> None:
        """Report an unknown command as failed, so that the operation that sent it does not wait.

        A newer control plane may send it as a cast. A caller gets the error itself, and a call has
        no operation that waits for a result.
        """
        if isinstance(body, dict) and body.get('operation_id'):
            self._report_failure(
                kind, body, 'guest_unknown_command',
                f'The agent, version {self._version}, does not know the command {kind[:64]}; '
                f'rebuild the instance with a newer image.')

    def _report_unusable(self, kind: str, body: dict[str, Any], problem: str) -> None:
        """Report an unusable long command as failed: the sender of a cast gets no error."""
        if kind in self._manager.long_commands:
            self._report_failure(kind, body, 'guest_invalid_message',
                                 f'The agent cannot use the command: {problem}.')

    def _report_failure(self, kind: str, body: dict[str, Any], code: str, sentence: str) -> None:
        """Send a result for a message that is not a command, if the message has an id."""
        try:
            result = messages.CommandResult.from_wire({
                'command_id': body.get('command_id'),
                'operation_id': body.get('operation_id', ''),
                'kind': kind,
                'outcome': messages.command.FAILED,
                'error_code': code,
                'message': sentence
            })
        except ValueError as problem:
            LOG.warning('A failed command cannot be reported: %s', problem)
            return
        self._report_result(result)

    def _run_short(self, command: messages.Command) -> dict[str, Any]:
        if command.KIND in _READS or not command.command_id:
            return self._manager.run_short(command)
        before = self._journal.recorded_result(command.command_id)
        if before is not None:
            return before
        result = self._manager.run_short(command)
        self._journal.record_result(command.command_id, result, secret=command.KIND in _SECRET)
        return result

    def _accept(self, command: messages.Command) -> None:
        if not command.command_id:
            raise ValueError('command_id is missing')
        before = self._journal.result(command.command_id)
        if before is not None:
            LOG.info('%s %s was done before; its result is sent again', command.KIND,
                     command.command_id)
            self._report_result(before)
            return
        if not self._begin(command):
            running, step = self._running, self._step
            if running and running[0] == command.command_id:
                LOG.info('%s %s is delivered again while it runs', command.KIND, command.command_id)
                return
            doing = f'{running[1]} ({step})' if running else 'something else'
            self._report_result(
                self._result(command, messages.command.FAILED, error_code='guest_busy',
                             message=f'The agent is busy with {doing}.'))

    def _begin(self, command: messages.Command) -> bool:
        """Start a command on the executor; return false if the executor is busy."""
        with self._lock:
            if self._running:
                return False
            self._running = (command.command_id, command.KIND)
            self._step = 'begin'
        try:
            self._journal.begin(command)
        except BaseException:
            self._running = None
            raise
        self._changed()
        self._executor(lambda: self._execute(command))
        return True

    def _execute(self, command: messages.Command) -> None:
        LOG.info('%s %s begins', command.KIND, command.command_id)
        try:
            outcome = self._manager.execute(command, self._progress)
            result = self._result(command, messages.command.DONE, step=outcome.step,
                                  data=outcome.data)
        except exception.TroveError as error:
            LOG.warning('%s %s failed: %s (%s)', command.KIND, command.command_id, error.message,
                        error.code)
            result = self._result(command, messages.command.FAILED, step=getattr(
                error, 'step', self._step), error_code=error.code, message=error.message)
        except Exception as error:
            LOG.exception('%s %s failed', command.KIND, command.command_id)
            result = self._result(
                command, messages.command.FAILED, step=self._step, error_code='guest_error',
                message=f'The agent failed in step {self._step!r}: {type(error).__name__}.')
        try:
            self._journal.end(result)
        except OSError:
            # A full disk must not keep the agent busy forever. Its next start runs the command
            # again from the recorded begin; every long command may be repeated.
            LOG.exception('The result of %s %s could not be recorded', command.KIND,
                          command.command_id)
        self._running = None
        self._report_result(result)
        self._changed()

    def _progress(self, step: str) -> None:
        self._step = step

    @staticmethod
    def _result(command: messages.Command, outcome: str, **more: Any) -> messages.CommandResult:
        more['message'] = more.get('message', '')[:1000]
        return messages.CommandResult(command_id=command.command_id,
                                      operation_id=command.operation_id, kind=command.KIND,
                                      outcome=outcome, **more)

    # --- reports ----------------------------------------------------------------------------------

    def _report_result(self, result: messages.CommandResult) -> None:
        try:
            self._conductor.command_result(result)
        except BusError as error:
            # The next heartbeat carries it.
            LOG.warning('The result of %s %s could not be sent: %s', result.kind, result.command_id,
                        error)

    def _changed(self) -> None:
        self._report_due = True
        self.on_change()

    def tick(self) -> None:
        """Check the engine, repair what the agent can repair, and report what changed or is due."""
        seen = self._health()
        if seen.status == health.HEALTHY:
            self._manager.lifecycle.notice_restart()
            self._manager.logs.rotate()
        if self._manager.lifecycle.may_repair() and not self._running:
            self._repair()
        now = self._clock()
        state = (seen.status, self._running, tuple(self._manager.configuration.pending_restart()))
        due = self._sent_at is None or now - self._sent_at >= self._report_interval
        if self._report_interval and (due or self._report_due or state != self._sent):
            self._report_due = False
            if self._send(seen):
                self._sent_at, self._sent = now, state
            else:
                self._report_due = True
        self.last_tick = self._clock()

    def _health(self) -> health.Health:
        running, step = self._running, self._step
        if running and running[1] in _PREPARING:
            return health.Health(health.BUILDING, f'preparing: {step}')
        seen = self._manager.health()
        if running and seen.status == health.CRASHED:
            return health.Health(health.RUNNING, f'{running[1]}: {step}')
        return seen

    def _send(self, seen: health.Health) -> bool:
        healthy = seen.status == health.HEALTHY
        message = messages.Heartbeat(
            service_status=seen.status, reason=seen.reason[:255], agent_version=self._version,
            boot_id=self._boot_id, volume=self._manager.volume(),
            engine=self._manager.engine_facts() if healthy else {},
            pending_restart=self._manager.configuration.pending_restart()[:MOST_OPTIONS],
            drift=self._manager.user_options.drifted()[:MOST_OPTIONS] if healthy else [],
            rejection=self._manager.configuration.rejection()[:255],
            results=self._journal.results(RESULTS))
        try:
            self._conductor.heartbeat(message)
        except BusError as error:
            LOG.warning('The report could not be sent: %s', error)
            return False
        return True

    def _repair(self) -> None:
        with self._lock:
            if self._running:
                return
            self._running, self._step = ('', _REPAIR), _REPAIR
        self._executor(self._run_repair)

    def _run_repair(self) -> None:
        try:
            self._manager.lifecycle.repair()
        except Exception:
            LOG.exception('The repair failed; it is retried later')
        finally:
            self._running = None
            self._changed()
