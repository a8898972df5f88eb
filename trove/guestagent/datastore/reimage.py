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

"""A machine is given another image: what the agent does before, and what that of the new image does afterwards.

The data volume is all that the two have in common. The configuration files lie on the root disk, so copies of them go
with the volume, in a directory for each version of the datastore: going back to a version, they are there as they were.
"""

import logging
import os
from collections.abc import Callable

from trove.common import exception
from trove.common.rpc import messages
from trove.guestagent.datastore.data_volume import DataVolume
from trove.guestagent.datastore.engine import Description, Engine, EngineError, Place
from trove.guestagent.datastore.prepare import Preparation, PrepareFailed, Step
from trove.guestagent.system import files
from trove.guestagent.system.machine import Machine
from trove.guestagent.system.process import ProcessFailed

LOG = logging.getLogger(__name__)

_SAVED = 'configuration'


class SavedConfiguration:
    """Copies of the configuration files on the data volume."""

    def __init__(self, described: Description, machine: Machine) -> None:
        self._described = described
        self._machine = machine

    def _layers(self) -> dict[str, str]:
        """Name of each layer's file -> its path."""
        described = self._described
        named = (described.base_file, described.logs_file, described.user_file,
                 described.system_file)
        return {name: self._machine.path(os.path.join(described.configuration_directory, name))
                for name in named if name}

    @staticmethod
    def _directory(place: Place, version: str) -> str:
        # A version's name may hold anything; a directory's may not.
        return os.path.join(place.state_directory, _SAVED,
                            version.replace('/', '_').lstrip('.') or 'unnamed')

    def save(self, place: Place, version: str) -> None:
        """Keep all layers as this version's."""
        directory = self._directory(place, version)
        files.directory(os.path.dirname(directory), mode=0o700)
        files.directory(directory, mode=0o700)
        for name, path in self._layers().items():
            text, kept = files.read(path), os.path.join(directory, name)
            if text is None:
                files.remove(kept)
            else:
                files.write(kept, text, mode=0o600)
        files.write_json(self._last(place), {'version': version})

    def _last(self, place: Place) -> str:
        return os.path.join(place.state_directory, _SAVED, 'last.json')

    def base(self, place: Place, version: str) -> str | None:
        """The base layer that this version has left; None when it has left none."""
        return files.read(os.path.join(self._directory(place, version), self._described.base_file))

    def restore_logs(self, place: Place) -> None:
        """Put back which logs were switched on, as whoever served last has left it: nobody else knows."""
        name = self._described.logs_file
        if not name:
            return
        version = files.read_json(self._last(place)).get('version') or ''
        text = files.read(os.path.join(self._directory(place, version), name)) if version else None
        if text is None:
            files.remove(self._layers()[name])
        else:
            self._machine.write(self._layers()[name], text, mode=0o640, user='root',
                                group=self._described.os_group)


class HandOver:
    """The former machine's part. May be repeated, also after it was cut off."""

    def __init__(self, engine: Engine, machine: Machine, preparation: Preparation,
                 data_volume: DataVolume) -> None:
        self._engine = engine
        self._saved = SavedConfiguration(engine.description, machine)
        self._preparation = preparation
        self._data_volume = data_volume

    def run(self, command: messages.HandOver, timeout: float, progress: Callable[[str],
                                                                                 None]) -> None:
        """:raises GuestError: refused, or it could not be; the engine was not stopped, or is left to be started."""
        state = self._preparation.state()
        place = self._preparation.place(state.mount_point)
        if self._data_volume.is_released():
            return
        if command.version:
            progress('check')
            self._engine.check_upgrade(place, command.version)
        progress('save')
        try:
            self._saved.save(place, state.version)
            if command.version:
                progress('prepare')
                self._engine.prepare_upgrade(place, command.version)
        except (EngineError, OSError) as error:
            said = getattr(error, 'message', None) or str(error)
            raise exception.GuestError(
                f'The database server could not be made ready for its new image: {said}',
                code='guest_upgrade_not_prepared') from None
        self._data_volume.release(timeout, progress)


class TakeOver(Preparation):
    """The new machine's part: the steps of a preparation, for data that are there already."""

    #: Whether the engine's own upgrade had anything to do.
    upgraded = False

    def _plan(self) -> tuple[Step, ...]:
        return (
            ('volume', self._volume),
            ('directories', self._directories),
            ('data', self._data),
            ('convert', self._convert),
            ('config', self._configured),
            ('start', self._start),
            ('upgrade', self._upgrade),
            # Not made secure again: that would take away the administrator whom the tenant has enabled since.
            ('finish', self._finish),
        )

    def _data(self, message: messages.TakeOver) -> None:
        """3. The data are there, and belong to the engine's account, which may have another number in this image."""
        place = self.place(message.mount_point)
        if not self._engine.is_initialised(place):
            raise PrepareFailed(
                'data',
                f'{place.data_directory} holds no data of this engine. Nothing was made there.')
        self._machine.own_tree(place.data_directory, self._engine.description.os_user,
                               self._engine.description.os_group)

    def _convert(self, message: messages.TakeOver) -> None:
        """4. In the form that this version of the engine reads."""
        if message.upgrade:
            self._engine.upgrade_data(self.place(message.mount_point), self._rest())

    def _configured(self, message: messages.TakeOver) -> None:
        """5. The layers, accepted by the server binary: rendered anew, or as this version had them before."""
        place, saved = self.place(message.mount_point), SavedConfiguration(
            self._engine.description, self._machine)
        former = saved.base(place, message.datastore_version) if message.restore else None
        self._configuration.write_base(former if former is not None else message.config_contents)
        self._configuration.write_system(place)
        saved.restore_logs(place)
        self.user_options.write_first(message.options)

    def _upgrade(self, message: messages.TakeOver) -> None:
        """7. The engine's own upgrade, where its data need it."""
        if not message.upgrade:
            return
        try:
            self.upgraded = self._engine.finish_upgrade(self.place(message.mount_point),
                                                        self._rest())
        except (EngineError, ProcessFailed) as error:
            said = getattr(error, 'message', None) or str(error)
            raise PrepareFailed('upgrade', f"The engine's own upgrade failed: {said}") from None
