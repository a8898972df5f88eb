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

"""Move of a guest to another image: the part of the former machine and the part of the new one.

Only the data volume is common to both. The configuration files are on the root disk, so the volume
carries copies of them, in a directory for each version of the datastore. A return to a version
finds its files again.
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
        """Return the name of each layer's file -> its path."""
        described = self._described
        layers = (described.base_file, described.logs_file, described.user_file,
                  described.system_file)
        return {name: self._machine.path(os.path.join(described.configuration_directory, name))
                for name in layers if name}

    @staticmethod
    def _directory(place: Place, version: str) -> str:
        # The name of a version may have any characters, that of a directory may not.
        return os.path.join(place.state_directory, _SAVED,
                            version.replace('/', '_').lstrip('.') or 'unnamed')

    def save(self, place: Place, version: str) -> None:
        """Copy all layers as those of this version."""
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
        """Return the base layer that this version left; None if it left none."""
        return files.read(os.path.join(self._directory(place, version), self._described.base_file))

    def restore_logs(self, place: Place) -> None:
        """Restore which logs are switched on, from the copies of the last machine."""
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
    """Part of the former machine. It may be repeated, also after an interruption."""

    def __init__(self, engine: Engine, machine: Machine, preparation: Preparation,
                 data_volume: DataVolume) -> None:
        self._engine = engine
        self._saved = SavedConfiguration(engine.description, machine)
        self._preparation = preparation
        self._data_volume = data_volume

    def run(self, command: messages.HandOver, timeout: float,
            progress: Callable[[str], None]) -> None:
        """Check the upgrade, save the configuration, prepare the data and release the volume.

        :raises GuestError: refused or failed; the engine still runs, or can be started.
        """
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
            reason = getattr(error, 'message', None) or str(error)
            raise exception.GuestError(
                f'The database server could not be prepared for its new image: {reason}',
                code='guest_upgrade_not_prepared') from None
        self._data_volume.release(timeout, progress)


class TakeOver(Preparation):
    """Part of the new machine: the steps of a preparation, for existing data."""

    #: True once the engine's own upgrade changed something.
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
            # "secure" is missing: it would remove the administrator that the tenant enabled.
            ('finish', self._finish),
        )

    def _data(self, message: messages.TakeOver) -> None:
        """Step 3: check the data and give them to the engine's account of this image."""
        place = self.place(message.mount_point)
        if not self._engine.is_initialised(place):
            raise PrepareFailed(
                'data',
                f'{place.data_directory} has no data of this engine. Nothing was created there.')
        self._machine.own_tree(place.data_directory, self._engine.description.os_user,
                               self._engine.description.os_group)

    def _convert(self, message: messages.TakeOver) -> None:
        """Step 4: convert the data for this version of the engine."""
        if message.upgrade:
            self._engine.upgrade_data(self.place(message.mount_point), self._rest())

    def _configured(self, message: messages.TakeOver) -> None:
        """Step 5: write the layers, rendered anew or as this version left them, and check them."""
        place, saved = self.place(message.mount_point), SavedConfiguration(
            self._engine.description, self._machine)
        former = saved.base(place, message.datastore_version) if message.restore else None
        self._configuration.write_base(former if former is not None else message.config_contents)
        self._configuration.write_system(place)
        saved.restore_logs(place)
        self.user_options.write_first(message.options)

    def _upgrade(self, message: messages.TakeOver) -> None:
        """Step 7: run the engine's own upgrade if the data need it."""
        if not message.upgrade:
            return
        try:
            self.upgraded = self._engine.finish_upgrade(self.place(message.mount_point),
                                                        self._rest())
        except (EngineError, ProcessFailed) as error:
            reason = getattr(error, 'message', None) or str(error)
            raise PrepareFailed('upgrade', f"The engine's own upgrade failed: {reason}") from None
