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

"""The layers of an engine's configuration: base from the control plane, what the switched logs need, the tenant's, and
what the agent insists on.

Files are read in the order of their names and the last one wins, so each layer is one file that is replaced whole:
an option that is no longer in a layer is no longer in its file.
"""

import os
from collections.abc import Mapping

from trove.guestagent.datastore.engine import Engine, Place
from trove.guestagent.system import files
from trove.guestagent.system.machine import Machine

_IN_FORCE = 'options-in-force.json'


class Configuration:
    """Configuration files of one engine on this machine."""

    def __init__(self, engine: Engine, machine: Machine) -> None:
        self._engine = engine
        self._machine = machine
        described = engine.description
        named = (described.base_file, described.logs_file, described.user_file, described.system_file)
        self._base, self._logs, self._user, self._system = (
            machine.path(os.path.join(described.configuration_directory, name)) if name else '' for name in named)
        #: In the order in which they are read.
        self._layers = tuple(path for path in (self._base, self._logs, self._user, self._system) if path)

    def write_base(self, text: str) -> None:
        """Replace the layer that the control plane rendered from its template."""
        self._write(self._base, text)

    def write_user(self, options: Mapping[str, str]) -> None:
        """Replace the layer of the configuration group; no options, no file."""
        self._write_or_remove(self._user, options)

    def write_logs(self, options: Mapping[str, str]) -> None:
        """Replace the layer of the switched logs; no options, no file."""
        self._write_or_remove(self._logs, options)

    def logs(self) -> dict[str, str]:
        """The options of that layer."""
        return self._engine.parse_options(files.read(self._logs) or '')

    def _write_or_remove(self, path: str, options: Mapping[str, str]) -> None:
        if options:
            self._write(path, self._engine.render_options(options))
        else:
            files.remove(path)

    def write_system(self, place: Place) -> None:
        """Replace the agent's own layer."""
        self._write(self._system, self._engine.render_options(self._engine.system_options(place)))

    def _write(self, path: str, text: str) -> None:
        # Root writes, the engine's account reads: what stands here is nobody else's to see.
        self._machine.write(path, text, mode=0o640, user='root', group=self._engine.description.os_group)

    def options(self) -> dict[str, str]:
        """What the layers say together."""
        merged: dict[str, str] = {}
        for path in self._layers:
            merged.update(self._engine.parse_options(files.read(path) or ''))
        return merged

    def note_in_force(self) -> None:
        """Remember the options the engine was started with."""
        files.write_json(self._machine.state_file(_IN_FORCE), {'options': self.options()})

    def pending_restart(self) -> list[str]:
        """Names of options that differ from those the engine was started with, sorted."""
        noted = files.read_json(self._machine.state_file(_IN_FORCE)).get('options')
        if noted is None:
            return []
        now = self.options()
        return sorted(name for name in now.keys() | noted.keys() if now.get(name) != noted.get(name))
