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

"""Make a database server of this machine: numbered steps, each safe to repeat, resumed after the last one finished.

Progress is kept twice. On the root disk it says which steps this machine need not repeat; on the data volume it says
what the data has been through, so that a rebuilt machine neither initialises the volume again nor brings back objects
the tenant has deleted since.
"""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trove.common import exception
from trove.common.rpc import messages
from trove.guestagent.datastore.configuration import Configuration
from trove.guestagent.datastore.engine import Engine, EngineError, Place
from trove.guestagent.datastore.lifecycle import Lifecycle
from trove.guestagent.datastore.user_options import UserOptions
from trove.guestagent.datastore.users_and_databases import create_initial
from trove.guestagent.system import files
from trove.guestagent.system.machine import Machine
from trove.guestagent.system.mount import VolumeError
from trove.guestagent.system.process import ProcessFailed

LOG = logging.getLogger(__name__)

#: What makes a database server of a machine.
Message = messages.Prepare | messages.TakeOver
#: A step's name and what it does.
Step = tuple[str, Callable[[Any], Any]]

PROGRESS = 'prepare.json'
_STEP_TIMEOUT = 600


class PrepareFailed(exception.GuestError):
    """A step failed. ``step`` names it; ``code`` is guest_prepare_<step>."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message, code=f'guest_prepare_{step}')
        self.step = step


@dataclass(frozen=True)
class Prepared:
    """What this machine serves, remembered on its root disk once the last step ended."""
    mount_point: str
    finished: bool
    #: Why the last attempt failed; "" if it did not.
    failure: str = ''
    #: volume_id, device_path and uuid, with which it is brought back; empty without a volume.
    volume: dict[str, str] = field(default_factory=dict)
    #: number of the datastore version it was prepared as
    version: str = ''


class Preparation:
    """Runs the steps of one Prepare message."""

    def __init__(self, engine: Engine, machine: Machine, lifecycle: Lifecycle,
                 configuration: Configuration, *, clock: Callable[[],
                                                                  float] = time.monotonic) -> None:
        self._engine = engine
        self._machine = machine
        self._lifecycle = lifecycle
        self._configuration = configuration
        self._clock = clock
        self.user_options = UserOptions(engine, configuration, lifecycle,
                                        lambda: self.place(self.state().mount_point))
        self._attached: dict[str, str] = {}
        self._deadline = 0.0
        self._steps = self._plan()

    def _plan(self) -> tuple[Step, ...]:
        """The steps in their order; whoever has others ends with the same."""
        return (
            ('volume', self._volume),
            ('directories', self._directories),
            ('init', self._init),
            ('config', self._config),
            ('start', self._start),
            ('secure', self._secure),
            ('objects', self._objects),
            ('finish', self._finish),
        )

    def state(self) -> Prepared:
        """What the root disk remembers; never prepared means not finished."""
        noted = files.read_json(self._machine.state_file(PROGRESS))
        return Prepared(
            mount_point=noted.get('mount_point') or self._engine.description.mount_point,
            finished=noted.get('finished') == self._steps[-1][0], failure=noted.get('failure')
            or '', volume=noted.get('volume') or {}, version=noted.get('datastore_version') or '')

    def place(self, mount_point: str) -> Place:
        mount_point = self._machine.path(mount_point)
        return Place(
            mount_point=mount_point, state_directory=os.path.join(mount_point, 'trove'),
            data_directory=os.path.join(mount_point, self._engine.description.data_directory))

    def run(self, message: Message, progress: Callable[[str], None] = lambda step: None) -> str:
        """Run what is left to do.

        :param progress: told the name of each step as it begins.
        :returns: the last step.
        :raises PrepareFailed: at the step that failed; the ones before stay done.
        """
        self._deadline = self._clock() + (message.deadline or 10 * _STEP_TIMEOUT)
        noted = files.read_json(self._machine.state_file(PROGRESS))
        self._attached = noted.get('volume') or {}
        names = [name for name, _ in self._steps]
        done = names.index(noted['finished']) + 1 if noted.get('finished') in names else 0
        for number, (name, step) in enumerate(self._steps[done:], start=done + 1):
            progress(name)
            began = self._clock()
            try:
                self._attempt(name, step, message)
            except PrepareFailed as failed:
                self._note(names[number - 2] if number > 1 else '', message, failure=failed.message)
                raise
            LOG.info('Prepare step %d (%s) done in %.2f s', number, name, self._clock() - began)
            self._note(name, message)
        return names[-1]

    def _attempt(self, name: str, step: Callable[[Any], Any], message: Message) -> None:
        if self._clock() >= self._deadline:
            raise PrepareFailed(name,
                                f'The deadline of the preparation was over before step {name!r}.')
        try:
            step(message)
        except PrepareFailed:
            raise
        except exception.GuestError as error:
            raise PrepareFailed(name, error.message) from None
        except (ProcessFailed, VolumeError, OSError, ValueError, KeyError) as error:
            LOG.exception('Prepare step %s failed', name)
            raise PrepareFailed(name, f'{type(error).__name__}: {error}') from None

    def _note(self, finished: str, message: Message, *, failure: str = '') -> None:
        files.write_json(
            self._machine.state_file(PROGRESS), {
                'finished': finished,
                'mount_point': message.mount_point,
                'failure': failure,
                'volume': self._attached,
                'datastore_version': message.datastore_version
            })

    def _remaining(self) -> float:
        return max(1.0, min(_STEP_TIMEOUT, self._rest()))

    def _rest(self) -> float:
        """Seconds until nobody waits any more: for steps that last as long as there are data."""
        return max(1.0, self._deadline - self._clock())

    def remount_volume(self) -> None:
        """After a start of the machine: mount the volume if systemd did not, as in containers, where it ignores fstab.

        :raises VolumeError: :raises ProcessFailed: it cannot be mounted.
        """
        noted = self.state()
        if noted.volume and not self._machine.is_mounted(noted.mount_point):
            LOG.info('Mounting the data volume')
            self._machine.attach_volume(noted.volume['volume_id'], noted.volume['device_path'],
                                        noted.mount_point, new_volume=False,
                                        uuid=noted.volume['uuid'])

    # --- the steps --------------------------------------------------------------------------------

    def _volume(self, message: Message) -> None:
        """1. Find the device, format it if it is blank and new, mount it; the unit waits for the mount."""
        described = self._engine.description
        where = {'volume_id': message.device.get('volume_id') or '',
                 'device_path': message.device.get('device_path') or ''}
        on_volume = any(where.values())
        if on_volume:
            uuid = self._machine.attach_volume(where['volume_id'], where['device_path'],
                                               message.mount_point, new_volume=message.new_volume,
                                               wait=min(60, self._remaining()))
            self._attached = {**where, 'uuid': uuid}
        self._machine.unit(described.unit).drop_in('10-trove', unit_drop_in(
            message.mount_point, on_volume, described.unit_settings, self._machine.state_directory))

    def _directories(self, message: Message) -> None:
        """2. The mount point lets the engine's account in; the agent's own directory is beside the data."""
        described = self._engine.description
        place = self.place(message.mount_point)
        self._machine.directory(place.mount_point, mode=0o755, user=described.os_user,
                                group=described.os_group)
        self._machine.directory(place.state_directory, mode=0o711, user='root', group='root')
        if any(log.file for log in described.logs):
            self._machine.directory(place.log_directory, mode=0o750, user=described.os_user,
                                    group=described.os_group)

    def _init(self, message: Message) -> None:
        """3. A pristine data directory, unless the volume brings data of this engine along."""
        place = self.place(message.mount_point)
        if self._engine.is_initialised(place):
            self._machine.own_tree(place.data_directory, self._engine.description.os_user,
                                   self._engine.description.os_group)
            return
        if os.path.isdir(place.data_directory) and os.listdir(place.data_directory):
            raise PrepareFailed(
                'init', f'{place.data_directory} is not empty, but holds no data of this engine.')
        self._engine.initialise(place, self._remaining())

    def _config(self, message: Message) -> None:
        """4. The layers, accepted by the server binary; without the tenant's when it is that which is not."""
        self._configuration.write_base(message.config_contents)
        self._configuration.write_system(self.place(message.mount_point))
        self.user_options.write_first(message.options)

    def _start(self, message: Message) -> None:
        """5. Up, and answering a query."""
        self._lifecycle.start(self._remaining())

    def _secure(self, message: Message) -> None:
        """6. No administrator but the agent, no sample data."""
        self._engine.secure()

    def _objects(self, message: messages.Prepare) -> None:
        """7. Databases, users, root; only once in the life of the data. What is refused is reported by name, and
        leaves a server that works.
        """
        path = self._on_volume(message.mount_point)
        if files.read_json(path).get('objects'):
            return
        problems = create_initial(self._engine, message.databases, message.users,
                                  message.root_password)
        files.write_json(
            path, {
                'objects': True,
                'datastore_version': message.datastore_version,
                'manager': self._engine.description.manager,
                'problems': {
                    'operation_id': message.operation_id,
                    'told': problems
                }
            })

    def _on_volume(self, mount_point: str) -> str:
        return os.path.join(self.place(mount_point).state_directory, PROGRESS)

    def problems(self, message: Message) -> list[str]:
        """A sentence for each database or user of a message that was not made; for one that has been run."""
        noted = files.read_json(self._on_volume(message.mount_point)).get('problems') or {}
        return noted['told'] if noted and noted['operation_id'] == message.operation_id else []

    def _finish(self, message: Message) -> None:
        """8. Nothing to do but to see it healthy once more; that this step ended is the end marker."""
        try:
            self._engine.probe()
        except EngineError as error:
            raise PrepareFailed('finish',
                                f'The engine stopped answering: {error.message}') from None


def unit_drop_in(mount_point: str, on_volume: bool, settings: tuple[str, ...],
                 state_directory: str) -> str:
    """What the engine's unit needs to know about this machine.

    Without its volume the engine would find an empty directory on the root disk and serve that; the condition keeps
    it from starting. The agent's secrets are hidden from the engine, whose account a tenant with root controls.
    """
    lines = ['[Unit]', f'RequiresMountsFor={mount_point}']
    if on_volume:
        lines.append(f'ConditionPathIsMountPoint={mount_point}')
    lines += [
        '', '[Service]', 'NoNewPrivileges=yes', f'InaccessiblePaths=-/etc/trove -{state_directory}',
        *settings
    ]
    return '\n'.join(lines) + '\n'
