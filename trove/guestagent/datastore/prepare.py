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

"""Preparation of a database server: numbered steps, each safe to repeat, resumed after the last
finished one.

Progress is kept twice. The file on the root disk lists the steps that this machine need not repeat.
The file on the data volume lists what was done to the data: a rebuilt machine then neither
initialises the volume again nor creates users and databases that the tenant has deleted.
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

#: Message that starts the preparation of a machine.
Message = messages.Prepare | messages.TakeOver
#: Name and function of a step.
Step = tuple[str, Callable[[Any], Any]]

PROGRESS = 'prepare.json'
_STEP_TIMEOUT = 600


class PrepareFailed(exception.GuestError):
    """Failed step. ``step`` is its name; ``code`` is guest_prepare_<step>."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message, code=f'guest_prepare_{step}')
        self.step = step


@dataclass(frozen=True)
class Prepared:
    """State of the preparation, kept on the root disk."""
    mount_point: str
    finished: bool
    #: Reason of the last failure; "" without one.
    failure: str = ''
    #: volume_id, device_path and uuid, to mount it again; {} without a volume.
    volume: dict[str, str] = field(default_factory=dict)
    #: Number of the datastore version the machine was prepared as.
    version: str = ''


class Preparation:
    """Runner of the steps of one Prepare message."""

    def __init__(self, engine: Engine, machine: Machine, lifecycle: Lifecycle,
                 configuration: Configuration, *,
                 clock: Callable[[], float] = time.monotonic) -> None:
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
        """Return the steps in their order; subclasses with other steps end with the same one."""
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
        """Return the state from the root disk; unfinished if the machine was never prepared."""
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
        """Run the remaining steps.

        :param progress: called with the name of each step when it begins.
        :returns: the last step.
        :raises PrepareFailed: a step failed; the steps before it are not repeated.
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
                                f'The deadline of the preparation passed before step {name!r}.')
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
        """Return the seconds to the deadline, for steps that take longer with more data."""
        return max(1.0, self._deadline - self._clock())

    def remount_volume(self) -> None:
        """Mount the volume after a boot if systemd did not, as in containers, which ignore fstab.

        :raises VolumeError: :raises ProcessFailed: the volume cannot be mounted.
        """
        noted = self.state()
        if noted.volume and not self._machine.is_mounted(noted.mount_point):
            LOG.info('Mounting the data volume')
            self._machine.attach_volume(noted.volume['volume_id'], noted.volume['device_path'],
                                        noted.mount_point, new_volume=False,
                                        uuid=noted.volume['uuid'])

    # --- the steps --------------------------------------------------------------------------------

    def _volume(self, message: Message) -> None:
        """Step 1: find the device, format it if blank and new, mount it, make the unit require it.
        """
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
        """Step 2: create the mount point for the engine's account, and the agent's directory."""
        described = self._engine.description
        place = self.place(message.mount_point)
        self._machine.directory(place.mount_point, mode=0o755, user=described.os_user,
                                group=described.os_group)
        self._machine.directory(place.state_directory, mode=0o711, user='root', group='root')
        if any(log.file for log in described.logs):
            self._machine.directory(place.log_directory, mode=0o750, user=described.os_user,
                                    group=described.os_group)

    def _init(self, message: Message) -> None:
        """Step 3: create a data directory unless the volume has data of this engine."""
        place = self.place(message.mount_point)
        if self._engine.is_initialised(place):
            self._machine.own_tree(place.data_directory, self._engine.description.os_user,
                                   self._engine.description.os_group)
            return
        if os.path.isdir(place.data_directory) and os.listdir(place.data_directory):
            raise PrepareFailed(
                'init', f'{place.data_directory} is not empty, but has no data of this engine.')
        self._engine.initialise(place, self._remaining())

    def _config(self, message: Message) -> None:
        """Step 4: write the layers and check them, without the tenant's layer if that is refused.
        """
        self._configuration.write_base(message.config_contents)
        self._configuration.write_system(self.place(message.mount_point))
        self.user_options.write_first(message.options)

    def _start(self, message: Message) -> None:
        """Step 5: start the engine and wait for an answered query."""
        self._lifecycle.start(self._remaining())

    def _secure(self, message: Message) -> None:
        """Step 6: remove all other administrators and the sample data."""
        self._engine.secure()

    def _objects(self, message: messages.Prepare) -> None:
        """Step 7: create databases, users and root, once in the life of the data.

        Refused ones are reported by name and leave a working server.
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
                    'sentences': problems
                }
            })

    def _on_volume(self, mount_point: str) -> str:
        return os.path.join(self.place(mount_point).state_directory, PROGRESS)

    def problems(self, message: Message) -> list[str]:
        """Return a sentence for each database or user that a finished message did not create."""
        noted = files.read_json(self._on_volume(message.mount_point)).get('problems') or {}
        if noted.get('operation_id') != message.operation_id:
            return []
        return noted.get('sentences', [])

    def _finish(self, message: Message) -> None:
        """Step 8: check once more that the engine answers; the end of this step ends it all."""
        try:
            self._engine.probe()
        except EngineError as error:
            raise PrepareFailed('finish',
                                f'The engine stopped answering: {error.message}') from None


def unit_drop_in(mount_point: str, on_volume: bool, settings: tuple[str, ...],
                 state_directory: str) -> str:
    """Return the drop-in of the engine's unit for this machine.

    Without its volume the engine would serve an empty directory of the root disk; the condition
    prevents its start. The drop-in hides the agent's secrets from the engine, since a tenant with
    root controls its account.
    """
    lines = ['[Unit]', f'RequiresMountsFor={mount_point}']
    if on_volume:
        lines.append(f'ConditionPathIsMountPoint={mount_point}')
    lines += [
        '', '[Service]', 'NoNewPrivileges=yes', f'InaccessiblePaths=-/etc/trove -{state_directory}',
        *settings
    ]
    return '\n'.join(lines) + '\n'
